"""What arrived in the sandbox of the page: requests, replies, and what the replies mean."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import Any

from segcli.core import exact_json
from segcli.core.visible_text import visible, visible_lines
from segcli.sandbox import Exchange
from segcli.ui.item_verdicts import ReplyVerdicts

_MOST_EXCHANGES = 5000
_MOST_BYTES = 64 * 1024 * 1024
_MOST_USERS = 20
# Characters of a reason in the list.
_MOST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class _Kept:
    """An exchange, without its single events, and what its reply means."""

    number: int
    exchange: Exchange
    judgement: ReplyVerdicts


class ExchangeLog:
    """The latest exchanges, numbered from 1; at most 5,000, and at most 64 MB of bodies.

    last: the number of the latest one.
    cleared: the number of the latest one that was forgotten on request.
    """

    def __init__(self) -> None:
        self.last = self.cleared = 0
        self._kept: deque[_Kept] = deque()
        self._size = 0
        self._lock = threading.Lock()

    def add(self, exchange: Exchange, judgement: ReplyVerdicts) -> None:
        """Add an exchange, and drop the oldest ones if there are too many."""
        items = [replace(item, raw=b"") for item in exchange.items]
        exchange = replace(exchange, items=items)
        with self._lock:
            self.last += 1
            self._kept.append(_Kept(self.last, exchange, judgement))
            self._size += _size_of(exchange)
            while len(self._kept) > _MOST_EXCHANGES or self._size > _MOST_BYTES:
                self._size -= _size_of(self._kept.popleft().exchange)

    def clear(self) -> None:
        """Forget all. The numbers go on, so that a new one is never taken for an old one."""
        with self._lock:
            self._kept.clear()
            self.cleared = self.last
            self._size = 0

    def since(self, number: int, count: int, user: str = "") -> list[dict[str, Any]]:
        """Return what the list shows of exchanges after a number, the oldest first.

        With a user, only those that carry an event of that user.
        """
        with self._lock:
            kept = [one for one in self._kept if one.number > number]
        if user:
            kept = [one for one in kept if _carries(one.exchange, user)]
        return list(map(_row, kept[:count]))

    def details(self, number: int) -> dict[str, Any] | None:
        """Return a whole exchange; None if it is not kept any more."""
        with self._lock:
            kept = next((one for one in self._kept if one.number == number), None)
        if kept is None:
            return None
        found = kept.exchange
        return {
            **_row(kept),
            "items": [
                [visible(item.user), item.status, said.verdict, visible(said.reason)]
                for item, said in zip(found.items, kept.judgement.items, strict=True)
            ],
            "headers": [[name, visible(text)] for name, text in found.headers.items()],
            "body": visible_lines(found.body.decode(errors="backslashreplace")),
            "reply": visible_lines(found.reply.decode(errors="backslashreplace")),
        }


def _size_of(exchange: Exchange) -> int:
    return len(exchange.body) + len(exchange.reply) + 500 + 100 * len(exchange.items)


def _row(kept: _Kept) -> dict[str, Any]:
    exchange = kept.exchange
    users = _users(exchange)
    verdict, reason = _summary(kept.judgement)
    return {
        "number": kept.number,
        "at": exchange.at,
        "vendor": visible(exchange.vendor),
        "method": exchange.method,
        "route": visible(exchange.route or "/"),
        "users": [visible(user) for user in users[:_MOST_USERS]],
        "moreUsers": max(0, len(users) - _MOST_USERS),
        "status": exchange.status,
        "fault": exchange.fault,
        "verdict": verdict,
        "reason": visible(reason[:_MOST_SHOWN]),
        "events": len(exchange.items),
    }


def _summary(judgement: ReplyVerdicts) -> tuple[str, str]:
    """Return the verdict on a request in few words, and the first reason of its events."""
    if judgement.whole:
        return judgement.whole.verdict, judgement.whole.reason
    counts = Counter(item.verdict for item in judgement.items)
    reason = next((item.reason for item in judgement.items if item.reason), "")
    if len(counts) == 1:
        return next(iter(counts)), reason
    return ", ".join(f"{number:,} {verdict}" for verdict, number in counts.items()), reason


def _carries(exchange: Exchange, user: str) -> bool:
    """Return whether a request carries an event of a user.

    One that was not accepted was not read event by event: its body tells.
    """
    if user in map(visible, _users(exchange)):
        return True
    return not exchange.items and exact_json.dumps(user) in exchange.body


def _users(exchange: Exchange) -> list[str]:
    """Return the users of an exchange, each once."""
    named = (exchange.user, *(item.user for item in exchange.items))
    return list(dict.fromkeys(filter(None, named)))

"""The sandbox of the page: what arrived, and sends of chosen events with chosen faults."""

import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segcli.accounting.reject_samples import RejectSamples
from segcli.accounting.series import Series, sampled
from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.core import exact_json
from segcli.core.outcome import Job
from segcli.core.visible_text import visible, visible_lines
from segcli.delivery.pipeline import SendRun, deliver
from segcli.delivery.shutdown import OutsideStop
from segcli.errors import SegcliError, Stopped, UsageError
from segcli.runs.run_result import RunResult
from segcli.sandbox import Exchange, SandboxServer, Script, parse_fault, running
from segcli.ui.event_index import IndexedLine
from segcli.ui.given_lines import inputs_of, numbers_of
from segcli.ui.run_state import RunState

_MOST_EXCHANGES = 5000
_MOST_BYTES = 64 * 1024 * 1024
_MOST_USERS = 20
# From this status on, the vendor has not taken an event.
_FAILED = 300


class ExchangeLog:
    """The latest exchanges, numbered from 1; at most 5,000, and at most 64 MB of bodies.

    last: the number of the latest one.
    cleared: the number of the latest one that was forgotten on request.
    """

    def __init__(self) -> None:
        self.last = self.cleared = 0
        self._kept: deque[tuple[int, Exchange]] = deque()
        self._size = 0
        self._lock = threading.Lock()

    def add(self, exchange: Exchange) -> None:
        """Add an exchange, and drop the oldest ones if there are too many."""
        with self._lock:
            self.last += 1
            self._kept.append((self.last, exchange))
            self._size += _size_of(exchange)
            while len(self._kept) > _MOST_EXCHANGES or self._size > _MOST_BYTES:
                self._size -= _size_of(self._kept.popleft()[1])

    def clear(self) -> None:
        """Forget all. The numbers go on, so that nobody takes a new one for an old one."""
        with self._lock:
            self._kept.clear()
            self.cleared = self.last
            self._size = 0

    def since(self, number: int, count: int, user: str = "") -> list[dict[str, Any]]:
        """Return what the list shows of exchanges after a number, the oldest first.

        With a user, only those that carry an event of that user.
        """
        with self._lock:
            kept = [one for one in self._kept if one[0] > number]
        if user:
            kept = [one for one in kept if _carries(one[1], user)]
        return [_row(at, exchange) for at, exchange in kept[:count]]

    def details(self, number: int) -> dict[str, Any] | None:
        """Return a whole exchange; None if it is not kept any more."""
        with self._lock:
            found = next((one for at, one in self._kept if at == number), None)
        if found is None:
            return None
        return {
            **_row(number, found),
            "items": [[visible(item.user), item.status] for item in found.items],
            "headers": [[name, visible(text)] for name, text in found.headers.items()],
            "body": visible_lines(found.body.decode(errors="backslashreplace")),
            "reply": visible_lines(found.reply.decode(errors="backslashreplace")),
        }


def _size_of(exchange: Exchange) -> int:
    return len(exchange.body) + len(exchange.reply) + 500


def _row(number: int, exchange: Exchange) -> dict[str, Any]:
    users = _users(exchange)
    return {
        "number": number,
        "at": exchange.at,
        "vendor": visible(exchange.vendor),
        "method": exchange.method,
        "route": visible(exchange.route or "/"),
        "users": [visible(user) for user in users[:_MOST_USERS]],
        "moreUsers": max(0, len(users) - _MOST_USERS),
        "status": exchange.status,
        "fault": exchange.fault,
        "failed": sum(item.status >= _FAILED for item in exchange.items),
        "events": len(exchange.items),
    }


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWish:
    """What the page asks to be sent.

    lines: the events.
    job: the destination and its settings; requests go to the sandbox.
    faults: the faults to play, as typed: `503:5%`.
    latency: seconds before each reply.
    concurrency: the most requests in flight.
    max_line: the most bytes of a line.
    """

    lines: Sequence[IndexedLine]
    job: Job
    faults: Sequence[str]
    latency: float
    concurrency: int
    max_line: int


class SandboxPanel:
    """A sandbox, what arrived in it, and one send at a time.

    log: what arrived.
    server: the sandbox.
    """

    def __init__(
        self, run_state: RunState, stack: ExitStack, *, key: str, server: SandboxServer | None
    ) -> None:
        """Start a sandbox of the page's own with this key, or watch the one of a rehearsal."""
        self.log = ExchangeLog()
        self.is_own = server is None
        self.server = server or stack.enter_context(running(Script(key=key)))
        self.server.app.watch = self.log.add
        self._run_state = run_state
        self._key = key
        self._stop = OutsideStop()
        self._thread: threading.Thread | None = None
        stack.callback(self.stop)

    @property
    def is_sending(self) -> bool:
        """Whether a send is running."""
        return self._thread is not None and self._thread.is_alive()

    def send(self, wish: SendWish) -> None:
        """Send events into the sandbox, in a thread; raises UsageError."""
        if not self.is_own:
            raise UsageError("this sandbox belongs to the run that is shown")
        if self.is_sending:
            raise UsageError("a send is running already")
        try:
            faults = tuple(map(parse_fault, wish.faults))
            script = Script(key=self._key, faults=faults, latency=wish.latency)
        except ValueError as problem:
            raise UsageError(str(problem)) from None
        self.server.app.play(script)
        result, run = self._prepared(wish)
        self._run_state.begin(result)
        self._thread = threading.Thread(
            target=self._deliver, args=(run, result), name="segcli-ui-send", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop a send that is running, and wait for its end."""
        if self._thread and self._thread.is_alive():
            self._stop.stop(Stopped("stopped on the page"))
            self._thread.join()

    def _prepared(self, wish: SendWish) -> tuple[RunResult, SendRun]:
        tally, self._stop = Tally(), OutsideStop()
        inputs = inputs_of(wish.lines, max_line=wish.max_line)
        result = RunResult(
            command="send",
            job=wish.job,
            inputs=inputs,
            tally=tally,
            states=STATES_OF_SEND,
            sandbox=self.server.url,
            series=Series(tally),
            samples=RejectSamples(numbers=numbers_of(wish.lines)),
        )
        run = SendRun(
            job=wish.job,
            inputs=inputs,
            rejects=Path(os.devnull),
            samples=result.samples,
            concurrency=wish.concurrency,
            max_line=wish.max_line,
            retry_for=60.0,
            outside=self._stop,
        )
        return result, run

    def _deliver(self, run: SendRun, result: RunResult) -> None:
        try:
            with sampled(result.series):
                deliver(run, result.tally)
        except SegcliError as error:
            result.stopped = error
        finally:
            result.stop_clock()
            self._run_state.end()

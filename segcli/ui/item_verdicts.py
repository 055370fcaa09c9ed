"""What segcli reads in a reply of the sandbox: a verdict and the vendor's reason for each event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from segcli.core.reply import (
    Delivered,
    Partial,
    Refused,
    Reply,
    Retry,
    Stop,
    Verdict,
    of_batch,
)
from segcli.sandbox import MOST_REPLY_BYTES, Exchange

ReadReply: TypeAlias = Callable[[Reply], Verdict]


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """A verdict in words, with the vendor's reason; "" without one."""

    verdict: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReplyVerdicts:
    """What a reply means.

    whole: the verdict on the request; None if the reply has one for each event.
    items: the verdict on each event, in the order of the request; none if the sandbox did not read
        the events.
    """

    whole: ShownVerdict | None
    items: tuple[ShownVerdict, ...] = ()


_TAKEN, _LATER = "delivered", "to be sent again"
_KEPT_OUT = ShownVerdict(_LATER, "others of its request were not taken")


def judged(exchange: Exchange, read_reply: ReadReply) -> ReplyVerdicts:
    """Return what the destination's own reading of the reply says; never raises."""
    if exchange.status is None:
        whole = ShownVerdict(_LATER, f"no reply: {exchange.fault}")
        return ReplyVerdicts(whole, (whole,) * len(exchange.items))
    is_cut = len(exchange.reply) >= MOST_REPLY_BYTES
    reply = Reply(exchange.status, {}, exchange.reply, "a body that is too long" * is_cut)
    try:
        found = of_batch(read_reply(reply), reply, [item.raw for item in exchange.items])
    except Exception as error:  # a plug-in may fail on a reply
        found = Stop(f"the reply cannot be read: {error!r}")
    if isinstance(found, Partial):
        places = range(len(exchange.items))
        return ReplyVerdicts(None, tuple(_of_item(place, found) for place in places))
    whole = _of_request(found)
    return ReplyVerdicts(whole, (whole,) * len(exchange.items))


def _of_request(found: Delivered | Refused | Retry | Stop) -> ShownVerdict:
    match found:
        case Delivered():
            return ShownVerdict(_TAKEN)
        case Refused(reason):
            return ShownVerdict("refused", reason)
        case Retry(reason):
            return ShownVerdict(_LATER, reason)
        case Stop(reason):
            return ShownVerdict("stops a run", reason)


def _of_item(place: int, found: Partial) -> ShownVerdict:
    if place in found.refused:
        return ShownVerdict("refused", found.refused[place])
    if place in found.retry:
        reasons: Mapping[int, str] = found.retry_reasons
        return ShownVerdict(_LATER, reasons.get(place, ""))
    return ShownVerdict(_TAKEN) if found.unnamed == "delivered" else _KEPT_OUT

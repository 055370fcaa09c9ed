"""Events that become too old for the vendor while they wait to be sent."""

from collections.abc import Sequence
from typing import Literal

from segcli.core.line import Line, Result
from segcli.core.replay import OlderPolicy
from segcli.core.replay_age import TOO_OLD_REJECTED
from segcli.delivery.batch import QueuedPayload


def parted_by_expiry(
    batch: Sequence[QueuedPayload], now: float, older: OlderPolicy
) -> tuple[Sequence[QueuedPayload], Sequence[Result]]:
    """Return the events that may be sent at a time, and the results of those that are too old.

    now: seconds since 1970.
    """
    reasons = [_reason(item, now) for item in batch]
    if not any(reasons):
        return batch, ()
    state: Literal["rejected", "skipped"] = "rejected" if older == "reject" else "skipped"
    code = TOO_OLD_REJECTED if state == "rejected" else ""
    late: dict[str, list[Line]] = {}
    for item, reason in zip(batch, reasons, strict=True):
        if reason:
            late.setdefault(reason, []).append(item.line)
    rest = [item for item, reason in zip(batch, reasons, strict=True) if not reason]
    return rest, [Result(lines, state, reason, code=code) for reason, lines in late.items()]


def _reason(item: QueuedPayload, now: float) -> str:
    """Return why an event is not sent any more; "" if it is."""
    replayed = item.replayed
    if replayed is None or replayed.expires is None or now <= replayed.expires:
        return ""
    return replayed.late

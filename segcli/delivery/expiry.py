"""Events that become too old for the vendor while they wait to be sent."""

from collections.abc import Callable, Sequence
from typing import Literal

from segcli.core.line import Line, Result
from segcli.core.replay import OlderPolicy
from segcli.core.replay_age import TOO_OLD_REJECTED
from segcli.delivery.batch import QueuedPayload

_State = Literal["rejected", "skipped"]


def parted_by_expiry(
    batch: Sequence[QueuedPayload],
    now: float,
    older: OlderPolicy,
    is_of_several: Callable[[Line], bool],
) -> tuple[Sequence[QueuedPayload], Sequence[Result]]:
    """Return the events that may be sent at a time, and the results of those that are too old.

    now: seconds since 1970.
    is_of_several: returns whether several actions take the event of a line. Then it is rejected:
        another action may have delivered it already, so the line cannot be skipped.
    """
    reasons = [_reason(item, now) for item in batch]
    if not any(reasons):
        return batch, ()
    late: dict[tuple[_State, str], list[Line]] = {}
    for item, reason in zip(batch, reasons, strict=True):
        if reason:
            is_kept = older == "reject" or is_of_several(item.line)
            late.setdefault(("rejected" if is_kept else "skipped", reason), []).append(item.line)
    rest = [item for item, reason in zip(batch, reasons, strict=True) if not reason]
    results = [
        Result(lines, state, reason, code=TOO_OLD_REJECTED if state == "rejected" else "")
        for (state, reason), lines in late.items()
    ]
    return rest, results


def _reason(item: QueuedPayload, now: float) -> str:
    """Return why an event is not sent any more; "" if it is."""
    replayed = item.replayed
    if replayed is None or replayed.expires is None or now <= replayed.expires:
        return ""
    return replayed.late

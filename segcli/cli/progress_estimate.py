"""How far a send is: the share of what will be sent, the time left, and the rate of deliveries."""

import time
from collections import deque
from dataclasses import dataclass

from segcli.accounting.tally import Tally

_WINDOW = 30.0
_SAMPLE_EVERY = 0.5
_RATE_WINDOW = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a run has to do.

    total: the bytes of the inputs; None if unknown
    limit: the most events to send; None for no limit
    earlier: the events that earlier runs of the same job have sent
    """

    total: int | None
    limit: int | None = None
    earlier: int = 0


def share_done(tally: Tally, goal: Goal) -> float | None:
    """Return the share of what will be sent that is settled, from 0 to 1; None if unknown.

    Lines that are not sent take almost no time, so they do not count: the share of the input that
    was read is multiplied by the share of the lines to send that the vendor has answered. With a
    limit, the share of its events counts if it is larger, as the run ends there.
    """
    shares = []
    if goal.total:
        shares.append(min(1.0, tally.stored_read / goal.total) * _share_answered(tally))
    if goal.limit:
        shares.append((goal.earlier + tally.answered) / goal.limit)
    return min(1.0, max(shares)) if shares else None


def _share_answered(tally: Tally) -> float:
    """Return how much of the lines to send is answered; 1 as long as none is found."""
    return tally.bytes_answered / tally.bytes_to_send if tally.bytes_to_send else 1.0


class TimeLeft:
    """The time until a share is 1, by its growth in the last 30 seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()

    def after(self, share: float | None) -> float | None:
        """Return the seconds left, given the share now; None if unknown."""
        if share is None:
            return None
        at, samples = time.monotonic(), self._samples
        # The first lines to send make the share smaller than the share that was read.
        if samples and share < samples[-1][1]:
            samples.clear()
        if not samples or at - samples[-1][0] >= _SAMPLE_EVERY:
            samples.append((at, share))
        while at - samples[0][0] > _WINDOW and len(samples) > 1:
            samples.popleft()
        since, before = samples[0]
        grown = share - before
        return (1.0 - share) * (at - since) / grown if grown > 0 else None


class DeliveryRate:
    """The delivered events a second, over the last ten seconds or since the start.

    A shorter time would make it change with each pause after a 429, which is about a second.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._samples = deque([(time.monotonic(), tally.delivered)])

    def now(self) -> float:
        """Return the rate."""
        at, samples = time.monotonic(), self._samples
        while len(samples) > 1 and at - samples[1][0] >= _RATE_WINDOW:
            samples.popleft()
        since, before = samples[0]
        if at - samples[-1][0] >= _SAMPLE_EVERY:
            samples.append((at, self._tally.delivered))
        return (self._tally.delivered - before) / (at - since) if at > since else 0.0

"""Segment's archive: which of its files come first, and which days need not be read.

It is laid out as `segment-logs/<source>/<day>/<file>.gz` [doc], the day being the start of a UTC
day as a unix timestamp, in seconds or milliseconds: that on which Segment received the events.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from segcli.inputs.input import Input
from segcli.inputs.input_list import Picked

_DAY = 24 * 60 * 60

# An event is received after it happened, but for clocks that are wrong.
_WRONG_CLOCKS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """The days whose files may hold events of a window of time.

    `lateness` is how long after it happened an event was received at most; None: nobody knows.
    """

    since: datetime | None = None
    until: datetime | None = None
    lateness: timedelta | None = None

    def may_hold(self, entry: Input) -> bool:
        """Tell whether an input has to be read; what is in no day's folder has to be."""
        if entry.day is None:
            return True
        start = entry.day
        if self.since and start + _DAY <= (self.since - _WRONG_CLOCKS).timestamp():
            return False
        if self.until and self.lateness is not None:
            return start < (self.until + self.lateness).timestamp()
        return True


def split(found: Sequence[Input], days: Days) -> tuple[Sequence[Input], Sequence[Input]]:
    """Return the inputs that have to be read, and those that need not be."""
    if days == Days():
        return found, ()
    wanted, left_out = array("I"), array("I")
    for index, entry in enumerate(found):
        (wanted if days.may_hold(entry) else left_out).append(index)
    return Picked(found, wanted), Picked(found, left_out)

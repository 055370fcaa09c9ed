"""Segment's archive: the day of a file, and which days need not be read.

Its files are `segment-logs/<source>/<day>/<file>.gz` [doc]. The day is the start of the UTC day on
which Segment received the events, as a unix timestamp in seconds or milliseconds.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from segcli.inputs.input import Input
from segcli.inputs.input_list import Picked

_DAY = 24 * 60 * 60

# How wrong a clock may be: an event may be received this long before its own time.
_CLOCK_ERROR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """A window of time, for choosing the days whose files may have events in it.

    since: the earliest time.
    until: the first time that is too late.
    lateness: the longest time from an event to its receipt; None if unknown.
    """

    since: datetime | None = None
    until: datetime | None = None
    lateness: timedelta | None = None

    def may_hold(self, entry: Input) -> bool:
        """True if an input has to be read. An input without a day always has to."""
        if entry.day is None:
            return True
        start = entry.day
        if self.since and start + _DAY <= (self.since - _CLOCK_ERROR).timestamp():
            return False
        if self.until and self.lateness is not None:
            return start < (self.until + self.lateness).timestamp()
        return True


def split(found: Sequence[Input], days: Days) -> tuple[Sequence[Input], Sequence[Input]]:
    """Return the inputs that have to be read, and the other ones."""
    if days == Days():
        return found, ()
    wanted, left_out = array("I"), array("I")
    for index, entry in enumerate(found):
        (wanted if days.may_hold(entry) else left_out).append(index)
    return Picked(found, wanted), Picked(found, left_out)

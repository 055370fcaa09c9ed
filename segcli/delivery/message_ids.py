"""The messageIds of a run: which lines repeat one of a line before them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter

from segcli.core.destination import Remark
from segcli.inputs import Input
from segcli.review.seen import Seen

# A line of an input is known by one number: a million of them take a third of the memory.
_LINE_BITS = 48


class MessageIds:
    """Remembers each messageId by a hash, and where it stood first: in which of the inputs."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._first: dict[int, int] = {}
        self._inputs = inputs

    def repeated(self, seen: Seen, entry: Input, first: int) -> Iterator[tuple[int, Remark]]:
        """Yield the places of lines with a messageId that was there before, and a remark on it."""
        start = (entry.place << _LINE_BITS) + first
        new = dict(zip(seen.ids, map(start.__add__, seen.id_places), strict=True))
        if len(new) == len(seen.ids) and self._first.keys().isdisjoint(new):
            self._first |= new
            return
        for message_id, place in zip(seen.ids, seen.id_places, strict=True):
            known = self._first.setdefault(message_id, start + place)
            if known != start + place:
                yield place, Remark("messageId", f"is the same as in {self._named(known)}")

    def _named(self, line: int) -> str:
        # Fewer inputs than there were places may be read, in the order of their places.
        index = bisect_left(self._inputs, line >> _LINE_BITS, key=attrgetter("place"))
        return f"{self._inputs[index].title}:{line % (1 << _LINE_BITS)}"

"""Remarks: what somebody should know of an event that will be sent all the same."""

from collections.abc import Iterable, Sequence

from segcli.destination import Remark
from segcli.event import Event
from segcli.outcome import Job
from segcli.review import spec

# Each is a few hundred bytes; an input with a new shape in every line must not fill the memory.
_SHAPES_KEPT = 20_000


class Remarks:
    """Tells what Segment's spec and the destination remark on each event.

    What goes by fields and types alone is asked once for all events of a shape.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._by_shape: dict[int, Sequence[Remark]] = {}

    def of(self, event: Event, shape: int | None) -> Iterable[Remark]:
        """Return the remarks on an event of this shape, one a field: the first is enough."""
        of_shape = self._by_shape.get(shape) if shape is not None else None
        if of_shape is None:
            of_shape = self._asked(event)
            if shape is not None and len(self._by_shape) < _SHAPES_KEPT:
                self._by_shape[shape] = of_shape
        of_values = spec.remarks_by_value(event)
        return first_by_field([*of_values, *of_shape]) if of_values else of_shape

    def _asked(self, event: Event) -> Sequence[Remark]:
        of_destination = self._job.destination.remarks(event, self._job.settings)
        return first_by_field([*spec.remarks_by_type(event), *of_destination])


def first_by_field(remarks: Iterable[Remark]) -> Sequence[Remark]:
    """Return the first remark on each field."""
    found: dict[str, Remark] = {}
    for remark in remarks:
        found.setdefault(remark.field, remark)
    return tuple(found.values())

"""Remarks: what somebody should know of an event that will be sent all the same."""

from collections.abc import Iterable, Sequence

from segcli.core.destination import Remark
from segcli.core.event import Event
from segcli.core.outcome import Job
from segcli.review import spec


def remarks_on_shape(event: Event, job: Job) -> Sequence[Remark]:
    """Return what Segment's spec and the destination remark on all events of its shape."""
    of_destination = job.destination.remarks(event, job.settings)
    return _first_by_field([*spec.remarks_by_type(event), *of_destination])


def with_remarks_on_values(event: Event, of_shape: Sequence[Remark]) -> Sequence[Remark]:
    """Return the remarks on this very event, one a field: the first is enough."""
    of_values = spec.remarks_by_value(event)
    return _first_by_field([*of_values, *of_shape]) if of_values else of_shape


def _first_by_field(remarks: Iterable[Remark]) -> Sequence[Remark]:
    found: dict[str, Remark] = {}
    for remark in remarks:
        found.setdefault(remark.field, remark)
    return tuple(found.values())

"""The reviewer: maps every line once, and collects outcomes, remarks and fields left out."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any

import orjson

from segcli.core.decision import Decision, FanOut, Mapped, payloads_of, rejections_of
from segcli.core.destination import Remark
from segcli.core.event import OTHER_TIMES, Event, is_number
from segcli.core.event_time import are_usual_times, is_time, lacks_zone
from segcli.core.line import TooLong
from segcli.core.missing_id import HAS_MISSING_ID, is_missing_id
from segcli.core.outcome import OVER_LIMIT, Job, event_of, make_mapper
from segcli.review import segment_spec
from segcli.review.coverage import ShapeProbes
from segcli.review.event_shape import Shapes, is_passed_on
from segcli.review.golden_file import message_id_of
from segcli.review.notes import Key, Notebook, note_keys
from segcli.review.partial_review import PartialReview, Rejections, ShapeCount
from segcli.review.plan_reviewer import PlanWatch
from segcli.review.segment_spec import (
    DATE_FIELDS,
    EVENT_BYTES,
    ID_FIELDS,
    MESSAGE_ID_LENGTH,
    is_date,
    need_no_remark,
)

_JSON_SPACE = b" \t\r\n"
# Each shape holds remarks; an input with a new shape in every line must not fill the memory.
_SHAPES_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is true of all events of a shape.

    number: its number.
    remarks, keys: the remarks on each of its events, and their keys.
    passed_on: the events become payloads unchanged.
    times: the fields that hold a time as text, without `timestamp`.
    dates, other_dates: the paths of the traits that hold a date, as text and as a number.
    ids: the fields that hold an id as text, without those of the user.
    """

    number: int
    remarks: Sequence[Remark]
    keys: Sequence[Key]
    passed_on: bool
    times: Sequence[str]
    dates: Sequence[tuple[str, ...]]
    other_dates: Sequence[tuple[str, ...]]
    ids: Sequence[str]

    def says_all_of(self, line: bytes, data: dict[str, Any]) -> bool:
        """Return whether an event of this shape needs no remarks of its own."""
        message_id = data.get("messageId")
        if len(line) > EVENT_BYTES or (
            type(message_id) is str and len(message_id) > MESSAGE_ID_LENGTH
        ):
            return False
        for name in self.ids:
            if is_missing_id(data[name]):
                return False
        # An invalid timestamp has already rejected the event.
        timestamp = data.get("timestamp")
        if timestamp and timestamp[-1] != "Z" and lacks_zone(timestamp):
            return False
        # Hot path of check (bench_check.py): mostly all times are of the usual form.
        texts = [data[name] for name in self.times]
        texts += [_value_at(path, data) for path in self.dates]
        if not are_usual_times(texts) and not self._have_good_times(data):
            return False
        return all(is_date(_value_at(path, data), path[-1]) for path in self.other_dates)

    def _have_good_times(self, data: dict[str, Any]) -> bool:
        """Return whether all times and dates are good, in any form."""
        return need_no_remark(data[name] for name in self.times) and all(
            is_time(_value_at(path, data)) for path in self.dates
        )


class Reviewer:
    """Reviews the lines of a run, in input order; each process has its own reviewer.

    job: the destination, its settings and which events to review.
    notebook: notes the warnings.
    rejections: adds the lines that are rejected.
    watch: compares events with tracking plans; None if there are none.
    shows_outcomes: collect the outcome of every line, for the golden file.
    """

    def __init__(
        self,
        job: Job,
        *,
        notebook: Notebook,
        rejections: Rejections,
        watch: PlanWatch | None = None,
        shows_outcomes: bool = False,
    ) -> None:
        self._job = job
        self._decide = make_mapper(job)
        self._notebook = notebook
        self._rejections = rejections
        self._watch = watch
        self._shows_outcomes = shows_outcomes
        reads = job.destination.reads
        shapes = Shapes(
            None if reads is None else reads(job.settings), all_fields=watch is not None
        )
        self._number_of = shapes.number_of
        self._trials = ShapeProbes(job, shapes)
        self._shapes: dict[int, _Shape] = {}

    def look(self, lines: Sequence[bytes | TooLong], seen: PartialReview) -> None:
        """Review the next lines, and add the result to `seen`."""
        for line, outcome in zip(lines, self._decide(lines), strict=True):
            if type(outcome) is Mapped and type(line) is bytes:
                self._see_size(outcome, seen)
                self._see_mapped(line, outcome, seen)
            elif isinstance(outcome, FanOut) and payloads_of(outcome) and type(line) is bytes:
                self._see_several(line, outcome, seen)
            else:
                self._see_unmapped(line, outcome, seen)
            if self._shows_outcomes:
                seen.outcomes.append(outcome)
                seen.message_ids.append(message_id_of(line))
            seen.lines += 1

    def _see_several(self, line: bytes, several: FanOut, seen: PartialReview) -> None:
        """See an event that several actions take; it may be rejected by some of them."""
        for one in several.mapped:
            self._see_size(one, seen)
        if several.unmapped:
            self._rejections.note(line, several, seen)
        self._see_mapped(line, several, seen)

    def _see_size(self, mapped: Mapped, seen: PartialReview) -> None:
        key = mapped.request_key
        sizes = seen.mapped.get(key)
        if sizes is None:
            sizes = seen.mapped[key] = array("Q")
        sizes.append(len(mapped.body))

    def _see_mapped(self, line: bytes, mapped: Mapped | FanOut, seen: PartialReview) -> None:
        passed_on = is_passed_on(line, mapped)
        data = _data_of(line)
        number = self._number_of(data, mapped, passed_on=passed_on) if data else None
        shape = self._shapes.get(number) if number else None
        if data and self._watch:
            self._watch.see(data, seen, number)
        if data and shape and shape.says_all_of(line, data) and HAS_MISSING_ID not in mapped.notes:
            self._count(shape, line, data, seen)
            if shape.keys:
                self._notebook.warn(shape.keys, seen.lines, seen.notes)
            return
        event = event_of(line)
        if not isinstance(event, Event):
            # A field that the mapping does not read may hold a number that is out of range.
            seen.untried += 1
            return
        if not data and self._watch:
            self._watch.see(event.data, seen)
        number = number or self._number_of(event.data, mapped, passed_on=passed_on)
        shape = shape or self._shape(event, mapped, number, seen)
        self._count(shape, event.raw, event.data, seen)
        of_values = self._notebook.wanted(segment_spec.remarks_by_value(event))
        remarks = _first_by_field([*of_values, *shape.remarks]) if of_values else ()
        keys = note_keys(remarks) if remarks else shape.keys
        self._notebook.warn(keys, seen.lines, seen.notes)

    def _shape(
        self, event: Event, mapped: Mapped | FanOut, number: int, seen: PartialReview
    ) -> _Shape:
        passed_on = is_passed_on(event.raw, mapped)
        if not passed_on and (tried := self._trials.tried(event, mapped, number)):
            seen.tried.setdefault(number, tried)
        of_destination = self._job.destination.remarks(event, self._job.settings)
        wanted = self._notebook.wanted([*segment_spec.remarks_by_type(event), *of_destination])
        remarks = _first_by_field(wanted)
        values = (_times_of(event), *_dates_of(event), _ids_of(event))
        shape = _Shape(number, remarks, note_keys(remarks), passed_on, *values)
        if len(self._shapes) < _SHAPES_KEPT:
            self._shapes[number] = shape
        return shape

    def _see_unmapped(self, line: bytes | TooLong, outcome: Decision, seen: PartialReview) -> None:
        if rejections_of(outcome):
            self._rejections.note(line, outcome, seen)
        else:
            seen.skipped += 1
        if self._watch and outcome is not OVER_LIMIT:
            self._watch.see_unmapped(line, seen)

    def _count(self, shape: _Shape, line: bytes, data: dict[str, Any], seen: PartialReview) -> None:
        if shape.passed_on:
            seen.passed_on += 1
        else:
            alike = seen.shapes.get(shape.number)
            if alike is None:
                alike = seen.shapes[shape.number] = ShapeCount(seen.lines)
            alike.events += 1
        message_id = data.get("messageId")
        if not message_id:
            seen.lines_without_id.hashes.append(hash(line.strip(_JSON_SPACE)))
            seen.lines_without_id.places.append(seen.lines)
        elif type(message_id) is str:
            seen.ids.hashes.append(hash(message_id))
            seen.ids.places.append(seen.lines)


def _data_of(line: bytes) -> dict[str, Any] | None:
    """Parse an event fast, for its shape alone: numbers may be inexact. None if that fails."""
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    # Without a type it is a line of a rejects file, which contains the event.
    return data if "type" in data else None


def _dates_of(event: Event) -> tuple[Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]:
    """Return the paths of dates that are text, and of those that are numbers."""
    found = {path: event.get(".".join(path)) for path in DATE_FIELDS}
    texts = [path for path, value in found.items() if isinstance(value, str)]
    return texts, [path for path, value in found.items() if is_number(value)]


def _value_at(path: Sequence[str], data: dict[str, Any]) -> Any:
    return reduce(getitem, path, data)


def _times_of(event: Event) -> Sequence[str]:
    values = ((name, event.data.get(name)) for name in OTHER_TIMES)
    return [name for name, value in values if value and isinstance(value, str)]


def _ids_of(event: Event) -> Sequence[str]:
    # A note tells of the others.
    names = set(ID_FIELDS) - {"userId", "anonymousId"}
    return [name for name in names if isinstance(event.data.get(name), str)]


def _first_by_field(remarks: Iterable[Remark]) -> Sequence[Remark]:
    """Return the first remark on each field."""
    found: dict[str, Remark] = {}
    for remark in remarks:
        found.setdefault(remark.field, remark)
    return tuple(found.values())

"""The reviewer: maps every line once, and collects outcomes, remarks and fields left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import getitem, itemgetter
from typing import Any, TypeGuard

import msgspec
import orjson

from segcli.core.decision import Decision, FanOut, Mapped, rejections_of
from segcli.core.destination import Remark
from segcli.core.event import TIME_FIELDS, Event, is_number
from segcli.core.event_time import are_usual_times, is_time
from segcli.core.line import TooLong
from segcli.core.missing_id import HAS_MISSING_ID, is_missing_id
from segcli.core.outcome import OVER_LIMIT, Job, event_of, make_mapper
from segcli.review import segment_spec
from segcli.review.coverage import ShapeProbes
from segcli.review.event_shape import ShapeNumbers, Shapes, is_passed_on
from segcli.review.golden_file import message_id_of
from segcli.review.notes import Key, Notebook, note_keys
from segcli.review.partial_review import PartialReview, ProbeResult, Rejections, ShapeCount
from segcli.review.plan_reviewer import PlanWatch
from segcli.review.replay_notes import ReplayNotes, may_affect_any, note_nothing
from segcli.review.segment_spec import (
    DATE_FIELDS,
    EVENT_BYTES,
    ID_FIELDS,
    MESSAGE_ID_LENGTH,
    is_date,
    need_no_remark,
)

_OBJECTS = frozenset({"context", "traits", "properties"})
_JSON_SPACE = b" \t\r\n"
# Each shape holds remarks; an input with a new shape in every line must not fill the memory.
_SHAPES_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """What is true of all events that agree in what matters of their shapes.

    remarks, keys: the remarks on each of its events, and their keys.
    passed_on: the events become payloads unchanged.
    is_usual: nothing but times and the messageId decides whether an event needs further remarks.
    has_missing_id: each event has a text for a missing id, and so a remark of its own.
    times: the fields that hold a time as text.
    get_times: returns their values.
    dates, other_dates: the paths of the traits that hold a date, as text and as a number.
    ids: the fields that hold an id as text, without those of the user.
    """

    remarks: Sequence[Remark]
    keys: Sequence[Key]
    passed_on: bool
    is_usual: bool
    has_missing_id: bool
    times: Sequence[str]
    get_times: Callable[[dict[str, Any]], Sequence[str]]
    dates: Sequence[tuple[str, ...]]
    other_dates: Sequence[tuple[str, ...]]
    ids: Sequence[str]

    def add_texts_of(self, data: dict[str, Any], texts: list[str]) -> None:
        """Add the texts in an event that have to be times."""
        texts += self.get_times(data)
        for path in self.dates:
            value: Any = data
            for name in path:
                value = value[name]
            texts.append(value)

    def is_usual_of(self, line: bytes, message_id: str | None) -> bool:
        """Return whether nothing but times decides whether an event needs remarks of its own."""
        return (
            self.is_usual
            and len(line) <= EVENT_BYTES
            and (message_id is None or len(message_id) <= MESSAGE_ID_LENGTH)
        )

    def says_all_of(self, line: bytes) -> bool:
        """Return whether an event of this shape needs no remarks of its own."""
        data = orjson.loads(line)
        message_id = data.get("messageId")
        if (
            self.has_missing_id
            or len(line) > EVENT_BYTES
            or (type(message_id) is str and len(message_id) > MESSAGE_ID_LENGTH)
        ):
            return False
        if any(is_missing_id(data[name]) for name in self.ids):
            return False
        texts: list[str] = []
        self.add_texts_of(data, texts)
        if not are_usual_times(texts) and not self._have_good_times(data):
            return False
        return all(is_date(reduce(getitem, path, data), path[-1]) for path in self.other_dates)

    def _have_good_times(self, data: dict[str, Any]) -> bool:
        """Return whether all times and dates are good, in any form."""
        return need_no_remark(data[name] for name in self.times) and all(
            is_time(reduce(getitem, path, data)) for path in self.dates
        )


class _Sight(msgspec.Struct, gc=False):
    """What is known of a line before its event is parsed exactly.

    line: the line; the event as written, once it is parsed.
    is_counted: it has an event, whose messageId counts.
    message_id: the messageId.
    numbers: those of its shape; None if its event has to be parsed exactly.
    shape: what is true of such events, if there was one before.
    differences: how its event differs from tracking plans.
    """

    line: bytes
    is_counted: bool = False
    message_id: Any = None
    numbers: ShapeNumbers | None = None
    shape: _Shape | None = None
    differences: Sequence[Key] = ()


_NO_EVENT = _Sight(b"")


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
        has_effects = may_affect_any(job)
        self._note_replay = ReplayNotes(job).note if has_effects else note_nothing
        self._decide = make_mapper(
            replace(job, replay=replace(job.replay, tells_all=True)) if has_effects else job
        )
        self._notebook = notebook
        self._rejections = rejections
        self._watch = watch
        self._shows_outcomes = shows_outcomes
        shapes = Shapes(_looked_into(job), all_fields=watch is not None)
        self._numbers_of = shapes.numbers_of
        self._trials = ShapeProbes(job, shapes)
        self._shapes: dict[int, _Shape] = {}
        self._tried: set[int] = set()

    def look(self, lines: Sequence[bytes | TooLong], seen: PartialReview) -> None:
        """Review the next lines, and add the result to `seen`."""
        outcomes, first = self._decide(lines), seen.lines
        sights, are_usual = self._sights(lines, outcomes, seen)
        if are_usual and self._need_nothing(sights):
            seen.passed_on += len(sights)
            seen.lines += len(sights)
        else:
            self._look_at_each(lines, outcomes, sights, are_usual=are_usual, seen=seen)
        self._note_replay(outcomes, first, seen)
        _add_sizes(outcomes, seen)
        _add_ids(sights, first, seen)
        if self._shows_outcomes:
            seen.outcomes += outcomes
            seen.message_ids += map(message_id_of, lines)

    def _need_nothing(self, sights: Sequence[_Sight]) -> bool:
        """Return whether all events are passed on, and nothing is to be said of any."""
        if self._watch or self._job.destination.payloads:
            return False
        # Few shapes share all events that are passed on: to look at each shape once saves 6 % of
        # the time for webhook (events of bench_check.py).
        shapes = {sight.shape for sight in sights}
        return all(shape and shape.passed_on and not shape.keys for shape in shapes)

    def _look_at_each(
        self,
        lines: Sequence[bytes | TooLong],
        outcomes: Sequence[Decision],
        sights: Sequence[_Sight],
        *,
        are_usual: bool,
        seen: PartialReview,
    ) -> None:
        """Review lines one by one; `are_usual` if the known shapes say all of their events."""
        for line, outcome, sight in zip(lines, outcomes, sights, strict=True):
            shape = sight.shape
            if type(outcome) is FanOut and outcome.mapped and outcome.unmapped:
                self._rejections.note(line, outcome, seen)
            if (
                shape
                and (are_usual or shape.says_all_of(sight.line))
                and self._counts(sight, shape, seen)
            ):
                if sight.differences:
                    self._note(sight.differences, seen)
                if shape.keys:
                    self._notebook.warn(shape.keys, seen.lines, seen.notes)
            elif _is_mapped(outcome):
                self._see_mapped(sight, outcome, seen)
            else:
                self._see_unmapped(line, outcome, seen)
            seen.lines += 1

    def _sights(
        self, lines: Sequence[bytes | TooLong], outcomes: Sequence[Decision], seen: PartialReview
    ) -> tuple[Sequence[_Sight], bool]:
        """Return what is known of these lines, and whether the known shapes say all of them."""
        # Hot path of check (bench_check.py): the times of all lines are looked at together. The
        # events are not kept until then: to fill fresh memory takes half of the time of parsing.
        texts: list[str] = []
        sights, are_usual = [], True
        numbers_of, shape_of, watch = self._numbers_of, self._shapes.get, self._watch
        for line, outcome in zip(lines, outcomes, strict=True):
            if not _is_mapped(outcome) or type(line) is not bytes:
                sights.append(_NO_EVENT)
                continue
            data = _data_of(line)
            if data is None:
                sights.append(_Sight(line))
                continue
            numbers = numbers_of(data, outcome, passed_on=is_passed_on(line, outcome))
            shape, message_id = shape_of(numbers.mattering), data.get("messageId")
            if shape and are_usual:
                are_usual = shape.is_usual_of(line, message_id)
                shape.add_texts_of(data, texts)
            differences = watch.differences(data, seen, numbers.whole) if watch else ()
            sights.append(_Sight(line, True, message_id, numbers, shape, differences))
        return sights, are_usual and are_usual_times(texts)

    def _note(self, keys: Iterable[Key], seen: PartialReview) -> None:
        for key in keys:
            self._notebook.note(key, seen.lines, seen.notes)

    def _see_mapped(self, sight: _Sight, mapped: Mapped | FanOut, seen: PartialReview) -> None:
        """Add an event of which its shape does not say all."""
        self._note(sight.differences, seen)
        event = event_of(sight.line)
        if not isinstance(event, Event):
            # A field that the mapping does not read may hold a number that is out of range.
            seen.untried += 1
            sight.is_counted = False
            return
        numbers = sight.numbers
        if numbers is None:
            if self._watch:
                self._watch.see(event.data, seen)
            passed_on = is_passed_on(sight.line, mapped)
            numbers = sight.numbers = self._numbers_of(event.data, mapped, passed_on=passed_on)
        sight.line, sight.is_counted = event.raw, True
        sight.message_id = event.data.get("messageId")
        # Another line of this group may have had it first.
        shape = self._shapes.get(numbers.mattering) or self._shape(event, mapped, numbers)
        if not shape.passed_on and numbers.whole not in self._tried:
            self._add_tried(numbers, self._trials.tried(event, mapped, numbers), seen)
        _count(numbers, shape, seen)
        of_values = self._notebook.wanted(segment_spec.remarks_by_value(event))
        remarks = _first_by_field([*of_values, *shape.remarks]) if of_values else ()
        keys = note_keys(remarks) if remarks else shape.keys
        self._notebook.warn(keys, seen.lines, seen.notes)

    def _shape(self, event: Event, mapped: Mapped | FanOut, numbers: ShapeNumbers) -> _Shape:
        of_destination = self._job.destination.remarks(event, self._job.settings)
        wanted = self._notebook.wanted([*segment_spec.remarks_by_type(event), *of_destination])
        remarks = _first_by_field(wanted)
        dates, other_dates = _dates_of(event)
        ids = _ids_of(event)
        times = _times_of(event)
        has_missing_id = HAS_MISSING_ID in mapped.notes
        shape = _Shape(
            remarks=remarks,
            keys=note_keys(remarks),
            passed_on=is_passed_on(event.raw, mapped),
            is_usual=not (has_missing_id or ids or other_dates) and _has_usual_id(event),
            has_missing_id=has_missing_id,
            times=times,
            get_times=itemgetter(*times) if len(times) > 1 else _loop_over(times),
            dates=dates,
            other_dates=other_dates,
            ids=ids,
        )
        if len(self._shapes) < _SHAPES_KEPT:
            self._shapes[numbers.mattering] = shape
        return shape

    def _see_unmapped(self, line: bytes | TooLong, outcome: Decision, seen: PartialReview) -> None:
        if rejections_of(outcome):
            self._rejections.note(line, outcome, seen)
        else:
            seen.skipped += 1
        if self._watch and outcome is not OVER_LIMIT:
            self._watch.see_unmapped(line, seen)

    def _counts(self, sight: _Sight, shape: _Shape, seen: PartialReview) -> bool:
        """Count an event; False if its shape can only be tried with an event parsed exactly.

        Few new shapes differ in what matters from those before: for the others the JSON is enough.
        """
        numbers = sight.numbers
        if numbers is None:
            return False
        is_new = not (
            shape.passed_on or numbers.whole in seen.shapes or numbers.whole in self._tried
        )
        if is_new:
            data, size = orjson.loads(sight.line), len(sight.line.strip(_JSON_SPACE))
            tried = self._trials.tried_before(data, size, numbers)
            if tried is None:
                return False
            self._add_tried(numbers, tried, seen)
        _count(numbers, shape, seen)
        return True

    def _add_tried(
        self, numbers: ShapeNumbers, tried: ProbeResult | None, seen: PartialReview
    ) -> None:
        """Add the result of probing a shape; None if it could not be probed."""
        if len(self._tried) < _SHAPES_KEPT:
            self._tried.add(numbers.whole)
        if tried:
            seen.tried.setdefault(numbers.whole, tried)


def _looked_into(job: Job) -> Iterable[str] | None:
    """Return the paths that the mapping looks into, beside the event's own fields; None for all."""
    destination = job.destination
    if destination.reads is not None:
        return destination.reads(job.settings)
    if not destination.copies:
        return None
    # The others may be looked into for some type.
    copied = (destination.copies.get(kind, frozenset()) for kind in destination.types)
    return _OBJECTS.difference(frozenset.intersection(*copied))


def _is_mapped(outcome: Decision) -> TypeGuard[Mapped | FanOut]:
    """Return whether an event has at least one payload."""
    return type(outcome) is Mapped or (type(outcome) is FanOut and bool(outcome.mapped))


def _count(numbers: ShapeNumbers, shape: _Shape, seen: PartialReview) -> None:
    """Count the next event, which has this shape."""
    if shape.passed_on:
        seen.passed_on += 1
        return
    alike = seen.shapes.get(numbers.whole)
    if alike is None:
        alike = seen.shapes[numbers.whole] = ShapeCount(seen.lines)
    alike.events += 1


def _add_sizes(outcomes: Iterable[Decision], seen: PartialReview) -> None:
    """Add the sizes of the payloads, by the key of their request."""
    mapped = [one for one in outcomes if type(one) is Mapped]
    mapped += [one for several in outcomes if type(several) is FanOut for one in several.mapped]
    keys = {one.request_key for one in mapped}
    if len(keys) == 1:
        seen.sizes_of(keys.pop()).extend([len(one.body) for one in mapped])
        return
    for one in mapped:
        seen.sizes_of(one.request_key).append(len(one.body))


def _add_ids(sights: Sequence[_Sight], first: int, seen: PartialReview) -> None:
    """Add the messageIds of the events, or their lines; `first` is the index of the first line."""
    ids = [sight.message_id for sight in sights]
    if all(ids) and set(map(type, ids)) == {str}:
        seen.ids.hashes.extend(map(hash, ids))
        seen.ids.places.extend(range(first, first + len(ids)))
        return
    for place, sight in enumerate(sights, first):
        if not sight.is_counted:
            continue
        if not sight.message_id:
            seen.lines_without_id.add(sight.line.strip(_JSON_SPACE), place)
        elif type(sight.message_id) is str:
            seen.ids.add(sight.message_id, place)


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


def _times_of(event: Event) -> Sequence[str]:
    values = ((name, event.data.get(name)) for name in TIME_FIELDS)
    return [name for name, value in values if value and isinstance(value, str)]


def _loop_over(names: Sequence[str]) -> Callable[[dict[str, Any]], Sequence[str]]:
    """Return a function like an `itemgetter`, which returns no sequence for a single name."""
    return lambda data: [data[name] for name in names]


def _ids_of(event: Event) -> Sequence[str]:
    # A note tells of the others.
    names = set(ID_FIELDS) - {"userId", "anonymousId"}
    return [name for name in names if isinstance(event.data.get(name), str)]


def _has_usual_id(event: Event) -> bool:
    """Return whether the messageId is text, or absent."""
    return isinstance(event.data.get("messageId"), str | None)


def _first_by_field(remarks: Iterable[Remark]) -> Sequence[Remark]:
    """Return the first remark on each field."""
    found: dict[str, Remark] = {}
    for remark in remarks:
        found.setdefault(remark.field, remark)
    return tuple(found.values())

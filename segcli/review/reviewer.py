"""The reviewer: maps every line once, and collects outcomes, remarks and fields left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import msgspec
import orjson

from segcli.core.decision import Decision, FanOut, Mapped, rejections_of
from segcli.core.destination import Remark
from segcli.core.event import Event
from segcli.core.event_time import are_usual_times
from segcli.core.line import TooLong
from segcli.core.outcome import (
    OVER_LIMIT,
    Job,
    event_of,
    make_mapper,
    mapping_of,
    needs_exact_events,
)
from segcli.core.partial_event import WholeEvent, whole_event
from segcli.review import segment_spec
from segcli.review.coverage import ShapeProbes
from segcli.review.event_shape import ShapeNumbers, Shapes, is_passed_on
from segcli.review.golden_file import message_id_of
from segcli.review.notes import Key, Notebook, note_keys
from segcli.review.partial_review import PartialReview, ProbeResult, Rejections
from segcli.review.plan_reviewer import PlanWatch
from segcli.review.replay_notes import ReplayNotes, may_affect_any, note_nothing
from segcli.review.segment_spec import EVENT_BYTES, MESSAGE_ID_LENGTH
from segcli.review.shape_facts import ShapeFacts, facts_of
from segcli.review.shape_places import OBJECTS

_JSON_SPACE = b" \t\r\n"
# Each shape holds remarks; an input with a new shape in every line must not fill the memory.
_SHAPES_KEPT = 20_000


class _LineFacts(msgspec.Struct, gc=False):
    """What is known of a line before its event is parsed exactly.

    line: the line; the event as written, once it is parsed.
    is_counted: it has an event, whose messageId counts.
    message_id: the messageId.
    numbers: those of its shape; None if its event has to be parsed exactly.
    facts: what is true of such events, if there was one before.
    differences: how its event differs from tracking plans.
    """

    line: bytes
    is_counted: bool = False
    message_id: Any = None
    numbers: ShapeNumbers | None = None
    facts: ShapeFacts | None = None
    differences: Sequence[Key] = ()


_NO_EVENT = _LineFacts(b"")


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
        telling = replace(job, replay=replace(job.replay, tells_all=True)) if has_effects else job
        self._decide = make_mapper(telling)
        # Tracking plans describe events as they are written, null included.
        is_exact = watch is not None or needs_exact_events(job)
        self._map: Callable[[Any], Decision] | None = None if is_exact else mapping_of(telling)
        self._notebook = notebook
        self._rejections = rejections
        self._watch = watch
        self._shows_outcomes = shows_outcomes
        shapes = Shapes(_looked_into(job))
        self._numbers_of = shapes.numbers_of
        self._trials = ShapeProbes(job, shapes)
        self._facts: dict[int, ShapeFacts] = {}
        self._tried: set[int] = set()

    def look(self, lines: Sequence[bytes | TooLong], seen: PartialReview) -> None:
        """Review the next lines, and add the result to `seen`."""
        outcomes: list[Decision] = []
        first = seen.lines
        facts_of_lines, are_usual = self._facts_of_lines(lines, outcomes, seen)
        if are_usual and self._need_nothing(facts_of_lines):
            seen.passed_on += len(facts_of_lines)
            seen.lines += len(facts_of_lines)
        else:
            self._look_at_each(lines, outcomes, facts_of_lines, are_usual=are_usual, seen=seen)
        self._note_replay(outcomes, first, seen)
        _add_sizes(outcomes, seen)
        _add_ids(facts_of_lines, first, seen)
        if self._shows_outcomes:
            seen.outcomes += outcomes
            seen.message_ids += map(message_id_of, lines)

    def _need_nothing(self, facts_of_lines: Sequence[_LineFacts]) -> bool:
        """Return whether all events are passed on, and nothing is to be said of any."""
        first = facts_of_lines[0].facts if facts_of_lines else None
        if not (first and first.passed_on) or self._watch or self._job.destination.payloads:
            return False
        # Few shapes share all events that are passed on: to look at each shape once saves 6 % of
        # the time for webhook (events of bench_check.py).
        shapes = {known.facts for known in facts_of_lines}
        return all(facts and facts.passed_on and not facts.keys for facts in shapes)

    def _look_at_each(
        self,
        lines: Sequence[bytes | TooLong],
        outcomes: Sequence[Decision],
        facts_of_lines: Sequence[_LineFacts],
        *,
        are_usual: bool,
        seen: PartialReview,
    ) -> None:
        """Review lines one by one; see `_facts_of_lines` for `are_usual`."""
        for line, outcome, known in zip(lines, outcomes, facts_of_lines, strict=True):
            facts = known.facts
            if type(outcome) is FanOut and outcome.mapped and outcome.unmapped:
                self._rejections.note(line, outcome, seen)
            if (
                facts
                and (are_usual or facts.suffices_for(known.line))
                and self._counts(known, facts, seen)
            ):
                if known.differences:
                    self._note(known.differences, seen)
                if facts.keys:
                    self._notebook.warn(facts.keys, seen.lines, seen.notes)
            elif _is_mapped(outcome):
                self._see_mapped(known, outcome, seen)
            else:
                self._see_unmapped(line, outcome, seen)
            seen.lines += 1

    def _facts_of_lines(
        self, lines: Sequence[bytes | TooLong], outcomes: list[Decision], seen: PartialReview
    ) -> tuple[Sequence[_LineFacts], bool]:
        """Return what is known of these lines, and are_usual; add the outcomes of the lines.

        are_usual: the facts of the known shapes suffice, so no line needs remarks of its own.
        """
        # Hot path of check (bench_check.py): the times of all lines are looked at together. The
        # events are not kept until then: to fill fresh memory takes half of the time of parsing.
        texts: list[str] = []
        ids: list[str] = []
        facts_of_lines, are_usual = [], True
        numbers_of, facts_of_shape, map_ = self._numbers_of, self._facts.get, self._map
        decided = iter(self._decide(lines)) if map_ is None else None
        for line in lines:
            event: WholeEvent | dict[str, Any] | None = None
            if map_ and type(line) is bytes and (event := whole_event(line)):
                outcome = map_(event)
            else:
                outcome = next(decided) if decided else self._decide([line])[0]
                event = _fields_of(line) if _is_mapped(outcome) else None
            outcomes.append(outcome)
            if type(line) is not bytes or event is None or not _is_mapped(outcome):
                facts_of_lines.append(_facts_without_numbers(line, outcome))
                continue
            passed_on = is_passed_on(line, outcome)
            numbers = numbers_of(event, outcome, passed_on=passed_on)
            facts = facts_of_shape(numbers.mattering)
            message_id = event.get("messageId") if isinstance(event, dict) else event.message_id
            if facts and are_usual:
                are_usual = facts.is_usual and len(line) <= EVENT_BYTES
                facts.add_texts_of(event, texts)
                if message_id:
                    ids.append(message_id)
            known = _LineFacts(line, True, message_id, numbers, facts)
            if self._watch and isinstance(event, dict):
                # The shapes of events that are passed on have few of their fields.
                shape = None if passed_on else numbers.whole
                known.differences = self._watch.differences(event, seen, shape)
            facts_of_lines.append(known)
        are_short = are_usual and max(map(len, ids), default=0) <= MESSAGE_ID_LENGTH
        return facts_of_lines, are_short and are_usual_times(texts)

    def _note(self, keys: Iterable[Key], seen: PartialReview) -> None:
        for key in keys:
            self._notebook.note(key, seen.lines, seen.notes)

    def _see_mapped(self, known: _LineFacts, mapped: Mapped | FanOut, seen: PartialReview) -> None:
        """Add an event for which the facts of its shape do not suffice."""
        self._note(known.differences, seen)
        event = event_of(known.line)
        if not isinstance(event, Event):
            # A field that the mapping does not read may hold a number that is out of range.
            seen.untried += 1
            known.is_counted = False
            return
        numbers = known.numbers
        if numbers is None:
            if self._watch:
                self._watch.add(event.data, seen)
            passed_on = is_passed_on(known.line, mapped)
            numbers = known.numbers = self._numbers_of(event.data, mapped, passed_on=passed_on)
        known.line, known.is_counted = event.raw, True
        known.message_id = event.data.get("messageId")
        # Another line of this group may have had it first.
        facts = self._facts.get(numbers.mattering) or self._new_facts(event, mapped, numbers)
        if not facts.passed_on and numbers.whole not in self._tried:
            self._add_tried(numbers, self._trials.tried(event, mapped, numbers), seen)
        _count(numbers, facts, seen)
        of_values = self._notebook.wanted(segment_spec.remarks_by_value(event))
        remarks = _first_by_field([*of_values, *facts.remarks]) if of_values else ()
        keys = note_keys(remarks) if remarks else facts.keys
        self._notebook.warn(keys, seen.lines, seen.notes)

    def _new_facts(
        self, event: Event, mapped: Mapped | FanOut, numbers: ShapeNumbers
    ) -> ShapeFacts:
        of_destination = self._job.destination.remarks(event, self._job.settings)
        wanted = self._notebook.wanted([*segment_spec.remarks_by_type(event), *of_destination])
        facts = facts_of(event, mapped, _first_by_field(wanted))
        if len(self._facts) < _SHAPES_KEPT:
            self._facts[numbers.mattering] = facts
        return facts

    def _see_unmapped(self, line: bytes | TooLong, outcome: Decision, seen: PartialReview) -> None:
        if rejections_of(outcome):
            self._rejections.note(line, outcome, seen)
        else:
            seen.skipped += 1
        if self._watch and outcome is not OVER_LIMIT:
            self._watch.add_unmapped(line, seen)

    def _counts(self, known: _LineFacts, facts: ShapeFacts, seen: PartialReview) -> bool:
        """Count an event; False if its shape can only be tried with an event parsed exactly.

        Few new shapes differ in what matters from those before: for the others the JSON is enough.
        """
        numbers = known.numbers
        if numbers is None:
            return False
        # Most events have a shape that this review has seen.
        if numbers.whole in seen.shapes:
            seen.shapes[numbers.whole] += 1
            return True
        if not facts.passed_on and numbers.whole not in self._tried:
            tried = self._trials.tried_before(known.line.strip(_JSON_SPACE), numbers)
            if tried is None:
                return False
            self._add_tried(numbers, tried, seen)
        _count(numbers, facts, seen)
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
    return frozenset(OBJECTS).difference(frozenset.intersection(*copied))


def _facts_without_numbers(line: bytes | TooLong, outcome: Decision) -> _LineFacts:
    return _LineFacts(line) if type(line) is bytes and _is_mapped(outcome) else _NO_EVENT


def _fields_of(line: bytes | TooLong) -> dict[str, Any] | None:
    """Return the fields of an event; None if they cannot be parsed, or are those of a reject."""
    try:
        data = orjson.loads(line) if type(line) is bytes else {}
    except orjson.JSONDecodeError:
        return None
    # A line of a rejects file contains the event.
    return data if "type" in data else None


def _is_mapped(outcome: Decision) -> TypeGuard[Mapped | FanOut]:
    """Return whether an event has at least one payload."""
    return type(outcome) is Mapped or (type(outcome) is FanOut and bool(outcome.mapped))


def _count(numbers: ShapeNumbers, facts: ShapeFacts, seen: PartialReview) -> None:
    """Count the next event, of which these are the numbers and the facts of its shape."""
    if facts.passed_on:
        seen.passed_on += 1
        return
    events = seen.shapes.get(numbers.whole, 0)
    if not events:
        seen.first_of_shape[numbers.whole] = seen.lines
    seen.shapes[numbers.whole] = events + 1


def _add_sizes(outcomes: Sequence[Decision], seen: PartialReview) -> None:
    """Add the sizes of the payloads, by the key of their request."""
    mapped = [one for one in outcomes if type(one) is Mapped]
    if len(mapped) < len(outcomes):
        mapped += [one for several in outcomes if type(several) is FanOut for one in several.mapped]
    requests = {(one.route, one.request_values) for one in mapped}
    if len(requests) == 1:
        seen.sizes_of(mapped[0].request_key).extend([len(one.body) for one in mapped])
        return
    for one in mapped:
        seen.sizes_of(one.request_key).append(len(one.body))


def _add_ids(facts_of_lines: Sequence[_LineFacts], first: int, seen: PartialReview) -> None:
    """Add the messageIds of the events, or their lines; `first` is the index of the first line."""
    ids = [known.message_id for known in facts_of_lines]
    if all(ids) and set(map(type, ids)) == {str}:
        seen.ids.hashes.extend(map(hash, ids))
        seen.ids.places.extend(range(first, first + len(ids)))
        return
    for place, known in enumerate(facts_of_lines, first):
        if not known.is_counted:
            continue
        if not known.message_id:
            seen.lines_without_id.add(known.line.strip(_JSON_SPACE), place)
        elif type(known.message_id) is str:
            seen.ids.add(known.message_id, place)


def _first_by_field(remarks: Iterable[Remark]) -> Sequence[Remark]:
    """Return the first remark on each field."""
    found: dict[str, Remark] = {}
    for remark in remarks:
        found.setdefault(remark.field, remark)
    return tuple(found.values())

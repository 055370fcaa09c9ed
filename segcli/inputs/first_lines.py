"""Recognize by its first lines the form of an input that is not lines of Segment events.

A form is reported only if the lines prove it, and if the first line has it or no line is an event.
In any other input, each line that is not an event is rejected by itself.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

import msgspec

from segcli.core import exact_json
from segcli.core.event import Rejected, is_blank, parse
from segcli.core.json_values import first_value, values_in
from segcli.core.reject_record import is_record
from segcli.inputs.causes import cause_of
from segcli.inputs.conversion import elsewhere
from segcli.inputs.envelope import is_event, unwrapping, unwrapping_of_rest
from segcli.inputs.input import Input
from segcli.inputs.judgement import MOST_LINES, Form, Head, Judgement
from segcli.inputs.sniff import form_of_start
from segcli.inputs.tables import form_of_rows, form_of_table

# At least this many lines with the same problem stop a run; fewer lead to a remark.
_ENOUGH = 10
_NO_JSON = object()
# An integer that a double may not hold.
_LONG_NUMBER = re.compile(rb"[:,\[]\s*-?[0-9]{16,}")
_ROUNDS = "It has numbers of 16 digits or more, which jq before 1.7 rounds: see jq --version."
_LIST_BEGINS = re.compile(r'"\s*:\s*\[\s*(?=\{)')
_LISTS = 5
_ARRAY_BEGINS = ("{", "[", '"', "]")


def judge_lines(head: Head, entry: Input) -> Judgement:
    """Judge an input that should have events, by all lines that were read of it."""
    judgement = _judge_lines(head, entry)
    form = judgement.form
    if form and "jq " in form.command and _LONG_NUMBER.search(head.data):
        hint = "\n".join(filter(None, (form.hint, _ROUNDS)))
        return replace(judgement, form=replace(form, hint=hint))
    return judgement


def _judge_lines(head: Head, entry: Input) -> Judgement:
    if form := form_of_start(head.data):
        return Judgement(form=form)
    seen, lines = _HeadSummary(), []
    for line in head_lines(head):
        seen.add(line)
        lines.append(line)
        if line is lines[0] and seen.events:
            return Judgement(is_final=True)
    if form := _shape(head, lines[:1]) or seen.form_of_envelopes(first=lines[:1]):
        return Judgement(form=form)
    if seen.events:
        return Judgement(is_final=True)
    if form := _shape(head, lines) or _form_of_all(lines, seen) or _not_objects(lines, entry):
        return Judgement(form=form)
    return same_problem(seen.problems, lines, head, what="has no events in Segment's format")


def form_of_file(head: Head) -> Form | None:
    """Return the form of an input that does not consist of lines, of events or of anything else."""
    lines = list(head_lines(head))
    return form_of_start(head.data) or _shape(head, lines[:1]) or _array(lines)


@dataclass(frozen=True, slots=True)
class HeadLine:
    """One of the first lines of an input. It is not blank.

    number: its number, from 1.
    text: its bytes, without the line break.
    start: its position among the first bytes of the input.
    is_cut: True if its end was not read.
    kind: `typed` for an object with the type of an event, `JSON` for any other value, or `text`.
    """

    number: int
    text: bytes
    start: int
    is_cut: bool
    kind: Literal["typed", "JSON", "text"]


def head_lines(head: Head) -> Iterator[HeadLine]:
    """Yield the lines that are not blank, among the first `MOST_LINES`.

    A line whose end was not read is yielded only if it is the only one.
    """
    start = len(BOM_UTF8) if head.data.startswith(BOM_UTF8) else 0
    has_any = False
    for number in range(1, MOST_LINES + 1):
        end = head.data.find(b"\n", start)
        is_last = end < 0
        text = head.data[start:] if is_last else head.data[start:end]
        is_cut = is_last and not head.is_whole
        if not is_blank(text) and not (is_cut and has_any):
            has_any = True
            yield HeadLine(number, text, start, is_cut, _kind_of(text))
        if is_last:
            return
        start = end + 1


def same_problem(
    problems: Sequence[str | None], lines: Sequence[HeadLine], head: Head, *, what: str
) -> Judgement:
    """Judge an input by the problem of each line; None for a line without one.

    `what` describes an input whose lines all have the same problem.
    """
    kinds = {problem and problem.partition(": ")[0] for problem in problems}
    if len(kinds) != 1 or not (kind := kinds.pop()):
        return Judgement(is_final=None in problems)
    count = len(problems)
    which = "its only line is" if count == 1 else f"all {count} lines that were checked are"
    cause = cause_of(kind, [line.text for line in lines])
    form = Form(
        what=f"{what}: {which} rejected: {kind}{f' ({cause.text})' if cause else ''}",
        command=cause.command if cause else "",
        line=lines[0].number,
    )
    if count >= _ENOUGH:
        return Judgement(form=form)
    return Judgement(remark=form if head.is_whole else None)


class _Typed(msgspec.Struct):
    """An object with the type of an event."""

    type: Literal["alias", "group", "identify", "page", "screen", "track"]


_read_typed = msgspec.json.Decoder(_Typed).decode


@dataclass(slots=True)
class _HeadSummary:
    """What is known of the lines so far.

    events: True if one of them is an event; typed lines after it are not read in full.
    problems: the problem of each line that is not an envelope; None for a line without one.
    rows: the objects without the type of an event.
    """

    events: bool = False
    problems: list[str | None] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    _envelopes: dict[str, tuple[int, Any]] = field(default_factory=dict)
    _others: bool = False

    def add(self, line: HeadLine) -> None:
        """Add one line."""
        if line.is_cut:
            return
        if line.kind == "typed":
            self._others = True
            if not self.events:
                self._note(_problem(line.text))
            return
        value = _value(line.text)
        problem = None if is_record(value) else _problem(line.text)
        program = unwrapping(value) if problem and isinstance(value, dict | str) else ""
        if program not in {"", "."}:
            self._envelopes.setdefault(program, (line.number, value))
        else:
            self._others = True
            self._note(problem)
        if problem and isinstance(value, dict):
            self.rows.append(value)

    def form_of_envelopes(self, first: Sequence[HeadLine]) -> Form | None:
        """Return the form of lines that wrap events; None if no line does.

        If other lines are events, only a first line that wraps events counts.
        """
        begins = [line.number for line in first]
        if not self._envelopes:
            return None
        (program, (number, value)), *more = self._envelopes.items()
        if self.events and number not in begins:
            return None
        way = program
        if more or self._others:
            values = [value for _, value in self._envelopes.values()]
            careful = [f"({unwrapping(value, is_careful=True)})?" for value in values]
            way = " // ".join([*dict.fromkeys(careful), "."])
        return replace(_envelope(program, way, number), hint=_left_out(value))

    def _note(self, problem: str | None) -> None:
        self.problems.append(problem)
        self.events = self.events or problem is None


def _kind_of(text: bytes) -> Literal["typed", "JSON", "text"]:
    try:
        _read_typed(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "text" if _value(text) is _NO_JSON else "JSON"
    return "typed"


def _problem(text: bytes) -> str | None:
    """Return how a line breaks Segment's spec; None if it does not."""
    try:
        parse(text)
    except Rejected as rejected:
        return str(rejected)
    return None


def _value(text: bytes) -> Any:
    try:
        return exact_json.loads(text.strip().removeprefix(BOM_UTF8))
    except ValueError:
        return _NO_JSON


def _shape(head: Head, lines: Sequence[HeadLine]) -> Form | None:
    """Return the form of an input whose lines are not one JSON value each."""
    for line in lines:
        # A line that is cut is judged by the values at its start.
        if line.is_cut or line.kind == "text":
            form = _form_of_line(line, head, is_first=line is lines[0])
            if form:
                return form
    return None


def _form_of_line(line: HeadLine, head: Head, *, is_first: bool) -> Form | None:
    text = line.text.decode(errors="replace").strip()
    if not text.startswith(("{", "[")):
        return None
    values, rest = values_in(text)
    objects = [value for value in values if isinstance(value, dict)]
    if len(objects) > 1 and (not rest or line.is_cut):
        return Form(
            what="has several JSON values on one line, not one line for each event",
            command=_jq(unwrapping(objects[0]) or "."),
            line=line.number,
        )
    listed, rest = values_in(text, between=",")
    if is_first and listed and all(map(is_event, listed)) and (not rest or line.is_cut):
        return _with_commas(line, is_one=len(listed) == 1)
    return _over_lines(line, head, is_first=is_first)


def _with_commas(line: HeadLine, *, is_one: bool) -> Form | None:
    """Return the form of events with commas between them, on one line or on several."""
    if is_one and not line.text.rstrip().endswith(b","):
        return None
    if is_one:
        what, command = "has commas after its events", "sed 's/,[[:space:]]*$//' {}"
    else:
        what = "has several JSON values on one line, with commas between them"
        command = "sed 's/,[[:space:]]*$//; s/^/[/; s/$/]/' {} | jq -c '.[]'"
    return Form(what=what, command=command, line=line.number)


def _over_lines(line: HeadLine, head: Head, *, is_first: bool) -> Form | None:
    """Return the form of an input with a value that begins on a line and ends on a later one."""
    text = head.data[line.start :].decode(errors="replace")
    value, own = first_value(text) or (None, "")
    # If a value is larger than the bytes that were read, its end is missing as a proof.
    may_go_on = not head.is_whole or line.text.strip() in {b"{", b"["}
    is_begun = not own and is_first and may_go_on and _is_begun(text)
    if line.is_cut and is_begun and not text.lstrip().startswith("["):
        return _cut_envelope(line)
    if not is_begun and "\n" not in own:
        return None
    if text.lstrip().startswith("["):
        return _array_form(value)
    if is_first and is_event(value) and text.lstrip()[len(own) :].lstrip().startswith(","):
        return Form(
            what="has JSON over several lines, with commas between the values",
            command="sed '1s/^/[/; $s/,*[[:space:]]*$/]/' {} | jq -c '.[]'",
        )
    return Form(
        what="has JSON over several lines, not one line for each event",
        command=_jq(unwrapping(value) or "."),
        hint=_left_out(value),
        line=0 if is_first else line.number,
    )


def _cut_envelope(line: HeadLine) -> Form | None:
    """Return the form of a line that is cut, by the first item of a list in it."""
    text = line.text.decode(errors="replace")
    for begin in islice(_LIST_BEGINS.finditer(text), _LISTS):
        if found := first_value(text[begin.end() :]):
            program = unwrapping(_value(f"{text[: begin.end()]}{found[1]}]}}".encode()))
            if program not in {"", "."}:
                return _envelope(program, program, line.number)
    return None


def _envelope(program: str, way: str, number: int) -> Form:
    is_path = program.startswith(".")
    where = f"the events are at {program}" if is_path else "each event is a string of JSON"
    return Form(
        what=f"has envelopes, not events: {where}",
        command=_jq(way),
        line=number,
    )


def _left_out(value: Any) -> str:
    """Return a hint on other events in a value than those that `unwrapping` extracts."""
    others = unwrapping_of_rest(value)
    return f"The command leaves out the events at {others}." if others else ""


def _is_begun(text: str) -> bool:
    """True if a text ends within a value and is correct up to there."""
    try:
        exact_json.loads(text.encode(errors="replace"))
    except ValueError as error:
        return str(error) == "not JSON: it ends too early"
    return False


def _array_form(value: Any) -> Form:
    way = unwrapping(value)
    return Form(
        what="is a JSON array, not lines of JSON",
        command=_jq(way if way not in {"", "."} else ".[]"),
    )


def _jq(program: str) -> str:
    quoted = program if program == "." else f"'{program}'"
    return f"jq -c {quoted} {{}}"


def _array(lines: Sequence[HeadLine]) -> Form | None:
    """Return the form of an input that begins with an array and has no event on a line.

    Its first line must be JSON so far: `["info"] started` is a line of a log, and `[[actions]]`
    begins a table of TOML.
    """
    text, *more = [line.text.decode(errors="replace").strip() for line in lines[:2]] or [""]
    inner = text.removeprefix("[").lstrip() or "".join(more)
    if not text.startswith("[") or (inner and not inner.startswith(_ARRAY_BEGINS)):
        return None
    values, rest = values_in(text)
    if rest and not _is_begun(text):
        return None
    return _array_form(values[0] if values else None)


def _form_of_all(lines: Sequence[HeadLine], seen: _HeadSummary) -> Form | None:
    """Return the form of an input without an event on a line."""
    if form := _array(lines):
        return form
    whole = [line.text for line in lines if not line.is_cut]
    if not whole:
        return None
    if len(seen.rows) == len(whole):
        return form_of_rows(seen.rows)
    if any(line.kind != "text" and line.text.lstrip().startswith((b"{", b"[")) for line in lines):
        return None
    form = form_of_table(whole)
    return form and replace(form, line=lines[0].number)


def _not_objects(lines: Sequence[HeadLine], entry: Input) -> Form | None:
    """Return the form of a file in a folder whose first line does not begin an object."""
    if not entry.found_in or not lines or lines[0].text.lstrip().startswith(b"{"):
        return None
    return Form(what="is not lines of JSON", hint=elsewhere(entry))

"""Reads a list of members or values, CSV or NDJSON, row by row."""

import csv
import json
from codecs import BOM_UTF8
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from segcli.core import exact_json
from segcli.core.event import identifier, is_blank
from segcli.core.line import TooLong
from segcli.engage.id_check import id_problem
from segcli.errors import InputError
from segcli.inputs.first_lines import form_of_file, head_lines, same_problem
from segcli.inputs.judgement import Head, HeadJudge, Judgement
from segcli.lines import chunks
from segcli.lines.chunks import Input

# The names of a column, in lower case and without underscores. The first one that exists counts,
# so that an `id` beside a `userId` is not the user.
_USER_ID = ("userid", "id")
_ANONYMOUS_ID = ("anonymousid",)
_EMAIL = ("email",)

# A line with its number.
NumberedLine = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A good row.

    line: the line where it starts
    user_id, anonymous_id, email: who the user is; empty if unknown, but one of the ids is set
    value: the value as JSON text; `true` in an audience
    traits: other columns, as the text of a JSON object
    """

    line: int
    user_id: str
    anonymous_id: str
    email: str
    value: str = "true"
    traits: str = "{}"

    @property
    def user(self) -> str:
        """The identity of the user: two rows with the same one are the same user."""
        return f"u:{self.user_id}" if self.user_id else f"a:{self.anonymous_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row without a user, or one that cannot be read.

    line: the line where it starts
    text: its bytes
    problem: what is wrong
    hides_user: whether it may be the row of a user
    """

    line: int
    text: bytes
    problem: str
    hides_user: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns that the rows need.

    value: the possible names of the column with the value; empty for an audience
    with_traits: whether all other columns are traits
    """

    value: tuple[str, ...] = ()
    with_traits: bool = False


def members(
    entry: Input, columns: Columns, *, max_line: int = chunks.MAX_LINE
) -> Iterator[Member | BadRow]:
    """Yield the rows of an input: NDJSON if it begins with `{`, else CSV with a header.

    It streams the input. Raises InputError for a CSV header without a user, or without a value if
    one is needed, and for a line over `max_line` bytes.
    """
    yield from _rows_of(entry, _lines(entry, max_line), columns)


def judge_members(columns: Columns, *, max_line: int = chunks.MAX_LINE) -> HeadJudge:
    """Return a function that judges a list of members by its first rows."""

    def judge(head: Head, entry: Input) -> Judgement:
        if form := form_of_file(head):
            return Judgement(form=form)
        lines = list(head_lines(head))
        if any(len(line.text) > max_line for line in lines):
            return Judgement(is_final=True)
        numbered = [(line.number, line.text) for line in lines if not line.is_cut]
        rows = _rows_of(entry, iter(numbered), columns)
        problems = [row.problem if isinstance(row, BadRow) else None for row in rows]
        return same_problem(problems, lines, head, what="has no member")

    return judge


def _rows_of(
    entry: Input, lines: Iterator[NumberedLine], columns: Columns
) -> Iterator[Member | BadRow]:
    first = next((line for line in lines if not is_blank(line[1])), None)
    if first is None:
        return
    number, begin = first[0], first[1].removeprefix(BOM_UTF8)
    lines = chain([(number, begin)], lines)
    if begin.lstrip().startswith(b"{"):
        yield from _of_ndjson(lines, columns)
    else:
        yield from _of_csv(entry, lines, columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The columns of a row by their role; None if there is no such column.

    user_id, anonymous_id, email, value: the column with that role
    traits: all other columns
    twice: several columns with the same role, or the same name: which one counts is unknown
    """

    user_id: str | None
    anonymous_id: str | None
    email: str | None
    value: str | None
    traits: tuple[str, ...]
    twice: tuple[str, ...] = ()

    @property
    def ids(self) -> Iterator[str]:
        """Yield the columns of the ids and of the email."""
        return (name for name in (self.user_id, self.anonymous_id, self.email) if name is not None)


@dataclass(frozen=True, slots=True)
class _RowReader:
    """Makes members from rows with the same columns.

    names: the columns by their role
    columns: the columns that the rows need
    read: reads a value or a trait from its cell
    """

    names: _Names
    columns: Columns
    read: Callable[[Any], Any]

    def member(self, place: NumberedLine, row: Mapping[str, Any]) -> Member | BadRow:
        """Return the member of a row; `place` is its first line and its bytes."""
        number, text = place
        if problem := self._problem_of(row):
            return BadRow(line=number, text=text, problem=problem)
        user_id = _id(row, self.names.user_id)
        anonymous_id = _id(row, self.names.anonymous_id)
        if not user_id and not anonymous_id:
            problem = "has no userId or anonymousId"
            return BadRow(line=number, text=text, problem=problem, hides_user=False)
        if self.columns.value and self.names.value not in row:
            problem = (
                f"has no field for the value: {' or '.join(dict.fromkeys(self.columns.value))}"
            )
            return BadRow(line=number, text=text, problem=problem)
        return Member(
            line=number,
            user_id=user_id,
            anonymous_id=anonymous_id,
            email=_id(row, self.names.email),
            value=self._value(row),
            traits=self._traits(row),
        )

    def _problem_of(self, row: Mapping[str, Any]) -> str:
        """Return why it is unclear which user or value a row means; empty if it is clear."""
        if self.names.twice:
            return f"has the same field twice: {', '.join(self.names.twice)}"
        for name in self.names.ids:
            if problem := id_problem(row.get(name)):
                return f"{name} {problem}"
        return ""

    def _value(self, row: Mapping[str, Any]) -> str:
        return _json(self.read(row[self.names.value])) if self.names.value else "true"

    def _traits(self, row: Mapping[str, Any]) -> str:
        if not self.columns.with_traits:
            return "{}"
        traits = {name: self.read(row[name]) for name in self.names.traits if name in row}
        return _json({name: value for name, value in traits.items() if value is not None})


def _as_it_is(value: Any) -> Any:
    return value


# Each NDJSON row may have other names, but nearly always they are the same.
@lru_cache(maxsize=256)
def _row_reader(
    found: tuple[str, ...], columns: Columns, read: Callable[[Any], Any] = _as_it_is
) -> _RowReader:
    """Return the reader of rows with these names; `read` reads a value or a trait."""
    return _RowReader(_names(found, columns), columns, read)


def _names(found: Sequence[str], columns: Columns) -> _Names:
    plain = {_plain(name): name for name in reversed(found)}

    def first(wanted: Iterable[str]) -> str | None:
        return next((plain[_plain(name)] for name in wanted if _plain(name) in plain), None)

    taken = {*_USER_ID, *_ANONYMOUS_ID, *_EMAIL, *map(_plain, columns.value), ""}
    return _Names(
        user_id=first(_USER_ID),
        anonymous_id=first(_ANONYMOUS_ID),
        email=first(_EMAIL),
        value=first(columns.value),
        traits=tuple(name for name in found if _plain(name) not in taken),
        twice=_twice(found, taken),
    )


def _twice(found: Sequence[str], taken: Container[str]) -> tuple[str, ...]:
    """Return the first names that are equal, or have the same role."""
    groups: dict[str, list[str]] = {}
    for name in filter(None, found):
        plain = _plain(name)
        groups.setdefault(plain if plain and plain in taken else f"={name}", []).append(name)
    return next((tuple(names) for names in groups.values() if len(names) > 1), ())


def _id(row: Mapping[str, Any], name: str | None) -> str:
    """Return an id or an email as text. In CSV it is always text: `007` is not a number."""
    return identifier(row.get(name)) or "" if name is not None else ""


def _json(value: Any) -> str:
    return exact_json.dumps(value, as_written=False).decode()


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _lines(entry: Input, max_line: int) -> Iterator[NumberedLine]:
    for chunk in chunks.chunks([entry], max_line):
        for number, line in enumerate(chunk.lines, chunk.first):
            if isinstance(line, TooLong):
                raise InputError(
                    f"{entry.title}:{number}: the line has {line.size:,} bytes, more than "
                    f"--max-line {max_line}",
                    f"If that is right, type --max-line {line.size}",
                )
            yield number, line


def _of_ndjson(lines: Iterable[NumberedLine], columns: Columns) -> Iterator[Member | BadRow]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            row = exact_json.loads(line)
        except ValueError as error:
            yield BadRow(line=number, text=line, problem=str(error))
            continue
        if not isinstance(row, dict):
            yield BadRow(line=number, text=line, problem="not a JSON object")
        elif problem := _problem_with_keys(line, row):
            yield BadRow(line=number, text=line, problem=problem)
        else:
            yield _row_reader(tuple(row), columns).member((number, line), row)


def _problem_with_keys(line: bytes, row: Mapping[str, Any]) -> str:
    """Return a problem if an object of a line has a key twice: which one counts is unknown."""
    # A colon follows each key. If there are as many colons as keys, no key was dropped.
    if line.count(b":") == len(row):
        return ""
    are_twice = []

    def note(pairs: Sequence[tuple[str, Any]]) -> None:
        are_twice.append(len({key for key, _ in pairs}) < len(pairs))

    # The line was parsed before, so it is valid JSON, and not nested too deeply.
    json.loads(line, object_pairs_hook=note, parse_int=str, parse_float=str)
    return "has a key twice" if any(are_twice) else ""


def _of_csv(
    entry: Input, lines: Iterable[NumberedLine], columns: Columns
) -> Iterator[Member | BadRow]:
    taken = _TakenLines(lines)
    line, header, rows = _opened(entry, taken)
    reader = _row_reader(tuple(header), columns, _value_of)
    _check_header(f"{entry.title}:{line}", header, reader)
    for place, row in _rows(rows, taken):
        if isinstance(row, csv.Error):
            yield BadRow(line=place[0], text=place[1], problem=f"not CSV: {row}")
        elif row:
            yield _of_row(place, header, row, reader)


class _TakenLines:
    """The lines for a CSV reader, as text; it remembers those that the reader has taken."""

    def __init__(self, lines: Iterable[NumberedLine]) -> None:
        self._lines = lines
        self._taken: list[NumberedLine] = []

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self._taken.append((number, line))
            yield line.decode(errors="surrogateescape") + "\n"

    def row(self) -> NumberedLine:
        """Return the first line that was taken since the last call, and the bytes of all."""
        number = self._taken[0][0]
        text = b"\n".join(line for _, line in self._taken)
        self._taken.clear()
        return number, text


def _opened(entry: Input, taken: _TakenLines) -> tuple[int, list[str], Iterator[list[str]]]:
    """Return the line of the header, the names of the columns, and the rows after it."""
    lines = iter(taken)
    head = next(lines)
    rows = csv.reader(chain([head], lines), delimiter=_delimiter(head), strict=True)
    try:
        header = [name.strip() for name in next(rows)]
        line, text = taken.row()
        text.decode()
    except csv.Error as error:
        raise InputError(f"{entry.title}: the header is not CSV: {error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{entry.title}: the header is not UTF-8 text") from None
    return line, header, rows


def _delimiter(head: str) -> str:
    return next((mark for mark in ",;\t" if mark in head), ",")


def _rows(
    rows: Iterator[list[str]], taken: _TakenLines
) -> Iterator[tuple[NumberedLine, list[str] | csv.Error]]:
    """Yield each row, or its CSV error, with its place; the reader continues after an error."""
    while True:
        try:
            row: list[str] | csv.Error = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            row = error
        yield taken.row(), row


def _check_header(place: str, header: Sequence[str], reader: _RowReader) -> None:
    names, value = reader.names, reader.columns.value
    if names.twice:
        raise InputError(
            f"{place}: the header has the same field twice: {', '.join(names.twice)}",
            "Rename or remove one of these columns.",
        )
    if names.user_id is None and names.anonymous_id is None:
        raise InputError(
            f"{place}: the header has no userId or anonymousId: {', '.join(header)}",
            "The first line of a CSV file names its columns; add one of these.",
        )
    if value and names.value is None:
        raise InputError(
            f"{place}: the header has no column for the value: {', '.join(header)}",
            f"Name a column {' or '.join(dict.fromkeys(value))}.",
        )


def _of_row(
    place: NumberedLine, header: Sequence[str], row: Sequence[str], reader: _RowReader
) -> Member | BadRow:
    number, text = place
    try:
        text.decode()
    except UnicodeDecodeError:
        return BadRow(line=number, text=text, problem="not UTF-8 text")
    if len(row) > len(header):
        return BadRow(line=number, text=text, problem="has more fields than the header")
    return reader.member(place, dict(zip(header, row, strict=False)))


def _value_of(cell: str) -> Any:
    """Return a CSV cell as a number, boolean or null if it is one in JSON, else as text."""
    if not cell:
        return None
    try:
        value = exact_json.loads(cell.encode())
    except ValueError:
        return cell
    return cell if isinstance(value, dict | list | str) else value

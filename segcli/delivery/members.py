"""Members: who is in an audience, or which value each user has, out of CSV or NDJSON."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from segcli import exact_json
from segcli.delivery import source
from segcli.delivery.source import Input
from segcli.errors import InputError
from segcli.event import identifier
from segcli.outcome import TooLong

# How a column may be called, in lower case and without underscores; the first one counts.
_USER_ID = ("userid", "id")
_ANONYMOUS_ID = ("anonymousid",)
_EMAIL = ("email",)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One row: a user, and for a trait the value as JSON text. `traits` is a JSON object."""

    line: int
    user_id: str
    anonymous_id: str
    email: str
    value: str = "true"
    traits: str = "{}"

    @property
    def user(self) -> str:
        """What makes two rows the same user."""
        return f"u:{self.user_id}" if self.user_id else f"a:{self.anonymous_id}"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that names no user, or cannot be read."""

    line: int
    text: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the rows hold: a trait's value stands under one of `value`, an audience has none.

    With `with_traits` every further column is a trait.
    """

    value: Sequence[str] = ()
    with_traits: bool = False


def members(entry: Input, columns: Columns) -> Iterator[Member | BadRow]:
    """Read an input row by row, streaming; NDJSON if it begins with `{`, else CSV with a header.

    Raises InputError where a CSV header names no user, or no value where one is needed.
    """
    lines = _lines(entry)
    first = next(lines, None)
    if first is None:
        return
    begin = first[1].removeprefix(_BOM)
    rows = chain([(first[0], begin)], lines)
    if begin.lstrip().startswith(b"{"):
        yield from _of_ndjson(rows, columns)
    else:
        yield from _of_csv(entry, rows, columns)


def _lines(entry: Input) -> Iterator[tuple[int, bytes]]:
    for chunk in source.chunks([entry]):
        for number, line in enumerate(chunk.lines, chunk.first):
            if isinstance(line, TooLong):
                raise InputError(f"{entry.title}:{number}: the line is longer than 1 MiB")
            yield number, line


def _of_ndjson(lines: Iterable[tuple[int, bytes]], columns: Columns) -> Iterator[Member | BadRow]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            row = exact_json.loads(line)
        except ValueError as error:
            yield BadRow(number, line.decode(errors="replace"), str(error))
            continue
        if isinstance(row, dict):
            yield _member(number, row, columns, text=line.decode())
        else:
            yield BadRow(number, line.decode(), "not a JSON object")


def _of_csv(
    entry: Input, lines: Iterator[tuple[int, bytes]], columns: Columns
) -> Iterator[Member | BadRow]:
    texts = (line.decode(errors="surrogateescape") + "\n" for _, line in lines)
    head = next(texts)
    delimiter = next((mark for mark in ",;\t" if mark in head), ",")
    reader = csv.reader(chain([head], texts), delimiter=delimiter, strict=True)
    header = [name.strip() for name in next(reader)]
    _check_header(entry, header, columns)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(number, "", f"not CSV: {error}")
            continue
        if row:
            yield _of_row(number, header, row, columns)


def _check_header(entry: Input, header: Sequence[str], columns: Columns) -> None:
    plain = {_plain(name) for name in header}
    if not plain & {*_USER_ID, *_ANONYMOUS_ID}:
        raise InputError(
            f"{entry.title}: the header names no user: {', '.join(header)}",
            "The first line of a CSV file names its columns; one has to be userId or anonymousId.",
        )
    if columns.value and not plain & {_plain(name) for name in columns.value}:
        raise InputError(
            f"{entry.title}: the header names no value: {', '.join(header)}",
            f"Name a column {' or '.join(columns.value)}.",
        )


def _of_row(
    number: int, header: Sequence[str], row: Sequence[str], columns: Columns
) -> Member | BadRow:
    text = ",".join(row).encode(errors="surrogateescape").decode(errors="replace")
    if not all(_is_text(cell) for cell in row):
        return BadRow(number, text, "not UTF-8 text")
    if len(row) > len(header):
        return BadRow(number, text, "has more fields than the header")
    cells = {name: _value_of(cell) for name, cell in zip(header, row, strict=False)}
    ids = {name: cell for name, cell in zip(header, row, strict=False) if _is_id(name)}
    return _member(number, cells | ids, columns, text=text)


def _member(number: int, row: Mapping[str, Any], columns: Columns, *, text: str) -> Member | BadRow:
    user_id = _first(row, _USER_ID)
    anonymous_id = _first(row, _ANONYMOUS_ID)
    if not user_id and not anonymous_id:
        return BadRow(number, text, "names no user: userId or anonymousId")
    known = {*_USER_ID, *_ANONYMOUS_ID, *_EMAIL, *map(_plain, columns.value)}
    traits = {name: value for name, value in row.items() if _plain(name) not in known}
    return Member(
        line=number,
        user_id=user_id,
        anonymous_id=anonymous_id,
        email=_first(row, _EMAIL),
        value=_json(_found(row, columns.value)) if columns.value else "true",
        traits=_json(_without_null(traits)) if columns.with_traits else "{}",
    )


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return identifier(_found(row, names)) or ""


def _found(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return what stands under the first of the names that holds something."""
    plain = {_plain(name): value for name, value in row.items()}
    values = (plain.get(_plain(name)) for name in names)
    return next((value for value in values if value not in (None, "")), None)


def _value_of(cell: str) -> Any:
    """Return a CSV cell as a number or boolean where it reads as one in JSON, else as text."""
    if not cell:
        return None
    try:
        value = exact_json.loads(cell.encode())
    except ValueError:
        return cell
    return value if not isinstance(value, dict | list | str) else cell


def _is_id(name: str) -> bool:
    """Tell whether a column's cells are text, whatever they look like: `007` is no number."""
    return _plain(name) in {*_USER_ID, *_ANONYMOUS_ID, *_EMAIL}


def _is_text(cell: str) -> bool:
    return not any("\udc80" <= mark <= "\udcff" for mark in cell)


def _without_null(traits: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in traits.items() if value is not None}


def _json(value: Any) -> str:
    return exact_json.dumps(value).decode()


def _plain(name: str) -> str:
    return name.replace("_", "").lower()

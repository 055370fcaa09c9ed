"""Members: who is in an audience, or which value each user has, out of CSV or NDJSON."""

import csv
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from segcli.core import exact_json
from segcli.core.event import is_blank
from segcli.core.line import TooLong
from segcli.delivery.audience.member import BadRow, Columns, Member, Numbered, RowReader, row_reader
from segcli.errors import InputError
from segcli.lines import chunks
from segcli.lines.chunks import Input


def members(
    entry: Input, columns: Columns, *, max_line: int = chunks.MAX_LINE
) -> Iterator[Member | BadRow]:
    """Read an input row by row, streaming; NDJSON if it begins with `{`, else CSV with a header.

    Raises InputError where a CSV header names no user, or no value where one is needed, and for
    a line over `max_line` bytes.
    """
    lines = _lines(entry, max_line)
    first = next((line for line in lines if not is_blank(line[1])), None)
    if first is None:
        return
    number, begin = first[0], first[1].removeprefix(BOM_UTF8)
    lines = chain([(number, begin)], lines)
    if begin.lstrip().startswith(b"{"):
        yield from _of_ndjson(lines, columns)
    else:
        yield from _of_csv(entry, lines, columns)


def _lines(entry: Input, max_line: int) -> Iterator[Numbered]:
    for chunk in chunks.chunks([entry], max_line):
        for number, line in enumerate(chunk.lines, chunk.first):
            if isinstance(line, TooLong):
                raise InputError(
                    f"{entry.title}:{number}: the line has {line.size:,} bytes, more than "
                    f"--max-line {max_line}",
                    f"If that is meant, type --max-line {line.size}",
                )
            yield number, line


def _of_ndjson(lines: Iterable[Numbered], columns: Columns) -> Iterator[Member | BadRow]:
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
            yield row_reader(tuple(row), columns).member((number, line), row)


def _problem_with_keys(line: bytes, row: Mapping[str, Any]) -> str:
    """Say so where an object of a line has a key twice: which of them counts is not known."""
    # Each key has a colon behind it. Where there are as many of one as of the other, all differ.
    if line.count(b":") == len(row):
        return ""
    are_twice = []

    def note(pairs: Sequence[tuple[str, Any]]) -> None:
        are_twice.append(len({key for key, _ in pairs}) < len(pairs))

    # It was read before, so it is JSON, and not nested deeply.
    json.loads(line, object_pairs_hook=note, parse_int=str, parse_float=str)
    return "has a key twice" if any(are_twice) else ""


def _of_csv(entry: Input, lines: Iterable[Numbered], columns: Columns) -> Iterator[Member | BadRow]:
    taken = _Taken(lines)
    line, header, rows = _opened(entry, taken)
    reader = row_reader(tuple(header), columns, _value_of)
    _check_header(f"{entry.title}:{line}", header, reader)
    for place, row in _rows(rows, taken):
        if isinstance(row, csv.Error):
            yield BadRow(line=place[0], text=place[1], problem=f"not CSV: {row}")
        elif row:
            yield _of_row(place, header, row, reader)


class _Taken:
    """The lines that a CSV reader takes, as text; `row` is where and what it took of late."""

    def __init__(self, lines: Iterable[Numbered]) -> None:
        self._lines = lines
        self._taken: list[Numbered] = []

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self._taken.append((number, line))
            yield line.decode(errors="surrogateescape") + "\n"

    def row(self) -> Numbered:
        """Return the number of the first line taken since the last call, and all their bytes."""
        number = self._taken[0][0]
        text = b"\n".join(line for _, line in self._taken)
        self._taken.clear()
        return number, text


def _opened(entry: Input, taken: _Taken) -> tuple[int, list[str], Iterator[list[str]]]:
    """Return the line of the header, the names of the columns, and the rows below."""
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
    rows: Iterator[list[str]], taken: _Taken
) -> Iterator[tuple[Numbered, list[str] | csv.Error]]:
    """Yield each row, or why it is none, with where it stands; the reader goes on behind it."""
    while True:
        try:
            row: list[str] | csv.Error = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            row = error
        yield taken.row(), row


def _check_header(place: str, header: Sequence[str], reader: RowReader) -> None:
    names, value = reader.names, reader.columns.value
    if names.twice:
        raise InputError(
            f"{place}: the header names one thing twice: {', '.join(names.twice)}",
            "Rename or remove one of these columns: which of them counts is not known.",
        )
    if names.user_id is None and names.anonymous_id is None:
        raise InputError(
            f"{place}: the header names no user: {', '.join(header)}",
            "The first line of a CSV file names its columns; one has to be userId or anonymousId.",
        )
    if value and names.value is None:
        raise InputError(
            f"{place}: the header names no value: {', '.join(header)}",
            f"Name a column {' or '.join(dict.fromkeys(value))}.",
        )


def _of_row(
    place: Numbered, header: Sequence[str], row: Sequence[str], reader: RowReader
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
    """Return a CSV cell as the number, boolean or null that it reads as in JSON, else as text."""
    if not cell:
        return None
    try:
        value = exact_json.loads(cell.encode())
    except ValueError:
        return cell
    return cell if isinstance(value, dict | list | str) else value

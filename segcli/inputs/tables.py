"""Recognize tables: CSV, and rows that a warehouse exports."""

import csv
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from segcli.core.event import TYPES
from segcli.inputs.judgement import Form

_DELIMITERS = ",;\t|"
_COLUMN = re.compile(r"[^\W\d][\w .:/$()\[\]#-]{0,99}")
# Excel's own first line, which names the delimiter.
_NAMED_DELIMITER = re.compile(r'"?sep=([,;\t|])"?')
_IDS_OF_WAREHOUSE = frozenset({"user_id", "anonymous_id"})
_IDS = frozenset({"userid", "anonymousid"})
# What a header may have of an event, without case, blanks and underscores.
_FIELDS = frozenset(
    {"type", "event", "eventtext", "messageid", "timestamp", "originaltimestamp", "receivedat"}
    | {"sentat", "email", "groupid", "previousid", "properties", "traits", "context"}
)
_ENOUGH_FIELDS = 2
_NAMES_OF_EVENT = frozenset({"event", "event_text"})
# Columns that a warehouse has beside the user. Any log may have a user_id.
_COLUMN_OF_WAREHOUSE = re.compile(
    "event|event_text|original_timestamp|received_at|sent_at|uuid|uuid_ts|loaded_at|context_.*"
)
# The columns that Segment's and RudderStack's warehouses add to every row of a track.
_STANDARD = (
    "event|event_text|user_?id|anonymous_?id|id|message_?id|timestamp|original_timestamp|"
    "received_at|sent_at|uuid|uuid_ts|loaded_at|channel"
)
_RENAMED = (
    "userId: (.user_id // .userid), anonymousId: (.anonymous_id // .anonymousid), "
    "messageId: (.message_id // .messageid // .id), timestamp, "
    "originalTimestamp: .original_timestamp, receivedAt: .received_at, sentAt: .sent_at"
)
_OTHERS = f'with_entries(select(.key | test("^({_STANDARD}|context_.*)$") | not))'


def form_of_table(lines: Sequence[bytes]) -> Form | None:
    """Return the form of CSV with a header; None for any other lines."""
    try:
        text = [line.decode("utf-8-sig") for line in lines]
    except UnicodeDecodeError:
        return None
    if named := _NAMED_DELIMITER.fullmatch(text[0].rstrip()):
        is_table = len(text) > 1 and _is_table(text[1:], named[1])
        return _csv(named[1], skipped="tail -n +2 {} | ") if is_table else None
    return next((_csv(each) for each in _DELIMITERS if _is_table(text, each)), None)


def form_of_rows(rows: Sequence[Mapping[str, Any]]) -> Form | None:
    """Return the form of rows of a warehouse; None if one of the objects is not such a row."""
    if not rows or not all(map(_is_row, rows)):
        return None
    shown = next(key for key in rows[0] if key.lower().replace("_", "") in _IDS)
    segments = "anonymousId" if "anon" in shown.lower() else "userId"
    has_names = any(key.lower() in _NAMES_OF_EVENT for row in rows for key in row)
    lower = "with_entries(.key |= ascii_downcase) | "
    if has_names:
        made = (
            f'{{type: "track", event: (.event_text // .event), {_RENAMED}, properties: {_OTHERS}}}'
        )
        hint = "The columns that are not Segment's fields become properties."
    else:
        made = f'{{type: "TYPE", {_RENAMED}, traits: {_OTHERS}}}'
        hint = "A row does not say which call it was. Replace TYPE, for example by identify."
    return Form(
        what=f"has rows of a warehouse, not events: it has {shown}; Segment's field is {segments}",
        command=f"jq -c '{lower}{made}' {{}}",
        hint=hint,
    )


def _is_table(lines: Sequence[str], delimiter: str) -> bool:
    """True if the lines are a header and rows with the same number of cells.

    A name may be missing, as above the index of pandas. One column is a table only if its cells
    are JSON in quotes. A header without rows, and lines that may be prose or a log, are a table
    only if the header has fields of an event.
    """
    header, *rows = _rows(lines, delimiter) or [[]]
    rows = [row for row in rows if row]
    names = [name.strip() for name in header]
    if not any(names) or not all(not name or _COLUMN.fullmatch(name) for name in names):
        return False
    if len(names) == 1:
        return bool(rows) and all(line.startswith('"{') for line in lines[1:] if line.strip())
    if any(len(row) != len(header) for row in rows):
        return False
    return _has_fields(names) or (bool(rows) and not _may_be_text(lines, delimiter, header, rows))


def _has_fields(names: Sequence[str]) -> bool:
    """True if a header names a user, or several fields of an event."""
    plain = {name.lower().replace("_", "").replace(" ", "") for name in names}
    return bool(plain & _IDS) or len(plain & _FIELDS) >= _ENOUGH_FIELDS


def _may_be_text(
    lines: Sequence[str], delimiter: str, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> bool:
    """True for lines that may be sentences or a log: `Hello, world`, or `INFO` in each of them.

    In these a blank follows each delimiter, or a cell of the first line is below it again.
    """
    is_spaced = all(f"{delimiter} " in line for line in lines if line.strip())
    return is_spaced or any(
        name and name == cell for row in rows for name, cell in zip(header, row, strict=True)
    )


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the rows of lines; the end of the last one may be missing."""
    rows: list[list[str]] = []
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    with suppress(csv.Error):
        rows.extend(reader)
    return rows


def _csv(delimiter: str, *, skipped: str = "") -> Form:
    """Return the form of CSV; `skipped` is the command that leaves out a line before the header."""
    option = "" if delimiter == "," else f', delimiter="{delimiter}"'.replace("\t", "\\t")
    program = (
        'import csv, json, sys; sys.stdin.reconfigure(encoding="utf-8-sig", newline=""); '
        f"[print(json.dumps(row)) for row in csv.DictReader(sys.stdin{option})]"
    )
    return Form(
        what="is CSV, not lines of JSON",
        command=f"{skipped}python3 -c '{program}'",
        hint="The command makes an object of each row. An event needs Segment's fields, such as "
        "type and userId.",
    )


def _is_row(row: Mapping[str, Any]) -> bool:
    """True if an object is flat, and has the user in a column of a warehouse."""
    if row.get("type") in TYPES or "userId" in row or "anonymousId" in row:
        return False
    is_flat = not any(isinstance(value, dict) for value in row.values())
    lower = {key.lower() for key in row}
    is_shouted = all(key == key.upper() for key in row) and bool(lower & _IDS)
    is_stored = bool(lower & _IDS_OF_WAREHOUSE) and any(map(_COLUMN_OF_WAREHOUSE.fullmatch, lower))
    return is_flat and (is_shouted or is_stored)

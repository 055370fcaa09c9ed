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
_IDS_OF_WAREHOUSE = frozenset({"user_id", "anonymous_id"})
_NAMES_OF_EVENT = frozenset({"event", "event_text"})
# The columns that Segment's and RudderStack's warehouses add to every row of a track.
_STANDARD = (
    "event|event_text|user_id|anonymous_id|id|message_id|timestamp|original_timestamp|"
    "received_at|sent_at|uuid|uuid_ts|loaded_at|channel"
)
_RENAMED = (
    "userId: .user_id, anonymousId: .anonymous_id, messageId: (.message_id // .id), "
    "timestamp, originalTimestamp: .original_timestamp, receivedAt: .received_at, "
    "sentAt: .sent_at"
)
_OTHERS = f'with_entries(select(.key | test("^({_STANDARD}|context_.*)$") | not))'


def form_of_table(lines: Sequence[bytes]) -> Form | None:
    """Return the form of CSV with a header; None for any other lines."""
    try:
        text = [line.decode("utf-8-sig") for line in lines]
    except UnicodeDecodeError:
        return None
    for delimiter in _DELIMITERS:
        if _is_table(text, delimiter):
            return _csv(delimiter)
    return None


def form_of_rows(rows: Sequence[Mapping[str, Any]]) -> Form | None:
    """Return the form of rows of a warehouse; None if one of the objects is not such a row."""
    if not rows or not all(map(_is_row, rows)):
        return None
    ids = [key for key in rows[0] if key.lower() in _IDS_OF_WAREHOUSE]
    shown = ids[0] if ids else "user_id"
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
    """True if the lines are a header and rows with the same number of cells."""
    if delimiter not in lines[0]:
        return False
    header, *rows = _rows(lines, delimiter) or [[]]
    names = [name.strip() for name in header]
    if not all(map(_COLUMN.fullmatch, names)) or len({*names}) < len(names):
        return False
    return all(len(row) == len(header) for row in rows if row)


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the rows of lines; the end of the last one may be missing."""
    rows: list[list[str]] = []
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    with suppress(csv.Error):
        rows.extend(reader)
    return rows


def _csv(delimiter: str) -> Form:
    option = "" if delimiter == "," else f', delimiter="{delimiter}"'.replace("\t", "\\t")
    program = (
        'import csv, json, sys; sys.stdin.reconfigure(encoding="utf-8-sig", newline=""); '
        f"[print(json.dumps(row)) for row in csv.DictReader(sys.stdin{option})]"
    )
    return Form(
        what="is CSV, not lines of JSON",
        command=f"python3 -c '{program}'",
        hint="The command makes an object of each row. An event needs Segment's fields, such as "
        "type and userId.",
    )


def _is_row(row: Mapping[str, Any]) -> bool:
    """True if an object is flat, and has the user in a column of a warehouse."""
    if row.get("type") in TYPES or "userId" in row or "anonymousId" in row:
        return False
    is_flat = not any(isinstance(value, dict) for value in row.values())
    lower = {key.lower() for key in row}
    is_shouted = all(key == key.upper() for key in row) and bool(lower & {"userid", "anonymousid"})
    return is_flat and (is_shouted or bool(lower & _IDS_OF_WAREHOUSE))

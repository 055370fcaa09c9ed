"""Records of a rejects file, as input: get the original line from a record."""

import base64
from collections.abc import Mapping
from typing import Any

from segcli.core import exact_json

_FIELDS = frozenset({"file", "line", "state", "reason"})


def original(line: bytes) -> bytes:
    """Return the line that a record of a rejects file contains; any other line unchanged."""
    record = record_in(line)
    if record is None:
        return line
    if isinstance(record.get("event"), dict):
        return _event_bytes(line, record["event"])
    return _raw_bytes(record) or line


def actions_of(record: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the names of the actions that a record is for; None if it is for all.

    Raises ValueError if that is no list of names.
    """
    if "actions" not in record:
        return None
    names = record["actions"]
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        raise ValueError("is not a list of names")
    return tuple(names)


def record_in(line: bytes) -> dict[str, Any] | None:
    """Return the record that a line is; None for any other line."""
    try:
        record = exact_json.loads(line, replaces_surrogates=True)
    except ValueError:
        return None
    if not isinstance(record, dict) or "type" in record or "state" not in record:
        return None
    return record


def is_record(value: object) -> bool:
    """True if a JSON value is a record of a rejects file."""
    return isinstance(value, dict) and "type" not in value and value.keys() >= _FIELDS


def _event_bytes(line: bytes, event: dict[str, Any]) -> bytes:
    """Return the event's bytes as written, or encode it again if a person changed the record.

    In a JSON string every quote is escaped. So the first match is the record's own key.
    """
    content = line.partition(b',"event":')[2].removesuffix(b"}")
    try:
        is_same = exact_json.loads(content, replaces_surrogates=True) == event
    except ValueError:
        is_same = False
    return content if is_same else exact_json.dumps(event)


def _raw_bytes(record: dict[str, Any]) -> bytes:
    """Return the bytes of a line that was not an event; empty if there are none."""
    if isinstance(record.get("raw"), str):
        text: str = record["raw"]
        return text.encode()
    try:
        return base64.b64decode(record.get("raw_base64", ""))
    except (ValueError, TypeError):
        return b""

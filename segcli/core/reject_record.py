"""Lines of a rejects file, as input: the event that such a line keeps."""

import base64
from typing import Any

from segcli.core import exact_json

_MARKS = frozenset({"file", "line", "state", "reason"})


def original(line: bytes) -> bytes:
    """Return the event that a line of a rejects file keeps; any other line as it is."""
    try:
        record = exact_json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict) or "type" in record or "state" not in record:
        return line
    if isinstance(record.get("event"), dict):
        return _kept_bytes(line, record["event"])
    return _kept_text(record) or line


def is_record(value: object) -> bool:
    """Tell whether a JSON value is a record of a rejects file."""
    return isinstance(value, dict) and "type" not in value and value.keys() >= _MARKS


def _kept_bytes(line: bytes, event: dict[str, Any]) -> bytes:
    """Return the bytes of the event in a record that we wrote; else the event written anew.

    In a JSON string every quote is escaped, so the first match is the record's own key.
    """
    kept = line.partition(b',"event":')[2].removesuffix(b"}")
    try:
        same = exact_json.loads(kept) == event
    except ValueError:
        same = False
    return kept if same else exact_json.dumps(event)


def _kept_text(record: dict[str, Any]) -> bytes:
    """Return the bytes of a line that was no event; they may not have been text."""
    if isinstance(record.get("raw"), str):
        text: str = record["raw"]
        return text.encode()
    try:
        return base64.b64decode(record.get("raw_base64", ""))
    except (ValueError, TypeError):
        return b""

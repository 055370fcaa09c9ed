"""A received event as the file `--keep` has it: without keys."""

import json
from typing import Any

from segcli.core.exact_json import dumps
from segcli.core.redaction import MASK, Redactor
from segcli.sandbox.json_body import JSON, line
from segcli.sandbox.vendors.vendor import ReceivedItem, Vendor


def kept_line(name: str, route: str, item: ReceivedItem, vendor: Vendor, known: Redactor) -> bytes:
    """Return the line of an event.

    Where payloads of a vendor hold keys, `***` stands in place of what is there, whether it is a
    key or not; and in place of the keys that the sandbox knows, wherever they are.
    """
    raw = item.raw
    if vendor.key_paths:
        raw = known.redact_body(dumps(with_keys_masked(item.payload, vendor.key_paths)))
    place = json.dumps({"vendor": name, "route": route})
    return place[:-1].encode() + b', "payload": ' + line(raw) + b"}\n"


def with_keys_masked(payload: JSON, paths: frozenset[str]) -> JSON:
    """Return a payload with `***` at these paths; `[]` in a path stands for every item."""
    for path in paths:
        payload = _masked(payload, path.replace("[]", ".[]").split("."))
    return payload


def _masked(value: Any, names: list[str]) -> Any:
    if not names:
        return MASK
    name, *rest = names
    if isinstance(value, list):
        is_one = name.isdecimal()
        return [
            _masked(item, rest) if name == "[]" or (is_one and at == int(name)) else item
            for at, item in enumerate(value)
        ]
    if name == "*" or isinstance(value, str):
        return MASK
    if isinstance(value, dict) and name in value:
        return value | {name: _masked(value[name], rest)}
    return value

"""Settings that are a table of names and texts: from JSON, a table of TOML, or `name=text,…`."""

import json
from collections.abc import Mapping
from typing import Any

# What such a setting must be, in words.
WORDS = "names with texts, as in name=text,other=text or in JSON"


def named_texts(value: Any) -> str:
    """Return a table in its one form, a text of JSON; "" for an empty one. Raises ValueError."""
    found = _parsed(value) if isinstance(value, str) else value
    if not (isinstance(found, Mapping) and all(map(_is_entry, found.items()))):
        raise ValueError
    return json.dumps(dict(found), ensure_ascii=False) if found else ""


def named_texts_in(text: str) -> dict[str, str]:
    """Return the table of a text that `named_texts` has returned."""
    found: dict[str, str] = json.loads(text)
    return found


def _is_entry(entry: tuple[str, Any]) -> bool:
    name, text = entry
    # A name such as @path would be a directive of a mapping.
    return bool(name) and not name.startswith("@") and isinstance(text, str) and bool(text)


def _parsed(text: str) -> Any:
    text = text.strip()
    if text.startswith("{"):
        return json.loads(text)
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    found = {name.strip(): value.strip() for name, _, value in pairs}
    if len(found) != len(pairs):
        raise ValueError
    return found

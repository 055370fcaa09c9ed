"""The value of a setting: converts what was given to the setting's type, and checks its rules."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass
from typing import Any
from urllib.parse import urlsplit

from segcli.core.named_texts import WORDS, named_texts
from segcli.core.secret import Secret, display_address
from segcli.errors import SettingsError

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_KINDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Secret: "a key: printable ASCII on one line",
}
_ADDRESS = "an address such as https://host/path"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text of a setting must look like.

    pattern: a regular expression for the whole text.
    words: the same in words.
    is_address: True if such a text is the address of requests, or a part of it.
    is_table: True if it is a table of names and texts, kept as a text of JSON.
    """

    pattern: str
    words: str
    is_address: bool = False
    is_table: bool = False


TABLE = Shape(r"(\{.*\})?", WORDS, is_table=True)


def is_table(shapes: Sequence[Shape]) -> bool:
    """True if a setting of these shapes is a table of names and texts."""
    return any(shape.is_table for shape in shapes)


def checked_value(destination: str, value: Any, entry: Field[Any], kind: type) -> Any:
    """Return the value of a setting; raises SettingsError if it breaks a rule of its field."""
    if is_table(entry.metadata.get("shapes", ())):
        return _table(destination, entry.name, value)
    found = _convert(destination, entry.name, value, kind)
    _check_minimum(destination, entry.name, found, entry.metadata.get("minimum"))
    _check_shapes(destination, entry.name, found, entry.metadata.get("shapes", ()))
    return found


def _table(destination: str, name: str, value: Any) -> str:
    try:
        return named_texts(value)
    except ValueError:
        raise SettingsError(f"{destination}: {name} must be {WORDS}") from None


def _convert(destination: str, name: str, value: Any, kind: type) -> Any:
    try:
        found = _as_kind(value, kind)
        if name == "endpoint" and found:
            found = _endpoint(found)
    except ValueError:
        what = _ADDRESS if name == "endpoint" else _KINDS[kind]
        shown = "" if kind is Secret or name == "endpoint" else f", not {value!r}"
        raise SettingsError(f"{destination}: {name} must be {what}{shown}") from None
    return found


def _as_kind(value: Any, kind: type) -> Any:
    """Convert a text or a TOML value to the type of a setting. Raises ValueError."""
    if kind is Secret and isinstance(value, Secret):
        return _secret(value.reveal())
    if kind is bool and isinstance(value, str):
        return _truth(value)
    if isinstance(value, str) and kind in {int, float}:
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    if kind is str and type(value) is str:
        # Raises for surrogates: command-line bytes that are not UTF-8, which JSON cannot contain.
        return value.encode().decode()
    if type(value) is kind:
        return value
    if kind is str and type(value) in {int, float}:
        return str(value)
    raise ValueError


def _secret(text: str) -> Secret:
    key = text.strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError
    return Secret(key)


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    # `parts.port` raises ValueError for an invalid port.
    has_host = bool(parts.hostname) and parts.port != 0
    if parts.scheme not in {"http", "https"} or not has_host or not url.isprintable():
        raise ValueError
    return url.strip().rstrip("/")


def _check_minimum(destination: str, name: str, value: Any, minimum: int | None) -> None:
    if minimum is not None and value < minimum:
        raise SettingsError(f"{destination}: {name} must be at least {minimum}, not {value}")


def _check_shapes(destination: str, name: str, value: Any, shapes: Sequence[Shape]) -> None:
    text = value.reveal() if isinstance(value, Secret) else str(value)
    for shape in shapes:
        if text and not re.fullmatch(shape.pattern, text, re.DOTALL):
            shown = "" if isinstance(value, Secret) else f", not {display_address(text)!r}"
            raise SettingsError(f"{destination}: {name} must be {shape.words}{shown}")

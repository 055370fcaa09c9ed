"""The table `settings`: turned into a dataclass, like the settings of other destinations."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import make_dataclass
from decimal import Decimal
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from segcli.core.exact_json import WrittenFloat
from segcli.core.named_texts import named_texts
from segcli.core.placeholder import OF_SETTINGS
from segcli.core.request_layout import AddressLayout, OAuth
from segcli.core.secret import Secret
from segcli.core.setting_value import TABLE, Shape
from segcli.core.settings import setting
from segcli.destination_file.oauth import TOKEN_URL, token_default
from segcli.destination_file.placeholders import ADDRESS_SHAPE, START, Placeholders, Role
from segcli.destination_file.problems import KeyPath, Mistakes
from segcli.destination_file.request import RequestTable

_TYPES: Mapping[str, type] = {
    "text": str,
    "address": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    # Kept as a text of JSON.
    "map": str,
}
_NAMES = {
    str: "text",
    bool: "boolean",
    dict: "map",
    int: "integer",
    **dict.fromkeys((float, WrittenFloat, Decimal), "number"),
}
_SHAPES = {"address": (ADDRESS_SHAPE,), "map": (TABLE,)}
# Where a setting stands in a text.
_OF_TEXTS: tuple[Role, ...] = (
    *("base", "start", "host", "path", "query", "header", "auth", "body", "template"),
)
# segcli itself reads these.
_OF_SEGCLI = frozenset({"label", "endpoint"})
_TEXTUAL = frozenset({"text", "address"})
_MAY_BE_REQUIRED = _TEXTUAL | {"map"}
# Name, type, default, the default as it is written in Python, help, whether it is required, shapes.
_Field = tuple[str, type, Any, str, str, bool, tuple[Shape, ...]]


def settings_of(
    table: Mapping[str, Any],
    request: RequestTable,
    placeholders: Placeholders,
    mistakes: Mistakes,
) -> type[Any]:
    """Return the dataclass of a file's settings; mistakes are noted.

    It always has an `endpoint`, which replaces the scheme and host of the address; and for tokens
    of OAuth a `token_url`, which replaces their address.
    """
    fields = [
        _field(name, entry, placeholders, mistakes)
        for name, entry in table.items()
        if not iskeyword(name)
    ]
    for name in filter(iskeyword, table):
        mistakes.add(("settings", name), "is a keyword of Python: choose another name")
    if "endpoint" in table:
        _check_endpoint(table["endpoint"], placeholders, mistakes)
    else:
        fields.append(_endpoint(request.address))
    if request.oauth and TOKEN_URL in table:
        _check_token_url(request.oauth, mistakes)
    elif request.oauth:
        fields.append(_token_url(request.oauth))
    return _dataclass_of(tuple(fields))


@lru_cache(maxsize=64)
def _dataclass_of(fields: tuple[_Field, ...]) -> type[Any]:
    """Return the dataclass with these fields: one for the process, which takes 2 ms to make.

    A page or a program that reads a changed file again has the same settings mostly.
    """
    rules = [
        (name, kind, setting(default, help=text, required=is_required, shapes=shapes))
        for name, kind, default, _, text, is_required, shapes in fields
    ]
    return make_dataclass("Settings", rules, frozen=True, slots=True)


def _declared(
    name: str, default: Any, text: str, *, required: bool = False, shapes: tuple[Shape, ...]
) -> _Field:
    # 0.0 and -0.0 are equal, and only written differently.
    return name, type(default), default, repr(default), text, required, shapes


def _field(
    name: str, entry: Mapping[str, Any], placeholders: Placeholders, mistakes: Mistakes
) -> _Field:
    path: KeyPath = ("settings", name)
    kind = _kind(entry)
    shapes = [*placeholders.shapes(name), *_SHAPES.get(kind, ())]
    if not mistakes.are_below(path):
        for where, problem in _problems(name, entry, kind, placeholders):
            mistakes.add((*path, *where), problem)
    default = _default(entry, kind, shapes, path, mistakes)
    return _declared(
        name,
        Secret() if entry.get("secret") else default,
        entry.get("help", ""),
        required=entry.get("required", False),
        shapes=tuple(dict.fromkeys(shapes)),
    )


def _kind(entry: Mapping[str, Any]) -> str:
    default = entry.get("default", "")
    kind: str = entry.get("type") or _NAMES[type(default)]
    return kind


def _problems(
    name: str, entry: Mapping[str, Any], kind: str, placeholders: Placeholders
) -> Iterator[tuple[KeyPath, str]]:
    """Yield each contradiction in a setting, with the key that it is about."""
    yield from _problems_of_value(name, entry, kind, placeholders)
    if kind == "map" and placeholders.is_used(name, *_OF_TEXTS):
        yield (), f'is a map: it belongs in a mapping, {{ "@setting" = "{name}" }}'
    if entry.get("secret") and kind not in _TEXTUAL:
        yield ("type",), "must be text or address, since the setting is secret"
    if entry.get("secret") and "default" in entry:
        yield ("default",), "is not allowed: a secret does not belong in the file"
    if placeholders.is_used(name, "base", "start") and name != "endpoint" and kind != "address":
        yield ("type",), 'must be "address": the url begins with it'
    if (
        not placeholders.is_used(name)
        and name not in _OF_SEGCLI
        and not placeholders.may_be_incomplete
    ):
        yield (), f"is not used: write {{settings.{name}}} where it belongs"
    if name == "label" and (entry.get("secret") or kind != "text"):
        yield (), "must be a text: it is the name in the integrations object"


def _problems_of_value(
    name: str, entry: Mapping[str, Any], kind: str, placeholders: Placeholders
) -> Iterator[tuple[KeyPath, str]]:
    is_required, has_default = entry.get("required", False), "default" in entry
    if is_required and has_default:
        yield ("required",), "does not go together with a default: remove one of them"
    elif is_required and kind not in _MAY_BE_REQUIRED:
        yield ("required",), "is for texts, addresses and secrets only: use a default"
    elif not (is_required or has_default) and (placeholders.is_used(name) or kind not in _TEXTUAL):
        yield (), "needs required = true or a default"


def _default(
    entry: Mapping[str, Any], kind: str, shapes: list[Shape], path: KeyPath, mistakes: Mistakes
) -> Any:
    if "default" not in entry:
        return _TYPES[kind]()
    default = entry["default"]
    given = _NAMES[type(default)]
    if given == "integer" and kind == "number":
        return float(default)
    if given != ("text" if kind == "address" else kind):
        mistakes.add((*path, "default"), f"must be of the type {kind}")
        return _TYPES[kind]()
    if kind == "map":
        return _table(default, path, mistakes)
    for shape in shapes:
        if not re.fullmatch(shape.pattern, str(default), re.DOTALL):
            mistakes.add((*path, "default"), f"must be {shape.words}")
    return float(default) if kind == "number" else default


def _table(default: Any, path: KeyPath, mistakes: Mistakes) -> str:
    try:
        return named_texts(default)
    except ValueError:
        mistakes.add((*path, "default"), "must be a table of names and texts")
        return ""


def _check_endpoint(
    entry: Mapping[str, Any], placeholders: Placeholders, mistakes: Mistakes
) -> None:
    path: KeyPath = ("settings", "endpoint")
    if not placeholders.is_used("endpoint", "base", "start"):
        mistakes.add(path, "must be the beginning of request.url: {settings.endpoint}/…")
    if entry.get("secret"):
        mistakes.add(
            (*path, "secret"),
            "is not allowed: endpoints are shown. Choose another name, such as settings.webhook",
        )
    if entry.get("type", "address") not in _TEXTUAL:
        mistakes.add((*path, "type"), 'must be "address"')


def _check_token_url(oauth: OAuth, mistakes: Mistakes) -> None:
    address = oauth.token
    only = None if address.path.parts or address.query.parts else address.base.only
    if only is None or only.name != f"{OF_SETTINGS}{TOKEN_URL}":
        problem = "must be all of request.auth.oauth.token_url, or have another name"
        mistakes.add(("settings", TOKEN_URL), problem)


def _token_url(oauth: OAuth) -> _Field:
    """Return the setting that replaces the address of tokens."""
    default = token_default(oauth.token)
    text = "address of access tokens" if default else "replaces the address of access tokens"
    return _declared(TOKEN_URL, default, text, shapes=(ADDRESS_SHAPE,))


def _endpoint(address: AddressLayout | None) -> _Field:
    """Return the setting `endpoint`, with the scheme and host of the address as its default."""
    parts = address.base.parts if address else ()
    base = "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in parts)
    is_plain = all(isinstance(part, str) for part in parts)
    shapes = (START,) if address and (address.path.parts or address.query.parts) else ()
    if is_plain:
        return _declared("endpoint", base, "scheme and host of the address", shapes=shapes)
    return _declared("endpoint", "", f"replaces {base}", shapes=shapes)

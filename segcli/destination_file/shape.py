"""What is posted for a payload: a table with `{payload}`, `{payload.FIELD}` and directives in it.

    item = { type = "event", attributes = "{payload}" }
    body = { user = "{payload.userId}", at = { "@epoch" = { value = { "@path" = "$.time" } } } }

A text that is only a placeholder becomes the value itself, and what is absent is left out. Paths of
directives start at the payload.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from segcli.core.event import Rejected
from segcli.core.placeholder import Placeholder, Template, payload_value, text_of
from segcli.core.request_layout import Computed
from segcli.destination_file.payload_mapping import FileParts, checked_mapping
from segcli.destination_file.payload_settings import compiled_directive, values_of
from segcli.destination_file.problems import KeyPath
from segcli.mapping import UNDEFINED

# Makes what is posted of a payload, and of the same payload without the fields that are omitted.
Make = Callable[[Any, Any], Any]


def read_shape(table: Mapping[str, Any], path: KeyPath, parts: FileParts) -> Any:
    """Return a table with its texts parsed; mistakes are noted. None for one without a payload.

    The whole table may be one directive.
    """
    found = _read(table, path, parts)
    if not parts.mistakes.are_below(path) and not _takes_payload(found):
        parts.mistakes.add(path, "holds nothing of the payload: use {payload} or {payload.FIELD}")
        return None
    return found


def leaves_of(shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of a table that is neither a table nor a list, with its dotted path."""
    if isinstance(shape, Mapping):
        for key, inner in shape.items():
            yield from leaves_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(shape, list):
        for at, inner in enumerate(shape):
            yield from leaves_of(inner, f"{path}.{at}")
    else:
        yield path, shape


def key_paths_of(shape: Any, of_payload: Set[str], secrets: Set[str]) -> Iterator[str]:
    """Yield the paths at which what is posted may hold keys.

    of_payload: those of the payload.
    secrets: the names of the settings that are keys.
    """
    for path, leaf in leaves_of(shape):
        if isinstance(leaf, Computed):
            yield from [path or "*"] if of_payload else []
        elif isinstance(leaf, Template):
            if not secrets.isdisjoint(leaf.settings):
                yield path
            for taken in leaf.payload_paths:
                yield from _moved(of_payload, taken, path)


def made_by(shape: Any, settings: Any, required: Set[str]) -> Make:
    """Return the function that makes what a table describes, with the values of these settings.

    It raises Rejected. `required` are the settings without which nothing is sent.
    """
    if isinstance(shape, Computed):
        run = compiled_directive(shape.mapping, settings, required)
        return lambda payload, _: run(payload)
    if isinstance(shape, Template):
        return _text_made_by(shape, values_of(settings, required))
    if isinstance(shape, Mapping):
        return _object_made_by(
            {key: made_by(inner, settings, required) for key, inner in shape.items()}
        )
    if isinstance(shape, list):
        return _list_made_by([made_by(inner, settings, required) for inner in shape])
    return lambda _payload, _rest: shape


def _read(value: Any, path: KeyPath, parts: FileParts) -> Any:
    if isinstance(value, dict):
        if any(key.startswith("@") for key in value):
            checked_mapping(value, path, parts)
            return Computed(value)
        return {key: _read(inner, (*path, key), parts) for key, inner in value.items()}
    if isinstance(value, list):
        return [_read(inner, (*path, at), parts) for at, inner in enumerate(value)]
    if isinstance(value, str):
        return parts.placeholders.read(value, path, "body", payload="any")
    return value


def _takes_payload(shape: Any) -> bool:
    return any(
        isinstance(leaf, Computed) or (isinstance(leaf, Template) and leaf.payload_paths)
        for _, leaf in leaves_of(shape)
    )


def _moved(paths: Set[str], taken: str, to: str) -> Iterator[str]:
    """Yield where the keys of a payload are once what is at `taken` has moved to another path."""
    for path in paths:
        if not taken:
            yield f"{to}.{path}"
        elif path == taken or path.startswith((f"{taken}.", f"{taken}[")):
            yield to + path[len(taken) :]
        elif path == "*" or taken.startswith(f"{path}."):
            yield to


def _text_made_by(template: Template, setting: Callable[[Any], Any]) -> Make:
    only = template.only
    if only is None:
        return _joined_by(template, setting)
    path = only.payload_path
    if path is None:
        value = setting(template.settings[0])
        return lambda _payload, _rest: value
    if not path:
        return lambda _, rest: rest
    names = path.split(".")

    def read(payload: Any, _: Any) -> Any:
        for name in names:
            payload = payload.get(name, UNDEFINED) if isinstance(payload, dict) else UNDEFINED
        return payload

    return read


def _joined_by(template: Template, setting: Callable[[Any], Any]) -> Make:
    def piece(part: str | Placeholder, payload: Any) -> str:
        if isinstance(part, str):
            return part
        path = part.payload_path
        if path is None:
            return text_of(setting(Template((part,)).settings[0])) or ""
        return text_in(payload, path, "a text of the body")

    return lambda payload, _: "".join(piece(part, payload) for part in template.parts)


def text_in(payload: Any, path: str, where: str) -> str:
    """Return a value of a payload as a text; raises Rejected, which says where it is needed."""
    value = payload_value(payload, path)
    found = text_of(value)
    if found is not None:
        return found
    problem = "is absent" if value is None else "is no text, number or boolean"
    raise Rejected(path, f"{problem}, but {where} needs it")


def _object_made_by(fields: Mapping[str, Make]) -> Make:
    def make(payload: Any, rest: Any) -> dict[str, Any]:
        found = {}
        for key, field in fields.items():
            value = field(payload, rest)
            if value is not UNDEFINED:
                found[key] = value
        return found

    return make


def _list_made_by(items: list[Make]) -> Make:
    def make(payload: Any, rest: Any) -> list[Any]:
        found = [item(payload, rest) for item in items]
        return [None if value is UNDEFINED else value for value in found]

    return make

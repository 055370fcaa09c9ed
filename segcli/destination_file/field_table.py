"""The field table of a destination, derived from its mapping: which field comes from where."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from segcli.core.exact_json import dumps
from segcli.core.placeholder import OF_SETTINGS
from segcli.destination_file.payload_settings import names_in_template
from segcli.mapping.directives.template import pieces
from segcli.mapping.json_path import rooted
from segcli.mapping.liquid import paths_of

_SHOWN = 60
# Fields that are objects by Segment's spec: all their keys are copied.
_OBJECTS = frozenset(
    {"properties", "traits", "context", "integrations", "context.traits", "context.campaign"}
    | {f"context.{name}" for name in ("app", "device", "library", "location", "network", "os")}
    | {f"context.{name}" for name in ("page", "referrer", "screen", "personas")}
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    source: the path in the event; empty for a constant.
    target: the path in the payload.
    note: how the value is changed, or when it is used.
    setting: the name of the setting that is its value, if it is one.
    """

    source: str
    target: str
    note: str = ""
    setting: str = ""


def rows_of(mapping: Any) -> Iterator[Row]:
    """Yield the rows for each field of the payload, in the order of the mapping."""
    for row in _rows(mapping, ""):
        if row.source in _OBJECTS and row.target:
            yield replace(row, source=f"{row.source}.*", target=f"{row.target}.*")
        elif row.source in _OBJECTS:
            yield replace(row, source=f"{row.source}.*", target="*")
        else:
            yield replace(row, target=row.target or "*")


def _rows(value: Any, target: str) -> Iterator[Row]:
    if isinstance(value, dict):
        name = next((key for key in value if key.startswith("@")), None)
        if name is not None:
            yield from _DIRECTIVES.get(name, _other)(value[name], target)
            return
        for key, inner in value.items():
            yield from _rows(inner, f"{target}.{key}" if target else key)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _rows(inner, f"{target}.{place}")
    else:
        yield Row("", target, f"always {_cut(dumps(value).decode())}")


def _path(value: Any, target: str) -> Iterator[Row]:
    if isinstance(value, str):
        yield Row(rooted(value), target)
    else:
        yield from _noted(_rows(value, target), "is the path of it")


def _setting(value: Any, target: str) -> Iterator[Row]:
    yield Row("", target, f"the setting {value}", str(value))


def _template(value: Any, target: str) -> Iterator[Row]:
    if not isinstance(value, str):
        yield from _noted(_rows(value, target), "is the template of it")
        return
    found = [*pieces(value, 3), *pieces(value, 2)]
    names = dict.fromkeys(".".join(piece) for piece in found if not isinstance(piece, str))
    # In `{{{name}}}`, the search for two braces finds a path that begins with a brace.
    settings = names_in_template(value)
    for name in (name for name in names if not name.startswith("{")):
        setting = name.removeprefix(OF_SETTINGS)
        if name != setting and setting in settings:
            yield Row("", target, f'the setting {setting}, in "{_cut(value)}"', setting)
        else:
            yield Row(name, target, f'in "{_cut(value)}"')
    if not names:
        yield Row("", target, f"always {_cut(dumps(value).decode())}")


def _liquid(value: Any, target: str) -> Iterator[Row]:
    for name in paths_of(value) if isinstance(value, str) else ():
        yield Row(rooted(str(name)), target, f'in "{_cut(value)}"')


def _if(options: Any, target: str) -> Iterator[Row]:
    if not isinstance(options, dict):
        return
    subject = "exists" if "exists" in options else "blank"
    names = [row.source for row in _rows(options.get(subject), "") if row.source]
    test = " and ".join(dict.fromkeys(names))
    then = [*_rows(options["then"], target)] if "then" in options else []
    other = [*_rows(options["else"], target)] if "else" in options else []
    if not any(row.source in names for row in then):
        yield from (Row(name, target, "decides") for name in dict.fromkeys(names))
    for row in then:
        yield row if row.source in names else _with(row, f"if there is {test}")
    yield from _noted(iter(other), f"without {test}")


def _array_path(options: Any, target: str) -> Iterator[Row]:
    path, shape = [*(options if isinstance(options, list) else ()), None, None][:2]
    sources = [row.source for row in _rows({"@path": path}, "")] or [""]
    if not isinstance(shape, dict) or not shape:
        yield from (Row(source, target, "as a list") for source in sources)
        return
    for row in _rows(shape, ""):
        below = f".{row.source}" if row.source else ""
        yield replace(row, source=f"{sources[0]}[]{below}", target=f"{target}[].{row.target}")


def _merge(options: Any, target: str) -> Iterator[Row]:
    objects = options.get("objects") if isinstance(options, dict) else None
    objects = objects if isinstance(objects, list) else []
    least = len(objects) - 1 if objects and options.get("direction") == "left" else 0
    for place, value in enumerate(objects):
        note = "merged" if place == least else "merged, wins over what is there"
        yield from _noted(_rows(value, target), note)


def _transform(options: Any, target: str) -> Iterator[Row]:
    options = options if isinstance(options, dict) else {}
    applied = _rows(options.get("apply"), "")
    yield from (Row(row.source, target, "transformed", row.setting) for row in applied)
    yield from (row for row in _rows(options.get("mapping"), target) if row.setting)


def _literal(value: Any, target: str) -> Iterator[Row]:
    yield from _rows(value, target)


def _exclude_when_null(value: Any, target: str) -> Iterator[Row]:
    yield from _noted(_rows(value, target), "left out if null")


def _with_value(word: Callable[[Mapping[str, Any]], str]) -> Callable[[Any, str], Iterator[Row]]:
    def rows(options: Any, target: str) -> Iterator[Row]:
        if isinstance(options, dict):
            yield from _noted(_rows(options.get("value"), target), word(options))

    return rows


def _flatten(options: Any, target: str) -> Iterator[Row]:
    word = _with_value(lambda options: f"flat, keys joined by {options.get('separator')}")
    for row in word(options, target):
        # Where the value of a setting ends up depends on the separator.
        yield replace(row, target=target) if row.setting else row


def _each(options: Any, target: str) -> Iterator[Row]:
    if not isinstance(options, dict):
        return
    yield from _noted(_rows(options.get("value"), target), ", ".join(_each_words(options)))
    for row in [*_rows(options.get("item"), target), *_rows(options.get("key"), target)]:
        outer = row.source.removeprefix("outer.")
        if row.setting:
            yield row
        elif outer != row.source:
            yield Row(outer, target, "in the names")


def _each_words(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield what `@each` does to the fields of an object or the items of a list."""
    return (_cut(word(options[name])) for name, word in _EACH_WORDS.items() if options.get(name))


def _ulid(options: Any, target: str) -> Iterator[Row]:
    for name in ("time", "value"):
        part = options.get(name) if isinstance(options, dict) else None
        yield from _noted(_rows(part, target), "in a ULID")


def _other(_options: Any, _target: str) -> Iterator[Row]:
    yield from ()


def _noted(rows: Iterator[Row], note: str) -> Iterator[Row]:
    return (_with(row, note) for row in rows)


def _with(row: Row, note: str) -> Row:
    return replace(row, note=", ".join(filter(None, (row.note, note))))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


# By the option of `@each`.
_EACH_WORDS: Mapping[str, Callable[[Any], str]] = {
    "only": lambda names: f"only {', '.join(map(str, names))}",
    "omit": lambda names: f"without {', '.join(map(str, names))}",
    "rename": lambda names: ", ".join(f"{old} as {new}" for old, new in names.items()),
    "dates": lambda form: f"dates as {form}",
    "as": lambda _: "as text",
    "item": lambda _: "each mapped",
    "key": lambda _: "under other names",
    "list": lambda _: "as a list",
    "flat": lambda _: "no objects and lists",
    "most": lambda number: f"at most {number}",
}
_DIRECTIVES: Mapping[str, Callable[[Any, str], Iterator[Row]]] = {
    "@path": _path,
    "@setting": _setting,
    "@template": _template,
    "@liquid": _liquid,
    "@if": _if,
    "@arrayPath": _array_path,
    "@merge": _merge,
    "@transform": _transform,
    "@literal": _literal,
    "@excludeWhenNull": _exclude_when_null,
    "@case": _with_value(lambda options: f"in {options.get('operator')} case"),
    "@replace": _with_value(lambda options: f"with {options.get('pattern')} replaced"),
    "@json": _with_value(
        lambda options: "read as JSON" if options.get("mode") == "decode" else "as a text of JSON"
    ),
    "@flatten": _flatten,
    "@each": _each,
    "@phone": _with_value(lambda _: "as a phone number, E.164"),
    "@ulid": _ulid,
    "@uuid": _with_value(lambda _: "as a UUID"),
    "@email": _with_value(lambda _: "if it is an email address"),
    "@lookup": _with_value(lambda _: "by a table of names"),
    "@tail": _with_value(lambda options: f"its last {options.get('length')} characters"),
    "@sha256": _with_value(lambda _: "its SHA-256"),
    "@iso": _with_value(lambda _: "as a time in UTC"),
    "@epoch": _with_value(lambda options: f"{options.get('unit', 'seconds')} since 1970"),
}

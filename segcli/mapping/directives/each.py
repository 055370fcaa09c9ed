"""The directive for every field of an object, or item of a list: `@each`. segcli's own."""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from itertools import islice
from typing import Any

from segcli.mapping.directives.json_text import encoded
from segcli.mapping.directives.times import iso_text, milliseconds_in
from segcli.mapping.javascript import (
    MAX_TEXT,
    UNDEFINED,
    TextTooLong,
    is_javascript_number,
    javascript_number,
    javascript_text,
)
from segcli.mapping.node import Context, MapFunction, Node, bounded

# From the milliseconds since 1970.
DATE_FORMS: Mapping[str, Callable[[int], Any]] = {
    "seconds": lambda milliseconds: milliseconds // 1000,
    "milliseconds": lambda milliseconds: milliseconds,
    "iso": iso_text,
    "utc": lambda milliseconds: _utc(iso_text(milliseconds)),
}

_ISO_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)

# The name of a field, or the place of an item, and its value.
Entry = tuple[Any, Any]


def _utc(iso: str) -> str:
    """Return the time of an ISO text as `2026-01-31 12:00:00 +00:00`."""
    return f"{iso[:-14]} {iso[-13:-5]} +00:00"


def each(options: dict[str, Any], context: Context) -> Node:
    """Compile `@each`: an object or a list, with every field or item picked, changed and named.

    In this order: `only`, `omit` and `rename` by the names of fields; `flat` leaves out objects and
    lists, `most` the entries after that number; `dates` and `as` change the
    values; `item` maps each value, from `$.key` and `$.value`; `key` makes the name, from the same
    and from `$.outer`, the data around. An item or a name that is absent leaves out the entry. With
    `key` a list becomes an object, with `list` an object a list. Any other value gives none.
    """
    most = options.get("most")
    if most is not None and (type(most) is not int or most < 1):
        return context.refusal('@each requires a "most" of 1 or more')
    value = context.part(options["value"], "@each", "value")
    entries = _entries_of(options)
    item = _item_of(options, context, may_hold_undefined=value.may_hold_undefined)
    make = _maker(item)
    name = _name_maker(options, context)
    read, gives_list = value.run, options.get("list") is True

    def run(data: Any) -> Any:
        found = read(data)
        if not isinstance(found, dict | list):
            return UNDEFINED
        made = [(key, one, make(key, one)) for key, one in islice(entries(found), most)]
        if name:
            named = ((name({"key": key, "value": one, "outer": data}), to) for key, one, to in made)
            return _object(named)
        if gives_list or isinstance(found, list):
            return [to for _, _, to in made if to is not UNDEFINED]
        return _object((key, to) for key, _, to in made)

    return Node(
        bounded(run, context, "@each makes too long a text"),
        is_constant=value.is_constant and name is None,
        may_hold_undefined=item.may_hold_undefined if item else value.may_hold_undefined,
    )


def _entries_of(options: Mapping[str, Any]) -> Callable[[Any], Iterable[Entry]]:
    """Return the function that gives the entries of an object or a list, picked and changed."""
    only = frozenset(options["only"]) if "only" in options else None
    omit: Set[str] = frozenset(options.get("omit", ()))
    rename: Mapping[str, str] = options.get("rename", {})
    change = _changer(options)
    left_out: tuple[type, ...] = (dict, list) if options.get("flat") is True else ()

    def stays(one: Any) -> bool:
        return one is not UNDEFINED and not isinstance(one, left_out)

    def entries(found: Any) -> Iterable[Entry]:
        if isinstance(found, list):
            return [(at, change(one)) for at, one in enumerate(found) if stays(one)]
        return [
            (rename.get(key, key), change(one))
            for key, one in found.items()
            if stays(one) and key not in omit and (only is None or key in only)
        ]

    return entries


def _changer(options: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return the function that changes dates and types of values, as `dates` and `as` say."""
    form = DATE_FORMS.get(str(options.get("dates", "")).lower())
    is_text, is_deep = "as" in options, options.get("deep") is True

    def change(value: Any) -> Any:
        if is_deep and isinstance(value, dict):
            return {key: change(one) for key, one in value.items()}
        if is_deep and isinstance(value, list):
            return [change(one) for one in value]
        if form and isinstance(value, str) and _ISO_DATE.fullmatch(value):
            milliseconds = milliseconds_in(value)
            value = value if milliseconds is None else form(milliseconds)
        return _text(value) if is_text else value

    return change if form or is_text else lambda value: value


def _text(value: Any) -> Any:
    """Return a value as text: an object or a list as JSON; null stays."""
    if value is None or value is UNDEFINED:
        return value
    return encoded(value) if isinstance(value, dict | list) else javascript_text(value)


def _item_of(
    options: Mapping[str, Any], context: Context, *, may_hold_undefined: bool
) -> Node | None:
    at = context.below("@each", "item", may_hold_undefined=may_hold_undefined)
    return context.compile(options["item"], at) if "item" in options else None


def _maker(item: Node | None) -> Callable[[Any, Any], Any]:
    if item is None:
        return lambda _, value: value
    run = item.run
    return lambda key, value: run({"key": key, "value": value})


def _name_maker(options: Mapping[str, Any], context: Context) -> MapFunction | None:
    if "key" not in options:
        return None
    run = context.part(options["key"], "@each", "key").run

    def name(entry: Any) -> Any:
        found = run(entry)
        return javascript_number(found) if is_javascript_number(found) else found

    return name


def _object(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return an object; raises TextTooLong if its names together would be longer than MAX_TEXT."""
    result, written = {}, 0
    for name, value in entries:
        if isinstance(name, str) and name and value is not UNDEFINED:
            written += len(name)
            if written > MAX_TEXT:
                raise TextTooLong
            result[name] = value
    return result

"""Finds the mistakes in a mapping, by mapping-kit's rules and with its messages."""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from segcli.mapping.directives.digest import CLEAN_UPS
from segcli.mapping.directives.each import DATE_FORMS
from segcli.mapping.directives.phone import phones_missing
from segcli.mapping.directives.replace import MAX_LENGTH
from segcli.mapping.directives.times import UNITS
from segcli.mapping.javascript import UNDEFINED, entries, javascript_kind, length
from segcli.mapping.liquid import is_installed, liquid_missing
from segcli.mapping.problem import MappingError, Problem, Spot
from segcli.mapping.root_directive import of_root, root_path

# The same limit as for events.
_MAX_DEPTH = 100
# Each nested `@transform` or `@arrayPath` can multiply the copies of the data.
_MAX_COPIES = 100_000

_JSON_KINDS = frozenset({"object", "array", "string", "boolean", "number", "null"})

MappingCheck = Callable[[Any, Spot], list[Problem]]


@dataclass(frozen=True, slots=True)
class OptionRule:
    """The rule for one option of a directive.

    check: checks the value of the option.
    required: the option must be present.
    """

    check: MappingCheck
    required: bool = False


def kind_or_directive(value: object) -> str:
    """Return the type of a value; `directive` for an object with an @-prefixed key."""
    if isinstance(value, dict) and any(key.startswith("@") for key in value):
        return "directive"
    return javascript_kind(value)


def wrong_kind(wanted: str, value: object, spot: Spot) -> list[Problem]:
    """Return the problem that a value has the wrong type."""
    kind = kind_or_directive(value)
    article = "an" if kind[0] in "aeiou" else "a"
    return [spot.problem(f"should be {wanted} but it is {article} {kind}")]


def some_kind(wanted: str, *names: str) -> MappingCheck:
    """Return the check that a value has one of several types."""

    def check(value: Any, spot: Spot) -> list[Problem]:
        return [] if kind_or_directive(value) in names else wrong_kind(wanted, value, spot)

    return check


is_string = some_kind("a string", "string")
is_boolean = some_kind("a boolean", "boolean")
is_numeric = some_kind("a number", "number")
is_array = some_kind("an array", "array")
is_object = some_kind("an object", "object")


def text_within(least: int, most: int) -> MappingCheck:
    """Return the check that a value is a text with a length between two limits."""

    def check(value: Any, spot: Spot) -> list[Problem]:
        found = is_string(value, spot)
        if found:
            return found
        if length(value) < least:
            return [spot.problem(f"should be a string of length {least} or greater")]
        if length(value) > most:
            return [spot.problem(f"should be a string of length {most} or less")]
        return []

    return check


def one_of(*allowed: str) -> MappingCheck:
    """Return the check that a value is one of several words, in upper or lower case."""

    def check(value: Any, spot: Spot) -> list[Problem]:
        found = is_string(value, spot)
        if found or value.lower() in allowed:
            return found
        shown = json.dumps(value, ensure_ascii=False)
        return [spot.problem(f"should be one of {', '.join(allowed)} but it is {shown}")]

    return check


def fields(value: Mapping[str, Any], wanted: Mapping[str, OptionRule], spot: Spot) -> list[Problem]:
    """Check the fields of an object against their rules."""
    found: list[Problem] = []
    for name, field in wanted.items():
        if name in value:
            found += field.check(value[name], spot.at(name))
        elif field.required:
            found.append(spot.problem(f'should have field "{name}" but it doesn\'t'))
    return found


def problems(mapping: Any) -> list[Problem]:
    """Return every mistake in a mapping; none if it can be compiled.

    Like mapping-kit, this does not check the items of lists, nor what depends on the event: the
    compiled function rejects the event instead.
    """
    beyond = _unusable(mapping)
    if beyond:
        return beyond
    try:
        return check_node(of_root(mapping), Spot(root_path(mapping)))
    except MappingError as error:
        return list(error.problems)


def check_node(value: Any, spot: Spot) -> list[Problem]:
    """Check a part of a mapping: a directive, or a raw value that may contain directives."""
    kind = kind_or_directive(value)
    if kind == "directive":
        return _directive(value, spot)
    return _raw_object(value, spot) if kind == "object" else []


def _directive(value: dict[str, Any], spot: Spot) -> list[Problem]:
    names = [key for key in value if key.startswith("@")]
    others = [key for key in value if not key.startswith("@") and key != "_metadata"]
    if len(names) > 1 or others:
        count = len(names) if len(names) > 1 else len(value)
        return [spot.problem(f"should only have one @-prefixed key but it has {count} keys")]
    name = names[0]
    if name not in _DIRECTIVES:
        return [spot.problem(f"has an invalid directive: {name}", hint=_close_directive(name))]
    return _DIRECTIVES[name](value[name], spot.at(name))


def _close_directive(name: str) -> str:
    # A destination file has one more, which it replaces by the value of a setting.
    known = {one[1:].lower(): one for one in (*_DIRECTIVES, "@setting")}
    close = difflib.get_close_matches(name[1:].lower(), known, 1, cutoff=0.7)
    return f"Did you mean {known[close[0]]}?" if close else ""


def _raw_object(value: Any, spot: Spot) -> list[Problem]:
    if kind_or_directive(value) != "object":
        return wrong_kind("an object", value, spot)
    found: list[Problem] = []
    for key, part in entries(value):
        found += check_node(part, spot.at(key))
    return found


def _options(wanted: Mapping[str, OptionRule]) -> MappingCheck:
    """Return the check of a directive's options: as a raw object first, then field by field."""

    def check_options(value: Any, spot: Spot) -> list[Problem]:
        return _raw_object(value, spot) or fields(value, wanted, spot)

    return check_options


_directive_or_string = some_kind("a string or a mapping directive", "string", "directive")
_directive_or_object = some_kind("an object or a mapping directive", "object", "directive")


def _path(value: Any, spot: Spot) -> list[Problem]:
    return _directive_or_string(value, spot) or check_node(value, spot)


def _directive_or_raw(value: Any, spot: Spot) -> list[Problem]:
    """Check an option that may be any value: mapping-kit checks it only if it is a directive."""
    return _directive(value, spot) if kind_or_directive(value) == "directive" else []


def _array_path(value: Any, spot: Spot) -> list[Problem]:
    found = is_array(value, spot)
    if found:
        return found
    path, shape = [*value, UNDEFINED, UNDEFINED][:2]
    return _path(path, spot.item(0)) or check_node(shape, spot.item(1))


def _merge(value: Any, spot: Spot) -> list[Problem]:
    found = _MERGE_OPTIONS(value, spot)
    if found:
        return found
    for place, part in enumerate(value["objects"]):
        item = spot.item("objects", place, shown_path="")
        found = _directive_or_object(part, item) or check_node(part, item)
        if found:
            return found
    return []


def own_options(wanted: Mapping[str, OptionRule]) -> MappingCheck:
    """Return the check of the options of a directive of segcli's own, which has no others."""
    check_options = _options(wanted)

    def check(value: Any, spot: Spot) -> list[Problem]:
        found = check_options(value, spot)
        unknown = [name for name in value if name not in wanted] if isinstance(value, dict) else []
        return found + [spot.at(name).problem(_unknown(name, wanted)) for name in unknown]

    return check


def _unknown(name: str, wanted: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, wanted, 1)
    hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(wanted)}."
    return f"is no option of this directive. {hint}"


def _names(value: Any, spot: Spot) -> list[Problem]:
    found = is_array(value, spot)
    return found or [
        problem for at, name in enumerate(value) for problem in is_string(name, spot.item(at))
    ]


def _new_names(value: Any, spot: Spot) -> list[Problem]:
    found = is_object(value, spot)
    return found or [
        problem for name, new in value.items() for problem in is_string(new, spot.at(name))
    ]


def _each(value: Any, spot: Spot) -> list[Problem]:
    found = _EACH_OPTIONS(value, spot)
    if not found and value.get("list") and "key" in value:
        return [spot.at("key").problem("has no effect with list: a list has no names")]
    return found


def _phone(value: Any, spot: Spot) -> list[Problem]:
    found = _PHONE_OPTIONS(value, spot)
    return found or [spot.problem(said) for said in [phones_missing()] if said]


def _liquid(value: Any, spot: Spot) -> list[Problem]:
    found = is_string(value, spot)
    return found if found or is_installed() else [spot.problem(liquid_missing())]


def _unusable(mapping: Any) -> list[Problem]:
    """Return the problems that prevent further checks: the mapping is not JSON, or too large.

    The limits keep a mapping from exhausting the machine.
    """
    # Places are needed only where something is wrong: they take most of the time.
    if _is_plain_json(mapping):
        return _growth(mapping)
    found = []
    todo = [(mapping, Spot(), 0)]
    while todo:
        value, spot, depth = todo.pop()
        if depth > _MAX_DEPTH:
            return [Spot().problem(f"is nested deeper than {_MAX_DEPTH} levels")]
        fault = _json_fault(value)
        if fault:
            found.append(spot.problem(f"should be a JSON value but it is {fault}"))
        elif isinstance(value, dict | list):
            todo += [(part, spot.at(str(key)), depth + 1) for key, part in _parts(value)]
    return found or _growth(mapping)


def _is_plain_json(mapping: Any) -> bool:
    """Return whether a value is surely JSON, and not nested too deeply."""
    level = [mapping]
    for _ in range(_MAX_DEPTH + 1):
        if any(map(_json_fault, level)):
            return False
        level = [part for one in level if isinstance(one, dict | list) for _, part in _parts(one)]
        if not level:
            return True
    return False


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value)


def _json_fault(value: object) -> str:
    """Describe a value that is not JSON; "" for one that is."""
    if type(value) is str:
        return "" if _is_text(value) else "a string with an unpaired surrogate"
    if javascript_kind(value) not in _JSON_KINDS:
        return f"a {javascript_kind(value)}"
    if isinstance(value, float | Decimal) and not isfinite(value):
        return "not a finite number"
    if isinstance(value, dict) and not all(isinstance(key, str) and _is_text(key) for key in value):
        return "an object with keys that are not text"
    return ""


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _growth(mapping: Any) -> list[Problem]:
    copies, levels = _grown(mapping)
    if levels > _MAX_DEPTH:
        return [Spot().problem(f"nests its results deeper than {_MAX_DEPTH} levels")]
    if copies > _MAX_COPIES:
        return [Spot().problem(f"can copy an event more than {_MAX_COPIES:,} times")]
    return []


def _grown(value: Any) -> tuple[int, int]:
    """Return how many copies of the data a mapping can make, and how many levels it can add."""
    if not isinstance(value, dict | list):
        return 1, 0
    steps = _steps(value)
    if steps:
        (copies, levels), (more_copies, more_levels) = map(_grown, steps)
        return copies * more_copies, levels + more_levels + 1
    parts = [part for _, part in _parts(value)]
    grown = [_grown(part) for part in parts if isinstance(part, dict | list)]
    copies = len(parts) - len(grown) + sum(copies for copies, _ in grown)
    return copies or 1, 1 + max((most for _, most in grown), default=0)


def _steps(value: dict[str, Any] | list[Any]) -> tuple[Any, Any] | None:
    """Return the two mappings of a directive whose second maps the result of the first."""
    if isinstance(value, list):
        return None
    two, items, each = (value.get(name) for name in ("@transform", "@arrayPath", "@each"))
    if isinstance(two, dict):
        return two.get("apply"), two.get("mapping")
    if isinstance(each, dict):
        return each.get("value"), [each.get("item"), each.get("key")]
    return (items[0], items[1]) if isinstance(items, list) and len(items) > 1 else None


# `_options` checks all nested values before the fields, so a field that may be any value needs no
# check of its own.
_MERGE_OPTIONS = _options(
    {
        "direction": OptionRule(one_of("left", "right")),
        "objects": OptionRule(is_array, required=True),
    }
)
_ANYTHING = OptionRule(lambda _, __: [], required=True)
_ANY_OPTION = OptionRule(lambda _, __: [])
_PHONE_OPTIONS = own_options({"value": _ANYTHING, "country": _ANY_OPTION})
_EACH_OPTIONS = own_options(
    {
        "value": _ANYTHING,
        "only": OptionRule(_names),
        "omit": OptionRule(_names),
        "rename": OptionRule(_new_names),
        "dates": OptionRule(one_of(*DATE_FORMS)),
        "as": OptionRule(one_of("text")),
        "deep": OptionRule(is_boolean),
        "item": _ANY_OPTION,
        "key": _ANY_OPTION,
        "list": OptionRule(is_boolean),
        "flat": OptionRule(is_boolean),
        "most": OptionRule(is_numeric),
    }
)
_ANY_OBJECT = OptionRule(_directive_or_object, required=True)

_DIRECTIVES: dict[str, MappingCheck] = {
    "@if": _options({}),
    "@case": _options(
        {"operator": OptionRule(is_string), "value": OptionRule(_directive_or_string)}
    ),
    "@replace": _options(
        {
            "pattern": OptionRule(text_within(1, MAX_LENGTH), required=True),
            "replacement": OptionRule(text_within(0, MAX_LENGTH)),
            "value": OptionRule(_directive_or_string, required=True),
            "ignorecase": OptionRule(is_boolean),
            "global": OptionRule(is_boolean),
        }
    ),
    "@arrayPath": _array_path,
    "@path": _path,
    "@json": _options(
        {"value": _ANYTHING, "mode": OptionRule(one_of("encode", "decode"), required=True)}
    ),
    "@flatten": _options({"separator": OptionRule(is_string), "value": _ANYTHING}),
    "@merge": _merge,
    "@template": _path,
    "@literal": _directive_or_raw,
    "@transform": _options({"apply": _ANY_OBJECT, "mapping": _ANY_OBJECT}),
    "@excludeWhenNull": _directive_or_raw,
    "@liquid": _liquid,
    "@epoch": own_options({"value": _ANYTHING, "unit": OptionRule(one_of(*UNITS))}),
    "@email": own_options({"value": _ANYTHING}),
    "@lookup": own_options({"value": _ANYTHING, "table": _ANYTHING}),
    "@iso": own_options({"value": _ANYTHING}),
    "@uuid": own_options({"value": _ANYTHING}),
    "@ulid": own_options({"value": _ANYTHING, "time": _ANYTHING}),
    "@phone": _phone,
    "@tail": own_options({"value": _ANYTHING, "length": OptionRule(is_numeric, required=True)}),
    "@sha256": own_options({"value": _ANYTHING, "clean": OptionRule(one_of(*CLEAN_UPS))}),
    "@each": _each,
}

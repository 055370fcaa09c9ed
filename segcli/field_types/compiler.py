"""Compiles the fields of an action into a function: compiled once, called for every payload."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import is_
from typing import Any, Final, final

from segcli.core.event import NUMBERS, Rejected
from segcli.field_types.check import ValueCheck, checks_of, choices_of
from segcli.field_types.conditions import NULLED, Nulled, missing_fields, needed_of
from segcli.field_types.convert import UNFIT, converted
from segcli.field_types.field_type import TEXT_KINDS, FieldType, Requirement
from segcli.field_types.mistake import (
    FieldMistakes,
    Trail,
    flat,
    is_missing,
    must_be,
    told,
    trail_of,
    wrong_field_kind,
)
from segcli.mapping.empty import without_empty
from segcli.mapping.javascript import UNDEFINED
from segcli.mapping.javascript_date import usual_time

Conform = Callable[[dict[str, Any]], dict[str, Any]]
# Returns the value as its field has it, or GONE; adds to the mistakes.
Take = Callable[[Any, Trail, FieldMistakes], Any]
# What is done to a value, by its type; None keeps it. Has every type of a JSON value.
FieldRule = dict[type, Take | None]

# Segment's own addition to a payload; no field, but it stays.
_ALWAYS_KEPT = "dynamicAuthSettings"
_PLAIN: Mapping[str, frozenset[type]] = {
    **dict.fromkeys(("string", "text", "password"), frozenset({str})),
    **dict.fromkeys(("number", "datetime"), NUMBERS),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "object": frozenset({dict}),
}
_ALL_TYPES = (*NUMBERS, str, bool, dict, list, type(None), Nulled)


@final
class Gone:
    """The type of `GONE`: the field is removed."""

    __slots__ = ()


GONE: Final = Gone()


@dataclass(frozen=True, slots=True)
class Mode:
    """How a field is read.

    at_top: it is directly in the payload.
    in_batch: the payload is sent in a batch.
    cleans: empty values are still to be removed; in an object in a list they are not.
    """

    at_top: bool = False
    in_batch: bool = False
    cleans: bool = True

    @property
    def drops_empty_texts(self) -> bool:
        """Whether an empty text is removed from a field that is text, too."""
        return self.at_top and not self.in_batch


def compiled_fields(fields: Mapping[str, FieldType], *, in_batch: bool = False) -> Conform:
    """Return the function that makes a payload fit the fields of its action.

    in_batch: payloads share requests; then an empty text directly in the payload stays.

    The function raises Rejected, which names every mistake, and nothing else. It does not change
    the payload, and its result shares parts with it.
    """
    read = _payload_reader(fields, in_batch=in_batch)

    def conform(payload: dict[str, Any]) -> dict[str, Any]:
        mistakes: FieldMistakes = []
        found = read(payload, (), mistakes)
        if mistakes:
            raise Rejected("", told(mistakes))
        return found

    return conform


def mistakes_in(
    payload: dict[str, Any], fields: Mapping[str, FieldType], *, in_batch: bool = False
) -> FieldMistakes:
    """Return the mistakes of a payload, in order."""
    mistakes: FieldMistakes = []
    _payload_reader(fields, in_batch=in_batch)(payload, (), mistakes)
    return mistakes


def _payload_reader(
    fields: Mapping[str, FieldType], *, in_batch: bool
) -> Callable[[dict[str, Any], Trail, FieldMistakes], dict[str, Any]]:
    mode = Mode(at_top=True, in_batch=in_batch)
    read = _object_reader(fields, mode)
    needed = tuple(needed_of(fields))
    if not needed:
        return read
    names = {condition.key for _, one in needed for condition in one.conditions}
    names |= {path[0] for path, _ in needed}
    cleaners = {name: _cleaner(fields.get(name), mode) for name in names}

    def read_with_conditions(
        payload: dict[str, Any], path: Trail, mistakes: FieldMistakes
    ) -> dict[str, Any]:
        known = [name for name in cleaners if name in payload]
        cleaned = {name: cleaners[name](payload[name]) for name in known}
        values = {name: value for name, value in cleaned.items() if value is not GONE}
        mistakes += [
            is_missing(trail_of(path[:-1]), path[-1]) for path in missing_fields(needed, values)
        ]
        nulled = {name: NULLED for name, value in values.items() if value is NULLED}
        return read(payload | nulled if nulled else payload, path, mistakes)

    return read_with_conditions


def _object_reader(
    fields: Mapping[str, FieldType], mode: Mode, *, keeps_others: bool = False
) -> Callable[[dict[str, Any], Trail, FieldMistakes], dict[str, Any]]:
    """Return the function that reads an object with these fields."""
    rules = _rules(fields, mode)
    required = _required(fields, mode)
    keeps_empty = not mode.drops_empty_texts

    def read(value: dict[str, Any], path: Trail, mistakes: FieldMistakes) -> dict[str, Any]:
        found = value
        before = len(mistakes)
        for key, inner in value.items():
            if key in rules:
                # Fast path: nearly every value is of the type already, and stays.
                step = rules[key][type(inner)]
                if step is None and (inner or keeps_empty or inner != ""):
                    continue
                taken = step(inner, (path, key), mistakes) if step else GONE
            else:
                taken = inner if keeps_others else GONE
            if taken is not inner:
                found = _with(found, key, taken, is_shared=found is value)
        if len(mistakes) > before or (required and not required <= found.keys()):
            lacking = [name for name in fields if name in required and name not in found]
            mistakes[before:] = _in_order(mistakes[before:], lacking, fields, path)
        return found

    return read


def _with(found: dict[str, Any], key: str, taken: Any, *, is_shared: bool) -> dict[str, Any]:
    """Return an object with another value under a key, or without it; a shared one is copied."""
    found = found.copy() if is_shared else found
    if taken is GONE:
        del found[key]
    else:
        found[key] = taken
    return found


def _rules(fields: Mapping[str, FieldType], mode: Mode) -> dict[str, FieldRule]:
    rules = {name: _rule(one, mode) for name, one in fields.items()}
    if mode.at_top:
        rules.setdefault(_ALWAYS_KEPT, dict.fromkeys(_ALL_TYPES))
    return rules


def _required(fields: Mapping[str, FieldType], mode: Mode) -> frozenset[str]:
    """Return the fields that must be there always."""
    if not mode.at_top and any(isinstance(one.required, Requirement) for one in fields.values()):
        # Where a property is required on a condition, Segment passes over the others.
        return frozenset()
    return frozenset(name for name, one in fields.items() if one.required is True)


def _in_order(
    mistakes: FieldMistakes, lacking: Iterable[str], fields: Mapping[str, FieldType], path: Trail
) -> FieldMistakes:
    """Return the mistakes of an object: first what is missing, then by the order of the fields."""
    places = {name: place for place, name in enumerate(fields)}
    depth = len(flat(path))
    in_order = sorted(mistakes, key=lambda one: places[str(one.path[depth])])
    return [is_missing(path, name) for name in lacking] + in_order


def _cleaner(field: FieldType | None, mode: Mode) -> Callable[[Any], Any]:
    """Return the function that removes empty values from a field at the top, and makes lists."""
    schema = _schema(field) if field else {}
    makes_list = field is not None and field.multiple

    def clean(value: Any) -> Any:
        value = without_empty(value, schema)
        if value is UNDEFINED or (mode.drops_empty_texts and value == ""):
            return GONE
        return [value] if makes_list and not isinstance(value, list) else value

    return clean


def _rule(field: FieldType, mode: Mode) -> FieldRule:
    """Return what is done to the values of a field: removed, converted, checked."""
    checks = checks_of(field)
    read = None
    if field.properties is not None:
        inner = Mode(cleans=mode.cleans and not field.multiple)
        read = _object_reader(field.properties, inner, keeps_others=field.additional)
    finish = _list_finisher(field, read) if field.multiple else _finisher(field, checks, read)
    slow = _after_cleaning(field, mode, finish) if mode.cleans else finish
    return dict.fromkeys(_ALL_TYPES, slow) | _steps(field, slow, read)


def _steps(field: FieldType, slow: Take, read: Take | None) -> FieldRule:
    """Return what is done to values that are of the type already."""
    if field.multiple:
        return {list: _list_step(field, read, slow)}
    steps: FieldRule = {type(None): None} if _may_be_null(field) else {}
    checks = checks_of(field)
    if read:
        steps[dict] = read
    elif not checks:
        steps |= dict.fromkeys(_PLAIN[field.kind])
    else:
        steps |= dict.fromkeys(_PLAIN[field.kind], _checked_step(checks, slow))
        if field.kind == "datetime":
            steps[str] = _checked_step([(usual_time, ""), *choices_of(field)], slow)
    return steps


def _after_cleaning(field: FieldType, mode: Mode, finish: Take) -> Take:
    """Return the function that removes an empty value, or else finishes it."""
    clean = _cleaner(field, mode) if mode.at_top else _inner_cleaner(field)

    def take(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        cleaned = None if value is NULLED else clean(value)
        return GONE if cleaned is GONE else finish(cleaned, path, mistakes)

    return take


def _inner_cleaner(field: FieldType) -> Callable[[Any], Any]:
    schema = _schema(field)

    def clean(value: Any) -> Any:
        value = without_empty(value, schema)
        return GONE if value is UNDEFINED else value

    return clean


def _list_step(field: FieldType, read: Take | None, slow: Take) -> Take:
    """Return the function for lists: fast if all items are of the type already."""
    plain = _PLAIN[field.kind] if not read and field.choices is None else frozenset[type]()
    are_plain = plain.issuperset
    are_objects = frozenset({dict}).issuperset

    def step(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        if read and are_objects(map(type, value)):
            items = [read(item, (path, at), mistakes) for at, item in enumerate(value)]
            return value if all(map(is_, items, value)) else items
        return value if are_plain(map(type, value)) else slow(value, path, mistakes)

    return step


def _checked_step(checks: Iterable[ValueCheck], slow: Take) -> Take:
    """Return the function for values of the type already: fast if they pass all checks."""
    tests = [is_good for is_good, _ in checks]
    if len(tests) == 1:
        return _once_checked_step(tests[0], slow)

    def step(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        for is_good in tests:
            if not is_good(value):
                return slow(value, path, mistakes)
        return value if value != "" else slow(value, path, mistakes)

    return step


def _once_checked_step(is_good: Callable[[Any], object], slow: Take) -> Take:
    def step(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        return value if value != "" and is_good(value) else slow(value, path, mistakes)

    return step


def _finisher(field: FieldType, checks: Iterable[ValueCheck], read: Take | None) -> Take:
    """Return the function that converts and checks a value from which empty ones are removed."""
    kinds = _kinds(field)

    def finish(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        found = converted(value, kinds)
        if found is UNFIT:
            mistakes.append(wrong_field_kind(path, kinds, value))
            return value
        if read and isinstance(found, dict):
            return read(found, path, mistakes)
        mistakes += [must_be(path, wanted) for is_good, wanted in checks if not is_good(found)]
        return found

    return finish


def _list_finisher(field: FieldType, read: Take | None) -> Take:
    # What is said of a field is said of its list, apart from its type, properties and choices.
    item = replace(field, multiple=False, allow_null=False)
    finish = _finisher(item, choices_of(field), read)

    def finish_list(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        if isinstance(value, dict):
            mistakes.append(must_be(path, "a list, not an object"))
            return value
        items = value if isinstance(value, list) else [value]
        return [finish(each, (path, at), mistakes) for at, each in enumerate(items)]

    return finish_list


def _may_be_null(field: FieldType) -> bool:
    """Return whether `allow_null` has an effect: not on lists, nor where there are properties."""
    return field.allow_null and not field.multiple and field.properties is None


def _kinds(field: FieldType) -> tuple[str, ...]:
    """Return the kinds of values that a field allows, in the order in which they are tried."""
    kind = "string" if field.kind in TEXT_KINDS else field.kind
    kinds = ("string", "number") if field.kind == "datetime" else (kind,)
    return (*kinds, "null") if _may_be_null(field) else kinds


def _schema(field: FieldType) -> dict[str, Any]:
    """Return a JSON schema that says which empty values a field allows."""
    if field.multiple:
        item = replace(field, multiple=False, allow_null=False)
        return {"type": "array", "items": {"type": list(_kinds(item))}}
    schema: dict[str, Any] = {"type": list(_kinds(field))}
    if field.properties is not None:
        schema["properties"] = {name: _schema(one) for name, one in field.properties.items()}
    return schema

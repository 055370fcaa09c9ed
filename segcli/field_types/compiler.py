"""Compiles the fields of an action into a function: compiled once, called for every payload."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import Any, Final, final

from segcli.core.event import Rejected
from segcli.field_types.check import ValueCheck, checks_of, choices_of
from segcli.field_types.conditions import NULLED, missing_fields, needed_of
from segcli.field_types.convert import UNFIT, converted
from segcli.field_types.expectation import (
    ALWAYS_KEPT,
    VALUE_TYPES,
    Mode,
    expected_object,
    may_be_null,
    plain_tests,
    required_always,
)
from segcli.field_types.field_type import TEXT_KINDS, FieldType
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
from segcli.mapping.compiler import MappingFunction, compiled
from segcli.mapping.empty import without_empty
from segcli.mapping.expected import Unexpected, ValueTest
from segcli.mapping.javascript import UNDEFINED

Conform = Callable[[dict[str, Any]], dict[str, Any]]
# Returns the value as its field has it, or GONE; adds to the mistakes.
Take = Callable[[Any, Trail, FieldMistakes], Any]
# Reads an object: all its fields, or those that are named.
ObjectReader = Callable[..., dict[str, Any]]
# What is done to a value, by its type; None keeps it. Has every type of a JSON value.
FieldRule = dict[type, Take | None]


@final
class Gone:
    """The type of `GONE`: the field is removed."""

    __slots__ = ()


GONE: Final = Gone()


def compiled_fields(fields: Mapping[str, FieldType], *, in_batch: bool = False) -> Conform:
    """Return the function that makes a payload fit the fields of its action.

    in_batch: payloads share requests; then an empty text directly in the payload stays.

    The function raises Rejected, which names every mistake, and nothing else. It does not change
    the payload, and its result shares parts with it.
    """
    return _conform(_payload_reader(fields, Mode(at_top=True, in_batch=in_batch)))


def compiled_with_fields(
    mapping: Any,
    fields: Mapping[str, FieldType],
    *,
    in_batch: bool = False,
    stand_ins: frozenset[str] = frozenset(),
) -> MappingFunction:
    """Return the function of a mapping whose results fit the fields of its action.

    It is `compiled` and then `compiled_fields`, but most values are compared while the mapping
    makes them, at a part of the cost. A text with one of `stand_ins` in it fits every field: it
    stands for a value that is not shown. Raises MappingError as `compiled` does.
    """
    mode = Mode(at_top=True, in_batch=in_batch, stand_ins=stand_ins)
    if any(needed_of(fields)):
        # Conditions are about the whole payload.
        return _conforming(compiled(mapping), _conform(_payload_reader(fields, mode)))
    run = compiled(mapping, expected_object(fields, mode, keeps_others=False))
    read = _object_reader(fields, mode)

    def mapped(event: Any) -> Any:
        found = run(event)
        if type(found) is not Unexpected:
            return found
        mistakes: FieldMistakes = []
        found = read(found.value, (), mistakes, found.keys)
        return _without_mistakes(found, mistakes)

    return mapped


def mistakes_in(
    payload: dict[str, Any], fields: Mapping[str, FieldType], *, in_batch: bool = False
) -> FieldMistakes:
    """Return the mistakes of a payload, in order."""
    mistakes: FieldMistakes = []
    _payload_reader(fields, Mode(at_top=True, in_batch=in_batch))(payload, (), mistakes)
    return mistakes


def _conform(read: ObjectReader) -> Conform:
    def conform(payload: dict[str, Any]) -> dict[str, Any]:
        mistakes: FieldMistakes = []
        return _without_mistakes(read(payload, (), mistakes), mistakes)

    return conform


def _conforming(run: MappingFunction, conform: Conform) -> MappingFunction:
    def mapped(event: Any) -> Any:
        found = run(event)
        return conform(found) if isinstance(found, dict) else found

    return mapped


def _without_mistakes(payload: dict[str, Any], mistakes: FieldMistakes) -> dict[str, Any]:
    if mistakes:
        raise Rejected("", told(mistakes))
    return payload


def _payload_reader(fields: Mapping[str, FieldType], mode: Mode) -> ObjectReader:
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
) -> ObjectReader:
    """Return the function that reads an object with these fields; `keys` are those to look at."""
    rules = _rules(fields, mode)
    required = required_always(fields, mode)
    needed = tuple(name for name in fields if name in required)
    places = {name: place for place, name in enumerate(fields)}
    keeps_empty = not mode.drops_empty_texts

    def read(
        value: dict[str, Any],
        path: Trail,
        mistakes: FieldMistakes,
        keys: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        found = value
        before = len(mistakes)
        for key, inner in value.items() if keys is None else [(key, value[key]) for key in keys]:
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
            lacking = [name for name in needed if name not in found]
            mistakes[before:] = _in_order(mistakes[before:], lacking, places, path)
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
        rules.setdefault(ALWAYS_KEPT, dict.fromkeys(VALUE_TYPES))
    return rules


def _in_order(
    mistakes: FieldMistakes, lacking: Iterable[str], places: Mapping[str, int], path: Trail
) -> FieldMistakes:
    """Return the mistakes of an object: first what is missing, then by the order of the fields."""
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
        read = _object_reader(field.properties, mode.below(field), keeps_others=field.additional)
    if field.multiple:
        finish = _list_finisher(field, mode, read)
    else:
        finish = _finisher(field, mode, checks, read)
    slow = _after_cleaning(field, mode, finish) if mode.cleans else finish
    return _steps(field, slow, read)


def _steps(field: FieldType, slow: Take, read: ObjectReader | None) -> FieldRule:
    """Return what is done to values that are of the type already."""
    steps: FieldRule = {}
    for kind, test in plain_tests(field, keeps_empty=True).items():
        steps[kind] = _step(test, slow) if test else None
    if read and field.multiple:
        steps[list] = _objects_step(read, slow)
    elif read:
        steps[dict] = read
        steps[Unexpected] = lambda value, path, mistakes: read(
            value.value, path, mistakes, value.keys
        )
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


def _step(is_plain: ValueTest, slow: Take) -> Take:
    def step(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        return value if is_plain(value) else slow(value, path, mistakes)

    return step


def _objects_step(read: ObjectReader, slow: Take) -> Take:
    """Return the function for lists of objects."""
    are_objects = frozenset({dict, Unexpected}).issuperset

    def step(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        if not are_objects(map(type, value)):
            return slow(value, path, mistakes)
        items = [
            read(item.value, (path, at), mistakes, item.keys)
            if type(item) is Unexpected
            else read(item, (path, at), mistakes)
            for at, item in enumerate(value)
        ]
        return value if all(map(is_, items, value)) else items

    return step


def _finisher(
    field: FieldType, mode: Mode, checks: Iterable[ValueCheck], read: Take | None
) -> Take:
    """Return the function that converts and checks a value from which empty ones are removed."""
    kinds = _kinds(field)

    def finish(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        if mode.is_stand_in(value):
            return value
        found = converted(value, kinds)
        if found is UNFIT:
            mistakes.append(wrong_field_kind(path, kinds, value))
            return value
        if read and isinstance(found, dict):
            return read(found, path, mistakes)
        mistakes += [must_be(path, wanted) for is_good, wanted in checks if not is_good(found)]
        return found

    return finish


def _list_finisher(field: FieldType, mode: Mode, read: Take | None) -> Take:
    # The keys of a field apply to its list, except for the type, the properties and the choices.
    item = replace(field, multiple=False, allow_null=False)
    finish = _finisher(item, mode, choices_of(field), read)

    def finish_list(value: Any, path: Trail, mistakes: FieldMistakes) -> Any:
        if isinstance(value, dict):
            mistakes.append(must_be(path, "a list, not an object"))
            return value
        items = value if isinstance(value, list) else [value]
        return [finish(each, (path, at), mistakes) for at, each in enumerate(items)]

    return finish_list


def _kinds(field: FieldType) -> tuple[str, ...]:
    """Return the kinds of values that a field allows, in the order in which they are tried."""
    kind = "string" if field.kind in TEXT_KINDS else field.kind
    kinds = ("string", "number") if field.kind == "datetime" else (kind,)
    return (*kinds, "null") if may_be_null(field) else kinds


def _schema(field: FieldType) -> dict[str, Any]:
    """Return a JSON schema that says which empty values a field allows."""
    if field.multiple:
        item = replace(field, multiple=False, allow_null=False)
        return {"type": "array", "items": {"type": list(_kinds(item))}}
    schema: dict[str, Any] = {"type": list(_kinds(field))}
    if field.properties is not None:
        schema["properties"] = {name: _schema(one) for name, one in field.properties.items()}
    return schema

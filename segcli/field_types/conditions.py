"""Fields that are required on a condition: whether the condition holds for a payload."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from decimal import Decimal
from typing import Any, Final, final

from segcli.core.event import NUMBERS
from segcli.field_types.field_type import FieldCondition, FieldType, Requirement


@final
class Nulled:
    """The type of `NULLED`: a value that a condition has turned into null."""

    __slots__ = ()


NULLED: Final = Nulled()

# The names of a field and of the objects around it, with its requirement.
Needed = tuple[tuple[str, ...], Requirement]
Constant = tuple[bool, str | int | float | Decimal | None]


def needed_of(fields: Mapping[str, FieldType]) -> Iterator[Needed]:
    """Yield the fields that are required on a condition, those in objects too."""
    for name, one in fields.items():
        if isinstance(one.required, Requirement):
            yield (name,), one.required
        if one.properties is not None:
            for path, requirement in needed_of(one.properties):
                # A list must only be present; its items are not looked at.
                yield ((name,) if one.multiple else (name, *path)), requirement


def missing_fields(
    needed: Sequence[Needed], values: MutableMapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    """Yield the paths of what is missing, from the cleaned values at the top of a payload.

    A condition that asks only whether a field is there turns an empty value into NULLED, which
    later conditions see.
    """
    for path, requirement in needed:
        if not _holds(requirement, values):
            continue
        at: Any = values
        for depth, name in enumerate(path, 1):
            if name not in at:
                yield path[:depth]
                break
            at = at[name]
            if not isinstance(at, dict):
                break


def constant_of(value: Any) -> Constant | None:
    """Return a value as a key that is equal for equal values of one type; None for others."""
    if value is None or isinstance(value, str | bool) or type(value) in NUMBERS:
        return isinstance(value, bool), value
    return None


def is_constant(value: Any, constant: Any) -> bool:
    """Return whether a value equals a constant, in type too."""
    if isinstance(value, list) and isinstance(constant, list):
        return len(value) == len(constant) and all(map(is_constant, value, constant))
    if isinstance(value, dict) and isinstance(constant, Mapping):
        return value.keys() == constant.keys() and all(
            is_constant(value[key], constant[key]) for key in value
        )
    known = constant_of(value)
    return known is not None and known == constant_of(constant)


def _holds(requirement: Requirement, values: MutableMapping[str, Any]) -> bool:
    conditions = requirement.conditions
    first = conditions[0]
    if len(conditions) == 1 and not (first.has_value or first.inner):
        return _is_empty(first.key, values) is not first.negated
    found = (_is_met(one, values) for one in conditions)
    return any(found) if requirement.is_any else all(found)


def _is_empty(key: str, values: MutableMapping[str, Any]) -> bool:
    """Return whether a field is absent or empty; an empty value becomes NULLED."""
    if key not in values:
        return True
    value = values[key]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list | dict) or not (value is NULLED or not value):
        return False
    values[key] = NULLED
    return True


def _is_met(one: FieldCondition, values: Mapping[str, Any]) -> bool:
    if one.inner:
        return _is_met_inside(one, values)
    if not one.has_value:
        return (one.key in values) is one.negated
    if one.key not in values:
        return False
    value = values[one.key]
    return is_constant(None if value is NULLED else value, one.value) is not one.negated


def _is_met_inside(one: FieldCondition, values: Mapping[str, Any]) -> bool:
    """Return whether a condition on a property is met.

    As at Segment, it is met if the field is not an object.
    """
    if one.key not in values:
        return False
    around = values[one.key]
    if not isinstance(around, dict):
        return True
    if one.inner not in around:
        return False
    if not one.has_value:
        return not one.negated
    return is_constant(around[one.inner], one.value) is not one.negated

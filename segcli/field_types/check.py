"""The checks of a converted value: choices, limits and formats."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from segcli.field_types.conditions import constant_of
from segcli.field_types.field_type import FieldType
from segcli.field_types.formats import CHECKS, is_date_like

# A test of a value, and what the value must be.
ValueCheck = tuple[Callable[[Any], object], str]

_SHOWN = 12


def checks_of(field: FieldType) -> tuple[ValueCheck, ...]:
    """Return the checks of a field, which pass for null."""
    return tuple(_checks(field))


def choices_of(field: FieldType) -> tuple[ValueCheck, ...]:
    """Return the check of the choices alone, which is that of the items of a list."""
    return tuple(_choices(field))


def _choices(field: FieldType) -> Iterator[ValueCheck]:
    if field.choices is not None:
        allowed = frozenset(filter(None, map(constant_of, field.choices)))
        shown = [str(choice) for choice in field.choices[:_SHOWN]]
        more = ["…"] if len(field.choices) > _SHOWN else []
        texts = frozenset(choice for choice in field.choices if isinstance(choice, str))

        def is_allowed(value: Any) -> bool:
            if isinstance(value, str):
                return value in texts
            return value is None or constant_of(value) in allowed

        yield (
            is_allowed,
            f"one of {', '.join([*shown, *more])}",
        )


def _checks(field: FieldType) -> Iterator[ValueCheck]:
    yield from _choices(field)
    if field.kind in ("string", "number"):
        yield from _limits(field)
    if field.kind == "datetime":
        yield lambda value: not isinstance(value, str) or is_date_like(value), "a date or a number"
    elif field.kind == "string" and field.format in CHECKS:
        test, name = CHECKS[field.format]
        yield lambda value: not isinstance(value, str) or test(value), name


def _limits(field: FieldType) -> Iterator[ValueCheck]:
    unit = " characters long" if field.kind == "string" else ""
    least, most = field.minimum, field.maximum
    if least:
        yield lambda value: value is None or _size(value) >= least, f"at least {least}{unit}"
    if most:
        yield lambda value: value is None or _size(value) <= most, f"at most {most}{unit}"


def _size(value: Any) -> int | float | Decimal:
    return len(value) if isinstance(value, str) else value

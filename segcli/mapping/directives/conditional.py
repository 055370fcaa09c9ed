"""The directives `@if`, `@case`, `@excludeWhenNull` and `@literal`."""

from decimal import Decimal
from typing import Any

from segcli.mapping.javascript import UNDEFINED, is_true, javascript_text
from segcli.mapping.node import NOTHING, Context, MapFunction, Node

_CASES = {"lower": str.lower, "upper": str.upper}
_NO_CASE = 'operator key should have a value of "lower" or "upper"'


def if_(options: Any, context: Context) -> Node:
    """Compile `@if`: `then` if the tested value exists (or is not blank), otherwise `else`."""
    if not isinstance(options, dict):
        return context.refusal('@if requires an object with an "exists" key')
    if not is_true(options.get("exists")) and not is_true(options.get("blank")):
        return context.refusal('@if requires an "exists" key or a "blank" key')
    here = context.below("@if", keep_levels=context.keep_levels)
    subject = "exists" if "exists" in options else "blank"
    test = here.part(options[subject], subject)

    def branch(name: str) -> Node:
        return here.part(
            options[name], name, keep_levels=context.keep_levels, expected=context.expected
        )

    then = branch("then") if "then" in options else NOTHING
    other = branch("else") if is_true(options.get("else")) else NOTHING
    if subject == "exists" and _is_same_path(options["exists"], options.get("then")):
        run = _first_that_exists(then.run, other.run)
    else:
        run = _branch(test.run, then.run, other.run, may_be_blank=subject == "exists")
    return Node(
        run,
        is_constant=test.is_constant and then.is_constant and other.is_constant,
        is_total=then.is_total and other.is_total,
        may_hold_undefined=then.may_hold_undefined or other.may_hold_undefined,
        is_compared=then.is_compared and other.is_compared,
    )


def case(options: Any, context: Context) -> Node:
    """Compile `@case`: a text in lower or upper case; other values stay unchanged."""
    if not isinstance(options, dict):
        return context.refusal('@case requires an object with a "operator" key')
    operator = options.get("operator")
    if not is_true(operator):
        return context.refusal('@case requires a "operator" key')
    if not is_true(options.get("value")):
        return NOTHING
    value = context.part(options["value"], "@case", "value", keep_levels=context.keep_levels)
    read = value.run
    change = _CASES.get(operator) if isinstance(operator, str) else None
    if change is None:
        context.warn(_NO_CASE)

    def run(data: Any) -> Any:
        found = read(data)
        if not isinstance(found, str):
            return found
        if change is None:
            context.refuse(_NO_CASE)
        return change(found)

    return Node(run, value.is_constant, value.is_total, value.may_hold_undefined)


def literal(value: Any, context: Context) -> Node:
    """Compile `@literal`: the value itself; directives inside it are still evaluated."""
    return context.part(value, "@literal", keep_levels=context.keep_levels)


def exclude_when_null(value: Any, context: Context) -> Node:
    """Compile `@excludeWhenNull`: UNDEFINED for null, and objects without their null fields."""
    part = context.part(value, "@excludeWhenNull", keep_levels=context.keep_levels)
    read, keep_levels = part.run, context.keep_levels

    def run(data: Any) -> Any:
        found = read(data)
        if isinstance(found, dict):
            return _without_nulls(found, keep_levels)
        return UNDEFINED if found is None else found

    return Node(run, part.is_constant, may_hold_undefined=part.may_hold_undefined)


def is_blank_value(value: Any) -> bool:
    """Return whether a value is absent or equals `''` in JavaScript: 0, false, [], [[]]."""
    if value is None or value is UNDEFINED:
        return True
    if isinstance(value, list):
        return not javascript_text(value)
    return isinstance(value, str | bool | int | float | Decimal) and not value


def _is_same_path(one: Any, other: Any) -> bool:
    return (
        isinstance(one, dict)
        and list(one) == ["@path"]
        and isinstance(one["@path"], str)
        and one == other
    )


def _first_that_exists(first: MapFunction, other: MapFunction) -> MapFunction:
    def run(data: Any) -> Any:
        value = first(data)
        return other(data) if value is None or value is UNDEFINED else value

    return run


def _branch(
    test: MapFunction, then: MapFunction, other: MapFunction, *, may_be_blank: bool
) -> MapFunction:
    def exists(data: Any) -> Any:
        value = test(data)
        return other(data) if value is None or value is UNDEFINED else then(data)

    def is_filled(data: Any) -> Any:
        return other(data) if is_blank_value(test(data)) else then(data)

    return exists if may_be_blank else is_filled


def _without_nulls(value: dict[str, Any], keep_levels: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            result[key] = _without_nulls(item, max(keep_levels - 1, 0))
        elif item is not None:
            result[key] = item
        elif keep_levels:
            result[key] = UNDEFINED
    return result

"""The directives that choose: `@if`, `@case`, `@excludeWhenNull`, and `@literal`."""

from decimal import Decimal
from typing import Any

from segcli.mapping.javascript import UNDEFINED, is_true, text_of
from segcli.mapping.node import NOTHING, Part, Place, Run

_CASES = {"lower": str.lower, "upper": str.upper}
_NO_CASE = 'operator key should have a value of "lower" or "upper"'


def if_(options: Any, place: Place) -> Part:
    """Compile `@if`: `then` where something `exists`, or is not `blank`, `else` where not."""
    if not isinstance(options, dict):
        return place.refusal('@if requires an object with an "exists" key')
    if not is_true(options.get("exists")) and not is_true(options.get("blank")):
        return place.refusal('@if requires an "exists" key or a "blank" key')
    here = place.below("@if", keeps=place.keeps)
    subject = "exists" if "exists" in options else "blank"
    test = here.part(options[subject], subject)
    then = here.part(options["then"], "then", keeps=place.keeps) if "then" in options else NOTHING
    other = NOTHING
    if is_true(options.get("else")):
        other = here.part(options["else"], "else", keeps=place.keeps)
    if subject == "exists" and _is_same_path(options["exists"], options.get("then")):
        run = _first_that_exists(then.run, other.run)
    else:
        run = _branch(test.run, then.run, other.run, may_be_blank=subject == "exists")
    return Part(
        run,
        is_constant=test.is_constant and then.is_constant and other.is_constant,
        is_total=then.is_total and other.is_total,
        has_holes=then.has_holes or other.has_holes,
    )


def case(options: Any, place: Place) -> Part:
    """Compile `@case`: a text in lower or upper case, any other value as it is."""
    if not isinstance(options, dict):
        return place.refusal('@case requires an object with a "operator" key')
    operator = options.get("operator")
    if not is_true(operator):
        return place.refusal('@case requires a "operator" key')
    if not is_true(options.get("value")):
        return NOTHING
    value = place.part(options["value"], "@case", "value", keeps=place.keeps)
    read = value.run
    change = _CASES.get(operator) if isinstance(operator, str) else None
    if change is None:
        place.doubt(_NO_CASE)

    def run(data: Any) -> Any:
        found = read(data)
        if not isinstance(found, str):
            return found
        if change is None:
            place.refuse(_NO_CASE)
        return change(found)

    return Part(run, value.is_constant, value.is_total, value.has_holes)


def literal(value: Any, place: Place) -> Part:
    """Compile `@literal`: the value, directives in it included."""
    return place.part(value, "@literal", keeps=place.keeps)


def exclude_when_null(value: Any, place: Place) -> Part:
    """Compile `@excludeWhenNull`: nothing for null, an object without its nulls."""
    part = place.part(value, "@excludeWhenNull", keeps=place.keeps)
    read, keeps = part.run, place.keeps

    def run(data: Any) -> Any:
        found = read(data)
        if isinstance(found, dict):
            return _without_nulls(found, keeps)
        return UNDEFINED if found is None else found

    return Part(run, part.is_constant, has_holes=part.has_holes)


def is_blank(value: Any) -> bool:
    """Tell whether a value is absent, or is empty by JavaScript's `== ''`: 0, false, [], [[]]."""
    if value is None or value is UNDEFINED:
        return True
    if isinstance(value, list):
        return not text_of(value)
    return isinstance(value, str | bool | int | float | Decimal) and not value


def _is_same_path(one: Any, other: Any) -> bool:
    return (
        isinstance(one, dict)
        and list(one) == ["@path"]
        and isinstance(one["@path"], str)
        and one == other
    )


def _first_that_exists(first: Run, other: Run) -> Run:
    def run(data: Any) -> Any:
        value = first(data)
        return other(data) if value is None or value is UNDEFINED else value

    return run


def _branch(test: Run, then: Run, other: Run, *, may_be_blank: bool) -> Run:
    def exists(data: Any) -> Any:
        value = test(data)
        return other(data) if value is None or value is UNDEFINED else then(data)

    def is_filled(data: Any) -> Any:
        return other(data) if is_blank(test(data)) else then(data)

    return exists if may_be_blank else is_filled


def _without_nulls(value: dict[str, Any], keeps: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            result[key] = _without_nulls(item, max(keeps - 1, 0))
        elif item is not None:
            result[key] = item
        elif keeps:
            result[key] = UNDEFINED
    return result

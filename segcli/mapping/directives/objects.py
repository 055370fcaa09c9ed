"""Objects in a mapping, and the directives that build objects: `@merge` and `@flatten`."""

from collections.abc import Mapping, Sequence
from typing import Any

from segcli.mapping.expected import Expected, Unexpected, ValueTests
from segcli.mapping.javascript import (
    MAX_TEXT,
    UNDEFINED,
    TextTooLong,
    entries,
    is_true,
    javascript_kind,
)
from segcli.mapping.node import ALL_LEVELS, Context, MapFunction, Node, bounded


def of_object(mapping: dict[str, Any], context: Context) -> Node:
    """Compile an object that may contain directives; UNDEFINED fields are omitted."""
    keep_levels = max(context.keep_levels - 1, 0)
    expected = context.expected
    parts = {
        key: context.part(
            part, key, keep_levels=keep_levels, expected=expected.field(key) if expected else None
        )
        for key, part in entries(mapping)
    }
    runs = [(key, part.run) for key, part in parts.items()]
    is_compared = expected is not None and expected.fields is not None
    if expected is not None and is_compared:
        run = _compared(parts, expected)
    else:
        run = _with_all(runs) if context.keep_levels else _with_present(runs)
    return Node(
        run,
        is_constant=all(part.is_constant for part in parts.values()),
        is_total=True,
        may_hold_undefined=any(part.may_hold_undefined for part in parts.values()),
        is_compared=is_compared,
    )


def merge(options: Any, context: Context) -> Node:
    """Compile `@merge`: one object from several; `direction` says which wins for equal fields."""
    if not isinstance(options, dict):
        return context.refusal(
            '@merge requires an object with an "objects" key and a "direction" key'
        )
    if not is_true(options.get("direction")):
        return context.refusal('@merge requires a "direction" key')
    if not is_true(options.get("objects")):
        return context.refusal('@merge requires a "objects" key')
    if not isinstance(options["objects"], list):
        kind = javascript_kind(options["objects"])
        return context.refusal(f"@merge: expected opts.array, got {kind}")
    if isinstance(options["direction"], str) and options["direction"] not in ("left", "right"):
        context.warn('@merge takes every direction but "left" for "right"')
    keep_levels = max(context.keep_levels, 1)
    direction = context.part(options["direction"], "@merge", "direction")
    parts = [
        context.part(each, "@merge", "objects", number, keep_levels=keep_levels)
        for number, each in enumerate(options["objects"])
    ]
    return Node(
        _merged(direction.run, [part.run for part in parts], keep_levels=bool(context.keep_levels)),
        is_constant=direction.is_constant and all(part.is_constant for part in parts),
        is_total=True,
        may_hold_undefined=any(part.may_hold_undefined for part in parts),
    )


def flatten(options: Any, context: Context) -> Node:
    """Compile `@flatten`: nested fields under joined names, such as `address.city`."""
    if not isinstance(options, dict):
        return context.refusal('@flatten requires an object with a "separator" key')
    if not is_true(options.get("separator")):
        return context.refusal('@flatten requires a "separator" key')
    separator = context.part(options["separator"], "@flatten", "separator")
    value = context.part(
        options.get("value", UNDEFINED), "@flatten", "value", keep_levels=ALL_LEVELS
    )
    join, read, keep_levels = separator.run, value.run, context.keep_levels
    omits_arrays = is_true(options.get("omitArrays"))

    def flat(data: Any) -> Any:
        mark = join(data)
        if not isinstance(mark, str):
            context.refuse("@flatten requires a string separator")
        result = flattened(read(data), separator=mark, omits_arrays=omits_arrays)
        return result if keep_levels else _present(result)

    run = bounded(flat, context, "@flatten makes too long names")
    # With `omitArrays` a list stays nested, and objects in it may hold UNDEFINED.
    may_hold_undefined = value.may_hold_undefined or omits_arrays
    return Node(run, separator.is_constant and value.is_constant, True, may_hold_undefined)


def flattened(
    value: Any, prefix: str = "", *, separator: str = ".", omits_arrays: bool = False
) -> dict[str, Any]:
    """Return the nested fields of a value under joined names; empty objects disappear.

    Raises TextTooLong if the names together would be longer than `MAX_TEXT`.
    """
    nested = dict if omits_arrays else (dict, list)
    result: dict[str, Any] = {}
    todo, written = [(prefix, value)], 0
    while todo:
        name, item = todo.pop()
        if not isinstance(item, nested):
            result[name] = item
            continue
        start = f"{name}{separator}" if name else ""
        below = list(entries(item))
        written += sum(len(start) + len(key) for key, _ in below)
        if written > MAX_TEXT:
            raise TextTooLong
        todo += [(start + key, part) for key, part in reversed(below)]
    return result


def _with_present(runs: Sequence[tuple[str, MapFunction]]) -> MapFunction:
    def run(data: Any) -> Any:
        result = {}
        for key, make in runs:
            value = make(data)
            if value is not UNDEFINED:
                result[key] = value
        return result

    return run


def _compared(parts: Mapping[str, Node], expected: Expected) -> MapFunction:
    """Return the function that makes an object and compares each of its fields."""
    runs = [(key, part.run, _tests_of(expected.field(key), part)) for key, part in parts.items()]
    required = expected.required

    def run(data: Any) -> Any:
        result: dict[str, Any] = {}
        unexpected = []
        for key, make, tests in runs:
            value = make(data)
            if value is not UNDEFINED:
                result[key] = value
                test = tests[type(value)]
                if test is not None and not test(value):
                    unexpected.append(key)
        if unexpected or (required and not required <= result.keys()):
            return Unexpected(result, unexpected)
        return result

    return run


def _tests_of(expected: Expected | None, part: Node) -> ValueTests:
    assert expected is not None
    return expected.compared if part.is_compared else expected.tests


def _with_all(runs: Sequence[tuple[str, MapFunction]]) -> MapFunction:
    return lambda data: {key: make(data) for key, make in runs}


def _merged(
    direction: MapFunction, runs: Sequence[MapFunction], *, keep_levels: bool
) -> MapFunction:
    def run(data: Any) -> Any:
        is_left = direction(data) == "left"
        objects = [make(data) for make in runs]
        result: dict[str, Any] = {}
        for each in reversed(objects) if is_left else objects:
            result.update(entries(each))
        return result if keep_levels else _present(result)

    return run


def _present(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not UNDEFINED}

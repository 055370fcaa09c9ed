"""Objects in mappings, and the directives that make them: `@merge` and `@flatten`."""

from collections.abc import Sequence
from typing import Any

from segcli.mapping.javascript import MAX_TEXT, UNDEFINED, TooLong, entries, is_true, kind_of
from segcli.mapping.node import ALL_LEVELS, Part, Place, Run, bounded


def of_object(mapping: dict[str, Any], place: Place) -> Part:
    """Compile an object with directives in it; fields at UNDEFINED are left out."""
    keeps = max(place.keeps - 1, 0)
    parts = {key: place.part(part, key, keeps=keeps) for key, part in entries(mapping)}
    runs = [(key, part.run) for key, part in parts.items()]
    return Part(
        _with_all(runs) if place.keeps else _with_present(runs),
        is_constant=all(part.is_constant for part in parts.values()),
        is_total=True,
        has_holes=any(part.has_holes for part in parts.values()),
    )


def merge(options: Any, place: Place) -> Part:
    """Compile `@merge`: the fields of several objects, of two the one that `direction` says."""
    if not isinstance(options, dict):
        return place.refusal(
            '@merge requires an object with an "objects" key and a "direction" key'
        )
    if not is_true(options.get("direction")):
        return place.refusal('@merge requires a "direction" key')
    if not is_true(options.get("objects")):
        return place.refusal('@merge requires a "objects" key')
    if not isinstance(options["objects"], list):
        kind = kind_of(options["objects"])
        return place.refusal(f"@merge: expected opts.array, got {kind}")
    if isinstance(options["direction"], str) and options["direction"] not in ("left", "right"):
        place.doubt('@merge takes every direction but "left" for "right"')
    keeps = max(place.keeps, 1)
    direction = place.part(options["direction"], "@merge", "direction")
    parts = [
        place.part(each, "@merge", "objects", number, keeps=keeps)
        for number, each in enumerate(options["objects"])
    ]
    return Part(
        _merged(direction.run, [part.run for part in parts], keeps=bool(place.keeps)),
        is_constant=direction.is_constant and all(part.is_constant for part in parts),
        is_total=True,
        has_holes=any(part.has_holes for part in parts),
    )


def flatten(options: Any, place: Place) -> Part:
    """Compile `@flatten`: what is nested under joined names."""
    if not isinstance(options, dict):
        return place.refusal('@flatten requires an object with a "separator" key')
    if not is_true(options.get("separator")):
        return place.refusal('@flatten requires a "separator" key')
    separator = place.part(options["separator"], "@flatten", "separator")
    value = place.part(options.get("value", UNDEFINED), "@flatten", "value", keeps=ALL_LEVELS)
    join, read, keeps = separator.run, value.run, place.keeps
    omits_arrays = is_true(options.get("omitArrays"))

    def flat(data: Any) -> Any:
        mark = join(data)
        if not isinstance(mark, str):
            place.refuse("@flatten requires a string separator")
        result = flattened(read(data), separator=mark, omits_arrays=omits_arrays)
        return result if keeps else _present(result)

    run = bounded(flat, place, "@flatten makes too long names")
    # In a list that stays as it is, an object may hold UNDEFINED.
    has_holes = value.has_holes or omits_arrays
    return Part(run, separator.is_constant and value.is_constant, True, has_holes)


def _with_present(runs: Sequence[tuple[str, Run]]) -> Run:
    def run(data: Any) -> Any:
        result = {}
        for key, make in runs:
            value = make(data)
            if value is not UNDEFINED:
                result[key] = value
        return result

    return run


def _with_all(runs: Sequence[tuple[str, Run]]) -> Run:
    return lambda data: {key: make(data) for key, make in runs}


def _merged(direction: Run, runs: Sequence[Run], *, keeps: bool) -> Run:
    def run(data: Any) -> Any:
        is_left = direction(data) == "left"
        objects = [make(data) for make in runs]
        result: dict[str, Any] = {}
        for each in reversed(objects) if is_left else objects:
            result.update(entries(each))
        return result if keeps else _present(result)

    return run


def _present(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not UNDEFINED}


def flattened(
    value: Any, prefix: str = "", *, separator: str = ".", omits_arrays: bool = False
) -> dict[str, Any]:
    """Return what is nested in a value under joined names; empty objects vanish.

    Raises TooLong where the names together would be longer than `MAX_TEXT`.
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
            raise TooLong
        todo += [(start + key, part) for key, part in reversed(below)]
    return result

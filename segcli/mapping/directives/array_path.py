"""Lists in mappings, and the directive that makes them: `@arrayPath`."""

from typing import Any

from segcli.mapping.javascript import UNDEFINED, kind_of
from segcli.mapping.json_path import keys_of, reader, rooted
from segcli.mapping.node import Part, Place, Run


def of_list(mapping: list[Any], place: Place) -> Part:
    """Compile a list with directives in it; an item at UNDEFINED keeps its place."""
    keeps = max(place.keeps - 1, 0)
    parts = [place.part(item, number, keeps=keeps) for number, item in enumerate(mapping)]
    runs = [part.run for part in parts]
    return Part(
        lambda data: [run(data) for run in runs],
        is_constant=all(part.is_constant for part in parts),
        is_total=True,
        has_holes=any(part.has_holes or not part.is_total for part in parts),
    )


def array_path(options: Any, place: Place) -> Part:
    """Compile `@arrayPath`: a list from a path, each item in a shape if one is given."""
    if not isinstance(options, list):
        return place.refusal(f"@arrayPath expected array, got {kind_of(options)}")
    path, shape = [*options, UNDEFINED, UNDEFINED][:2]
    is_shaped = isinstance(shape, dict) and bool(shape)
    if isinstance(path, str):
        root = Part(reader(keys_of(rooted(path))), has_holes=place.has_holes)
    else:
        root = place.part(path, "@arrayPath", 0, keeps=0 if is_shaped else place.keeps)
    if not is_shaped:
        return root
    at = place.below("@arrayPath", 1, keeps=max(place.keeps - 1, 0), has_holes=root.has_holes)
    return _shaped(root, place.compile(shape, at))


def filled(run: Run, hole: Any) -> Run:
    """Return the function whose results have a value for UNDEFINED in lists, no field for it."""
    return lambda data: _filled(run(data), hole)


def _shaped(root: Part, item: Part) -> Part:
    read, shape = root.run, item.run

    def run(data: Any) -> Any:
        found = read(data)
        if isinstance(found, list):
            return [shape(each) for each in found]
        return [shape(found)] if isinstance(found, dict) else found

    return Part(run, has_holes=item.has_holes or not item.is_total or root.has_holes)


def _filled(value: Any, hole: Any) -> Any:
    if isinstance(value, list):
        return [hole if item is UNDEFINED else _filled(item, hole) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, hole) for key, item in value.items() if item is not UNDEFINED}
    return value

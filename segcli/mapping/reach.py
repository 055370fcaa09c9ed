"""The directive that reads a value: `@path`."""

from typing import Any

from segcli.mapping.part import Part, Place
from segcli.mapping.path import get, keys_of, reader, rooted
from segcli.mapping.value import kind_of

_NO_STRING = "@path: expected string, got {}"


def path(value: Any, place: Place) -> Part:
    """Compile `@path`: what stands at a path, which a directive may make for every event."""
    if isinstance(value, str):
        return Part(reader(keys_of(rooted(value))), has_holes=place.has_holes)
    made = place.part(value, "@path")
    if made.is_constant:
        return _constant_path(made.run(None), place)
    read = made.run

    def run(data: Any) -> Any:
        found = read(data)
        if not isinstance(found, str):
            place.refuse(_NO_STRING.format(kind_of(found)))
        return get(data, rooted(found))

    return Part(run, has_holes=place.has_holes)


def _constant_path(value: Any, place: Place) -> Part:
    if isinstance(value, str):
        return path(value, place)
    return place.refusal(_NO_STRING.format(kind_of(value)))

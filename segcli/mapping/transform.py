"""The directive that maps what a mapping makes: `@transform`."""

from typing import Any

from segcli.mapping.lists import filled
from segcli.mapping.part import Part, Place
from segcli.mapping.problem import MappingError
from segcli.mapping.root import of_root
from segcli.mapping.undefined import UNDEFINED
from segcli.mapping.validation import problems
from segcli.mapping.value import is_true, kind_of


def transform(options: Any, place: Place) -> Part:
    """Compile `@transform`: `mapping` of what `apply` makes of the data."""
    if not isinstance(options, dict):
        return place.refusal(
            '@transform requires an object with an "apply" key and a "mapping" key'
        )
    for name in ("mapping", "apply"):
        if not is_true(options.get(name)):
            return place.refusal(f'@transform requires a "{name}" key')
    if not isinstance(options["apply"], dict):
        return place.refusal('@transform "apply" key should be an object')
    apply = _apply(options["apply"], place.below("@transform", "apply"))
    at = place.below("@transform", "mapping", keeps=place.keeps, has_holes=apply.has_holes)
    mapping = place.compile(options["mapping"], at)
    # In what was made before, only the items of lists tell UNDEFINED from nothing.
    first = filled(apply.run, UNDEFINED) if apply.has_holes else apply.run
    second = mapping.run

    def run(data: Any) -> Any:
        if not isinstance(data, dict) and data is not UNDEFINED:
            place.refuse(f"data must be an object, got {kind_of(data)}")
        return second(first(data))

    return Part(run, False, mapping.is_total, mapping.has_holes)


def _apply(mapping: dict[str, Any], place: Place) -> Part:
    found = problems(mapping)
    if found:
        return place.refusal(str(MappingError(found)))
    return place.compile(of_root(mapping), place)

"""A mapping's root: whatever it is, mapping-kit takes it for an object."""

from typing import Any

from segcli.mapping.javascript import entries
from segcli.mapping.problem import MappingError, Problem

DIRECTIVE = "__segment_internal_directive"

_NULL = "Cannot convert undefined or null to object"


def of_root(mapping: Any) -> dict[str, Any]:
    """Return the object to resolve: a list's items by their places, nothing of a number.

    A directive under `__segment_internal_directive` gets the other fields as its `mapping`.
    Raises MappingError where that is none.
    """
    if mapping is None:
        raise MappingError([Problem("/", "should be an object", _NULL)])
    parts = mapping if isinstance(mapping, dict) else dict(entries(mapping))
    if DIRECTIVE not in parts:
        return parts
    directive = dict(entries(parts[DIRECTIVE]))
    if len(directive) > 1:
        raise _error("The root mapping must only have a single directive object")
    for name, options in directive.items():
        if isinstance(options, dict):
            rest = {key: part for key, part in parts.items() if key != DIRECTIVE}
            return {name: {**options, "mapping": rest}}
    raise _error("The root directive must be an object")


def root_path(mapping: Any) -> str:
    """Return where in a mapping its root stands."""
    return f"/{DIRECTIVE}" if isinstance(mapping, dict) and DIRECTIVE in mapping else ""


def _error(message: str) -> MappingError:
    return MappingError([Problem(f"/{DIRECTIVE}", message, message)])

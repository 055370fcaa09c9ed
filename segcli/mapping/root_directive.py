"""The root of a mapping, which mapping-kit always treats as an object."""

from typing import Any

from segcli.mapping.javascript import entries
from segcli.mapping.problem import MappingError, Problem

DIRECTIVE = "__segment_internal_directive"

_NULL = "Cannot convert undefined or null to object"


def of_root(mapping: Any) -> dict[str, Any]:
    """Return the root as an object: a list's items by index; a number has no fields.

    A directive under `__segment_internal_directive` gets the other fields as its `mapping`.
    Raises MappingError if that field is not a single directive.
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
    """Return the path of the root in its mapping."""
    return f"/{DIRECTIVE}" if isinstance(mapping, dict) and DIRECTIVE in mapping else ""


def _error(message: str) -> MappingError:
    return MappingError([Problem(f"/{DIRECTIVE}", message, message)])

"""Dotted paths into payloads: read a value, or set or remove one in a copy."""

from collections.abc import Mapping, Sequence
from typing import Any

from segcli.core.event import Rejected


def value_at(payload: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return the value at a path; None if there is none. A number is the index in a list."""
    value: Any = payload
    for name in path:
        if isinstance(value, list):
            value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def copied_with(payload: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a payload with a value at a path; the objects on the way are copied, or created.

    Raises Rejected if something else than an object is on the way.
    """
    first, *rest = path
    if not rest:
        return {**payload, first: value}
    inner = payload.get(first)
    if inner is None:
        inner = {}
    if not isinstance(inner, Mapping):
        raise Rejected(first, f"is not an object, so {'.'.join(path)} cannot be set in it")
    return {**payload, first: copied_with(inner, rest, value)}


def without(payload: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Return a payload without the value at a path, and without objects that it leaves empty."""
    first, *rest = path
    if first not in payload:
        return payload
    others = {name: value for name, value in payload.items() if name != first}
    inner = payload[first]
    if not rest:
        return others
    if not isinstance(inner, dict):
        return payload
    left = without(inner, rest)
    return {**payload, first: left} if left else others

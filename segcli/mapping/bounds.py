"""How large a mapping may be, so that none can exhaust the machine, and that it is JSON."""

from decimal import Decimal
from math import isfinite
from typing import Any

from segcli.mapping.problem import Problem
from segcli.mapping.spot import Spot
from segcli.mapping.value import kind_of

MAX_DEPTH = 100

_JSON = frozenset({"object", "array", "string", "boolean", "number", "null"})


def bounds(mapping: Any) -> list[Problem]:
    """Return what keeps a mapping from being read at all: it is too deep, or not JSON."""
    todo, found = [(mapping, Spot(), 0)], []
    while todo:
        value, spot, depth = todo.pop()
        if depth > MAX_DEPTH:
            return [Spot().problem(f"is nested deeper than {MAX_DEPTH} levels")]
        if kind_of(value) not in _JSON:
            found.append(spot.problem(f"should be a JSON value but it is a {kind_of(value)}"))
        elif isinstance(value, float | Decimal) and not isfinite(value):
            found.append(spot.problem(f"should be a JSON value but it is {value}"))
        elif isinstance(value, dict):
            todo += [(part, spot.at(key), depth + 1) for key, part in value.items()]
        elif isinstance(value, list):
            todo += [(part, spot.at(str(place)), depth + 1) for place, part in enumerate(value)]
    return found

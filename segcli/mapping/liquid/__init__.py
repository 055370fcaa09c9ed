"""The directive that renders a Liquid template with python-liquid: `@liquid`."""

from importlib.util import find_spec
from typing import Any

from segcli.core.extras import how_to_install
from segcli.mapping.javascript import length
from segcli.mapping.node import Context, Node, constant
from segcli.mapping.problem import MappingError, Spot

MAX_TEMPLATE = 1000


def liquid_missing() -> str:
    """Return what to say if python-liquid is not installed."""
    return f"needs python-liquid: type {how_to_install('liquid')}"


def liquid(template: Any, context: Context) -> Node:
    """Compile `@liquid`; raises MappingError if python-liquid is not installed."""
    context = context.below("@liquid")
    if not isinstance(template, str):
        return context.refusal("liquid template value must be a string")
    if not template:
        return constant("")
    if length(template) > MAX_TEMPLATE:
        return context.refusal(f"liquid template values are limited to {MAX_TEMPLATE} characters")
    if not is_installed():
        raise MappingError([Spot(context.path, context.path).problem(liquid_missing())])
    from segcli.mapping.liquid.engine import renderer  # noqa: PLC0415  # optional dependency

    return renderer(template, context)


def paths_of(template: str) -> list[str]:
    """Return the paths that a template reads; raises MappingError without python-liquid."""
    if not is_installed():
        raise MappingError([Spot().problem(f"@liquid {liquid_missing()}")])
    from segcli.mapping.liquid.engine import paths  # noqa: PLC0415  # optional dependency

    return paths(template)


def is_installed() -> bool:
    """Return whether python-liquid can be imported."""
    return find_spec("liquid") is not None

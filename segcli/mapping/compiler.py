"""A mapping as a plain function: made once, called for every event."""

from collections.abc import Callable
from typing import Any

from segcli.core.event import Rejected
from segcli.mapping.directives.array_path import array_path, filled, of_list
from segcli.mapping.directives.conditional import case, exclude_when_null, if_, literal
from segcli.mapping.directives.json_text import json_
from segcli.mapping.directives.objects import flatten, merge, of_object
from segcli.mapping.directives.replace import replace
from segcli.mapping.directives.template import template_directive
from segcli.mapping.javascript import UNDEFINED, is_true, javascript_kind
from segcli.mapping.json_path import path
from segcli.mapping.liquid import liquid
from segcli.mapping.node import Context, Node, constant
from segcli.mapping.problem import MappingError, Problem
from segcli.mapping.root_directive import of_root, root_path
from segcli.mapping.validation import problems


def transform_directive(options: Any, place: Context) -> Node:
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
    at = place.below(
        "@transform",
        "mapping",
        keep_levels=place.keep_levels,
        may_hold_undefined=apply.may_hold_undefined,
    )
    mapping = place.compile(options["mapping"], at)
    # In what was made before, only the items of lists tell UNDEFINED from nothing.
    first = filled(apply.run, UNDEFINED) if apply.may_hold_undefined else apply.run
    second = mapping.run

    def run(data: Any) -> Any:
        if not isinstance(data, dict) and data is not UNDEFINED:
            place.refuse(f"data must be an object, got {javascript_kind(data)}")
        return second(first(data))

    return Node(run, False, mapping.is_total, mapping.may_hold_undefined)


def _apply(mapping: dict[str, Any], place: Context) -> Node:
    found = problems(mapping)
    if found:
        return place.refusal(str(MappingError(found)))
    return place.compile(of_root(mapping), place)


MappingFunction = Callable[[Any], Any]

_DIRECTIVES: dict[str, Callable[[Any, Context], Node]] = {
    "@if": if_,
    "@case": case,
    "@replace": replace,
    "@arrayPath": array_path,
    "@path": path,
    "@template": template_directive,
    "@literal": literal,
    "@flatten": flatten,
    "@json": json_,
    "@merge": merge,
    "@transform": transform_directive,
    "@excludeWhenNull": exclude_when_null,
    "@liquid": liquid,
}


def compiled(mapping: Any) -> MappingFunction:
    """Return the function that makes of an event's JSON what a mapping says.

    It returns a JSON value, or UNDEFINED where the mapping says nothing; it raises Rejected, with
    the path in the mapping, and nothing else. What it returns shares parts with the event and
    with other results, so change none of them. Raises MappingError, with all `problems`.
    """
    found = problems(mapping)
    if found:
        raise MappingError(found)
    part = _part(of_root(mapping), Context(_part, root_path(mapping)))
    run = filled(part.run, None) if part.may_hold_undefined else part.run

    def mapped(event: Any) -> Any:
        if not isinstance(event, dict):
            raise Rejected("", f"data must be an object, got {javascript_kind(event)}")
        try:
            return run(event)
        except RecursionError:
            raise Rejected("", "nested too deeply for the mapping") from None

    return mapped


def lint(mapping: Any) -> list[Problem]:
    """Return every part of a mapping that refuses whatever event gets there, or does nothing.

    mapping-kit passes over such parts, and so does `problems`; in a mapping that somebody writes
    they are mistakes. Raises MappingError as `compiled` does.
    """
    found = problems(mapping)
    if found:
        raise MappingError(found)
    place = Context(_part, root_path(mapping))
    _part(of_root(mapping), place)
    return place.lint_problems


def _part(mapping: Any, place: Context) -> Node:
    if isinstance(mapping, dict):
        name = _directive_of(mapping)
        if name is None:
            return _folded(of_object(mapping, place))
        if name not in _DIRECTIVES:
            return place.refusal(f"{name} is not a valid directive, got undefined")
        return _folded(_DIRECTIVES[name](mapping[name], place))
    if isinstance(mapping, list):
        return _folded(of_list(mapping, place))
    return constant(mapping)


def _directive_of(mapping: dict[str, Any]) -> str | None:
    """Return the directive that an object is, None for one that has other fields too."""
    names = [key for key in mapping if key.startswith("@")]
    others = [key for key in mapping if not key.startswith("@") and key != "_metadata"]
    return names[0] if names and not others else None


def _folded(part: Node) -> Node:
    """Return a part that is the same for all data as its value, worked out now."""
    if not part.is_constant:
        return part
    try:
        return constant(part.run(UNDEFINED), may_hold_undefined=part.may_hold_undefined)
    except Rejected:
        # It refuses, but only those events that come here.
        return Node(part.run, may_hold_undefined=part.may_hold_undefined)

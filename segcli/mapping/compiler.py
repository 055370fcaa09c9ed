"""Compiles a mapping into a plain function: compiled once, called for every event."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from segcli.core.event import Rejected
from segcli.mapping.directives.array_path import array_path, filled, of_list
from segcli.mapping.directives.conditional import case, exclude_when_null, if_, literal
from segcli.mapping.directives.digest import sha256_
from segcli.mapping.directives.each import each
from segcli.mapping.directives.identifiers import email, tail, ulid, uuid_
from segcli.mapping.directives.json_text import json_
from segcli.mapping.directives.lookup import lookup
from segcli.mapping.directives.objects import flatten, merge, of_object
from segcli.mapping.directives.phone import phone
from segcli.mapping.directives.replace import replace_
from segcli.mapping.directives.template import template_directive
from segcli.mapping.directives.times import epoch, iso
from segcli.mapping.expected import Expected, Unexpected
from segcli.mapping.javascript import UNDEFINED, is_true, javascript_kind
from segcli.mapping.json_path import path
from segcli.mapping.liquid import liquid
from segcli.mapping.node import Context, MapFunction, Node, constant
from segcli.mapping.problem import MappingError, Problem, Spot
from segcli.mapping.root_directive import of_root, root_path
from segcli.mapping.validation import check_node, problems

MappingFunction = Callable[[Any], Any]


def compiled(mapping: Any, expected: Expected | None = None) -> MappingFunction:
    """Return the function that maps an event's JSON.

    expected: what is expected of the result. If the result is another object, it is returned as
        an Unexpected.

    The function returns a JSON value, or UNDEFINED if the mapping yields no value. It raises
    Rejected, with the path in the mapping, and nothing else. Its results share parts with the
    event and with each other: do not modify them. `compiled` raises MappingError with all
    `problems`.
    """
    found = problems(mapping)
    if found:
        raise MappingError(found)
    run = _compared_run(mapping, expected) if expected else _plain_run(mapping)

    def mapped(event: Any) -> Any:
        if not isinstance(event, dict):
            raise Rejected("", f"data must be an object, got {javascript_kind(event)}")
        try:
            return run(event)
        except RecursionError:
            raise Rejected("", "nested too deeply for the mapping") from None

    return mapped


def _plain_run(mapping: Any) -> MapFunction:
    node = _compile(of_root(mapping), Context(_compile, root_path(mapping)))
    return filled(node.run, None) if node.may_hold_undefined else node.run


def _compared_run(mapping: Any, expected: Expected) -> MapFunction:
    node = _compile(of_root(mapping), Context(_compile, root_path(mapping), expected=expected))
    if node.is_compared and not node.may_hold_undefined:
        return node.run
    run = _plain_run(mapping)

    def run_uncompared(data: Any) -> Any:
        found = run(data)
        return Unexpected(found) if isinstance(found, dict) else found

    return run_uncompared


def lint(mapping: Any) -> list[Problem]:
    """Return every part of a mapping that rejects all events that reach it, or has no effect.

    mapping-kit and `problems` accept such parts, but in a hand-written mapping they are mistakes.
    Raises MappingError as `compiled` does.
    """
    found = problems(mapping)
    if found:
        raise MappingError(found)
    return lint_valid(mapping)


def lint_valid(mapping: Any) -> list[Problem]:
    """Return what `lint` returns, for a mapping that is known to have no `problems`."""
    context = Context(_compile, root_path(mapping))
    _compile(of_root(mapping), context)
    return context.lint_problems


def transform_directive(options: Any, context: Context) -> Node:
    """Compile `@transform`: `apply` maps the data, then `mapping` maps the result."""
    if not isinstance(options, dict):
        return context.refusal(
            '@transform requires an object with an "apply" key and a "mapping" key'
        )
    for name in ("mapping", "apply"):
        if not is_true(options.get(name)):
            return context.refusal(f'@transform requires a "{name}" key')
    if not isinstance(options["apply"], dict):
        return context.refusal('@transform "apply" key should be an object')
    apply = _apply(options["apply"], context.below("@transform", "apply"))
    at = context.below(
        "@transform",
        "mapping",
        keep_levels=context.keep_levels,
        may_hold_undefined=apply.may_hold_undefined,
    )
    mapping = context.compile(options["mapping"], at)
    # UNDEFINED in the first result matters only inside lists: a field with it is just missing.
    first = filled(apply.run, UNDEFINED) if apply.may_hold_undefined else apply.run
    second = mapping.run

    def run(data: Any) -> Any:
        if not isinstance(data, dict) and data is not UNDEFINED:
            context.refuse(f"data must be an object, got {javascript_kind(data)}")
        return second(first(data))

    return Node(run, False, mapping.is_total, mapping.may_hold_undefined)


def _apply(mapping: dict[str, Any], context: Context) -> Node:
    found = problems(mapping)
    if found:
        return context.refusal(str(MappingError(found)))
    return context.compile(of_root(mapping), context)


_DIRECTIVES: dict[str, Callable[[Any, Context], Node]] = {
    "@if": if_,
    "@case": case,
    "@replace": replace_,
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
# segcli's own: their options are checked in lists too.
_OWN_DIRECTIVES: dict[str, Callable[[dict[str, Any], Context], Node]] = {
    "@each": each,
    "@email": email,
    "@epoch": epoch,
    "@iso": iso,
    "@lookup": lookup,
    "@phone": phone,
    "@sha256": sha256_,
    "@tail": tail,
    "@ulid": ulid,
    "@uuid": uuid_,
}


def _compile(mapping: Any, context: Context) -> Node:
    if isinstance(mapping, dict):
        name = _directive_of(mapping)
        if name is None:
            return _folded(of_object(mapping, context))
        if name in _OWN_DIRECTIVES:
            return _folded(_own_directive(name, mapping, context))
        if name not in _DIRECTIVES:
            return context.refusal(f"{name} is not a valid directive, got undefined")
        return _folded(_DIRECTIVES[name](mapping[name], context))
    if isinstance(mapping, list):
        return _folded(of_list(mapping, context))
    return constant(mapping)


def _own_directive(name: str, mapping: dict[str, Any], context: Context) -> Node:
    found = check_node(mapping, Spot(context.path))
    if found:
        return replace(context, path=found[0].path).refusal(found[0].message)
    return _OWN_DIRECTIVES[name](mapping[name], context)


def _directive_of(mapping: dict[str, Any]) -> str | None:
    """Return the name of an object's directive; None if the object has other fields too."""
    names = [key for key in mapping if key.startswith("@")]
    others = [key for key in mapping if not key.startswith("@") and key != "_metadata"]
    return names[0] if names and not others else None


def _folded(node: Node) -> Node:
    """Evaluate a constant node now, and return a node that holds its value."""
    if not node.is_constant:
        return node
    try:
        return constant(
            node.run(UNDEFINED),
            may_hold_undefined=node.may_hold_undefined,
            is_compared=node.is_compared,
        )
    except Rejected:
        # It rejects events, but only those that reach this node.
        return replace(node, is_constant=False, is_total=False)

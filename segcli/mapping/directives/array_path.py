"""Lists in a mapping, and the directive that builds a list: `@arrayPath`."""

from typing import Any

from segcli.mapping.javascript import UNDEFINED, javascript_kind
from segcli.mapping.json_path import keys_of, path_reader, rooted
from segcli.mapping.node import Context, MapFunction, Node


def of_list(mapping: list[Any], context: Context) -> Node:
    """Compile a list that may contain directives; an UNDEFINED item keeps its index."""
    keep_levels = max(context.keep_levels - 1, 0)
    parts = [
        context.part(item, number, keep_levels=keep_levels) for number, item in enumerate(mapping)
    ]
    runs = [part.run for part in parts]
    return Node(
        lambda data: [run(data) for run in runs],
        is_constant=all(part.is_constant for part in parts),
        is_total=True,
        may_hold_undefined=any(part.may_hold_undefined or not part.is_total for part in parts),
    )


def array_path(options: Any, context: Context) -> Node:
    """Compile `@arrayPath`: the list at a path, with each item mapped if a shape is given."""
    if not isinstance(options, list):
        return context.refusal(f"@arrayPath expected array, got {javascript_kind(options)}")
    path, shape = [*options, UNDEFINED, UNDEFINED][:2]
    is_shaped = isinstance(shape, dict) and bool(shape)
    if isinstance(path, str):
        root = Node(
            path_reader(keys_of(rooted(path))), may_hold_undefined=context.may_hold_undefined
        )
    else:
        root = context.part(
            path, "@arrayPath", 0, keep_levels=0 if is_shaped else context.keep_levels
        )
    if not is_shaped:
        return root
    at = context.below(
        "@arrayPath",
        1,
        keep_levels=max(context.keep_levels - 1, 0),
        may_hold_undefined=root.may_hold_undefined,
        expected=context.expected and context.expected.items,
    )
    return _shaped(root, context.compile(shape, at))


def filled(run: MapFunction, substitute: Any) -> MapFunction:
    """Wrap a function: in its results, replace UNDEFINED list items and drop UNDEFINED fields."""
    return lambda data: _filled(run(data), substitute)


def _shaped(root: Node, item: Node) -> Node:
    read, shape = root.run, item.run

    def run(data: Any) -> Any:
        found = read(data)
        if isinstance(found, list):
            return [shape(each) for each in found]
        return [shape(found)] if isinstance(found, dict) else found

    return Node(
        run,
        may_hold_undefined=item.may_hold_undefined or not item.is_total or root.may_hold_undefined,
        is_compared=item.is_compared,
    )


def _filled(value: Any, substitute: Any) -> Any:
    if isinstance(value, list):
        return [substitute if item is UNDEFINED else _filled(item, substitute) for item in value]
    if isinstance(value, dict):
        present = ((key, item) for key, item in value.items() if item is not UNDEFINED)
        return {key: _filled(item, substitute) for key, item in present}
    return value

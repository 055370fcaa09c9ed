"""The directive that encodes and decodes JSON text: `@json`."""

from decimal import Decimal
from typing import Any

import orjson

from segcli.core import exact_json
from segcli.mapping.javascript import (
    MAX_TEXT,
    UNDEFINED,
    TextTooLong,
    entries,
    is_true,
    javascript_number,
)
from segcli.mapping.node import Context, MapFunction, Node, bounded


def json_(options: Any, context: Context) -> Node:
    """Compile `@json`: encode a value as JSON text, or decode JSON text."""
    if not isinstance(options, dict):
        return context.refusal('@json requires an object with a "value" key')
    for name in ("mode", "value"):
        if not is_true(options.get(name)):
            return context.refusal(f'@json requires a "{name}" key')
    value = context.part(options["value"], "@json", "value", keep_levels=context.keep_levels)
    read, mode = value.run, options["mode"]
    if mode == "encode":
        encode = bounded(lambda data: encoded(read(data)), context, "@json makes too long a text")
        return Node(encode, value.is_constant, value.is_total)
    if mode == "decode":
        return Node(
            lambda data: decoded(read(data)),
            value.is_constant,
            value.is_total,
            value.may_hold_undefined,
        )
    context.warn(f'@json does nothing with mode "{mode}": type encode or decode')
    return Node(_undefined_after(read), value.is_constant)


def encoded(value: Any) -> Any:
    """Return a value as JSON text; UNDEFINED stays UNDEFINED.

    The text is that of `JSON.stringify`, but numbers keep all their digits. Raises TextTooLong.
    """
    if value is UNDEFINED:
        return UNDEFINED
    text = orjson.dumps(_writable(value)).decode()
    if len(text) > MAX_TEXT:
        raise TextTooLong
    return text


def decoded(value: Any) -> Any:
    """Decode a JSON text; a text that is not JSON, or a value that is not text, is unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return exact_json.loads(value.encode())
    except ValueError:
        return value


def _undefined_after(read: MapFunction) -> MapFunction:
    """Return the function that evaluates a value, which may reject the event, and drops it."""

    def run(data: Any) -> Any:
        read(data)
        return UNDEFINED

    return run


def _writable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in entries(value) if item is not UNDEFINED}
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if value is UNDEFINED:
        return None
    if isinstance(value, float | Decimal) or (isinstance(value, int) and abs(value) >= 2**63):
        return orjson.Fragment(javascript_number(value))
    return value

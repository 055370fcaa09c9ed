"""Identifiers in the forms that vendors want. segcli's own, not mapping-kit's."""

import re
import uuid
from collections.abc import Callable
from typing import Any

from segcli.mapping.javascript import UNDEFINED, is_javascript_number, javascript_number
from segcli.mapping.node import Context, Node

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def uuid_(options: Any, context: Context) -> Node:
    """Compile `@uuid`: a UUID of version 5 made of a text, the same for the same text.

    A text that is a UUID already stays.
    """
    return _of_text("@uuid", options, context, uuid_of)


def uuid_of(text: str) -> str:
    """Return the UUID of version 5 of a text, in the namespace of URLs; a UUID stays as it is."""
    return text if _UUID.fullmatch(text) else str(uuid.uuid5(uuid.NAMESPACE_URL, text))


def tail(options: Any, context: Context) -> Node:
    """Compile `@tail`: the last characters of a text."""
    length = options.get("length") if isinstance(options, dict) else None
    if type(length) is not int or length < 1:
        return context.refusal('@tail requires a "length" of 1 or more')
    return _of_text("@tail", options, context, lambda text: text[-length:])


def _of_text(name: str, options: Any, context: Context, change: Callable[[str], str]) -> Node:
    """Compile a directive that changes a text or a number; another value, and "", gives none."""
    if not isinstance(options, dict) or "value" not in options:
        return context.refusal(f'{name} requires an object with a "value" key')
    value = context.part(options["value"], name, "value")
    read = value.run

    def run(data: Any) -> Any:
        found = read(data)
        text = javascript_number(found) if is_javascript_number(found) else found
        return change(text) if isinstance(text, str) and text else UNDEFINED

    return Node(run, value.is_constant)

"""Identifiers in the forms that vendors want. segcli's own, not mapping-kit's."""

import re
import uuid
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from segcli.mapping.directives.times import milliseconds_in
from segcli.mapping.javascript import UNDEFINED, is_javascript_number, javascript_number
from segcli.mapping.node import Context, Node

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}")
# Roughly the addresses that Segment's destinations accept.
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]+\.[^\s@.]+")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid_(options: dict[str, Any], context: Context) -> Node:
    """Compile `@uuid`: a UUID of version 5 made of a text, the same for the same text.

    A text that is a UUID already stays.
    """
    return _of_text("@uuid", options, context, uuid_of)


def uuid_of(text: str) -> str:
    """Return the UUID of version 5 of a text, in the namespace of URLs; a UUID stays as it is."""
    return text if _UUID.fullmatch(text) else str(uuid.uuid5(uuid.NAMESPACE_URL, text))


def ulid(options: dict[str, Any], context: Context) -> Node:
    """Compile `@ulid`: a ULID made of a time and a text, the same for the same time and text.

    A text that is a ULID already stays; the time does not matter.
    """
    time = context.part(options["time"], "@ulid", "time")
    value = context.part(options["value"], "@ulid", "value")
    read_time, read = time.run, value.run

    def run(data: Any) -> Any:
        text = _text_of(read(data))
        if text is None or _ULID.fullmatch(text):
            return text or UNDEFINED
        milliseconds = milliseconds_in(read_time(data))
        if milliseconds is None or not 0 <= milliseconds < 2**48:
            return UNDEFINED
        return ulid_of(milliseconds, text)

    return Node(run, time.is_constant and value.is_constant)


def ulid_of(milliseconds: int, text: str) -> str:
    """Return the ULID of a time since 1970 whose random part is the SHA-256 of a text, cut."""
    number = milliseconds << 80 | int.from_bytes(sha256(text.encode()).digest()[:10])
    return "".join(_CROCKFORD[number >> place & 31] for place in range(125, -1, -5))


def email(options: dict[str, Any], context: Context) -> Node:
    """Compile `@email`: a text that is an email address; another text gives none."""
    return _of_text(
        "@email", options, context, lambda text: text if _EMAIL.fullmatch(text) else UNDEFINED
    )


def tail(options: dict[str, Any], context: Context) -> Node:
    """Compile `@tail`: the last characters of a text."""
    length = options["length"]
    if type(length) is not int or length < 1:
        return context.refusal('@tail requires a "length" of 1 or more')
    return _of_text("@tail", options, context, lambda text: text[-length:])


def _of_text(
    name: str, options: dict[str, Any], context: Context, change: Callable[[str], Any]
) -> Node:
    """Compile a directive that changes a text or a number; another value, and "", gives none."""
    value = context.part(options["value"], name, "value")
    read = value.run

    def run(data: Any) -> Any:
        text = _text_of(read(data))
        return UNDEFINED if text is None else change(text)

    return Node(run, value.is_constant)


def _text_of(value: Any) -> str | None:
    """Return a text, or a number as text; None for another value, and for ""."""
    text = javascript_number(value) if is_javascript_number(value) else value
    return text if isinstance(text, str) and text else None

"""Bodies in other forms than JSON: a form, and what is compressed."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from segcli.core.exact_json import MAX_DEPTH, dumps, loads
from segcli.core.placeholder import Template, payload_value, text_of

_GZIP = 16 + zlib.MAX_WBITS
# The fastest level: events shrink to a tenth with any, and 6 takes three times as long.
_LEVEL = 1


def written_form(form: Mapping[str, Template], text: bytes, setting: Callable[[str], str]) -> bytes:
    """Return a body as a form.

    form: its fields. Without any the fields of the payload are those of the form.
    text: the JSON of the payload, or of the batch.
    setting: returns the text of a placeholder that is a setting.

    Texts, numbers and booleans are written as they are, lists and objects as JSON. A field that is
    absent or null is left out.
    """
    payload = _payload_of(form, text)
    if not form:
        return encoded_form({name: _text(value) for name, value in payload.items()})

    def filled(template: Template) -> str | None:
        only = template.only
        if only and only.payload_path is not None:
            path = only.payload_path
            return _text(payload_value(payload, path)) if path else text.decode()
        return "".join(
            part
            if isinstance(part, str)
            else (_text(payload_value(payload, part.payload_path)) or "")
            if part.payload_path
            else setting(part.name)
            for part in template.parts
        )

    return encoded_form({name: filled(template) for name, template in form.items()})


def encoded_form(fields: Mapping[str, str | None]) -> bytes:
    """Return fields as `application/x-www-form-urlencoded`.

    Encoded like addresses, so that keys are recognized where a vendor repeats the body.
    """
    return b"&".join(
        f"{quote(name, safe='')}={quote(text, safe='')}".encode()
        for name, text in fields.items()
        if text is not None
    )


def compressed(body: bytes) -> bytes:
    """Return a body as gzip; the same for the same body."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()


def _payload_of(form: Mapping[str, Template], text: bytes) -> Any:
    """Return the payload if a field of the form is one of its own fields; else nothing."""
    is_read = not form or any(path for template in form.values() for path in template.payload_paths)
    return loads(text, levels=3 * MAX_DEPTH) if is_read else {}


def _text(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return dumps(value).decode()
    return text_of(value)

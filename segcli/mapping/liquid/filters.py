"""The filters of Segment's Liquid, with JavaScript's results."""

import base64
import binascii
import hashlib
import hmac
import html
import math
import re
from collections.abc import Callable
from inspect import signature
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from liquid import Undefined
from liquid.exceptions import LiquidError

from segcli.mapping.directives.json_text import encoded
from segcli.mapping.javascript import MAX_TEXT, UNDEFINED, WHITE_SPACE, TextTooLong, length
from segcli.mapping.liquid.arithmetic import ARITHMETIC
from segcli.mapping.liquid.dates import DATE_FILTERS
from segcli.mapping.liquid.lists import LISTS
from segcli.mapping.liquid.value import double, liquid_number, liquid_text, plain

Filter = Callable[..., Any]

_SPACES = re.compile(f"[{WHITE_SPACE}]+")
_LINE_END = re.compile(r"\r?\n")
_ESCAPED = re.compile("&(amp|lt|gt|#34|#39);")
_HALF_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_URL_SAFE = str.maketrans("-_", "+/")
# The characters that `encodeURIComponent` and `encodeURI` do not escape.
_COMPONENT = "-_.!~*'()"
_ADDRESS = _COMPONENT + ";/?:@&=+$,#[]"
# Blocks that `strip_html` removes with their content, tried in this order; then any other tag.
_BLOCKS = (("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"), ("<", ">"))


def _on_texts(name: str, change: Callable[..., Any]) -> Filter:
    """Return a filter that takes texts; surplus arguments are ignored."""
    wanted = list(signature(change).parameters.values())[1:]
    least = sum(one.default is one.empty for one in wanted)

    def change_texts(value: Any, *arguments: Any) -> Any:
        if len(arguments) < least:
            raise LiquidError(f"{name} expect {least + 1} arguments", token=None)
        return change(liquid_text(value), *map(liquid_text, arguments[: len(wanted)]))

    return change_texts


def _default(value: Any, *defaults: Any, allow_false: Any = False) -> Any:
    value = plain(value)
    if value is False and allow_false is not False and plain(allow_false) is not None:
        return value
    is_missing = value is None or value is False or value in ("", [])
    return (defaults[0] if defaults else None) if is_missing else value


def _json(value: Any, *indent: Any) -> Any:
    if indent:
        raise LiquidError('filter "json" takes no indent here', token=None)
    value = plain(value) if isinstance(value, range) else value
    return encoded(UNDEFINED if plain(value) is None and value is not None else value)


def _joined(*parts: str) -> str:
    if sum(map(len, parts)) > MAX_TEXT:
        raise TextTooLong
    return "".join(parts)


def _append(text: str, end: str) -> str:
    return _joined(text, end)


def _replace(text: str, old: str = "", new: str = "") -> str:
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise TextTooLong
    return text.replace(old, new) if old else new.join(text)


def _replace_last(text: str, old: str = "", new: str = "") -> str:
    before, found, after = text.rpartition(old) if old else (text, "", "")
    return _joined(before, new, after) if found or not old else text


def _truncate(value: Any, size: Any = 50, end: Any = "...") -> Any:
    text, mark, most = liquid_text(value), liquid_text(end), double(size)
    if length(text) <= most or len(text) <= most:
        return value
    return text[: max(int(most) - len(mark), 0)] + mark


def _truncate_words(value: Any, count: Any = 15, end: Any = "...") -> str:
    words = _SPACES.split(liquid_text(value).lstrip(WHITE_SPACE))
    most = max(int(double(count)), 1)
    return " ".join(words[:most]) + (liquid_text(end) if len(words) >= most else "")


def _strip_html(text: str) -> str:
    """Return a text without HTML tags; an unclosed tag stays."""
    kept, at = [], 0
    closers = dict(_BLOCKS)
    while (begin := text.find("<", at)) >= 0:
        kept.append(text[at:begin])
        at = begin
        for opener in [each for each in closers if text.startswith(each, begin)]:
            end = text.find(closers[opener], begin + len(opener))
            if end >= 0:
                at = end + len(closers[opener])
                break
            del closers[opener]
        if at == begin:
            break
    return "".join([*kept, text[at:]])


def _escape(text: str) -> str:
    return html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: html.unescape(found[0]), text)


def _url_decode(text: str) -> str:
    try:
        if not _HALF_ENCODED.search(text):
            return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        pass
    raise LiquidError("URI malformed", token=None)


def _base64_decode(text: str) -> str:
    """Decode as Node does: up to the first `=`, without characters that are not base64."""
    known = text.partition("=")[0].translate(_URL_SAFE)
    kept = _NO_BASE64.sub("", known)
    kept = kept[:-1] if len(kept) % 4 == 1 else kept
    return binascii.a2b_base64(kept + "=" * (-len(kept) % 4)).decode(errors="replace")


TEXTS: dict[str, Callable[..., Any]] = {
    "append": _append,
    "base64_decode": _base64_decode,
    "base64_encode": lambda text: base64.b64encode(text.encode()).decode(),
    "capitalize": lambda text: text[:1].upper() + text[1:].lower(),
    "cgi_escape": lambda text: quote(text, "-_.~").replace("%20", "+"),
    "downcase": str.lower,
    "escape": _escape,
    "escape_once": lambda text: _escape(_unescape(text)),
    "hmac_sha256": lambda text, key: hmac.new(key.encode(), text.encode(), "sha256").hexdigest(),
    "lstrip": lambda text, some="": text.lstrip(some or WHITE_SPACE),
    "normalize_whitespace": lambda text: _SPACES.sub(" ", text),
    "number_of_words": lambda text, _="": len(text.split(None)) if text.strip() else 0,
    "prepend": lambda text, start: _joined(start, text),
    "remove": lambda text, old="": _replace(text, old),
    "remove_first": lambda text, old="": text.replace(old, "", 1),
    "remove_last": _replace_last,
    "replace": _replace,
    "replace_first": lambda text, old="", new="": _joined(text.replace(old, new, 1)),
    "replace_last": _replace_last,
    "rstrip": lambda text, some="": text.rstrip(some or WHITE_SPACE),
    "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "squish": lambda text: _SPACES.sub(" ", text).strip(WHITE_SPACE),
    "strip": lambda text, some="": text.strip(some or WHITE_SPACE),
    "strip_html": _strip_html,
    "strip_newlines": lambda text: _LINE_END.sub("", text),
    "upcase": str.upper,
    "uri_escape": lambda text: quote(text, _ADDRESS),
    "url_decode": _url_decode,
    "url_encode": lambda text: quote(text, _COMPONENT).replace("%20", "+"),
    "xml_escape": _escape,
}

FILTERS: dict[str, Filter] = {
    **{name: _on_texts(name, change) for name, change in TEXTS.items()},
    **ARITHMETIC,
    **DATE_FILTERS,
    **LISTS,
    "default": _default,
    "inspect": _json,
    "json": _json,
    "jsonify": _json,
    "raw": lambda value: value,
    "to_integer": lambda value: math.nan if isinstance(value, Undefined) else liquid_number(value),
    "truncate": _truncate,
    "truncatewords": _truncate_words,
}

"""The forms of a key that a text from outside may contain: plain, or encoded once or twice."""

import base64
import html
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

# For a shorter key, only the usual forms are searched: the others would match texts by chance.
SHORTEST_OF_ALL_FORMS = 8
# HTML numbers may have any number of leading zeros; this many digits are in use.
_MAX_HTML_DIGITS = 7


@lru_cache(maxsize=32)
def forms_of(key: str) -> tuple[str, ...]:
    """Return the forms of a key that a request or a reply may contain, each once.

    There are about a thousand, and a run asks for them six times.
    """
    return tuple(dict.fromkeys(_forms(key)))


def _forms(key: str) -> Iterator[str]:
    yield from _usual(key)
    yield from _hashed(key)
    if len(key) >= SHORTEST_OF_ALL_FORMS:
        inner = {key, *_usual(key), *_further(key)}
        yield from inner
        for form in inner:
            yield from _outer(form)


def _usual(key: str) -> Iterator[str]:
    yield key
    yield from _in_base64(key)
    yield from _in_percents(key)
    yield from _in_html(key)
    yield from _in_json(key)


def _hashed(key: str) -> Iterator[str]:
    """Yield the hashes that `@sha256` makes of a key in a payload: as it is, trimmed, lower case.

    A hash is no key, but a short key can be found from its hash by trying all keys.
    """
    # Imported here, because most commands hide no key.
    from hashlib import sha256  # noqa: PLC0415

    for text in dict.fromkeys((key, key.strip(), key.strip().lower())):
        yield sha256(text.encode()).hexdigest()


def _further(key: str) -> Iterator[str]:
    """Yield the key with all characters escaped, in hex, and as part of a longer base64 text.

    The search ignores case, but hex and base64 of the key in another case differ in more than
    case: they are forms of their own.
    """
    for spelling in dict.fromkeys((key, key.lower(), key.upper())):
        small = spelling.encode().hex()
        for digits in (small, small.upper()):
            yield digits
            for pair in (r"%\g<0>", r"\\x\g<0>"):
                yield re.sub("..", pair, digits)
        yield from _by_html_numbers(spelling)
        yield from _within_base64(spelling)


def _by_html_numbers(text: str) -> Iterator[str]:
    """Yield the text with every character as an HTML number, also with leading zeros."""
    for form in ("&#{:0{}};", "&#x{:0{}x};", "&#x{:0{}X};"):
        for digits in range(1, _MAX_HTML_DIGITS + 1):
            yield "".join(form.format(ord(letter), digits) for letter in text)


def _outer(form: str) -> Iterator[str]:
    """Yield the encodings of a form."""
    yield quote(form, safe="")
    yield html.escape(form)
    yield json.dumps(form)[1:-1]
    yield form.encode().hex()
    yield from _within_base64(form)


def _in_base64(text: str) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(text.encode()).decode()
        yield coded
        yield coded.rstrip("=")


def _within_base64(text: str) -> Iterator[str]:
    """Yield the parts that are in the base64 of every longer text that contains this one.

    Base64 turns three bytes into four characters. So there are three forms, depending on the number
    of bytes before the text.
    """
    data = text.encode()
    for before in range(3):
        # Leave out a first or last character that also encodes bits of a neighbouring byte.
        start, end = -(-8 * before // 6), 8 * (before + len(data)) // 6
        padded = bytes(before) + data + bytes(2)
        yield base64.b64encode(padded).decode()[start:end]
        yield base64.urlsafe_b64encode(padded).decode()[start:end]


def _in_percents(text: str) -> Iterator[str]:
    """Yield the text as in an address (slashes may stay) and as in a form (a blank is a plus)."""
    for safe in ("", "/"):
        for quoted in (quote(text, safe=safe), quote_plus(text, safe=safe)):
            yield quoted
            yield re.sub("%..", lambda digits: digits[0].lower(), quoted)


def _in_html(text: str) -> Iterator[str]:
    """Yield the text as in HTML: quotes may be numeric references, or not escaped."""
    escaped = html.escape(text)
    yield escaped
    yield escaped.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    yield escaped.replace("&#x27;", "&#39;")
    yield html.escape(text, quote=False)


def _in_json(text: str) -> Iterator[str]:
    """Yield the text as in a JSON body, also in JSON within JSON."""
    once = json.dumps(text)[1:-1]
    yield json.dumps(once)[1:-1]
    # Some encoders also escape slashes, characters with a meaning in HTML, or all characters.
    yield once.replace("/", r"\/")
    for marks in ("[<>&]", "[<>&']"):
        yield re.sub(marks, lambda mark: _by_number(mark[0]), once)
    yield _by_number(text)
    yield _by_number(text).upper().replace("U", "u")
    yield once


def _by_number(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)

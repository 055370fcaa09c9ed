"""Redaction: what must not be shown is found in texts from outside and replaced by `***`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from segcli.core.exact_json import dumps, loads

MASK = "***"

# A shorter form is looked for as it is: in another case, or split, it may be in any text.
_SHORTEST_IN_ANY_CASE = 8


class Redactor:
    """Replaces the given forms of secrets, longest first: one may be in another.

    A form of eight characters or more is found in any case, and with white space anywhere in it.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        in_order = sorted(filter(None, forms), key=len, reverse=True)
        folded = {form: _folded(form) for form in in_order}
        self._exact = [form for form in in_order if len(folded[form]) < _SHORTEST_IN_ANY_CASE]
        loose = (folded[form] for form in in_order if form not in self._exact)
        self._loose = list(dict.fromkeys(loose))
        # One of these is in every text that holds any form.
        signs = list(_without_longer(self._loose))
        self._signs = _by_beginning(signs)
        self._shortest = min(map(len, [*signs, *self._exact]), default=0)

    def redact(self, text: str) -> str:
        """Return the text with `***` in place of every form."""
        return _replaced(text, self._found_in(text))

    def redact_body(self, body: bytes) -> bytes:
        """Return the body of a reply without any form; each text in JSON is read by itself.

        A body that holds none comes back as it is.
        """
        if not self._shortest or len(body) < self._shortest:
            return body
        text = body.decode(errors="replace")
        # With a backslash JSON may hold a key in escapes, or split by escaped line breaks.
        if "\\" not in text and not self._holds_any(text):
            return body
        try:
            value = loads(body)
        except ValueError:
            return self.redact(text).encode() if self._holds_any(text) else body
        found = self._found_in("\0".join((text, *_texts(value))))
        return dumps(_redacted(value, found)) if found else body

    def _holds_any(self, text: str) -> bool:
        spread = _folded(text)
        for beginning, signs in self._signs.items():
            if beginning in spread and any(sign in spread for sign in signs):
                return True
        return any(form in text for form in self._exact)

    def _found_in(self, text: str) -> list[re.Pattern[str]]:
        """Return what matches the forms that a text holds, the longest first."""
        if not self._holds_any(text):
            return []
        spread = _folded(text)
        loose = [_in_any_case(form) for form in self._loose if form in spread]
        return loose + [re.compile(re.escape(form)) for form in self._exact if form in text]


def _folded(text: str) -> str:
    """Return a text without white space, in lower case."""
    return "".join(text.split()).lower()


def _without_longer(forms: Sequence[str]) -> Iterator[str]:
    """Yield the forms that hold no other one."""
    for form in forms:
        if not any(other in form for other in forms if other != form):
            yield form


def _by_beginning(forms: Iterable[str]) -> dict[str, list[str]]:
    """Group forms by their first two characters: a text that lacks these holds none of them."""
    groups: dict[str, list[str]] = {}
    for form in forms:
        groups.setdefault(form[:2], []).append(form)
    return groups


@lru_cache(maxsize=64)
def _in_any_case(form: str) -> re.Pattern[str]:
    """Return what matches a form in any case, with white space anywhere in it."""
    # Possessive: white space is not given back, so no text takes long.
    return re.compile(r"\s*+".join(map(re.escape, form)), re.IGNORECASE)


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts of a JSON value, and its numbers as texts: one may be a key."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _redacted(value: Any, patterns: Sequence[re.Pattern[str]]) -> Any:
    """Return a JSON value without what these match in its texts."""
    if isinstance(value, dict):
        return {
            _replaced(key, patterns): _redacted(inner, patterns) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_redacted(inner, patterns) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    changed = _replaced(text, patterns)
    return value if changed == text else changed


def _replaced(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    for pattern in patterns:
        text = pattern.sub(MASK, text)
    return text

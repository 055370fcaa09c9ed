"""Redaction: find secrets in texts from outside and replace them by `***`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

from segcli.core.exact_json import dumps, loads

MASK = "***"

# A shorter form is searched exactly: in any case or with spaces, it would match texts by chance.
_MIN_LOOSE_LENGTH = 8


class Redactor:
    """Replaces forms of secrets, the longest first, because one may contain another.

    A form of eight characters or more is found in any case and with white space anywhere in it.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        self._exact, self._loose = _exact_and_loose(tuple(filter(None, forms)))
        self._shortest = min(map(len, [*self._loose, *self._exact]), default=0)

    @cached_property
    def _grouped(self) -> dict[str, list[str]]:
        """The loose forms by their beginning, for the bodies of replies.

        A form that contains another one is not left out: to find these few takes 15 ms, and saves
        little for each body.
        """
        return _by_beginning(self._loose)

    def redact(self, text: str) -> str:
        """Return the text with `***` in place of every form."""
        return _replaced(text, self._patterns_in(text))

    def redact_body(self, body: bytes) -> bytes:
        """Return the body of a reply with `***` in place of every form.

        In a JSON body, each text is redacted separately. A body without any form is returned
        unchanged.
        """
        if not self._shortest or len(body) < self._shortest:
            return body
        text = body.decode(errors="replace")
        # A JSON text with a backslash may contain a key in escapes, or with escaped line breaks.
        if "\\" not in text and not self._contains_any(text):
            return body
        try:
            value = loads(body)
        except ValueError:
            return self.redact(text).encode() if self._contains_any(text) else body
        found = self._found_in("\0".join((text, *_texts(value))))
        return dumps(_redacted(value, found)) if found else body

    def _contains_any(self, text: str) -> bool:
        folded = _folded(text)
        for beginning, forms in self._grouped.items():
            if beginning in folded and any(form in folded for form in forms):
                return True
        return any(form in text for form in self._exact)

    def _found_in(self, text: str) -> list[re.Pattern[str]]:
        """Return the same as `_patterns_in`; faster for a long text."""
        return self._patterns_in(text) if self._contains_any(text) else []

    def _patterns_in(self, text: str) -> list[re.Pattern[str]]:
        """Return patterns of the forms that a text contains, the longest first."""
        folded = _folded(text)
        loose = [_loose_pattern(form) for form in self._loose if form in folded]
        return loose + [re.compile(re.escape(form)) for form in self._exact if form in text]


def _folded(text: str) -> str:
    """Return a text without white space, in lower case."""
    return "".join(text.split()).lower()


@lru_cache(maxsize=8)
def _exact_and_loose(forms: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the forms that are searched exactly, and the others, folded; the longest first.

    A run asks several times for the same keys, each of which has some hundred forms.
    """
    in_order = sorted(forms, key=len, reverse=True)
    folded = {form: _folded(form) for form in in_order}
    exact = tuple(form for form in in_order if len(folded[form]) < _MIN_LOOSE_LENGTH)
    loose = (folded[form] for form in in_order if len(folded[form]) >= _MIN_LOOSE_LENGTH)
    return exact, tuple(dict.fromkeys(loose))


def _by_beginning(forms: Iterable[str]) -> dict[str, list[str]]:
    """Group forms by their first two characters: a text without these contains none."""
    groups: dict[str, list[str]] = {}
    for form in forms:
        groups.setdefault(form[:2], []).append(form)
    return groups


@lru_cache(maxsize=64)
def _loose_pattern(form: str) -> re.Pattern[str]:
    """Return a pattern of a form in any case, with white space anywhere in it."""
    # A possessive quantifier does not backtrack, so no text takes long.
    return re.compile(r"\s*+".join(map(re.escape, form)), re.IGNORECASE)


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts of a JSON value, and its numbers as text, because a key may be a number."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _redacted(value: Any, patterns: Sequence[re.Pattern[str]]) -> Any:
    """Return a JSON value with `***` in place of the matches in its texts."""
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

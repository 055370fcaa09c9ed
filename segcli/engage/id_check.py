"""Finds ids and email addresses of members that a person must check before they are sent."""

import unicodedata

from segcli.core.event import is_number
from segcli.core.missing_id import is_missing_id

_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Some scripts and emoji need these to join or separate characters.
_JOINERS = frozenset("\u200c\u200d")


def id_problem(value: object) -> str:
    """Return what is wrong with an id or an email; empty if it is good or missing.

    An id with an invisible character looks like the id of another user. It is neither trimmed nor
    sent, because only its author knows which of the two is right. An id that programs write for
    none (`NULL`) would join people who cannot be separated again.
    """
    if value is None or is_number(value):
        return ""
    if not isinstance(value, str):
        return "is neither a string nor a number"
    if value.strip() != value:
        return "has white space around it"
    if value and is_missing_id(value):
        return "is a text that programs write for a missing id"
    return "" if value.isprintable() else _problem_within(value)


def _problem_within(text: str) -> str:
    kinds = {unicodedata.category(mark) for mark in text}
    if "\0" in text:
        return "contains a NUL character"
    if kinds & _CONTROLS:
        return "contains a control character"
    if (
        _is_invisible(text[0])
        or _is_invisible(text[-1])
        or any(map(_is_invisible, set(text) - _JOINERS))
    ):
        return "contains an invisible character"
    return ""


def _is_invisible(mark: str) -> bool:
    return unicodedata.category(mark) == "Cf"

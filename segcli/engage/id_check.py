"""Ids and addresses of members: which of them somebody must look at before anything is sent."""

import unicodedata

from segcli.core.event import is_number

_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Some scripts and emoji join or part letters with these.
_JOINERS = frozenset("\u200c\u200d")


def id_problem(value: object) -> str:
    """Say what is wrong with an id; nothing where it is one, or where there is none.

    An id with something in it that is not seen looks like another, and is another user. It is
    neither trimmed nor sent: nobody knows whether it is meant.
    """
    if value is None or is_number(value):
        return ""
    if not isinstance(value, str):
        return "is neither a string nor a number"
    if value.strip() != value:
        return "has white space around it"
    return "" if value.isprintable() else _problem_within(value)


def _problem_within(text: str) -> str:
    kinds = {unicodedata.category(mark) for mark in text}
    if "\0" in text:
        return "holds a NUL character"
    if kinds & _CONTROLS:
        return "holds a control character"
    if _is_unseen(text[0]) or _is_unseen(text[-1]) or any(map(_is_unseen, set(text) - _JOINERS)):
        return "holds a character that is not seen"
    return ""


def _is_unseen(mark: str) -> bool:
    return unicodedata.category(mark) == "Cf"

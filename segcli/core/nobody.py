"""Texts that programs write for a missing id. All people with such an id look like one user."""

NAMES_NOBODY = "userId or anonymousId names nobody, such as null or undefined"

_TEXTS = frozenset({"", "undefined", "null", "none", "nan", r"\n", "[object object]"})
# Most ids are longer than each of these, or begin otherwise.
_LONGEST = 24
_FIRST = frozenset("uUnN\\[ \t\r\n")


def is_nobody(text: str) -> bool:
    r"""True for the empty text and for `undefined`, `null`, `None`, `NaN`, `\N`, `[object Object]`.

    Case and white space around the text do not matter.
    """
    if not text:
        return True
    return len(text) <= _LONGEST and text[0] in _FIRST and text.strip().lower() in _TEXTS

"""Texts that programs write for a missing id. All people with such an id look like one user."""

NAMES_NOBODY = "userId or anonymousId names nobody, such as null or undefined"

_TEXTS = frozenset({"", "undefined", "null", "none", "nan", r"\n", "[object object]"})
# Most ids end here. Looking up the length first is faster than any function call.
NOBODY_LENGTHS = frozenset(map(len, _TEXTS))


def is_nobody(text: str) -> bool:
    r"""True for the empty text and for `undefined`, `null`, `None`, `NaN`, `\N`, `[object Object]`.

    Case does not matter.
    """
    return len(text) in NOBODY_LENGTHS and text.lower() in _TEXTS

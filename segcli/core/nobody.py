"""Texts that programs write for a missing id. All people with such an id look like one user."""

NAMES_NOBODY = "userId or anonymousId names nobody, such as null or undefined"

_TEXTS = frozenset({"", "undefined", "null", "none", "nan", r"\n", "[object object]"})
_LENGTHS = frozenset(map(len, _TEXTS))


def is_nobody(text: str) -> bool:
    r"""True for the empty text and for `undefined`, `null`, `None`, `NaN`, `\N`, `[object Object]`.

    Case and white space around the text do not matter.
    """
    if text and text[0] > " " and text[-1] > " ":
        # Nearly all ids end here, by their length.
        return len(text) in _LENGTHS and text.lower() in _TEXTS
    return text.strip().lower() in _TEXTS

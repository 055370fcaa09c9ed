"""Texts that programs write for a missing id. All people with such an id look like one user."""

HAS_MISSING_ID = "userId or anonymousId is a text for a missing id, such as null or undefined"

_TEXTS = frozenset({"", "undefined", "null", "none", "nan", r"\n", "[object object]"})
# Few ids have such a length. To look it up first is faster than any function call.
MISSING_ID_LENGTHS = frozenset(map(len, _TEXTS))


def is_missing_id(value: object) -> bool:
    r"""True for the empty text and for `undefined`, `null`, `None`, `NaN`, `\N`, `[object Object]`.

    Case does not matter. False for anything that is not text.
    """
    return isinstance(value, str) and len(value) in MISSING_ID_LENGTHS and value.lower() in _TEXTS

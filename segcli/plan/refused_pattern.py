"""Says why a regular expression is refused, because the validator does not."""

import re
import warnings

# Outside of sets: look-around, and references to a group. An escaped character is neither.
_PARTS = re.compile(
    r"(?P<look>\(\?<?[=!])|(?P<back>\\[1-9]|\\k<|\(\?P=)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL
)
# To look through a longer one could take long.
_LONGEST = 10_000
_OTHER = "it is too large, or uses something that Segment's regular expressions do not support"
_SAID = {
    "look": "it has look-around, such as (?=…) or (?!…)",
    "back": r"it refers back to a group, such as \1",
}


def why_refused(pattern: str) -> str:
    """Return what is wrong with a regular expression that Segment does not accept."""
    if len(pattern) > _LONGEST:
        return _OTHER
    found = next((part.lastgroup for part in _PARTS.finditer(pattern) if part.lastgroup), "")
    return _SAID.get(found or "") or _said_by_python(pattern) or _OTHER


def _said_by_python(pattern: str) -> str:
    """Return the first mistake that Python finds; empty if it finds none."""
    # Python does not know the categories of Unicode, which are a letter in length here.
    plain = re.sub(r"\\[pP](?:\{\w*\}|\w)", lambda part: "a" * len(part[0]), pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(plain)
    except re.error as error:
        where = "" if error.pos is None else f", at character {error.pos + 1}"
        return f"{error.msg}{where}"
    except (RecursionError, OverflowError):
        pass
    return ""

"""Chooses which of the fields left out are shown: properties and traits first."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from segcli.review.coverage import LeftOut

ALL = "all"
# What the library and Segment add to every event. A destination has its own fields for it, or none.
_ENVELOPE = (
    *("_metadata", "channel", "messageId", "originalTimestamp", "projectId", "receivedAt"),
    *("sentAt", "version", "writeKey", "context.library", "context.personas"),
    *("context.protocols", "context.sessionId", "context.direct"),
)
_WANTED_MOST = ("properties", "traits", "context.traits")


def shown_fields(left_out: Sequence[LeftOut], patterns: Sequence[str]) -> list[LeftOut]:
    """Return the fields to show: properties and traits first, then by share.

    Fields of the envelope are not shown. `patterns` are shell patterns of the fields to show
    instead, or of objects above them; `ALL` stands for every field.
    """
    found = [one for one in left_out if _is_wanted(one.path, patterns)]
    return sorted(found, key=lambda one: (not _is_below(one.path, _WANTED_MOST), -one.share))


def is_like(path: str, pattern: str) -> bool:
    """Return whether a path, or one above it, matches a shell pattern; `[]` is literal."""
    own = pattern.replace("[]", "[[]]")
    return any(fnmatchcase(path, one) for one in (own, f"{own}.*", f"{own}[[]]*"))


def masked_sample(text: str) -> str:
    """Return a value of which only the form is left: `x` for a letter and `0` for a digit."""
    return "".join(_mask_of(char) for char in text)


def _mask_of(char: str) -> str:
    if char.isalpha():
        return "x"
    return "0" if char.isdigit() else char


def _is_wanted(path: str, patterns: Sequence[str]) -> bool:
    if ALL in patterns:
        return True
    if patterns:
        return any(is_like(path, pattern) for pattern in patterns)
    return not _is_below(path, _ENVELOPE)


def _is_below(path: str, names: Sequence[str]) -> bool:
    """Return whether a path is one of these, or below one of them."""
    return any(path == name or path.startswith((f"{name}.", f"{name}[]")) for name in names)

"""Times: which texts are times, by a rule of segcli's own that no library changes.

    2026-02-16                       a date alone is its midnight in UTC
    2026-02-16T09:03:51              `T` or one space; hours, minutes and seconds
    2026-02-16T09:03:51.123456789    a fraction of 1 to 9 digits
    2026-02-16T09:03:51Z             a zone: `Z`, `+02:00`, `+0200`, `+02` or `UTC`
    2026-02-16 09:03:51.123 +0200    one space may stand before the zone

Without a zone it is UTC. `t` and `z` may be in lower case, as in RFC 3339. The day has to be in the
calendar, from year 1 to 9999, the hour below 24, minutes and seconds below 60. Nothing else is a
time: no number, no week, no month by its name, no zone by its name, no leap second.
"""

import re
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_RULE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"( ?(?:[Zz]|UTC|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?)?"
)
# The usual form, `2026-02-16T09:03:51.123Z`. Every third character shows that a text has it. Then
# `fromisoformat` reads it: that is faster, but accepts other forms too.
_PLAIN_MARKS = frozenset({"--T::.", "--T::Z"})
_PLAIN_LENGTHS = frozenset({20, *range(22, 31)})
_from_iso = datetime.fromisoformat


def parse_time(text: object) -> datetime:
    """Read a time by the rule of this module; UTC where it names no zone. Raises ValueError.

    A fraction is cut off after microseconds.
    """
    if not isinstance(text, str):
        raise ValueError("not a string")  # noqa: TRY004  # bad text, not a wrong call
    # Every event comes through here.
    if (
        text[4:20:3] in _PLAIN_MARKS
        and text[-1] == "Z"
        and len(text) in _PLAIN_LENGTHS
        and not (_TAKES_HOUR_24 and text[11:13] == "24")
    ):
        try:
            return _from_iso(text)
        except ValueError:
            # It may be a time with a space before its `Z`.
            return _by_rule(text)
    return _by_rule(text)


def is_time(value: object) -> bool:
    """True if `parse_time` accepts the value."""
    try:
        parse_time(value)
    except ValueError:
        return False
    return True


def are_usual_times(texts: Sequence[str]) -> bool:
    """True if all texts are times such as `2026-02-16T09:03:51.123Z`; faster than `is_time`.

    False if one of them is anything else, which may be a time too.
    """
    lengths = set(map(len, texts))
    if not lengths <= _PLAIN_LENGTHS:
        return False
    for length in lengths:
        same = texts if len(lengths) == 1 else [text for text in texts if len(text) == length]
        if not _have_plain_marks("".join(same), length):
            return False
    if _TAKES_HOUR_24 and "24" in {text[11:13] for text in texts}:
        return False
    try:
        deque(map(_from_iso, texts), maxlen=0)
    except ValueError:
        return False
    return True


def lacks_zone(text: str) -> bool:
    """True if a text is a time with hours but without a zone; a date alone needs none."""
    match = _RULE.fullmatch(text)
    return match is not None and match[4] is not None and match[8] is None


def _have_plain_marks(joined: str, length: int) -> bool:
    """Return whether all of the joined texts, each of this length, have the marks of a plain time.

    One mark of all texts at a time takes half the time of all marks of one text (bench_check.py).
    """
    marks = "--T::Z" if length == len("2026-02-16T09:03:51Z") else "--T::."
    places = [*zip(range(4, 20, 3), marks, strict=True), (length - 1, "Z")]
    count = len(joined) // length
    return all(joined[place::length] == mark * count for place, mark in places)


def _takes_hour_24() -> bool:
    """Return whether Python reads hour 24 as midnight, as new versions do."""
    try:
        _from_iso("2026-02-16T24:00:00Z")
    except ValueError:
        return False
    return True


_TAKES_HOUR_24 = _takes_hour_24()


def _by_rule(text: str) -> datetime:
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError("not a time")
    *clock, fraction, zone = match.groups(default="")
    year, month, day, hour, minute, second = (int(digits or "0") for digits in clock)
    micros = int(fraction[:6].ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, micros, tzinfo=_zone(zone.strip()))


def _zone(zone: str) -> timezone:
    if zone[:1] not in ("+", "-"):
        return UTC
    minutes = 60 * int(zone[1:3]) + int(zone[3:].removeprefix(":") or "0")
    return timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))

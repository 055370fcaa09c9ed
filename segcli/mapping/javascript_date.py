"""Dates as Node's `Date` reads them; a time without a zone is in UTC.

ISO 8601 is read strictly. Any other text is read word by word: a month by its name, numbers with
colons as a time, other numbers as day, month and year, words before the first number not at all.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from segcli.mapping.javascript import WHITE_SPACE

# No date is longer. The limit bounds the time that reading a hostile text takes.
_MAX_DATE = 100

_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII | re.IGNORECASE,
)
# What follows the minutes in the forms of time that Python and JavaScript read alike.
_HAS_ZONE = re.compile(r":\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
# As in V8, every character from A on is part of a word, brackets and letters of any script too.
_WORD = re.compile(
    rf"(?P<paren>\([^)]*\)?)|(?P<number>[0-9]+)|(?P<space>[{WHITE_SPACE}]+)"
    rf"|(?P<name>[^\x00-@{WHITE_SPACE}]+)|(?P<mark>.)",
    re.DOTALL,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Hours east of UTC.
_ZONES = {
    **dict.fromkeys(("ut", "utc", "gmt", "z"), 0),
    "edt": -4,
    "est": -5,
    "cdt": -5,
    "cst": -6,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
}
_HALVES = {"am": 0, "pm": 12}


def read_date(text: str) -> datetime | None:
    """Return the point in time that a text stands for; None if it is not a date."""
    if len(text) > _MAX_DATE:
        return None
    try:
        found = _ISO.fullmatch(text)
        return _iso_time(found) if found else _loose_time(text)
    except (ValueError, OverflowError):
        return None


def usual_time(text: str) -> datetime | None:
    """Read the forms that the times of events have, such as `2026-01-31T12:00:00.000Z`.

    None for others, which `read_date` may still read. A fast path: that takes ten times as long.
    """
    is_usual = len(text) == 24 and text[23] == "Z" and text[19] == "."
    if not (is_usual or _HAS_ZONE.match(text, 16)) or text[10] != "T" or text[7] != "-":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _iso_time(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    milliseconds = int((found[7] or "0").ljust(3, "0")[:3])
    hours, minutes = int(found[9] or 0), int(found[10] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError("not an offset")
    distance = timedelta(hours=hours, minutes=minutes)
    day = day if found[3] else 1
    local = _time(year, month if found[2] else 1, day, (hour, minute, second, milliseconds))
    return local + distance if found[8] == "-" else local - distance


def _time(year: int, month: int, day: int, clock: tuple[int, int, int, int]) -> datetime:
    """Return a time in UTC; raises ValueError. A day such as 30 February is one in March."""
    hour, minute, second, milliseconds = clock
    is_late = hour > 24 or (hour == 24 and (minute or second or milliseconds))
    if not 1 <= day <= 31 or is_late or max(minute, second) > 59:
        raise ValueError("not a time")
    return datetime(year, month, 1, tzinfo=UTC) + timedelta(
        days=day - 1, hours=hour, minutes=minute, seconds=second, milliseconds=milliseconds
    )


@dataclass(slots=True)
class _Parts:
    """The parts of a date that were read so far.

    numbers: those that are day, month and year.
    month: the month that was named; 0 for none.
    clock: hour, minute, second and millisecond.
    half: the hours to add for AM or PM; None without either.
    zone: minutes east of UTC.
    zone_sign: 1 or -1 while minutes of the zone may follow, else 0.
    has_utc: UTC was named, so that an offset may follow.
    is_open: the clock ended with a colon.
    """

    numbers: list[int] = field(default_factory=list)
    month: int = 0
    clock: list[int] = field(default_factory=list)
    half: int | None = None
    zone: int = 0
    zone_sign: int = 0
    has_utc: bool = False
    is_open: bool = False


def _loose_time(text: str) -> datetime:
    parts, has_number = _Parts(), False
    words = [(str(one.lastgroup), one[0]) for one in _WORD.finditer(text)]
    at = 0
    while at < len(words):
        kind, word = words[at]
        after = words[at + 1] if at + 1 < len(words) else ("end", "")
        at += 1
        if kind == "number":
            has_number = True
            at += _take_number(parts, int(word), words[at : at + 2])
        elif kind == "name":
            _take_name(parts, word.lower(), after, has_number=has_number)
        elif word in ("+", "-") and (parts.has_utc or parts.clock):
            has_number = True
            at += _take_offset(parts, 1 if word == "+" else -1, words[at : at + 2])
        elif word in ("+", "-", ")") and has_number and not _is_separator(word, words, at):
            raise ValueError("an offset without a time")
    return _put_together(parts)


def _is_separator(word: str, words: list[tuple[str, str]], at: int) -> bool:
    """Return whether a `-` follows a number or a month directly, as in `3-Feb-2024`."""
    if word != "-" or at < 2:
        return False
    kind, before = words[at - 2]
    return kind == "number" or before[:3].lower() in _MONTHS


def _take_number(parts: _Parts, number: int, ahead: list[tuple[str, str]]) -> int:
    """Take a number; return how many of the words ahead are taken with it."""
    marks = [word for _, word in ahead]
    if marks[:1] == [":"] and not parts.zone_sign:
        if len(parts.clock) >= 3:
            raise ValueError("more than a time")
        parts.clock.append(number)
        parts.is_open = True
        return 1
    if parts.zone_sign:
        parts.zone += parts.zone_sign * number
        parts.zone_sign = 0
        return 0
    if parts.is_open and number <= 59:
        return _end_clock(parts, number, ahead)
    if len(parts.numbers) == 3:
        raise ValueError("more than a date")
    parts.numbers.append(number)
    return int(marks[:1] == ["-"])


def _end_clock(parts: _Parts, number: int, ahead: list[tuple[str, str]]) -> int:
    """Take the last number of a time, and the fraction of a second after it."""
    parts.clock.append(number)
    parts.is_open = False
    if [word for _, word in ahead[:1]] == ["."] and len(ahead) > 1 and ahead[1][0] == "number":
        if len(parts.clock) < 3:
            raise ValueError("a fraction of a minute")
        parts.clock.append(int(ahead[1][1].ljust(3, "0")[:3]))
        return 2
    if ahead and ahead[0][0] != "space" and ahead[0][1].lower() not in ("z", "+", "-"):
        raise ValueError("not separated")
    return 0


def _take_name(parts: _Parts, name: str, after: tuple[str, str], *, has_number: bool) -> None:
    if name in _HALVES and parts.clock:
        parts.half = _HALVES[name]
    elif name[:3] in _MONTHS:
        parts.month = _MONTHS.index(name[:3]) + 1
    elif name in _ZONES and has_number:
        parts.zone, parts.has_utc = _ZONES[name] * 60, _ZONES[name] == 0
    elif has_number or after[0] == "number":
        raise ValueError("a word that is not known")


def _take_offset(parts: _Parts, sign: int, ahead: list[tuple[str, str]]) -> int:
    """Take the offset of a zone after its sign; return how many words it has."""
    is_number = bool(ahead) and ahead[0][0] == "number"
    digits = ahead[0][1] if is_number else ""
    follows = ahead[int(is_number) : int(is_number) + 1]
    if follows and follows[0][1] == ":":
        parts.zone, parts.zone_sign = sign * int(digits or 0) * 60, sign
        return int(is_number) + 1
    if len(digits) not in (1, 2, 3, 4):
        raise ValueError("not an offset")
    number = int(digits)
    hours, minutes = (number, 0) if len(digits) < 3 else divmod(number, 100)
    parts.zone = sign * (hours * 60 + minutes)
    return 1


def _put_together(parts: _Parts) -> datetime:
    if not parts.numbers:
        raise ValueError("no date")
    first, second, third = [*parts.numbers, 1, 1, 1][:3]
    is_day = 1 <= first <= 31
    if parts.month:
        year, month, day = (second, parts.month, first) if is_day else (first, parts.month, second)
    else:
        year, month, day = (third, first, second) if is_day else (first, second, third)
    # A year of two digits.
    year += 2000 if 0 <= year <= 49 else 1900 if year <= 99 else 0
    hour, minute, second, milliseconds = [*parts.clock, 0, 0, 0, 0][:4]
    if parts.half is not None:
        if hour > 12:
            raise ValueError("not an hour of half a day")
        hour = hour % 12 + parts.half
    clock = (hour, minute, second, milliseconds)
    return _time(year, month, day, clock) - timedelta(minutes=parts.zone)

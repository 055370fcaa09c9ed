"""Dates as JavaScript's `Date` reads them; a time without a zone is in UTC."""

import re
from datetime import UTC, datetime, timedelta

# No date is longer. The limit bounds the time that parsing a hostile text takes.
_MAX_DATE = 100

_ISO = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?",
    re.ASCII | re.IGNORECASE,
)
_ZONE = re.compile(r" ?(?:Z|UTC|GMT)? ?(?:([+-])(\d\d):?(\d\d))?(?: \([^)]*\))?$", re.IGNORECASE)
_DAY_NAME = re.compile(r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? ", re.IGNORECASE)
# Formats other than ISO 8601, each with and without a time.
_SPELLINGS = tuple(
    day + time
    for day in (
        *("%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y", "%B %Y", "%b %Y"),
        *("%Y/%m/%d", "%m/%d/%Y"),
    )
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)


def read_date(text: str) -> datetime | None:
    """Return the point in time that a text stands for; None if it is not a date."""
    if len(text) > _MAX_DATE:
        return None
    try:
        return _parsed(text)
    except (ValueError, OverflowError):
        return None


def _parsed(text: str) -> datetime:
    """Parse a text as a date; raises ValueError or OverflowError if it is not one."""
    zone = _ZONE.search(text)
    bare = text[: zone.start()] if zone else text
    found = _ISO.fullmatch(bare)
    if found:
        return _parsed_iso(found) - _distance(zone)
    plain_text = _DAY_NAME.sub("", bare).replace(",", "")
    for spelling in _SPELLINGS:
        try:
            return datetime.strptime(plain_text, spelling).replace(tzinfo=UTC) - _distance(zone)
        except ValueError:
            continue
    raise ValueError(text)


def _parsed_iso(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if day > 31 or hour > 24 or (hour == 24 and minute + second) or max(minute, second) > 59:
        raise ValueError(found[0])
    first = datetime(year, month or 1, 1, tzinfo=UTC)
    milliseconds = int((found[7] or "0").ljust(3, "0")[:3])
    return first + timedelta(
        days=(day or 1) - 1, hours=hour, minutes=minute, seconds=second, milliseconds=milliseconds
    )


def _distance(zone: re.Match[str] | None) -> timedelta:
    if zone is None or not zone[1]:
        return timedelta()
    distance = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
    return distance if zone[1] == "+" else -distance

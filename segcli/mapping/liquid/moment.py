"""Parses dates in the common formats, as JavaScript does."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from liquid.exceptions import LiquidError

from segcli.mapping.liquid.value import double, plain

# No date is longer. The limit bounds the time that parsing a hostile text takes.
_MAX_TEXT = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
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


@dataclass(frozen=True, slots=True)
class LiquidTime:
    """A point in time, in a zone.

    at: the local time.
    offset: minutes east of UTC.
    zone: the name of the zone; "" if only its offset is known.
    """

    at: datetime
    offset: int
    zone: str

    @property
    def seconds(self) -> int:
        """Seconds since 1970, in UTC."""
        return (self.at - timedelta(minutes=self.offset) - _EPOCH) // timedelta(seconds=1)


def moment_of(value: Any, zone: Any = None) -> LiquidTime | None:
    """Parse a value as a time; None if it is not one.

    A number, or a text of digits, is seconds since 1970. A time without a zone is in UTC. Raises
    LiquidError for an unknown zone.
    """
    at = _read(plain(value))
    zone = plain(zone)
    if at is None:
        return None
    if zone is None:
        return LiquidTime(at, 0, "UTC")
    offset = _offset(zone, at)
    try:
        return LiquidTime(
            at + timedelta(minutes=offset), offset, zone if isinstance(zone, str) else ""
        )
    except OverflowError:
        return None


def _read(value: Any) -> datetime | None:
    if isinstance(value, bool):
        return _after(int(value))
    if isinstance(value, int | float | Decimal):
        return _after(double(value) * 1000)
    if not isinstance(value, str):
        return None
    if len(value) > _MAX_TEXT:
        return None
    if value in ("now", "today"):
        return datetime.now(UTC)
    if re.fullmatch("[0-9]+", value):
        return _after(double(value) * 1000)
    try:
        return _written(value)
    except (ValueError, OverflowError):
        return None


def _after(milliseconds: float) -> datetime | None:
    try:
        return _EPOCH + int(milliseconds) * _MILLISECOND
    except (ValueError, OverflowError):
        return None


def _written(text: str) -> datetime:
    """Parse a text as a date; raises ValueError or OverflowError if it is not one."""
    zone = _ZONE.search(text)
    bare = text[: zone.start()] if zone else text
    found = _ISO.fullmatch(bare)
    if found:
        return _iso(found) - _distance(zone)
    plain_text = _DAY_NAME.sub("", bare).replace(",", "")
    for spelling in _SPELLINGS:
        try:
            return datetime.strptime(plain_text, spelling).replace(tzinfo=UTC) - _distance(zone)
        except ValueError:
            continue
    raise ValueError(text)


def _iso(found: re.Match[str]) -> datetime:
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


def _offset(zone: Any, at: datetime) -> int:
    """Return a zone's minutes east of UTC; a zone given as a number is minutes west."""
    if not isinstance(zone, str):
        return -int(max(min(double(zone), 10**7), -(10**7)))
    try:
        distance = at.astimezone(ZoneInfo(zone)).utcoffset()
    except (ValueError, OSError, LookupError, OverflowError):
        raise LiquidError("Invalid time zone specified", token=None) from None
    return int((distance or timedelta()) / timedelta(minutes=1))

"""The date filters, `date: "%Y-%m-%d"`: they read dates as JavaScript does, and write them.

They write UTC unless a zone is given.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from liquid.exceptions import LiquidError

from segcli.mapping.javascript import MAX_TEXT, TextTooLong
from segcli.mapping.javascript_date import read_date
from segcli.mapping.liquid.value import double, liquid_text, plain

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DEFAULT = "%A, %B %-e, %Y at %-l:%M %P %z"
_DIRECTIVE = re.compile(r"%([-_0^#:]+)?(\d+)?([EO])?(.)", re.ASCII)
_WIDTHS = dict.fromkeys("CdeHIklmMSUWy", 2) | {"j": 3, "L": 3, "Y": 4}
_SPACED = frozenset("aAbBceklpP")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


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
        """Seconds since 1970, in UTC, rounded as JavaScript's `Math.round` does."""
        since = self.at - timedelta(minutes=self.offset) - _EPOCH
        return (since + timedelta(milliseconds=500)) // timedelta(seconds=1)


def _date(value: Any, layout: Any = None, zone: Any = None) -> Any:
    moment = _time_in(value, zone)
    if moment is None:
        return value
    return _written(moment, _DEFAULT if plain(layout) is None else liquid_text(layout))


def _date_as(layout: str) -> Callable[..., Any]:
    return lambda value: _date(value, layout)


def _date_with(month: str) -> Callable[..., Any]:
    def write(value: Any, kind: Any = None, style: Any = None) -> Any:
        if kind != "ordinal":
            return _date(value, f"%d {month} %Y")
        return _date(value, f"{month} %-d%q, %Y" if style == "US" else f"%-d%q {month} %Y")

    return write


def _written(moment: LiquidTime, layout: str) -> str:
    written, pieces, start = 0, [], 0
    for found in _DIRECTIVE.finditer(layout):
        piece = _piece(moment, found, MAX_TEXT - written)
        written += found.start() - start + len(piece)
        pieces += [layout[start : found.start()], piece]
        start = found.end()
    return "".join([*pieces, layout[start:]])


def _piece(moment: LiquidTime, found: re.Match[str], room: int) -> str:
    """Return the text of one format directive; raises TextTooLong if it exceeds `room`."""
    flags, letter = found[1] or "", found[4]
    if letter not in _PARTS:
        return found[0]
    width = int(found[2]) if found[2] and len(found[2]) < 9 else MAX_TEXT if found[2] else 0
    if width > room:
        raise TextTooLong
    text = _part(moment, letter, flags, width)
    width = width or _WIDTHS.get(letter, 0)
    if "^" in flags:
        text = text.upper()
    elif "#" in flags:
        text = text.upper() if re.search("[a-z]", text) else text.lower()
    fill = " " if "_" in flags or (letter in _SPACED and "0" not in flags) else "0"
    if "-" in flags:
        return text
    return text.zfill(width) if fill == "0" else text.rjust(width)


def _part(moment: LiquidTime, letter: str, flags: str, width: int) -> str:
    if letter == "z" or (letter == "Z" and not moment.zone):
        return _offset(moment, ":" if ":" in flags else "")
    if letter == "N":
        return f"{moment.at.microsecond // 1000:03}"[: width or 9].ljust(width or 9, "0")
    return str(_PARTS[letter](moment))


def _offset(moment: LiquidTime, colon: str) -> str:
    minutes = moment.offset
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{colon}{rest:02}"


def _ordinal(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _week(moment: LiquidTime, first: int) -> int:
    """Return the week of the year as Segment's engine counts it, which differs from strftime."""
    today, new_year = moment.at, moment.at.replace(month=1, day=1)
    days = today.timetuple().tm_yday + first - today.isoweekday() % 7
    return (days - (7 - new_year.isoweekday() % 7 + first)) // 7 + 1


_PARTS: dict[str, Callable[[LiquidTime], Any]] = {
    "a": lambda moment: _DAYS[moment.at.weekday()][:3],
    "A": lambda moment: _DAYS[moment.at.weekday()],
    "b": lambda moment: _MONTHS[moment.at.month - 1][:3],
    "h": lambda moment: _MONTHS[moment.at.month - 1][:3],
    "B": lambda moment: _MONTHS[moment.at.month - 1],
    "c": lambda moment: _written(moment, "%-m/%-d/%Y, %-I:%M:%S %p"),
    "C": lambda moment: moment.at.year // 100,
    "d": lambda moment: moment.at.day,
    "e": lambda moment: moment.at.day,
    "H": lambda moment: moment.at.hour,
    "I": lambda moment: moment.at.hour % 12 or 12,
    "j": lambda moment: moment.at.timetuple().tm_yday,
    "k": lambda moment: moment.at.hour,
    "l": lambda moment: moment.at.hour % 12 or 12,
    "L": lambda moment: moment.at.microsecond // 1000,
    "m": lambda moment: moment.at.month,
    "M": lambda moment: moment.at.minute,
    "N": lambda moment: moment.at.microsecond // 1000,
    "p": lambda moment: "AM" if moment.at.hour < 12 else "PM",
    "P": lambda moment: "am" if moment.at.hour < 12 else "pm",
    "q": lambda moment: _ordinal(moment.at.day),
    "s": lambda moment: moment.seconds,
    "S": lambda moment: moment.at.second,
    "u": lambda moment: moment.at.isoweekday(),
    "U": lambda moment: _week(moment, 0),
    "w": lambda moment: moment.at.isoweekday() % 7,
    "W": lambda moment: _week(moment, 1),
    "x": lambda moment: _written(moment, "%-m/%-d/%Y"),
    "X": lambda moment: _written(moment, "%-I:%M:%S %p"),
    "y": lambda moment: moment.at.year % 100,
    "Y": lambda moment: moment.at.year,
    "z": lambda moment: moment.offset,
    "Z": lambda moment: moment.zone,
    "t": lambda _: "\t",
    "n": lambda _: "\n",
    "%": lambda _: "%",
}

DATE_FILTERS: dict[str, Callable[..., Any]] = {
    "date": _date,
    "date_to_long_string": _date_with("%B"),
    "date_to_rfc822": _date_as("%a, %d %b %Y %H:%M:%S %z"),
    "date_to_string": _date_with("%b"),
    "date_to_xmlschema": _date_as("%Y-%m-%dT%H:%M:%S%:z"),
}


def _time_in(value: Any, zone: Any = None) -> LiquidTime | None:
    """Parse a value as a time; None if it is not one.

    A number, or a text of digits, is seconds since 1970. A time without a zone is in UTC. Raises
    LiquidError for an unknown zone.
    """
    at = _parsed_value(plain(value))
    zone = plain(zone)
    if at is None:
        return None
    if zone is None:
        return LiquidTime(at, 0, "UTC")
    offset = _zone_offset(zone, at)
    try:
        return LiquidTime(
            at + timedelta(minutes=offset), offset, zone if isinstance(zone, str) else ""
        )
    except OverflowError:
        return None


def _parsed_value(value: Any) -> datetime | None:
    if isinstance(value, bool):
        return _after(int(value))
    if isinstance(value, int | float | Decimal):
        return _after(double(value) * 1000)
    if not isinstance(value, str):
        return None
    if value in ("now", "today"):
        return datetime.now(UTC)
    if re.fullmatch("[0-9]+", value):
        return _after(double(value) * 1000)
    return read_date(value)


def _after(milliseconds: float) -> datetime | None:
    try:
        return _EPOCH + int(milliseconds) * _MILLISECOND
    except (ValueError, OverflowError):
        return None


def _zone_offset(zone: Any, at: datetime) -> int:
    """Return a zone's minutes east of UTC; a zone given as a number is minutes west."""
    if not isinstance(zone, str):
        return -int(max(min(double(zone), 10**7), -(10**7)))
    try:
        distance = at.astimezone(ZoneInfo(zone)).utcoffset()
    except (ValueError, OSError, LookupError, OverflowError):
        raise LiquidError("Invalid time zone specified", token=None) from None
    return int((distance or timedelta()) / timedelta(minutes=1))

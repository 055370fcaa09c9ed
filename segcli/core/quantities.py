"""Durations, rates, sizes and times as people write them: `30s`, `50/s`, `1MiB`, `7d`.

Each function raises ValueError, OverflowError or KeyError for a text that is none.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from segcli.core.event_time import parse_time

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "b": 1, "k": 1000, "kb": 1000, "kib": 1024, "m": 1000**2, "mb": 1000**2}
_BYTES |= {"mib": 1024**2, "g": 1000**3, "gb": 1000**3, "gib": 1024**3}
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)


def duration(text: str) -> float:
    """Read `50ms`, `30s`, `10min`, `1h`, `7d` or plain seconds, as seconds."""
    number, unit = _split(text)
    return number * _SECONDS[unit or "s"]


def rate(text: str) -> float:
    """Read `50/s`, `3000/min` or plain `50`, as a number a second; raises ValueError for 0."""
    number, _, unit = text.partition("/")
    value = float(number) / _SECONDS[unit.strip().lower() or "s"]
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def size(text: str) -> int:
    """Read `64KiB`, `1MiB`, `2MB` or plain bytes, as bytes."""
    number, unit = _split(text)
    return int(number * _BYTES[unit])


def more_than_zero(read: Callable[[str], float]) -> Callable[[str], float]:
    """Return a reader of the same quantity that raises ValueError for 0."""

    def read_positive(text: str) -> float:
        value = read(text)
        if not value:
            raise ValueError(f"it must be more than {text}.")
        return value

    return read_positive


def moment(text: str, now: datetime) -> datetime:
    """Read a date or time, or how long before `now` (`7d`, `12h`).

    A number alone is neither: some mean seconds since 1970 by it, some a date.
    """
    try:
        return parse_time(text)
    except ValueError:
        if not _split(text)[1]:
            raise ValueError(f"{text!r} is not a time. For how long ago, add a unit: 7d.") from None
        return now - timedelta(seconds=duration(text))


def _split(text: str) -> tuple[float, str]:
    match = _NUMBER_AND_UNIT.fullmatch(text.strip())
    if match is None:
        raise ValueError
    return float(match[1]), match[2].lower()

"""Read the time in the names of folders, in the layouts that tools write.

Segment's archive has one folder for each day; its name is the start of the day in unix time.
RudderStack names days `MM-DD-YYYY`, Firehose nests `YYYY/MM/DD/HH`, Hive and Spark write
`year=2026/month=9/day=3`.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

# The time of a folder whose name looks like a date but is not one, such as 31-01-2026.
UNREADABLE = -1

_YEAR = r"(?P<year>(?:19|20)\d\d)"
# The patterns are compiled at their first use, because most inputs are not in folders.
_DAY = (
    rf"{_YEAR}-(?P<month>\d\d?)-(?P<day>\d\d?)(?:[-_T ](?P<hour>\d\d?)(?:[-:]?\d\d){{0,2}}Z?)?"
    rf"|(?P<us_month>\d\d?)-(?P<us_day>\d\d?)-(?P<us_year>(?:19|20)\d\d)"
    rf"|(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<h>\d\d)?"
)
_NUMBER = r"\d\d?"
_KEYS = {
    **dict.fromkeys(("year", "yyyy", "y"), 0),
    **dict.fromkeys(("month", "mm", "m"), 1),
    **dict.fromkeys(("day", "dd", "d"), 2),
    **dict.fromkeys(("hour", "hh", "h"), 3),
    **dict.fromkeys(("minute", "min"), 4),
}
_PARTS = 5
_SECONDS_A_DAY = 24 * 60 * 60
_MILLISECONDS = 13
_DIGITS = frozenset({10, _MILLISECONDS})
# No part of a date is so large: it stands for a value that is not a number.
_NO_NUMBER = 100_000


@lru_cache(maxsize=256)
def moment_of(path: str, below: int = 0) -> int | None:
    """Return the time that the folders of a path name, in unix seconds.

    `path` ends with a slash or a file's name. Its first `below` characters are the folder that was
    named; a date that ends in them does not count. None if there is no date, `UNREADABLE` if a
    name only looks like one.
    """
    if (day := day_of(path[below:])) is not None:
        return day
    *folders, _ = path.split("/")
    named = path[:below].rstrip("/").count("/") + 1 if path[:below].rstrip("/") else 0
    keys, is_inside = _by_keys(folders, named)
    if keys and is_inside:
        return _moment(keys)
    for at in range(len(folders) - 1, -1, -1):
        if (found := _from(folders[at:])) and at + found[1] > named:
            moment = _moment(found[0])
            # Without dashes, it may be any other number.
            if moment != UNREADABLE or "-" in folders[at]:
                return moment
    return None


def day_of(path: str) -> int | None:
    """Return the day of the last day folder in a path, in unix seconds; None without one."""
    *folders, _ = path.split("/")
    return next((day for folder in reversed(folders) if (day := _day(folder)) is not None), None)


def _by_keys(folders: Sequence[str], named: int) -> tuple[list[int], bool]:
    """Return the numbers of `year=2026/month=9`, and True if one is below the first `named`."""
    found: dict[int, int] = {}
    is_inside = False
    for at, folder in enumerate(folders):
        key, _, value = folder.lower().partition("=")
        is_number = value.isascii() and value.isdigit()
        if key in _KEYS and (is_number or (value and len(key) > 1)):
            found[_KEYS[key]] = int(value) if is_number else _NO_NUMBER
            is_inside = is_inside or at >= named
    numbers = [found.get(part, -1) for part in range(_PARTS)]
    known = numbers.index(-1) if -1 in numbers else _PARTS
    return (numbers[:known], is_inside) if known > 1 else ([], False)


def _from(folders: Sequence[str]) -> tuple[list[int], int] | None:
    """Return the numbers of the date at the start of folders, and the number of its folders."""
    if match := re.fullmatch(_DAY, folders[0].rpartition("=")[2]):
        date, used = _of_day(match), 1
    elif re.fullmatch(_YEAR, folders[0]):
        date, used = [int(folders[0])], 1
    else:
        return None
    for folder in folders[used : used + _PARTS - len(date)]:
        number = folder.lower().removeprefix("hour=").removeprefix("hh=")
        if not re.fullmatch(_NUMBER, number):
            break
        date.append(int(number))
        used += 1
    return (date, used) if len(date) > 1 else None


def _of_day(match: "re.Match[str]") -> list[int]:
    found = match.groupdict()
    numbers = (
        found["year"] or found["us_year"] or found["y"],
        found["month"] or found["us_month"] or found["m"],
        found["day"] or found["us_day"] or found["d"],
        found["hour"] or found["h"],
    )
    return [int(number) for number in numbers if number is not None]


def _moment(date: Sequence[int]) -> int:
    year, month, *rest = date
    day, hour, minute = (*rest, *(1, 0, 0)[len(rest) :])
    try:
        return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())
    except ValueError:
        return UNREADABLE


def _day(folder: str) -> int | None:
    if len(folder) not in _DIGITS or not (folder.isascii() and folder.isdigit()):
        return None
    day, rest = divmod(int(folder), _SECONDS_A_DAY * (1000 if len(folder) == _MILLISECONDS else 1))
    return None if rest else day * _SECONDS_A_DAY

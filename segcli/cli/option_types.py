"""Types of option values: durations, rates, sizes, times and FQL, as people type them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segcli.core.event_time import parse_time

if TYPE_CHECKING:
    from segcli.fql import Predicate

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "b": 1, "k": 1000, "kb": 1000, "kib": 1024, "m": 1000**2, "mb": 1000**2}
_BYTES |= {"mib": 1024**2, "g": 1000**3, "gb": 1000**3, "gib": 1024**3}
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)


def duration(text: str) -> float:
    """Read `50ms`, `30s`, `10min`, `1h`, `7d` or plain seconds, as seconds; raises ValueError."""
    number, unit = _split(text)
    return number * _SECONDS[unit or "s"]


def rate(text: str) -> float:
    """Read `50/s`, `3000/min` or plain `50`, as a number a second; raises ValueError."""
    number, _, unit = text.partition("/")
    value = float(number) / _SECONDS[unit.strip().lower() or "s"]
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def size(text: str) -> int:
    """Read `64KiB`, `1MiB`, `2MB` or plain bytes, as bytes; raises ValueError."""
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


@dataclass(frozen=True, slots=True)
class TimeBound:
    """The value of `--since` or `--until`.

    text: how it was typed; `7d` is a different time tomorrow
    time: the time that it meant when the command started
    """

    text: str
    time: datetime


def moment(text: str) -> TimeBound:
    """Read a date or time, or how long ago (`7d`, `12h`); raises ValueError.

    A number alone is neither: some mean seconds since 1970 by it, some a date.
    """
    try:
        return TimeBound(text, parse_time(text))
    except ValueError:
        if not _split(text)[1]:
            raise ValueError(f"{text!r} is not a time. For how long ago, add a unit: 7d.") from None
        return TimeBound(text, datetime.now(UTC) - timedelta(seconds=duration(text)))


@dataclass(frozen=True, slots=True)
class OutputFile:
    """The value of `--output`.

    format: the name of a format
    path: the file that is written
    """

    format: str
    path: Path


def code_prefixes(text: str) -> tuple[str, ...]:
    """Read `SEG1,SEG203`: codes of findings, or prefixes of codes; raises ValueError."""
    from segcli.review.wanted import is_prefix

    found = tuple(part.strip().upper() for part in text.split(","))
    for part in found:
        if not is_prefix(part):
            raise ValueError(f"no code of a finding begins with {part!r}.")
    return found


def output_file(text: str) -> OutputFile:
    """Read `junit=report.xml`: a format of `check`, and the file for it; raises ValueError."""
    from segcli.cli.formats import NAMES

    form, equals, path = text.partition("=")
    if not equals or not path:
        raise ValueError
    if form not in NAMES:
        raise ValueError(f"{form!r} is none of {', '.join(NAMES)}.")
    return OutputFile(form, Path(path))


def utf8(text: str) -> str:
    """Return the text; raises ValueError for bytes that are not UTF-8, which JSON cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} is not UTF-8 text.") from None
    return text


class Quantity(click.ParamType[Any]):
    """The type of an option whose value one of the functions above reads.

    name: what messages call it
    read: the function
    like: an example of what to type
    toml: the types of TOML that hold such a value; `float` includes integers
    by_line: whether a variable has one value a line; else white space separates them
    """

    def __init__(
        self,
        name: str,
        read: Any,
        like: str,
        *,
        toml: tuple[type, ...] = (str,),
        by_line: bool = False,
    ) -> None:
        self.name = name
        self._read = read
        self.like = like
        self.toml = toml
        self._by_line = by_line

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the values in a variable of an option that is repeatable."""
        return list(filter(None, rv.splitlines())) if self._by_line else rv.split()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text; if that fails, show an example of what to type."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except (ValueError, KeyError, OverflowError) as error:
            said = str(error) if isinstance(error, ValueError) else ""
            if " " in said and "could not convert" not in said:
                self.fail(said, param, ctx)
            self.fail(
                f"{value!r} is not a valid {self.name}. Type for example {self.like}.", param, ctx
            )


_DURATIONS = "50ms, 30s, 10min or 1h"
_NUMERIC = (str, float)
DURATION = Quantity("duration", duration, _DURATIONS, toml=_NUMERIC)
SOME_TIME = Quantity("duration", more_than_zero(duration), _DURATIONS, toml=_NUMERIC)
OUTPUT_FILE = Quantity("output", output_file, "junit=report.xml", by_line=True)
CODE_PREFIXES = Quantity("code", code_prefixes, "SEG1,SEG203")
RATE = Quantity("rate", rate, "50/s or 3000/min", toml=_NUMERIC)
SIZE = Quantity("size", more_than_zero(size), "64KiB or 1MiB", toml=_NUMERIC)
TEXT = Quantity("text", utf8, "Order Completed", by_line=True)
MOMENT = Quantity("time", moment, "2026-02-03, 2026-02-03T10:00:00Z or 7d", toml=(str, date))


@dataclass(frozen=True, slots=True)
class Where:
    """The value of `--where`.

    text: how it was typed; a journal compares it to see whether the query is the same
    matches: the query as a function
    """

    text: str
    matches: "Predicate"


class Query(click.ParamType[Any]):
    """The type of an option in FQL. What Segment silently ignores is an error here."""

    name = "FQL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the query; if that fails, show where."""
        from segcli.fql import matcher

        if not isinstance(value, str):
            return value
        try:
            return Where(utf8(value), matcher(value, strict=True))
        except ValueError as error:
            self.fail(str(error), param, ctx)


QUERY = Query()


def _split(text: str) -> tuple[float, str]:
    match = _NUMBER_AND_UNIT.fullmatch(text.strip())
    if match is None:
        raise ValueError
    return float(match[1]), match[2].lower()

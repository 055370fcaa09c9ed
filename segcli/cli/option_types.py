"""Types of option values: durations, rates, sizes, times and FQL, as people type them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from segcli.core.quantities import duration, moment, more_than_zero, rate, size
from segcli.runs.output_checks import OutputFile


def time_bound(text: str) -> str:
    """Return the text of `--since` or `--until` if it is a time; raises ValueError.

    The job reads it: `7d` is counted from the time of the job, which is one for all its parts.
    """
    moment(text, datetime.now(UTC))
    return text


def code_prefixes(text: str) -> tuple[str, ...]:
    """Read `SEG1,SEG203`: codes of findings, or prefixes of codes; raises ValueError."""
    from segcli.review.wanted import is_prefix

    found = tuple(part.strip().upper() for part in text.split(","))
    if not all(found):
        raise ValueError(f"{text!r} has an empty code: type each code, with a comma between two.")
    for part in found:
        if not is_prefix(part):
            raise ValueError(
                f"no code of a finding begins with {part!r}. `segcli guide findings` has all codes."
            )
    return found


def output_file(text: str) -> OutputFile:
    """Read `junit=report.xml`: a format of `check`, and the file for it; raises ValueError."""
    from segcli.cli.formats import FORMATS, format_marks

    form, equals, path = text.partition("=")
    if not equals or not path:
        raise ValueError
    if form not in FORMATS:
        raise ValueError(f"{form!r} is none of {', '.join(FORMATS)}.")
    return OutputFile(form, Path(path), format_marks(form))


def utf8(text: str) -> str:
    """Return the text; raises ValueError for bytes that are not UTF-8, which JSON cannot hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} is not UTF-8 text.") from None
    return text


class WholeNumber(click.IntRange):
    """The type of a whole number within bounds, which are described in words, not as `1<=x<=9`."""

    name = "whole number"

    def _describe_range(self) -> str:
        return f"{self.min} or more" if self.max is None else f"{self.min} to {self.max}"


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
MOMENT = Quantity("time", time_bound, "2026-02-03, 2026-02-03T10:00:00Z or 7d", toml=(str, date))


class QueryType(click.ParamType[Any]):
    """The type of an option in FQL. What Segment silently ignores is an error here."""

    name = "FQL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the query; if that fails, show where."""
        from segcli.fql import matcher

        if not isinstance(value, str):
            return value
        try:
            matcher(utf8(value), strict=True)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


QUERY = QueryType()

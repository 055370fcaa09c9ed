"""How a review is printed: for people, for programs, and for the CI systems that show it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from segcli.review.review import Review

NAMES = ("text", "json", "github", "markdown", "junit")
# What ends a line, steers a terminal, or cannot stand in XML or UTF-8.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def formatter(name: str) -> Callable[[Review], str]:
    """Return the function that prints a review in the format of that name, one of `NAMES`."""
    found: Callable[[Review], str] = import_module(f"segcli.cli.formats.{name}").formatted
    return found


@dataclass(frozen=True, slots=True)
class Sentences:
    """What every format for people says in so many words; empty where there is nothing to say."""

    counts: str
    verdict: str
    plan: str
    hidden: str
    untried: str


def sentences(review: Review) -> Sentences:
    """Put the figures of a review into words."""
    counts = ", ".join(f"{lines:,} {state}" for state, lines in review.counts.items())
    requests = _so_many(sum(route.requests for route in review.routes), "request")
    at_least = f", at least {_time(review.seconds)}" if review.seconds is not None else ""
    untried = f"{_so_many(review.untried, 'event')} not searched for fields that are not carried"
    return Sentences(
        counts=f"{_so_many(review.read, 'line')}: {counts}",
        verdict=f"{_so_many(review.errors, 'error')}, {_so_many(review.warnings, 'warning')}",
        plan=f"{review.destination} would get {requests}{at_least}",
        hidden=f"{_so_many(review.hidden, 'more finding')} not shown" if review.hidden else "",
        untried=untried if review.untried else "",
    )


def visible(text: str) -> str:
    """Return text on one line, with an escape for each character that is not seen."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _so_many(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"

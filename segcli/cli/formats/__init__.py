"""How a review is printed: for people, for programs, and for the CI systems that show it."""

from collections.abc import Callable, Mapping
from importlib import import_module

from segcli.review.review import Review

NAMES = ("text", "json", "github", "markdown", "junit")


def formatter(name: str) -> Callable[[Review], str]:
    """Return the function that prints a review in the format of that name, one of `NAMES`."""
    found: Callable[[Review], str] = import_module(f"segcli.cli.formats.{name}").formatted
    return found


def sentences(review: Review) -> Mapping[str, str]:
    """Return what every format for people says in a sentence: the counts and the plan."""
    counts = ", ".join(f"{lines:,} {state}" for state, lines in review.counts.items())
    requests = sum(route.requests for route in review.routes)
    at_least = f", at least {_time(review.seconds)}" if review.seconds is not None else ""
    return {
        "counts": f"{review.read:,} lines: {counts}",
        "plan": f"{review.destination} would get {requests:,} requests{at_least}",
        "verdict": f"{review.errors:,} errors, {review.warnings:,} warnings",
        "hidden": f"{review.hidden:,} more findings are not shown" if review.hidden else "",
    }


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"

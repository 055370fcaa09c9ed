"""How a review is printed: for people, for programs, and for the CI systems that show it."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from segcli.plan.coverage import PlanResult
from segcli.review.review import Review

NAMES = ("text", "json", "github", "markdown", "junit")


def format_review(name: str, review: Review) -> Iterator[bytes]:
    """Yield a review in the format of that name, one of `NAMES`; in pieces where it may be long."""
    found: str | Iterator[bytes] = import_module(f"segcli.cli.formats.{name}").formatted(review)
    if isinstance(found, str):
        yield found.encode()
    else:
        yield from found


@dataclass(frozen=True, slots=True)
class Sentences:
    """What every format for people says in so many words; empty where there is nothing to say."""

    counts: str
    verdict: str
    requests: str
    plan: str
    hidden: str
    untried: str


def sentences(review: Review) -> Sentences:
    """Put the figures of a review into words."""
    counts = ", ".join(f"{lines:,} {state}" for state, lines in review.counts.items())
    untried = f"{so_many(review.untried, 'event')} not searched for fields that are not carried"
    return Sentences(
        counts=f"{so_many(review.read, 'line')}: {counts}",
        verdict=f"{so_many(review.errors, 'error')}, {so_many(review.warnings, 'warning')}",
        requests=_requests(review),
        plan=_plan(review.plan) if review.plan else "",
        hidden=f"{so_many(review.hidden, 'more finding')} not shown" if review.hidden else "",
        untried=untried if review.untried else "",
    )


def so_many(number: int, thing: str) -> str:
    """Return a number of things, one or more."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def percent(share: float) -> str:
    """Return a share in words; 100% is said of all only, and 0% of none."""
    said = f"{share:.0%}"
    if said == "100%" and share < 1:
        return ">99%"
    return "<1%" if said == "0%" and share > 0 else said


def _requests(review: Review) -> str:
    """Say how many requests there would be; in which order users come, batches may be less full."""
    if review.destination is None:
        return ""
    requests = so_many(sum(route.requests for route in review.routes), "request")
    may_be_more = any(route.requests < route.events for route in review.routes)
    at_least = "at least " if may_be_more else ""
    seconds = round(review.seconds or 0, 1)
    time = f", at least {_time(seconds)}" if seconds else ""
    return f"{review.destination} would get {at_least}{requests}{time}"


def _plan(plan: PlanResult) -> str:
    """Say how much of the plans was seen."""
    events = sum(not one.path for one in plan.unseen)
    fields = len(plan.unseen) - events
    properties = "1 planned property" if fields == 1 else f"{fields:,} planned properties"
    return (
        f"{so_many(plan.held, 'event')} held against {', '.join(plan.files)}: "
        f"{events:,} of {so_many(plan.planned, 'planned event')} and {properties} in no line"
    )


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"

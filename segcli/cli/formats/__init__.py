"""The formats in which `check` prints a review, one module each, and what they share."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from io import StringIO

from segcli.cli.dest_option import default_named
from segcli.core.plural import count_of
from segcli.plan.coverage import PlanResult
from segcli.review.coverage import LeftOut
from segcli.review.findings import BaselineResult, Finding, Group
from segcli.review.review import Review
from segcli.runs.output_checks import FormatMarks

FORMATS = ("text", "json", "github", "markdown", "junit")


def format_review(name: str, review: Review, *, in_file: bool = False) -> Iterator[bytes]:
    """Yield a review in a format of `FORMATS`, in pieces, because it may be long.

    in_file: it goes to a file, so it has no colours and not the width of the screen.
    """
    module = import_module(f"segcli.cli.formats.{name}")
    found: str | Iterator[bytes]
    found = (
        module.formatted(review, StringIO())
        if in_file and name == "text"
        else module.formatted(review)
    )
    if isinstance(found, str):
        yield found.encode()
    else:
        yield from found


def format_marks(name: str) -> FormatMarks:
    """Return the marks by which an earlier file in a format of `FORMATS` is recognized."""
    found: FormatMarks = import_module(f"segcli.cli.formats.{name}").MARKS
    return found


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences that all formats for people share; empty if there is nothing to say.

    counts: lines by state
    verdict: errors and warnings
    requests: how many requests the destination would get
    plan: how much of the tracking plans the events have
    hidden: how many findings are not shown
    untried: how many events were not searched for fields that are not carried
    advice: what to know before the events are sent
    baseline: what the baseline accepts
    default: which destination was taken because none was given
    """

    counts: str
    verdict: str
    requests: str
    plan: str
    hidden: str
    untried: str
    advice: str
    baseline: str
    default: str


def sentences(review: Review) -> Sentences:
    """Put the figures of a review into words."""
    counts = ", ".join(f"{lines:,} {state}" for state, lines in review.counts.items())
    untried = f"{count_of(review.untried, 'event')} not searched for fields that are not carried"
    return Sentences(
        counts=f"{count_of(review.read, 'line')}: {counts}",
        verdict=f"{count_of(review.errors, 'error')}, {count_of(review.warnings, 'warning')}",
        requests=_requests(review),
        plan=_plan(review.plan) if review.plan else "",
        hidden=hidden_findings(review, review.entries()),
        untried=untried if review.untried else "",
        advice=f"note: {review.advice}" if review.advice else "",
        default=default_named(review.subject) if review.is_default else "",
        baseline=_baseline(review.baseline) if review.baseline else "",
    )


def hidden_findings(review: Review, shown: Iterable[Finding | Group]) -> str:
    """Return how many findings are not among those that are shown; empty for none."""
    hidden = review.hidden(shown)
    return f"{count_of(hidden, 'more finding')} not shown" if hidden else ""


def hidden_fields(review: Review, shown: Sequence[LeftOut]) -> str:
    """Return how many fields that are left out are not shown by choice; empty for none."""
    hidden = len(review.left_out) - len(shown)
    if not hidden:
        return ""
    what = "other field" if review.coverage else "field of the envelope"
    more = f"{hidden:,} {what if hidden == 1 else what.replace('field', 'fields')}"
    return f"{more} not carried; --coverage all shows all"


def first_of(entry: Finding | Group) -> Finding:
    """Return a finding, or the first one of a group."""
    return entry.first[0] if isinstance(entry, Group) else entry


def percent(share: float) -> str:
    """Return a share as a percentage; 100% only for all, and 0% only for none."""
    said = f"{share:.0%}"
    if said == "100%" and share < 1:
        return ">99%"
    return "<1%" if said == "0%" and share > 0 else said


def _requests(review: Review) -> str:
    """Return how many requests there would be: `at least`, because batches may be less full."""
    if review.destination is None:
        return ""
    requests = count_of(sum(route.requests for route in review.routes), "request")
    may_be_more = any(route.requests < route.events for route in review.routes)
    at_least = "at least " if may_be_more else ""
    seconds = round(review.seconds or 0, 1)
    time = f", at least {_time(seconds)}" if seconds else ""
    return f"{review.destination} would get {at_least}{requests}{time}"


def _plan(plan: PlanResult) -> str:
    events = sum(not one.path for one in plan.unseen)
    fields = len(plan.unseen) - events
    properties = "1 planned property" if fields == 1 else f"{fields:,} planned properties"
    return (
        f"{count_of(plan.checked, 'event')} compared with {', '.join(plan.files)}: "
        f"{events:,} of {count_of(plan.planned, 'planned event')} and {properties} in no line"
    )


def _baseline(baseline: BaselineResult) -> str:
    accepted = count_of(baseline.accepted, "finding")
    if baseline.written:
        return f"baseline written: it accepts {accepted}"
    gone = f"; {baseline.gone:,} in it no longer found" if baseline.gone else ""
    gone += " (--update-baseline removes them)" if gone else ""
    return f"{accepted} accepted by the baseline{gone}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.1f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"

"""What becomes of a line: mapped, skipped or rejected. The same for every command."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from segcli import event as events
from segcli import exact_json
from segcli.destination import Destination
from segcli.event import Event, Rejected
from segcli.excerpt import excerpts
from segcli.selection import Selection, reason_to_skip


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line over the bound: only its length and its beginning were kept in memory."""

    size: int
    head: bytes


class Mapped(msgspec.Struct, frozen=True):
    """A payload, encoded, with its route and the user whose order it keeps."""

    route: str
    body: bytes
    user: str
    notes: tuple[str, ...] = ()


class Skipped(msgspec.Struct, frozen=True):
    """Not for this destination, or left out by an option."""

    reason: str


Outcome = Mapped | Skipped | Rejected
Decide = Callable[[bytes | TooLong], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do with every line: the destination, its settings, and which events.

    `label` is the destination's name in the integrations object.
    """

    destination: Destination[Any]
    settings: Any
    selection: Selection = Selection()
    label: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.destination.label_with(self.settings))


def outcomes(job: Job, *, mapped: int = 0) -> Decide:
    """Return the function that gives each line, in input order, its outcome; it never raises.

    It counts what it mapped, for `--limit`, so one function serves one run; `mapped` is how many
    an earlier run has sent of the same input.
    """
    decide = _decide(job)
    limit = job.selection.limit
    return decide if limit is None else _limited(decide, limit - mapped)


def outcome_of(line: bytes | TooLong, job: Job) -> Outcome:
    """Return the outcome of one line, whatever it holds."""
    event = event_of(line)
    return map_event(event, job) if isinstance(event, Event) else event


def event_of(line: bytes | TooLong) -> Event | Skipped | Rejected:
    """Return the event of one line, or why it holds none."""
    if isinstance(line, TooLong):
        return Rejected("", "longer than --max-line")
    if not line or line.isspace():
        return Skipped("blank line")
    try:
        return events.parse(line)
    except Rejected as rejected:
        return rejected


def map_event(event: Event, job: Job) -> Outcome:
    """Return what becomes of an event."""
    kind = event.type
    if kind not in job.destination.kinds:
        return Skipped(f"{kind} is not for {job.destination.name}")
    if reason := reason_to_skip(event, job.selection, job.label):
        return Skipped(reason)
    try:
        return _mapped(event, job)
    except Rejected as rejected:
        return rejected


def _decide(job: Job) -> Decide:
    """Return `outcome_of` for this job, by excerpts where it is known what its mapping looks at."""
    reads = job.destination.reads
    if reads is None or job.selection.where:
        return lambda line: outcome_of(line, job)
    read = excerpts(reads(job.settings))

    def outcome(line: bytes | TooLong) -> Outcome:
        event = read(line) if type(line) is bytes else None
        return outcome_of(line, job) if event is None else map_event(event, job)

    return outcome


def _limited(decide: Decide, left: int) -> Decide:
    """Skip every line once so many are mapped."""

    def outcome(line: bytes | TooLong) -> Outcome:
        nonlocal left
        if left <= 0:
            return Skipped("over --limit")
        found = decide(line)
        left -= isinstance(found, Mapped)
        return found

    return outcome


def _mapped(event: Event, job: Job) -> Mapped:
    payload = job.destination.payload(event, job.settings)
    body = payload.body
    if type(body) is not bytes:
        body = exact_json.dumps(body)
    bound = job.destination.limits.payload_bytes
    if bound is not None and len(body) > bound:
        raise Rejected("", f"larger than the {bound:,} bytes that {job.destination.name} takes")
    return Mapped(payload.route, body, event.user, payload.notes)

"""What becomes of a line: mapped, skipped or rejected. The same for every command."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from segcli import event as events
from segcli import exact_json
from segcli.destination import Destination
from segcli.event import Event, Rejected
from segcli.selection import Selection, reason_to_skip
from segcli.settings import secrets_of


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line over the bound: only its length and its beginning were kept in memory."""

    size: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Mapped:
    """A payload, encoded, with its route and the user whose order it keeps."""

    route: str
    body: bytes
    user: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not for this destination, or left out by an option."""

    reason: str


Outcome = Mapped | Skipped | Rejected
Decide = Callable[[bytes | TooLong], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do with every line: the destination, its settings, and which events."""

    destination: Destination[Any]
    settings: Any
    selection: Selection = Selection()

    def secrets(self) -> list[str]:
        """Return every text that must not be shown, longest first."""
        return secrets_of(self.settings, self.destination.secrets(self.settings))


def outcomes(job: Job, *, mapped: int = 0) -> Decide:
    """Return the function that gives each line, in input order, its outcome; it never raises.

    It counts what it mapped, for `--limit`, so one function serves one run; `mapped` is how many
    an earlier run has sent of the same input.
    """
    limit = job.selection.limit

    def outcome(line: bytes | TooLong) -> Outcome:
        nonlocal mapped
        if limit is not None and mapped >= limit:
            return Skipped("over --limit")
        found = outcome_of(line, job)
        mapped += isinstance(found, Mapped)
        return found

    return outcome


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
    if reason := _reason_to_skip(event, job):
        return Skipped(reason)
    try:
        return _mapped(event, job)
    except Rejected as rejected:
        return rejected


def _reason_to_skip(event: Event, job: Job) -> str | None:
    if event.type not in job.destination.kinds:
        return f"{event.type} is not for {job.destination.name}"
    label = job.destination.label_with(job.settings)
    reason = reason_to_skip(event, job.selection, label)
    return reason or job.destination.skips(event, job.settings)


def _mapped(event: Event, job: Job) -> Mapped:
    payload = job.destination.payload(event, job.settings)
    body = payload.body if isinstance(payload.body, bytes) else exact_json.dumps(payload.body)
    bound = job.destination.bytes_per_payload(payload.route, job.settings)
    if bound is not None and len(body) > bound:
        raise Rejected("", f"larger than the {bound:,} bytes that {job.destination.name} takes")
    return Mapped(payload.route, body, event.user, payload.notes)

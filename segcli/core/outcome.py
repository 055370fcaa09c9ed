"""The outcome of a line: mapped, skipped or rejected. The same for every command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeGuard

import msgspec
import orjson

from segcli.core import event as events
from segcli.core import exact_json
from segcli.core.destination import Destination, no_skip_reason
from segcli.core.event import Event, Rejected
from segcli.core.line import TooLong
from segcli.core.missing_id import HAS_MISSING_ID
from segcli.core.partial_event import partial_parser
from segcli.core.request_layout import request_key
from segcli.core.selection import Selection, reason_to_skip
from segcli.core.settings import Origin, masked, secrets_of


class Mapped(msgspec.Struct, frozen=True, gc=False):
    """An encoded payload.

    route: the route to post it to.
    body: the JSON document.
    user: the user, whose events are delivered in order.
    notes, mapped_by, action, request_values: those of the `Payload`.
    """

    route: str
    body: bytes
    user: str
    notes: tuple[str, ...] = ()
    mapped_by: str = ""
    action: str = ""
    request_values: str = ""

    @property
    def request_key(self) -> str:
        """The key of its request: payloads share a request only if their keys are equal."""
        return request_key(self.route, self.request_values)


class ActionPayload(NamedTuple):
    """What an event becomes for one action of the destination.

    action: the name of the action; "" for a destination that has only one.
    route: the route that it is posted to.
    payload: the JSON document.
    """

    action: str
    route: str
    payload: Any


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one line, for a program.

    file: the name of the input.
    line: the number of the line, from 1.
    state: `mapped`, `skipped` or `rejected`.
    reason: why it is not mapped.
    code: the code of a rejection in `segcli guide findings`; "" for one without.
    payloads: what it becomes, one for each action; empty if it is not mapped.
    notes: what the mapping left out of the event on purpose.
    """

    file: str
    line: int
    state: Literal["mapped", "skipped", "rejected"]
    reason: str = ""
    code: str = ""
    payloads: tuple[ActionPayload, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def payload(self) -> Any:
        """The JSON document of the only payload; None if the line is not mapped."""
        return self.payloads[0].payload if self.payloads else None

    @property
    def route(self) -> str:
        """The route of the only payload; "" if the line is not mapped."""
        return self.payloads[0].route if self.payloads else ""


class Skipped(msgspec.Struct, frozen=True):
    """The event is not for this destination, or an option leaves it out."""

    reason: str


Decision = Mapped | Skipped | Rejected
Decide = Callable[[Sequence[bytes | TooLong]], list[Decision]]

OVER_LIMIT = Skipped("over --limit")
# How many lines the partial parser reads at once.
_GROUP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to do with every line.

    destination: the destination.
    settings: its settings.
    selection: which events to map.
    origins: where each setting comes from; a setting that is missing here has its default.
    reveals_keys: payloads are made to be sent. Otherwise they are made to be shown: a key that a
        payload holds is `***` in it.
    """

    destination: Destination[Any]
    settings: Any
    selection: Selection = Selection()
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)
    reveals_keys: bool = False

    @property
    def payload_settings(self) -> Any:
        """The settings that payloads are made with: without the keys, unless they are sent."""
        if self.destination.keys_in_payloads and not self.reveals_keys:
            return masked(self.settings)
        return self.settings

    def secrets(self) -> list[str]:
        """Return every text that must not be shown, longest first."""
        return secrets_of(self.settings, self.destination.secrets(self.settings))


def make_mapper(job: Job, *, mapped: int = 0) -> Decide:
    """Return the function that maps lines, in input order, to their outcomes. It never raises.

    The function counts mapped events for `--limit`, so each run needs its own. `mapped` is the
    number of events that an earlier run has sent of the same input.
    """
    decide = _decide(job)
    limit = job.selection.limit
    return decide if limit is None else _limited(decide, limit - mapped)


def outcome_of(line: bytes | TooLong, job: Job) -> Decision:
    """Return the outcome of one line. Never raises."""
    return _mapped_line(line, mapping_of(job))


def _mapped_line(line: bytes | TooLong, map_: Callable[[Event], Decision]) -> Decision:
    event = event_of(line)
    return map_(event) if isinstance(event, Event) else event


def event_of(line: bytes | TooLong) -> Event | Skipped | Rejected:
    """Return the event of one line, or why it has none."""
    if isinstance(line, TooLong):
        return Rejected("", "longer than --max-line", "SEG103")
    if events.is_blank(line):
        return Skipped("blank line")
    try:
        return events.parse(line)
    except Rejected as rejected:
        return rejected


def map_event(event: Event, job: Job) -> Decision:
    """Return the outcome of an event."""
    return mapping_of(job)(event)


def mapping_of(job: Job) -> Callable[[Event], Decision]:
    """Return the mapping function, with per-job lookups hoisted out."""
    destination, settings, selection = job.destination, job.settings, job.selection
    types, skip_reason = destination.types, destination.skip_reason
    label, narrows = destination.label_with(settings), selection.narrows
    mapped, carries = _payload(job), destination.carries

    def outcome(event: Event) -> Decision:
        if event.type not in types:
            return Skipped(f"{event.type} is not for {destination.name}")
        if (narrows or event.integrations) and (
            reason := reason_to_skip(event, selection, label, carries=carries)
        ):
            return Skipped(reason)
        if skip_reason is not no_skip_reason and (reason := skip_reason(event, settings)):
            return Skipped(reason)
        try:
            return mapped(event)
        except Rejected as rejected:
            return rejected

    return outcome


def outcome_fields(outcome: Decision) -> dict[str, Any]:
    """Return an outcome as `--outcomes` and golden files show it, without its line."""
    match outcome:
        case Mapped(route, body):
            values = outcome.request_values
            more = {"request_values": orjson.Fragment(values)} if values else {}
            return {"state": "mapped", "route": route, **more, "payload": orjson.Fragment(body)}
        case Skipped(reason):
            return {"state": "skipped", "reason": reason}
        case Rejected() as rejected:
            return {"state": "rejected", "reason": str(rejected)}


def mapped_in(found: Decision) -> tuple[Mapped, ...]:
    """Return what a line becomes, one for each action; nothing if it is not mapped."""
    return (found,) if isinstance(found, Mapped) else ()


def outcome_at(file: str, line: int, found: Decision) -> Outcome:
    """Return the outcome of a line as a program gets it."""
    match found:
        case Mapped():
            document = exact_json.loads(found.body, levels=2 * exact_json.MAX_DEPTH)
            payloads = (ActionPayload(found.action, found.route, document),)
            return Outcome(
                file=file, line=line, state="mapped", payloads=payloads, notes=found.notes
            )
        case Skipped(reason):
            return Outcome(file=file, line=line, state="skipped", reason=reason)
        case Rejected() as rejected:
            reason, code = str(rejected), rejected.code
            return Outcome(file=file, line=line, state="rejected", reason=reason, code=code)


def _decide(job: Job) -> Decide:
    """Return a function like `outcome_of`, faster if the fields that the mapping reads are known.

    The outcome of a line never depends on other lines.
    """
    reads, map_ = job.destination.reads, mapping_of(job)
    if reads is None or job.selection.where:
        return lambda lines: [_mapped_line(line, map_) for line in lines]
    read = partial_parser(reads(job.settings))

    def decide(lines: Sequence[bytes | TooLong]) -> list[Decision]:
        if not _are_whole(lines):
            whole = iter(decide([line for line in lines if isinstance(line, bytes)]))
            return [
                next(whole) if isinstance(line, bytes) else outcome_of(line, job) for line in lines
            ]
        found: list[Decision] = []
        for start in range(0, len(lines), _GROUP):
            group = lines[start : start + _GROUP]
            for line, event in zip(group, read(group), strict=True):
                found.append(outcome_of(line, job) if event is None else map_(event))
        return found

    return decide


def _are_whole(lines: Sequence[bytes | TooLong]) -> TypeGuard[Sequence[bytes]]:
    return TooLong not in set(map(type, lines))


def _limited(decide: Decide, left: int) -> Decide:
    """Skip every line after `left` lines are mapped."""

    def outcome(line: bytes | TooLong) -> Decision:
        nonlocal left
        if left <= 0:
            return OVER_LIMIT
        [found] = decide([line])
        left -= isinstance(found, Mapped)
        return found

    return lambda lines: [outcome(line) for line in lines]


def _payload(job: Job) -> Callable[[Event], Mapped]:
    """Return the function that makes the payload of an event. It raises Rejected."""
    destination, settings = job.destination, job.payload_settings
    limits: dict[str, int | None] = {}

    def mapped(event: Event) -> Mapped:
        payload = destination.payload(event, settings)
        body, route, values = payload.body, payload.route, payload.request_values
        if type(body) is not bytes:
            body = exact_json.dumps(body)
        if values:
            limit = destination.bytes_per_payload(request_key(route, values), settings)
        elif route in limits:
            limit = limits[route]
        else:
            limit = limits[route] = destination.bytes_per_payload(route, settings)
        if limit is not None and len(body) > limit:
            problem = f"larger than the {limit:,} bytes that {destination.name} takes"
            raise Rejected("", problem, "SEG302")
        user = event.user_id or event.anonymous_id or ""
        notes = (*payload.notes, HAS_MISSING_ID) if event.has_missing_id else payload.notes
        return Mapped(route, body, user, notes, payload.mapped_by, payload.action, values)

    return mapped

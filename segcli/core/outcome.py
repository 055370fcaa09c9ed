"""The outcome of a line: mapped, skipped or rejected. The same for every command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeGuard

import msgspec
import orjson

from segcli.core import event as events
from segcli.core import exact_json
from segcli.core.decision import Decision, FanOut, Mapped, Skipped, SkippedAction, payloads_of
from segcli.core.destination import Destination, Payload, Unmapped, no_skip_reason
from segcli.core.event import Event, Rejected
from segcli.core.line import TooLong
from segcli.core.missing_id import HAS_MISSING_ID
from segcli.core.partial_event import partial_parser
from segcli.core.replay_age import TOO_OLD_REJECTED, ReplayOptions, age_judge_of
from segcli.core.request_layout import request_key
from segcli.core.selection import Selection, reason_to_skip
from segcli.core.settings import Origin, masked, secrets_of


class ActionPayload(NamedTuple):
    """What an event becomes for one action of the destination.

    action: the name of the action; "" for a destination that has only one.
    route: the route that it is posted to.
    payload: the JSON document.
    """

    action: str
    route: str
    payload: Any


class ActionRejection(NamedTuple):
    """Why one of several actions that take an event cannot map it.

    action: the name of the action.
    route: the route that its payload would be posted to.
    reason: why.
    code: its code in `segcli guide findings`; "" for one without.
    """

    action: str
    route: str
    reason: str
    code: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one line, for a program.

    file: the name of the input.
    line: the number of the line, from 1.
    state: `mapped`, `skipped` or `rejected`. With several actions it is rejected if one of them
        cannot map it; the others are sent, and stand in `payloads`.
    reason: why it is not mapped; that of the first action that cannot map it.
    code: the code of a rejection in `segcli guide findings`; "" for one without.
    payloads: what it becomes, one for each action that maps it, in the order of their requests.
    rejections: why the others of several actions cannot map it.
    notes: what the summary says of the event: what the mapping left out on purpose, marks of an old
        event, a text for a missing id.
    """

    file: str
    line: int
    state: Literal["mapped", "skipped", "rejected"]
    reason: str = ""
    code: str = ""
    payloads: tuple[ActionPayload, ...] = ()
    rejections: tuple[ActionRejection, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def payload(self) -> Any:
        """The JSON document of the first payload; None if there is none."""
        return self.payloads[0].payload if self.payloads else None

    @property
    def route(self) -> str:
        """The route of the first payload; "" if there is none."""
        return self.payloads[0].route if self.payloads else ""


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
    replay: what happens to old events.
    """

    destination: Destination[Any]
    settings: Any
    selection: Selection = Selection()
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False)
    reveals_keys: bool = False
    replay: ReplayOptions = ReplayOptions()

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
    types = destination.types
    # `payloads` finds by itself that no action takes an event.
    skip_reason = no_skip_reason if destination.payloads else destination.skip_reason
    label, narrows = destination.label_with(settings), selection.narrows
    mapped: Callable[[Event], Decision] = _by_action(job) if destination.payloads else _encoder(job)
    carries = destination.carries

    def outcome(event: Event) -> Decision:
        if event.actions is not None and (unknown := _unknown_action(event.actions, destination)):
            return unknown
        if event.type not in types:
            return Skipped(_not_taken(event.type, destination))
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


def needs_exact_events(job: Job) -> bool:
    """Return whether a job takes only what `events.parse` returns, or counts what it maps."""
    selection = job.selection
    return job.destination.reads is None or bool(selection.where) or selection.limit is not None


def left_out_for_age(reason: str, options: ReplayOptions) -> Skipped:
    """Return the outcome of an event that is too old. Raises Rejected if it is to be kept."""
    if options.older == "reject":
        raise Rejected("", reason, TOO_OLD_REJECTED)
    return Skipped(reason)


def outcome_fields(outcome: Decision) -> dict[str, Any]:
    """Return an outcome as `--outcomes` and golden files show it, without its line."""
    match outcome:
        case Mapped(route, body):
            payload = orjson.Fragment(body)
            return {"state": "mapped", "route": route, **_values(outcome), "payload": payload}
        case FanOut(requests):
            state = "rejected" if outcome.unmapped else "mapped"
            return {"state": state, "requests": [_request_fields(one) for one in requests]}
        case Skipped(reason):
            return {"state": "skipped", "reason": reason}
        case Rejected() as rejected:
            return {"state": "rejected", "reason": str(rejected)}


def _values(mapped: Mapped) -> dict[str, Any]:
    values = mapped.request_values
    return {"request_values": orjson.Fragment(values)} if values else {}


def _request_fields(one: Mapped | Unmapped) -> dict[str, Any]:
    match one:
        case Mapped(route, body, action=action):
            result = {"state": "mapped", **_values(one), "payload": orjson.Fragment(body)}
        case Unmapped(action, route, rejected):
            result = {"state": "rejected", "reason": str(rejected)}
    return {"action": action, "route": route, **result}


def outcome_at(file: str, line: int, found: Decision) -> Outcome:
    """Return the outcome of a line as a program gets it."""
    match found:
        case Mapped():
            payloads = (_action_payload(found),)
            return Outcome(
                file=file, line=line, state="mapped", payloads=payloads, notes=found.notes
            )
        case FanOut():
            return _outcome_of_several(file, line, found)
        case Skipped(reason):
            return Outcome(file=file, line=line, state="skipped", reason=reason)
        case Rejected() as rejected:
            reason, code = str(rejected), rejected.code
            return Outcome(file=file, line=line, state="rejected", reason=reason, code=code)


def _outcome_of_several(file: str, line: int, found: FanOut) -> Outcome:
    rejections = tuple(
        ActionRejection(one.action, one.route, str(one.rejected), one.rejected.code)
        for one in found.unmapped
    )
    return Outcome(
        file=file,
        line=line,
        state="rejected" if rejections else "mapped",
        reason=rejections[0].reason if rejections else "",
        code=rejections[0].code if rejections else "",
        payloads=tuple(map(_action_payload, found.mapped)),
        rejections=rejections,
        notes=found.notes,
    )


def _action_payload(mapped: Mapped) -> ActionPayload:
    document = exact_json.loads(mapped.body, levels=2 * exact_json.MAX_DEPTH)
    return ActionPayload(mapped.action, mapped.route, document)


def _decide(job: Job) -> Decide:
    """Return a function like `outcome_of`, faster if the fields that the mapping reads are known.

    The outcome of a line never depends on other lines.
    """
    reads, map_ = job.destination.reads, mapping_of(job)
    if reads is None or job.selection.where:
        return lambda lines: [_mapped_line(line, map_) for line in lines]
    copied = frozenset().union(*job.destination.copies.values())
    read = partial_parser([*reads(job.settings), *copied])

    def decide(lines: Sequence[bytes | TooLong]) -> list[Decision]:
        if not _are_whole(lines):
            whole = iter(decide([line for line in lines if isinstance(line, bytes)]))
            return [
                next(whole) if isinstance(line, bytes) else _mapped_line(line, map_)
                for line in lines
            ]
        found: list[Decision] = []
        for start in range(0, len(lines), _GROUP):
            group = lines[start : start + _GROUP]
            for line, event in zip(group, read(group), strict=True):
                found.append(_mapped_line(line, map_) if event is None else map_(event))
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
        left -= bool(payloads_of(found))
        return found

    return lambda lines: [outcome(line) for line in lines]


def _not_taken(kind: str, destination: Destination[Any]) -> str:
    """Return why events of a type are not for a destination, with what it says of that."""
    why = destination.not_taken.get(kind)
    return f"{kind} is not for {destination.name}" + (f": {why}" if why else "")


def _by_action(job: Job) -> Callable[[Event], Decision]:
    """Return the function that maps an event for every action that takes it."""
    payloads, settings, encoded = job.destination.payloads, job.payload_settings, _encoder(job)
    assert payloads
    skip_reason = job.destination.skip_reason
    no_action = f"no action of {job.destination.name} takes it"

    def request(found: Payload | Unmapped, event: Event) -> Mapped | Unmapped | Skipped:
        if isinstance(found, Unmapped):
            return found
        try:
            return encoded(event, found)
        except Rejected as rejected:
            return Unmapped(found.action, found.route, rejected)

    def mapped(event: Event) -> Decision:
        taken = payloads(event, settings)
        found = [request(one, event) for one in taken]
        if not found:
            return Skipped(skip_reason(event, settings) or no_action)
        if len(found) > 1:
            return _of_several(found, [one.action for one in taken])
        only = found[0]
        if isinstance(only, Mapped | Skipped):
            return only
        only.rejected.action = only.action
        return only.rejected

    return mapped


def _of_several(
    found: Sequence[Mapped | Unmapped | Skipped], actions: Sequence[str]
) -> FanOut | Skipped:
    """Return the outcome of an event that several actions take; its age may leave out some.

    It stays that of several actions if only one is left: a resumed run may know the result.
    """
    requests = tuple(one for one in found if not isinstance(one, Skipped))
    left_out = tuple(
        SkippedAction(action, one.reason)
        for action, one in zip(actions, found, strict=True)
        if isinstance(one, Skipped)
    )
    return FanOut(requests, left_out) if requests else Skipped(left_out[0].reason)


def _unknown_action(actions: Sequence[str], destination: Destination[Any]) -> Rejected | None:
    """Return a rejection if a record is for an action that the destination does not have."""
    known = {action.name for action in destination.actions}
    for name in actions:
        if name not in known:
            problem = f"names {name}, which is no action of {destination.name}"
            return Rejected("actions", problem, "SEG304")
    return None


def _encoder(job: Job) -> Callable[..., Mapped | Skipped]:
    """Return the function that encodes the payload of an event. It raises Rejected.

    Its second argument is the payload; without one it is the only one of the destination.
    """
    destination, settings = job.destination, job.payload_settings
    limits: dict[str, int | None] = {}
    judge = age_judge_of(destination, job.replay)

    def encoded(event: Event, payload: Payload | None = None) -> Mapped | Skipped:
        payload = payload or destination.payload(event, settings)
        body, route, values = payload.body, payload.route, payload.request_values
        notes, replayed = payload.notes, None
        if judge is not None:
            left_out, body, told, replayed = judge(event, payload)
            if left_out:
                return left_out_for_age(left_out, job.replay)
            notes = (*notes, *told)
        if type(body) is not bytes:
            body = exact_json.dumps(body)
        if not values and route in limits:
            limit = limits[route]
        else:
            limit = destination.bytes_per_payload(request_key(route, values), settings)
            # The values may be those of one user: only routes without them are remembered.
            limits.update({} if values else {route: limit})
        if limit is not None and len(body) > limit:
            is_own = payload.action and route in destination.route_limits
            of_action = f" for {payload.action}" if is_own else ""
            problem = f"larger than the {limit:,} bytes that {destination.name} takes{of_action}"
            raise Rejected("", problem, "SEG302")
        user = event.user_id or event.anonymous_id or ""
        if event.has_missing_id:
            notes = (*notes, HAS_MISSING_ID)
        return Mapped(route, body, user, notes, payload.mapped_by, payload.action, values, replayed)

    return encoded

"""What the age of an event means for its replay: left out, marked, or kept apart from others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from segcli.core import exact_json
from segcli.core.destination import Destination, Payload, Remark
from segcli.core.event import TYPES, Event, is_number
from segcli.core.event_time import parse_time
from segcli.core.payload_path import copied_with, value_at
from segcli.core.plural import count_of
from segcli.core.reason import TOO_OLD_FOR
from segcli.core.replay import (
    ANY,
    DAY,
    OlderPolicy,
    Replay,
    ReplayMark,
    TimeUnit,
    age_of,
    bound_of,
)

# The codes of findings, of a rejection and of warnings.
TOO_OLD_REJECTED, TOO_OLD, TOO_FAR_AHEAD = "SEG504", "SEG511", "SEG512"
_LEAVES_OUT = frozenset({"refused", "request", "lost", "now"})
_PER_SECOND: Mapping[TimeUnit, int] = {"seconds": 1, "milliseconds": 1000, "microseconds": 10**6}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What a run does about old events.

    older: what happens to an event that is too old for the vendor.
    now: the time from which ages are counted; None for no clock: then no age is judged.
    is_fixed: somebody has given that time; then the clock is not looked at again.
    live: the events are new, so none is marked as old.
    tells_all: fill in `replayed` also where no age rule applies, so that effects can be counted.
    """

    older: OlderPolicy = "skip"
    now: datetime | None = None
    is_fixed: bool = False
    live: bool = False
    tells_all: bool = False


class Replayed(msgspec.Struct, frozen=True, gc=False):
    """What the age of a mapped event means.

    type: the call type.
    time: when it happened, in seconds since 1970; None if that is not known.
    group: events of different groups never share a request.
    fields: what the body of its request has because of its age.
    is_marked: it has a mark of a backfill.
    remarks: what people should know about it.
    expires: when it becomes too old, in seconds since 1970; None for never.
    late: the reason to leave it out from then on.
    """

    type: str
    time: float | None = None
    group: str = ""
    fields: Mapping[str, Any] = {}
    is_marked: bool = False
    remarks: tuple[Remark, ...] = ()
    expires: float | None = None
    late: str = ""


class Judged(NamedTuple):
    """A payload after its age was judged.

    left_out: the reason to leave it out; "" if it is sent.
    body: the payload with its marks.
    notes: what the summary counts.
    replayed: what its age means; None if the vendor has no rules for it.
    """

    left_out: str
    body: dict[str, Any] | bytes
    notes: tuple[str, ...] = ()
    replayed: Replayed | None = None


AgeJudge = Callable[[Event, Payload], Judged]


def age_judge_of(destination: Destination[Any], options: ReplayOptions) -> AgeJudge | None:
    """Return the function that judges payloads; None if no age means anything to the vendor.

    The function raises Rejected for a payload that cannot be marked. Raises ValueError if requests
    have marks and the destination cannot make such requests.
    """
    facts_of_all = destination.all_replay_facts()
    if destination.marked_request is None and any(
        mark for facts in facts_of_all for mark in facts.request_marks()
    ):
        raise ValueError(f"{destination.name} has marks of requests, and no marked_request")
    of_actions = {
        action: one
        for action, facts in {"": destination.replay, **destination.action_replay}.items()
        if facts and (one := _judge_of(destination, facts, options))
    }
    if not of_actions:
        return None
    if not destination.action_replay:
        return of_actions[""]

    def judge(event: Event, payload: Payload) -> Judged:
        action = payload.action if payload.action in destination.action_replay else ""
        found = of_actions.get(action)
        return found(event, payload) if found else Judged("", payload.body)

    return judge


def in_words(seconds: float) -> str:
    """Return an age in words: `72 hours`, `7 days`."""
    for unit, name in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds % unit == 0 and (unit < DAY or seconds >= 4 * DAY):
            return count_of(int(seconds // unit), name)
    return f"{seconds:g} seconds"


def effect_of(facts: Replay, vendor: str) -> str:
    """Return what the vendor does with an event that is too old, in words: `gist refuses it`."""
    return {
        "refused": f"{vendor} refuses it",
        "request": f"{vendor} refuses its whole request",
        "lost": f"{vendor} takes it and loses it",
        "now": f"{vendor} gives it the current time",
        "silent": f"{vendor} stores it, and it starts nothing",
        "": f"it is not known what {vendor} does with it",
    }[facts.older]


def later_effect_of(facts: Replay, vendor: str) -> str:
    """Return what the vendor does with an event that is too far in the future, in words."""
    return {
        "refused": f"{vendor} refuses it",
        "now": f"{vendor} gives it the current time",
        "hidden": f"{vendor} stores it and does not show it",
        "": f"it is not known what {vendor} does with it",
    }[facts.later]


def bound_in_words(facts: Replay) -> str:
    """Return which events are too old: `more than 72 hours old`, `from before 1971-01-01`."""
    bound = bound_of(facts.oldest)
    if isinstance(bound, float):
        return f"more than {in_words(bound)} old"
    return f"from before {facts.oldest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """The bounds of an action, hoisted out of the events.

    earliest, latest: the first and the last time that is taken, in seconds since 1970.
    lasts: seconds until an event becomes too old; None if the clock is not looked at again.
    leaves_out: an event that is too old is left out.
    too_old: the reason.
    old, ahead: the remarks on events that are too old or too far in the future.
    """

    earliest: float | None
    latest: float | None
    lasts: float | None
    leaves_out: bool
    too_old: str
    old: Remark
    ahead: Remark


def _bounds_of(name: str, facts: Replay, options: ReplayOptions) -> _Bounds:
    bound = bound_of(facts.oldest)
    now = options.now.timestamp() if options.now else None
    earliest = bound.timestamp() if isinstance(bound, datetime) else None
    if isinstance(bound, float) and now is not None:
        earliest = now - bound
    ahead = age_of(facts.future) if facts.future not in ("", ANY) else None
    leaves_out = facts.older in _LEAVES_OUT and options.older != "send"
    said = bound_in_words(facts) if facts.oldest else ""
    sent = "; it is sent because of --older send" if facts.older in _LEAVES_OUT else ""
    far = f"is more than {in_words(ahead)} in the future" if ahead else ""
    return _Bounds(
        earliest=earliest,
        latest=None if ahead is None or now is None else now + ahead,
        lasts=bound if isinstance(bound, float) and leaves_out and not options.is_fixed else None,
        leaves_out=leaves_out,
        too_old=f"{TOO_OLD_FOR} {name}, {effect_of(facts, 'which')}: {said}",
        old=Remark("timestamp", f"is {said}: {effect_of(facts, name)}{sent}", TOO_OLD),
        ahead=Remark("timestamp", f"{far}: {later_effect_of(facts, name)}", TOO_FAR_AHEAD),
    )


def _judge_of(
    destination: Destination[Any], facts: Replay, options: ReplayOptions
) -> AgeJudge | None:
    """Return the function for the payloads of one action; None if no age means anything."""
    calls = {call for call in TYPES if facts.may_affect(call)} if options.tells_all else TYPES
    if not calls or not (facts.has_age_rules or options.tells_all):
        return None
    bounds = _bounds_of(destination.name, facts, options)
    time_of = _time_reader(facts, destination.carries)
    marked = _marker(() if options.live else facts.set, options)
    by_user, by_age = "user" in facts.split, "age" in facts.split
    refuses_request = facts.older == "request"

    def judge(event: Event, payload: Payload) -> Judged:
        if event.type not in calls:
            return Judged("", payload.body)
        time = time_of(event, payload.body)
        is_old = time is not None and bounds.earliest is not None and time < bounds.earliest
        if is_old and bounds.leaves_out:
            return Judged(bounds.too_old, payload.body)
        marking = marked(time, payload.body)
        remarks = (bounds.old,) if is_old else _ahead(time, bounds)
        # An event for which a whole request is refused shares one only with others like it.
        side = marking.side if by_age or marking.fields else ""
        sides = (side, "old" if is_old and refuses_request else "", event.user if by_user else "")
        replayed = Replayed(
            event.type,
            time,
            "\0".join(sides) if any(sides) else "",
            marking.fields,
            bool(marking.side),
            remarks,
            time + bounds.lasts if time is not None and bounds.lasts is not None else None,
            bounds.too_old,
        )
        notes = (*(f"{one.field} {one.problem}" for one in remarks), *marking.notes)
        return Judged("", marking.body, notes, replayed)

    return judge


def _ahead(time: float | None, bounds: _Bounds) -> tuple[Remark, ...]:
    is_ahead = time is not None and bounds.latest is not None and time > bounds.latest
    return (bounds.ahead,) if is_ahead else ()


class _Marking(NamedTuple):
    """A payload with its marks.

    side: which marks it has; "" for none.
    """

    body: dict[str, Any] | bytes
    side: str = ""
    fields: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()


def _marker(
    marks: Sequence[ReplayMark], options: ReplayOptions
) -> Callable[[float | None, dict[str, Any] | bytes], _Marking]:
    """Return the function that sets the marks of a payload, by the time of its event.

    An event without a time has none: nothing says that it is old.
    """
    if not marks or options.now is None:
        return lambda _, body: _Marking(body)
    now = options.now.timestamp()

    def marked(time: float | None, body: dict[str, Any] | bytes) -> _Marking:
        due = [one for one in marks if time is not None and now - time > one.after]
        if not due:
            return _Marking(body)
        for one in due:
            if one.at == "item":
                document = exact_json.loads(body) if isinstance(body, bytes) else body
                body = copied_with(document, one.path.split("."), one.value)
        fields = {one.path: one.value for one in due if one.at == "request"}
        notes = tuple(f"marked as old: {mark_text(one)}" for one in due)
        return _Marking(body, "\0".join(one.path for one in due), fields, notes)

    return marked


def mark_text(mark: ReplayMark) -> str:
    """Return a mark in words: `attributes.backfill = true`."""
    return f"{mark.path} = {exact_json.dumps(mark.value).decode()}"


def _time_reader(
    facts: Replay, carries: Callable[[datetime], bool]
) -> Callable[[Event, dict[str, Any] | bytes], float | None]:
    """Return the function that reads the time of a payload.

    It is the time in the payload, which is what the vendor sees; if there is none, that of the
    event.
    """
    path, unit = facts.time.split(".") if facts.time else [], facts.time_unit

    def time_of(event: Event, body: dict[str, Any] | bytes) -> float | None:
        found = value_at(body, path) if path and isinstance(body, dict) else None
        seconds = _seconds(found, unit)
        if seconds is not None:
            return seconds
        moment = next((one for _, one in event.times() if carries(one)), None)
        return None if moment is None else _timestamp(moment)

    return time_of


def _timestamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _seconds(value: object, unit: TimeUnit) -> float | None:
    """Return a time in a payload as seconds since 1970; None if it is none."""
    if isinstance(value, str):
        try:
            return _timestamp(parse_time(value))
        except ValueError:
            return None
    if not is_number(value):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number / (_PER_SECOND[unit] if unit else _divisor(abs(number)))


def _divisor(number: float) -> int:
    """Return what a number counts, by its size: seconds below 10^11, as `@epoch` has it."""
    if number < 1e11:
        return 1
    return 1000 if number < 1e14 else 10**6

"""Facts about the replay of old events: what a vendor takes, and what an old event does there.

They are facts, not settings: the commands warn by them, leave out what the vendor would lose, and
keep apart what must not share a request. Only marks go into payloads. A fact that is not given is
not known, and is said to be so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from segcli.core.event_time import parse_time
from segcli.core.quantities import duration

DAY = 86_400.0
# How old an event must be to carry a mark, where the vendor states no age.
MARKED_AFTER = DAY
ANY = "any"

# What a run does with an event that is too old for the vendor.
OlderPolicy = Literal["skip", "reject", "send"]
POLICIES: tuple[OlderPolicy, ...] = ("skip", "reject", "send")

Older = Literal["", "refused", "request", "lost", "now", "silent"]
Later = Literal["", "refused", "now", "hidden"]
TimeUnit = Literal["", "seconds", "milliseconds", "microseconds"]
Messages = Literal["", "no", "yes", "recent", "setting"]
Profiles = Literal["", "last", "newest", "none"]
IdForm = Literal["", "any", "uuid", "ulid", "tail36"]
Repeat = Literal["", "dropped", "first", "updated", "rejected"]
Harm = Literal["", "messages", "profiles", "spikes"]
Order = Literal["", "user", "time", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dedup:
    """What a vendor recognizes as the same event.

    id: the path in the payload that has the id.
    others: the paths of what else must be equal.
    form: what the id must be: any text, a UUID, a ULID, or at most 36 letters, digits and `-`.
    window: how long it is remembered, such as `7d`; `unstated` if the vendor does not say.
    repeat: what happens to a repeated event.
    sure: False if it happens later, or is not promised; None if that is not known.
    """

    id: str = ""
    others: tuple[str, ...] = ()
    form: IdForm = ""
    window: str = ""
    repeat: Repeat = ""
    sure: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayMark:
    """A field that tells the vendor that an event is old, so that it does no harm.

    path: the path of the field; with `at` `request` the key in the body.
    value: its value.
    at: whether the field is in the event, or in the request that holds it.
    after: an event that is older than this, in seconds, has it.
    against: what it prevents.
    """

    path: str
    value: Any = True
    at: Literal["item", "request"] = "item"
    after: float = MARKED_AFTER
    against: Harm = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLimits:
    """What a vendor takes of one user or device; None means that no limit is known.

    ids: the paths in the payload that identify the user.
    rate: events a second.
    day: events a day.
    pause: seconds to wait after a 429.
    """

    ids: tuple[str, ...] = ()
    rate: float | None = None
    day: int | None = None
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact comes from.

    fact: the key of the fact; empty for all of them.
    mark: how well it is known: `doc`, `code`, `third party` or `guess`.
    page: the page or the code.
    """

    fact: str
    mark: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The facts of a vendor, or of one action.

    `segcli guide destination-files` describes each, in the section replay.

    checked: the day when they were last looked at, as ISO-8601.
    time: the path of the event's time in the payload; False if no time is sent.
    time_unit: what a number there counts; without it the size decides, as for `@epoch`.
    oldest: the oldest time that is taken: an age such as `72h`, a date, or `any`.
    older: what becomes of an older event: it is refused; its whole request is; it is taken and
        lost; it gets the current time; it is stored and starts nothing.
    future: how far in the future a time may be, such as `1h`, or `any`.
    later: what becomes of an event that is further in the future.
    split: what must not share a request: events of different `age`, or of different `user`s.
    dedup: what is recognized as the same event; False if nothing is, so a repeat counts twice.
    messages: whether an old event starts messages to people: `recent` if it is not older than
        `messages_within`; `setting` if a switch at the vendor decides, as `messages_how` says.
    profiles: whose value a profile keeps: the `last` one written, that of the `newest` event, of
        which `profiles_time` has the time; `none` if there are no profiles.
    set: the marks of a backfill.
    user: what the vendor takes of one user.
    order: whether the events of a `user` must arrive in order, the `time` decides, or nothing
        (`none`) is promised.
    undo: whether what was sent can be taken back.
    source: where the facts come from.
    """

    checked: str = ""
    time: str | Literal[False] = ""
    time_unit: TimeUnit = ""
    oldest: str = ""
    older: Older = ""
    future: str = ""
    later: Later = ""
    split: frozenset[str] = frozenset()
    dedup: Dedup | Literal[False] | None = None
    messages: Messages = ""
    messages_within: str = ""
    messages_how: str = ""
    profiles: Profiles = ""
    profiles_time: str = ""
    set: tuple[ReplayMark, ...] = ()
    user: UserLimits | None = None
    order: Order = ""
    undo: bool | None = None
    source: tuple[Evidence, ...] = ()

    @property
    def has_age_rules(self) -> bool:
        """Whether what becomes of an event depends on its age or its user."""
        is_bounded = self.oldest not in ("", ANY) or self.future not in ("", ANY)
        return is_bounded or bool(self.split or self.set) or self.messages == "recent"

    def may_affect(self, call: str) -> bool:
        """Whether replaying an event of this type has effects: age rules, messages, old values."""
        may_start_messages = self.messages not in ("", "no")
        may_overwrite = call == "identify" and self.profiles == "last"
        return self.has_age_rules or may_start_messages or may_overwrite

    def guards_against(self, harm: Harm) -> bool:
        """Return whether a mark prevents this harm."""
        return any(mark.against == harm for mark in self.set)

    def request_marks(self) -> Iterator[ReplayMark]:
        """Yield the marks that are fields of the request."""
        yield from (mark for mark in self.set if mark.at == "request")


def bound_of(text: str) -> float | datetime | None:
    """Return the meaning of `Replay.oldest`: seconds of age, a time, or None for no bound.

    Raises ValueError, KeyError or OverflowError for a text that is neither.
    """
    if text in ("", ANY):
        return None
    try:
        return parse_time(text)
    except ValueError:
        return age_of(text)


def age_of(text: str) -> float:
    """Return an age with its unit, such as `72h`, in seconds; raises as `bound_of`.

    A number alone is refused: some would mean days by it.
    """
    if text.strip().isdigit():
        raise ValueError("the unit is missing")
    seconds = duration(text)
    # Beyond that no time is left in the calendar.
    if not 0 < seconds <= 3_000_000 * DAY:
        raise ValueError("out of range")
    return seconds

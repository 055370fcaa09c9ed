"""The facts about replays as rows for people: what is asked, and what is known of it."""

from collections.abc import Iterator, Mapping

from segcli.core.destination import Destination
from segcli.core.replay import ANY, Dedup, Evidence, Replay, ReplayMark, age_of
from segcli.core.replay_age import (
    bound_in_words,
    effect_of,
    in_words,
    later_effect_of,
    mark_text,
)

UNKNOWN = "not known"


def one_line(facts: Replay | None) -> str:
    """Return what matters most of the facts, in one line; "" if nothing is known of the vendor."""
    if facts is None:
        return ""
    known = (
        f"old events: {_oldest(facts)}" if facts.oldest else "",
        f"duplicates: {_dedup(facts)}" if facts.dedup is not None else "",
        f"messages: {_messages(facts)}" if facts.messages else "",
        f"profiles: {_profiles(facts)}" if facts.profiles else "",
    )
    return "; ".join(filter(None, known)) or "nothing is known of old events"


def fact_rows(facts: Replay) -> Iterator[tuple[str, str, str]]:
    """Yield the rows: what is asked, what is known, and where that comes from."""
    rows = {
        "time": ("time of an event", _time(facts)),
        "oldest": ("old events", _oldest(facts)),
        "future": ("events in the future", _future(facts)),
        "split": ("never in one request", _split(facts)),
        "dedup": ("duplicates", _dedup(facts)),
        "messages": ("messages to people", _messages(facts)),
        "profiles": ("profiles", _profiles(facts)),
        "set": ("marks of old events", "; ".join(map(_mark, facts.set)) or "none"),
        "user": ("limits of a user", _user(facts)),
        "order": ("order", _ORDERS[facts.order]),
        "undo": ("can be taken back", _UNDO[facts.undo]),
    }
    for fact, (asked, known) in rows.items():
        yield asked, known, "; ".join(_sources(facts, fact))


def named_facts(destination: Destination[object]) -> Iterator[tuple[str, Replay]]:
    """Yield the facts with the action that they are about; "" for the whole destination."""
    if destination.replay:
        yield "", destination.replay
    yield from destination.action_replay.items()


def _sources(facts: Replay, fact: str) -> Iterator[str]:
    """Yield the evidence of a row: of its fact, and of those that the row says along with it."""
    said = (fact, *_ALONG.get(fact, ()))
    own = [_source(one, fact) for one in facts.source if one.fact in said]
    yield from own or (_source(one, fact) for one in facts.source if not one.fact)


def _source(one: Evidence, fact: str) -> str:
    about = f"{one.fact}: " if one.fact not in ("", fact) else ""
    return f"{about}{one.page} [{one.mark}]"


# What a row says besides its own fact.
_ALONG: Mapping[str, tuple[str, ...]] = {
    "time": ("time_unit",),
    "oldest": ("older",),
    "future": ("later",),
    "messages": ("messages_within", "messages_how"),
    "profiles": ("profiles_time",),
}


def _time(facts: Replay) -> str:
    if facts.time is False:
        return "none is sent"
    unit = f", in {facts.time_unit}" if facts.time_unit else ""
    return f"{facts.time}{unit}" if facts.time else UNKNOWN


def _oldest(facts: Replay) -> str:
    if not facts.oldest:
        return UNKNOWN
    if facts.oldest == ANY:
        return "all are taken"
    return f"{bound_in_words(facts)}: {effect_of(facts, 'the vendor')}"


def _future(facts: Replay) -> str:
    if not facts.future:
        return UNKNOWN
    if facts.future == ANY:
        return "all are taken"
    return f"by more than {in_words(age_of(facts.future))}: {later_effect_of(facts, 'the vendor')}"


def _split(facts: Replay) -> str:
    said = {"age": "marked and unmarked events", "user": "events of two users"}
    parts = [said[one] for one in sorted(facts.split)]
    if facts.older == "request":
        parts.append("events that are too old with others")
    return "; ".join(parts) or "nothing"


def _dedup(facts: Replay) -> str:
    found = facts.dedup
    if found is None:
        return UNKNOWN
    if found is False:
        return "none is recognized: a repeat counts twice"
    equal = ", ".join(filter(None, (found.id, *found.others))) or "its id"
    form = {"uuid": " (a UUID)", "ulid": " (a ULID)", "tail36": " (at most 36 characters)"}
    return f"by {equal}{form.get(found.form, '')}{_window(found)}{_REPEATS[found.repeat]}"


def _window(found: Dedup) -> str:
    unsure = ", but not promised" if found.sure is False else ""
    if not found.window:
        return f", for how long is not known{unsure}"
    if found.window == "unstated":
        return f", without a stated end{unsure}"
    return f", for {in_words(age_of(found.window))}{unsure}"


_REPEATS = {
    "dropped": "; a repeat is dropped",
    "first": "; the first one stays",
    "updated": "; a repeat updates the first one",
    "rejected": "; a repeat is refused",
    "": "",
}


def _messages(facts: Replay) -> str:
    match facts.messages:
        case "no":
            return "old events start none"
        case "yes":
            return "old events start them"
        case "recent":
            return f"events start them up to an age of {in_words(age_of(facts.messages_within))}"
        case "setting":
            return f"a setting at the vendor decides{_how(facts)}"
        case "":
            return UNKNOWN


def _how(facts: Replay) -> str:
    return f": {facts.messages_how}" if facts.messages_how else ""


def _profiles(facts: Replay) -> str:
    by = f" by {facts.profiles_time}" if facts.profiles_time else ""
    return {
        "last": "the value written last stays, so old ones replace newer ones",
        "newest": f"the newest value stays{by}",
        "none": "there are none",
        "": UNKNOWN,
    }[facts.profiles]


def _mark(mark: ReplayMark) -> str:
    where = " in the request" if mark.at == "request" else ""
    against = f", against {mark.against}" if mark.against else ""
    return f"{mark_text(mark)}{where}, after {in_words(mark.after)}{against}"


def _user(facts: Replay) -> str:
    user = facts.user
    if user is None:
        return UNKNOWN
    parts = [
        f"{user.rate:g} events a second" if user.rate is not None else "",
        f"{user.day:,} events a day" if user.day is not None else "",
        f"a pause of {in_words(user.pause)} after a 429" if user.pause is not None else "",
    ]
    return ", ".join(filter(None, parts)) or UNKNOWN


_ORDERS = {
    "user": "the events of a user must arrive in order",
    "time": "the time of an event decides",
    "none": "none is promised",
    "": UNKNOWN,
}
_UNDO = {True: "yes", False: "no", None: UNKNOWN}

"""Findings about the age of events: too old, in the future, starting messages, old profiles."""

from collections.abc import Iterable, Iterator, Sequence

from segcli.core.decision import Decision, Mapped, Skipped, payloads_of
from segcli.core.event import TYPES
from segcli.core.outcome import Job
from segcli.core.reason import is_too_old
from segcli.core.replay import Replay
from segcli.replay.effects import Effects
from segcli.review import codes
from segcli.review.notes import GroupNote, Key, key_of, note_keys
from segcli.review.partial_review import PartialReview


class ReplayNotes:
    """Notes the findings on old events, by the facts about replays of the destination.

    There is one finding for all events with the same effect: usually they are all of a file.
    """

    def __init__(self, job: Job) -> None:
        self._name = job.destination.name
        self._effects = Effects(job)

    def note(self, outcomes: Sequence[Decision], first: int, seen: PartialReview) -> None:
        """Note what is found on lines, of which the first has this index."""
        for place, outcome in enumerate(outcomes, first):
            # Hot path of check (bench_check.py): the replay of most events does nothing.
            if type(outcome) is not Mapped or outcome.replayed is not None:
                self._note(outcome, place, seen)

    def _note(self, outcome: Decision, place: int, seen: PartialReview) -> None:
        keys: Iterable[Key] = ()
        payloads = payloads_of(outcome)
        if payloads:
            keys = dict.fromkeys(key for one in payloads for key in self._keys_of(one))
            seen.marked += any(one.replayed and one.replayed.is_marked for one in payloads)
        elif isinstance(outcome, Skipped) and is_too_old(outcome.reason):
            keys = [key_of(codes.TOO_OLD, "timestamp", f"{outcome.reason}; it is left out")]
        for key in keys:
            note = seen.effects.setdefault(key, GroupNote())
            if not note.count:
                note.places.append(place)
            note.count += 1

    def _keys_of(self, mapped: Mapped) -> Iterator[Key]:
        """Yield the keys of the findings on a mapped event."""
        if mapped.replayed is None:
            return
        yield from note_keys(mapped.replayed.remarks)
        if self._effects.starts_messages(mapped):
            facts = self._effects.facts_of(mapped.action)
            yield key_of(codes.STARTS_MESSAGES, "", _messages(self._name, facts))
        if self._effects.overwrites_profile(mapped):
            problem = f"an old identify overwrites newer values, as {self._name} keeps the last one"
            yield key_of(codes.OVERWRITES_PROFILE, "", problem)


def may_affect_any(job: Job) -> bool:
    """Return whether the replay of any event may do anything, as far as that is known."""
    facts_of_all = job.destination.all_replay_facts()
    return any(facts.may_affect(call) for facts in facts_of_all for call in TYPES)


def note_nothing(outcomes: Sequence[Decision], first: int, seen: PartialReview) -> None:
    """Note nothing: no replay does anything at the destination, as far as that is known."""


def describe_repeat(name: str, facts: Replay | None) -> str:
    """Return what the vendor does with a repeated id; "" if that is not known."""
    dedup = facts.dedup if facts else None
    if dedup is False:
        return f", and {name} counts both"
    if not dedup or not dedup.id:
        return ""
    return {
        "dropped": "",
        "first": f", so {name} keeps the first event only",
        "updated": f", so {name} changes the first event",
        "rejected": f", so {name} refuses it",
        "": "",
    }[dedup.repeat]


def _messages(name: str, facts: Replay) -> str:
    if facts.messages == "recent":
        return f"{name} starts messages to people for events of the last {facts.messages_within}"
    if facts.messages == "setting":
        how = f": {facts.messages_how}" if facts.messages_how else ""
        return f"{name} may start messages to people for it{how}"
    return f"{name} starts messages to people for it"

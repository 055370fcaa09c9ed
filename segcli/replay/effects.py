"""What a replay does at the vendor: which events start messages, or overwrite newer profiles."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from segcli.core.decision import Decision, Mapped, Skipped, payloads_of, rejections_of
from segcli.core.outcome import Job
from segcli.core.reason import is_too_old
from segcli.core.replay import MARKED_AFTER, Replay, age_of
from segcli.core.replay_age import TOO_OLD, TOO_OLD_REJECTED

# More users are not counted, so that the memory is bounded.
_USERS = 100_000


class Effects:
    """Judges mapped events that have a `replayed`, by the facts of their actions."""

    def __init__(self, job: Job) -> None:
        destination = job.destination
        now = job.replay.now
        self._now = now.timestamp() if now else None
        self._live = job.replay.live
        self._facts = {"": destination.replay, **destination.action_replay}
        self._within = {
            action: age_of(facts.messages_within)
            for action, facts in self._facts.items()
            if facts and facts.messages_within
        }

    def facts_of(self, action: str) -> Replay:
        """Return the facts of an action."""
        return self._facts.get(action) or self._facts[""] or Replay()

    def starts_messages(self, mapped: Mapped) -> bool:
        """Return whether an event may start messages, with no mark against it."""
        facts = self.facts_of(mapped.action)
        if facts.messages in ("", "no") or self._is_guarded(facts, "messages"):
            return False
        if facts.messages != "recent":
            return True
        age = self._age(mapped)
        within = self._within.get(mapped.action, self._within.get("", 0.0))
        return age is None or age <= within

    def overwrites_profile(self, mapped: Mapped) -> bool:
        """Return whether an old identify may overwrite newer values, with no mark against it."""
        if mapped.replayed is None or mapped.replayed.type != "identify":
            return False
        facts = self.facts_of(mapped.action)
        if facts.profiles != "last" or self._is_guarded(facts, "profiles"):
            return False
        age = self._age(mapped)
        return age is not None and age > MARKED_AFTER

    def _is_guarded(self, facts: Replay, harm: str) -> bool:
        return not self._live and any(mark.against == harm for mark in facts.set)

    def _age(self, mapped: Mapped) -> float | None:
        replayed = mapped.replayed
        if replayed is None or replayed.time is None or self._now is None:
            return None
        return self._now - replayed.time


@dataclass(slots=True)
class EffectCounts:
    """Events, by what their replay does.

    mapped: events that are sent.
    too_old: events that are left out because of their age.
    sent_too_old: events that are too old, and are sent all the same.
    marked: events with a mark.
    messages: events that may start messages.
    profiles: identify calls that may overwrite newer values.
    users: mapped events by user, of the first users.
    """

    mapped: int = 0
    too_old: int = 0
    sent_too_old: int = 0
    marked: int = 0
    messages: int = 0
    profiles: int = 0
    users: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Decision, effects: Effects) -> None:
        """Count the outcome of a line."""
        payloads = payloads_of(outcome)
        if payloads:
            self._add_mapped(payloads, effects)
        elif isinstance(outcome, Skipped):
            self.too_old += is_too_old(outcome.reason)
        else:
            self.too_old += any(one.code == TOO_OLD_REJECTED for one in rejections_of(outcome))

    def _add_mapped(self, payloads: Sequence[Mapped], effects: Effects) -> None:
        replayed = [one.replayed for one in payloads if one.replayed]
        self.mapped += 1
        self.marked += any(one.is_marked for one in replayed)
        self.sent_too_old += any(
            remark.code == TOO_OLD for one in replayed for remark in one.remarks
        )
        self.messages += any(map(effects.starts_messages, payloads))
        self.profiles += any(map(effects.overwrites_profile, payloads))
        user = payloads[0].user
        if user in self.users or len(self.users) < _USERS:
            self.users[user] += len(payloads)

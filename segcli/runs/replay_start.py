"""The start of a replay: what the events would do at the vendor, counted before any is sent."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from segcli.core.outcome import Job, make_mapper
from segcli.core.replay import Replay
from segcli.errors import Stopped, UsageError
from segcli.inputs import Input
from segcli.lines.chunks import chunks
from segcli.replay.effects import EffectCounts, Effects
from segcli.replay.sentences import counted_sentences, static_sentences

# How many bytes of events are counted before a run: mapping them takes a second or two.
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first events of a run would do at the vendor.

    counts: the events, by what their replay does.
    is_whole: these are all events of the run.
    """

    counts: EffectCounts = field(default_factory=EffectCounts)
    is_whole: bool = False


def survey(job: Job, inputs: Sequence[Input], max_line: int) -> Survey:
    """Map the first events of local files, and count what their replay does.

    Nothing is read if no fact depends on the age of events or on their user, or if an input can be
    read once only or is far away.
    """
    facts = job.destination.all_replay_facts()
    is_needed = any(one.has_age_rules or one.user for one in facts)
    if not is_needed or not all(map(_is_near, inputs)):
        return Survey()
    counts, effects = EffectCounts(), Effects(job)
    counting = replace(job, replay=replace(job.replay, tells_all=True))
    decide, size = make_mapper(counting), 0
    try:
        with closing(chunks(inputs, max_line)) as read:
            for chunk in read:
                for outcome in decide(chunk.lines):
                    counts.add(outcome, effects)
                size += chunk.size
                if size > _MOST_BYTES:
                    return Survey(counts)
    except Stopped:
        # The run will stop there too, and say why.
        return Survey(counts)
    return Survey(counts, is_whole=True)


def sentences_of(job: Job, found: Survey, *, rehearsal: bool = False) -> Iterator[str]:
    """Yield what to say before the run; a rehearsal says only what is about its events."""
    yield from counted_sentences(job, found.counts, is_whole=found.is_whole)
    if not rehearsal:
        yield from static_sentences(job, found.counts if found.is_whole else None)


def message_risk(job: Job, found: Survey) -> str:
    """Return why a person has to agree before the run: it may send messages; "" if it does not.

    A fact that is not known is printed, but is no reason. There is none either if all events were
    counted and none starts a message, such as where only other actions start them.
    """
    name = job.destination.name
    if found.is_whole and not found.counts.messages:
        return ""
    for facts in job.destination.all_replay_facts():
        is_guarded = facts.guards_against("messages") and not job.replay.live
        if not is_guarded and (said := _risk_of(facts)):
            return f"{name} {said}"
    return ""


def _risk_of(facts: Replay) -> str:
    match facts.messages:
        case "yes":
            return "starts messages to people for old events too"
        case "setting":
            hint = f": {facts.messages_how}" if facts.messages_how else ""
            return f"may start messages to people for old events; a setting decides{hint}"
        case "recent":
            return f"starts messages to people for events of the last {facts.messages_within}"
        case "" | "no":
            return ""


def _is_near(entry: Input) -> bool:
    """Return whether an input can be read twice without a download."""
    return entry.can_be_read_again and entry.remote is None and entry.given is None


def check_messages(risk: str, *, confirmed: bool, hint: str) -> None:
    """Raise UsageError if a run may send messages to people and the user has not agreed."""
    if risk and not confirmed:
        raise UsageError(f"{risk}; nothing was sent", hint)

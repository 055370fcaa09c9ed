"""What a run says of the replay before anything is sent, with counts and what to type."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice

from segcli.core.outcome import Job
from segcli.core.plural import count_of
from segcli.core.replay import ANY, Replay, age_of
from segcli.core.replay_age import bound_in_words, in_words, mark_text
from segcli.replay.effects import EffectCounts

# A user whose events take longer than this is worth a sentence, in seconds.
_LONG = 60.0
_LEFT_OUT = {
    "skip": "They are left out; --older send sends them.",
    "reject": "They are rejected; --older send sends them.",
    "send": "They are sent all the same, because of --older send.",
}
_EFFECTS = {
    "refused": "{} refuses them",
    "request": "{} refuses every request that holds one of them",
    "lost": "{} takes them and loses them",
    "now": "{} gives them the current time, so their own is lost",
    "silent": "{} stores them, and they start nothing",
    "": "it is not known what {} does with them",
}


def static_sentences(job: Job, counts: EffectCounts | None = None) -> Iterator[str]:
    """Yield what holds for every replay to the vendor.

    counts: all events of the run, if they were counted: what concerns none of them is not said.
    """
    name = job.destination.name
    if any(map(partial(_overwrites_profiles, job), job.destination.all_replay_facts())):
        yield from _profiles(name, counts)
    for facts in job.destination.all_replay_facts()[:1]:
        if facts.dedup is False:
            yield (
                f"{name} recognizes no repeated event: what was delivered before counts twice, "
                "and what a stopped run had in flight may do so."
            )
        if not facts.messages:
            yield f"It is not known whether old events start messages at {name}."
        yield from _window(facts, job)


def counted_sentences(job: Job, counts: EffectCounts, *, is_whole: bool) -> Iterator[str]:
    """Yield what holds for these events.

    is_whole: all events were counted; otherwise only the first ones.
    """
    first = "" if is_whole else f"Of the first {counts.mapped + counts.too_old:,} events: "
    name, facts_of_all = job.destination.name, job.destination.all_replay_facts()
    bounded = (facts for facts in facts_of_all if facts.oldest not in ("", ANY))
    for facts in islice(bounded, 1):
        yield from (f"{first}{one}" for one in _too_old(name, facts, counts, job))
    marks = {mark_text(mark): mark for facts in facts_of_all for mark in facts.set}
    if counts.marked and not job.replay.live:
        is_all = counts.marked == counts.mapped
        number = f"{'all' if is_all else f'{counts.marked:,} of'} {counts.mapped:,} events"
        yield f"{first}{' and '.join(marks)} is set on {number}; --live leaves it out."
    if counts.messages:
        hows = {facts.messages_how for facts in facts_of_all if facts.messages_how}
        how = f" {'; '.join(sorted(hows))}." if hows else ""
        yield f"{first}{counts.messages:,} may start messages to people at {name}.{how}"
    yield from _users(facts_of_all, counts)


def _too_old(name: str, facts: Replay, counts: EffectCounts, job: Job) -> Iterator[str]:
    number = counts.too_old or counts.sent_too_old
    if not number:
        return
    events = count_of(counts.mapped + counts.too_old, "event")
    effect = _EFFECTS[facts.older].format(name)
    said = f"{number:,} of {events} are {bound_in_words(facts)}: {effect}."
    is_left_out = facts.older not in ("silent", "")
    yield f"{said} {_LEFT_OUT[job.replay.older]}" if is_left_out else said


def _profiles(name: str, counts: EffectCounts | None) -> Iterator[str]:
    kept = f"{name} keeps the value of a profile that is written last"
    if counts is None:
        yield (
            f"{kept}, so an old identify overwrites newer values. Leave them out with --type track."
        )
    elif counts.profiles:
        calls, are = (
            count_of(counts.profiles, "identify call"),
            "is" if counts.profiles == 1 else "are",
        )
        yield (
            f"{calls} {are} more than a day old: {kept}, so they overwrite newer values. "
            "Leave them out with --type track."
        )


def _overwrites_profiles(job: Job, facts: Replay) -> bool:
    return facts.profiles == "last" and not _guards(facts, job, "profiles")


def _guards(facts: Replay, job: Job, harm: str) -> bool:
    return not job.replay.live and any(mark.against == harm for mark in facts.set)


def _window(facts: Replay, job: Job) -> Iterator[str]:
    """Yield until when repeats are recognized; the destination's own advice may say it already."""
    dedup, now = facts.dedup, job.replay.now
    if not dedup or dedup.window in ("", "unstated") or now is None:
        return
    if job.destination.advice(job.settings):
        return
    seconds = age_of(dedup.window)
    until = now + timedelta(seconds=seconds)
    yield (
        f"{job.destination.name} recognizes repeated events for {in_words(seconds)} only: if the "
        f"run stops, resume it before {until:%Y-%m-%d %H:%M} UTC."
    )


def _users(facts_of_all: Sequence[Replay], counts: EffectCounts) -> Iterator[str]:
    rates = [facts.user.rate for facts in facts_of_all if facts.user and facts.user.rate]
    if not rates or not counts.users:
        return
    [(user, events)] = counts.users.most_common(1)
    seconds = events / min(rates)
    if seconds > _LONG:
        yield (
            f"{user} has {events:,} events: at {min(rates):g} a second that user alone takes "
            f"{seconds / 60:,.0f} minutes; others go ahead."
        )

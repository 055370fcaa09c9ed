"""The first look at the records of a rejects file: the destination must have their actions."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from segcli.core.destination import Destination
from segcli.core.reject_record import actions_of, record_in
from segcli.inputs.first_event import judge_events
from segcli.inputs.input import Input
from segcli.inputs.judgement import MOST_LINES, Form, Head, HeadJudge, Judgement

_MARK = b'"actions"'
_HINT = (
    "Give the action its old name again, or change `actions` in the records; without that key an "
    "event goes to all actions."
)


def judge_for(destination: Destination[object]) -> HeadJudge:
    """Return the judge of inputs that should have events, or records for this destination."""
    known = {action.name for action in destination.actions}

    def judge(head: Head, entry: Input) -> Judgement:
        judgement = judge_events(head, entry)
        if judgement.form or _MARK not in head.data:
            return judgement
        for line, name in _unknown(head, known):
            what = f"is for the action {name}, which {destination.name} does not have"
            return Judgement(form=Form(what=what, hint=_HINT, line=line))
        return judgement

    return judge


def _unknown(head: Head, known: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield the names among the first whole lines that are no actions, with their lines."""
    lines = head.data.split(b"\n")
    whole = lines if head.is_whole else lines[:-1]
    for number, line in enumerate(islice(whole, MOST_LINES), 1):
        names = _names(line) if _MARK in line else ()
        yield from ((number, name) for name in names if name not in known)


def _names(line: bytes) -> Sequence[str]:
    try:
        return actions_of(record_in(line) or {}) or ()
    except ValueError:
        return ()

"""What `send` says of old events before it begins, and what it asks."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from segcli.cli.output import ask, say
from segcli.core.outcome import Job
from segcli.inputs import Input
from segcli.runs.replay_start import check_messages, message_risk, sentences_of, survey


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPrompt:
    """What to print about old events, and whether to ask.

    is_agreed: messages to people may be started
    quiet: print nothing but the question
    rehearsal: everything goes to a sandbox, so nothing is asked
    max_line: the most bytes of a line
    """

    is_agreed: bool
    quiet: bool
    rehearsal: bool
    max_line: int


def ask_about_replay(job: Job, inputs: Sequence[Input], prompt: ReplayPrompt) -> Sequence[str]:
    """Ask whether to send events that start messages to people; return the lines still to be said.

    They say what the events would do at the vendor. If something is asked they are said before.
    Raises UsageError without an agreement.
    """
    may_send = prompt.rehearsal or prompt.is_agreed
    if may_send and prompt.quiet:
        return ()
    found = survey(job, inputs, prompt.max_line)
    sentences = () if prompt.quiet else sentences_of(job, found, rehearsal=prompt.rehearsal)
    lines = [f"note: {one}" for one in sentences]
    risk = "" if may_send else message_risk(job, found)
    if not risk:
        return lines
    say(*lines)
    # A person can answer only if stdin does not hold the events.
    can_ask = sys.stdin.isatty() and sys.stderr.isatty()
    agreed = can_ask and ask(f"{risk}. Send all the same?")
    check_messages(risk, confirmed=agreed, hint=_HINT)
    return ()


_HINT = "To send all the same, add --yes."

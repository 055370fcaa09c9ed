"""The usual answer of a first look: the first line of an input is an event."""

from segcli.core.event import Rejected, parse
from segcli.inputs.input import Input
from segcli.inputs.judgement import Head, Judgement


def judge_events(head: Head, entry: Input) -> Judgement:
    """Judge an input that is to hold events of Segment's, or records of a rejects file."""
    if _begins_with_event(head):
        return Judgement(is_settled=True)
    # All else is rare, and takes a while to import.
    from segcli.inputs.first_lines import judge_lines  # noqa: PLC0415

    return judge_lines(head, entry)


def _begins_with_event(head: Head) -> bool:
    line, line_break, _ = head.data.partition(b"\n")
    if not (line_break or head.is_whole):
        return False
    try:
        parse(line)
    except Rejected:
        return False
    return True

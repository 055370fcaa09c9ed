"""Fast path of the first look: accept an input whose first line is an event."""

from segcli.core.event import Rejected, parse
from segcli.inputs.input import Input
from segcli.inputs.judgement import Head, Judgement


def judge_events(head: Head, entry: Input) -> Judgement:
    """Judge an input that should have Segment events, or records of a rejects file."""
    if _begins_with_event(head):
        return Judgement(is_final=True)
    # Everything else is rare, and slow to import.
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

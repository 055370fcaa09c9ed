"""The end of a rehearsal: one event before and after, and what to type to look further."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from segcli.cli import typed_command
from segcli.cli.output import screen_width
from segcli.cli.short_json import Shown, cut_to_width, short_json
from segcli.core.decision import payloads_of
from segcli.core.line import Line
from segcli.core.outcome import Job, outcome_of
from segcli.core.reject_record import original
from segcli.core.visible_text import shell_quoted
from segcli.delivery.first_delivered import FirstDelivered
from segcli.inputs.input import shown_name
from segcli.sandbox import SandboxServer
from segcli.sandbox.excerpt import AcceptedEvent

# The fields that describe the event; the others are about its transport.
_SHOWN = ("type", "event", "name", "userId", "anonymousId", "groupId", "previousId", "timestamp")
_OPENED = ("properties", "traits")
_WIDEST = 100
_MARGIN = "  "


def rehearsal_ending(
    job: Job, dest: str | None, *, sandbox: SandboxServer, first: FirstDelivered
) -> Callable[[], Iterator[str]]:
    """Return the function that yields the lines at the end of a rehearsal.

    job: what was rehearsed
    dest: the destination as it was typed
    first: the lines that were delivered first; without any, no event is shown
    """

    def lines() -> Iterator[str]:
        width = screen_width(_WIDEST)
        if example := _example(job, sandbox, first):
            yield from _before_and_after(*example, width=width)
        if sandbox.app.kept:
            yield f"What the sandbox took is in {sandbox.app.kept}"
        piped = any(line.file == "-" for line in first.lines)
        yield f"To look further{' (pipe in the same input)' if piped else ''}:"
        for what, command in _commands(job, dest):
            line = f"{_MARGIN}{what:<15}{command}"
            # A command that would be cut is easier to copy from a line of its own.
            yield from [line] if len(line) <= width else [f"{_MARGIN}{what}:", command]

    return lines


def _example(
    job: Job, sandbox: SandboxServer, first: FirstDelivered
) -> tuple[Line, Sequence[AcceptedEvent]] | None:
    """Return the first delivered line, and its event as the sandbox accepted it, without keys.

    An event that several actions take was accepted several times.
    """
    sent = replace(job, reveals_keys=True)
    for line in sorted(first.lines, key=lambda line: (line.place, line.number)):
        payloads, shown = (payloads_of(outcome_of(line.text, one)) for one in (sent, job))
        accepted = _accepted([one.body for one in payloads], sandbox.app.excerpt.events)
        if accepted and len(accepted) == len(shown):
            pairs = zip(accepted, shown, strict=True)
            return line, [replace(event, raw=one.body) for event, one in pairs]
    return None


def _accepted(
    payloads: Sequence[bytes], events: Sequence[AcceptedEvent]
) -> Sequence[AcceptedEvent]:
    """Return an event for each of these payloads; none if one is missing."""
    found: list[AcceptedEvent] = []
    for payload in payloads:
        # Two actions may make equal payloads of an event.
        alike = (event for event in events if event.raw == payload and event not in found)
        if (event := next(alike, None)) is None:
            return ()
        found.append(event)
    return found


def _before_and_after(line: Line, events: Sequence[AcceptedEvent], *, width: int) -> Iterator[str]:
    text = line.text if isinstance(line.text, bytes) else line.text.head
    # A record of a rejects file has the event in it.
    text = original(text.removeprefix(BOM_UTF8))
    where = "stdin" if line.file == "-" else shown_name(line.file)
    yield cut_to_width(f"One event, before: line {line.number:,} of {where}", width)
    shown = Shown(keys={*_SHOWN, *_OPENED, "context"}, opened=_OPENED)
    yield from _indented(short_json(text, width - len(_MARGIN), shown))
    for event in events:
        after = f"and after: {event.method} {event.route or '/'}"
        if event.raw == text:
            yield cut_to_width(f"{after}, the same bytes", width)
            continue
        yield cut_to_width(after, width)
        yield from _indented(short_json(event.raw, width - len(_MARGIN)))


def _indented(lines: list[str]) -> Iterator[str]:
    return (f"{_MARGIN}{line}" for line in lines)


def _commands(job: Job, dest: str | None) -> Iterator[tuple[str, str]]:
    """Yield what to look at, and the command that shows it."""
    yield "every payload", typed_command.with_command("transform", job)
    yield "what is lost", typed_command.with_command("check", job)
    yield "the mapping", f"segcli destinations {shell_quoted(dest or job.destination.name)}"
    yield "for real", typed_command.for_real(job)

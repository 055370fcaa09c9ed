"""The end of a rehearsal: one event before and after, and what to type to look further."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import replace

from segcli.cli import typed_command
from segcli.cli.output import screen_width
from segcli.cli.short_json import Shown, cut_to_width, short_json
from segcli.cli.visible_text import shell_quoted
from segcli.core.line import Line
from segcli.core.outcome import Job, Mapped, outcome_of
from segcli.core.reject_record import original
from segcli.delivery.first_delivered import FirstDelivered
from segcli.inputs.input import shown_name
from segcli.sandbox import SandboxServer
from segcli.sandbox.excerpt import AcceptedEvent

# What an event says; its other fields are about its way here.
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
            yield from _pair(*example, width=width)
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
) -> tuple[Line, AcceptedEvent] | None:
    """Return the first delivered line, and its event as the sandbox accepted it, without keys."""
    sent = replace(job, reveals_keys=True)
    taken = {event.raw: event for event in reversed(sandbox.app.excerpt.events)}
    for line in sorted(first.lines, key=lambda line: (line.place, line.number)):
        outcome, shown = outcome_of(line.text, sent), outcome_of(line.text, job)
        if not isinstance(outcome, Mapped) or not isinstance(shown, Mapped):
            continue
        if event := taken.get(outcome.body):
            return line, replace(event, raw=shown.body)
    return None


def _pair(line: Line, event: AcceptedEvent, *, width: int) -> Iterator[str]:
    text = line.text if isinstance(line.text, bytes) else line.text.head
    # A record of a rejects file has the event in it.
    text = original(text.removeprefix(BOM_UTF8))
    where = "stdin" if line.file == "-" else shown_name(line.file)
    yield cut_to_width(f"One event, before: line {line.number:,} of {where}", width)
    shown = Shown(keys={*_SHOWN, *_OPENED, "context"}, opened=_OPENED)
    yield from _indented(short_json(text, width - len(_MARGIN), shown))
    after = f"and after: {event.method} {event.route or '/'}"
    if event.raw == text:
        yield cut_to_width(f"{after}, the same bytes", width)
        return
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

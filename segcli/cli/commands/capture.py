"""`segcli capture`: runs Segment's HTTP API on this machine and writes the events it receives."""

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from segcli.accounting.atomic_write import is_stream, own_descriptor
from segcli.capture.app import Capture
from segcli.capture.capture_server import capturing, listening, wait_until_quiet
from segcli.capture.event_file import EventFile
from segcli.capture.user_command import BY_SIGNAL, run_command, signals_taken
from segcli.cli.completion import complete_file
from segcli.cli.configured import ConfiguredCommand
from segcli.cli.option_types import DURATION, Quantity, WholeNumber
from segcli.cli.options import grouped_options
from segcli.cli.output import say, say_error, write_data
from segcli.core import exact_json
from segcli.core.plural import count_of
from segcli.core.visible_text import shell_quoted
from segcli.errors import Exit, OutputError, SegcliError, UsageError, unwritable_at_start
from segcli.lines.chunks import MAX_LINE
from segcli.local_server.background_server import signals_held, why_not_listening
from segcli.local_server.guard import parse_host
from segcli.runs.output_checks import check_written

Listeners = Sequence[socket.socket]
WriteEvents = Callable[[bytes], object]

HOST = Quantity("host", parse_host, "app.test or app.test:3000")
URL_VARIABLE = "SEGCLI_CAPTURE_URL"

_PORT = 8766
_STDOUT = 1
_HINT = "Name another file: --output PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """The options of `segcli capture`; `words` are the COMMAND."""

    port: int | None
    output: Path | None
    host: tuple[str, ...]
    settle: float
    stable: bool
    allow_empty: bool
    words: tuple[str, ...]


class _CaptureCommand(ConfiguredCommand):
    """A command whose words after -- are a COMMAND."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; a -- without a COMMAND is an error: the capture would never end."""
        ends_with_dashes = args[-1:] == ["--"]
        rest = super().parse_args(ctx, args)
        words = ctx.params.get("words")
        if not ctx.resilient_parsing and (words == ("",) or (ends_with_dashes and not words)):
            raise UsageError(
                "there is no COMMAND after --",
                "Type one, as in: segcli capture --output events.jsonl -- npm test. If it is in a "
                "variable, that is empty. To capture until Ctrl-C, leave out --",
            )
        return rest


# The options of a COMMAND without -- are its own.
@click.command("capture", cls=_CaptureCommand, context_settings={"allow_interspersed_args": False})
@grouped_options(
    CaptureOptions,
    "options",
    click.argument(
        "words",
        nargs=-1,
        type=click.UNPROCESSED,
        metavar="[-- COMMAND...]",
        shell_complete=complete_file,
    ),
    click.option(
        "--port",
        metavar="N",
        type=WholeNumber(0, 65535),
        help=f"Listen on this port.  [default: {_PORT}; with a COMMAND a free one]",
    ),
    click.option(
        "--output",
        "-o",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the events to this file; an older capture is replaced.  [default: stdout]",
    ),
    click.option(
        "--host",
        type=HOST,
        metavar="NAME",
        multiple=True,
        help="Also accept this Host, besides localhost, 127.0.0.1 and [::1] (repeatable).",
    ),
    click.option(
        "--settle",
        type=DURATION,
        metavar="TIME",
        default=1.0,
        help="After the COMMAND, wait until no request arrived for this long.  [default: 1s]",
    ),
    click.option(
        "--stable",
        is_flag=True,
        help="Derive ids, anonymousIds, times and order from the content, so that the same test "
        "run gives the same bytes.",
    ),
    click.option(
        "--allow-empty", is_flag=True, help="Exit with 0 even if the COMMAND sent no event."
    ),
)
def command(options: CaptureOptions) -> int:
    """Write what Segment's clients send into a file of events.

    It runs Segment's HTTP API on this machine. Point a client to it, and it completes each event
    as Segment does and writes it as a line that every command reads.

    A COMMAND finds the address in SEGCLI_CAPTURE_URL. If the COMMAND fails, its exit code is that
    of segcli. If it sends no event, the exit code is 1. Without a COMMAND, Ctrl-C ends the capture.
    """
    _check(options)
    with _listening(options.port, options.words) as listeners, _output(options.output) as output:
        write = output.write if output else write_data
        run = _run if options.words else _serve
        app, code = run(options, listeners, write)
        failure = app.failure
        if output and failure is None:
            failure = _completed(output, is_stable=options.stable)
    _tell(app, None if failure else options.output)
    return _exit_code(options, app, code, failure=failure)


def _run(options: CaptureOptions, listeners: Listeners, write: WriteEvents) -> tuple[Capture, int]:
    """Capture a command until it has ended and its last requests are done."""
    with signals_taken() as signals, capturing(listeners, write, hosts=options.host) as server:
        environment = os.environ | {URL_VARIABLE: server.url}
        try:
            code = run_command(options.words, environment, signals)
        except OSError as error:
            problem = f"{options.words[0]} cannot be started: {error.strerror}"
            raise UsageError(problem) from None
        number = wait_until_quiet(server.app, options.settle, signals.waiting, _say_open)
    return server.app, code or (0 if number is None else BY_SIGNAL + number)


def _say_open(requests: int) -> None:
    say(f"The COMMAND has ended; {count_of(requests, 'request')} still open. Ctrl-C ends the wait.")


def _serve(
    options: CaptureOptions, listeners: Listeners, write: WriteEvents
) -> tuple[Capture, int]:
    """Capture until Ctrl-C or SIGTERM, or until an event cannot be written."""
    with (
        signals_held() as wait,
        capturing(listeners, write, hosts=options.host, failed=_stop_waiting) as server,
    ):
        say(f"The capture listens at {server.url}; Ctrl-C ends it.")
        wait()
    return server.app, Exit.DONE


def _stop_waiting() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _listening(port: int | None, words: Sequence[str]) -> Iterator[Listeners]:
    wanted = port if port is not None else 0 if words else _PORT
    with ExitStack() as stack:
        try:
            listeners = stack.enter_context(listening(wanted))
        except OSError as error:
            raise UsageError(
                f"the capture cannot listen on port {wanted}: {why_not_listening(error)}",
                "Name another port: --port N, or --port 0 for a free one",
            ) from None
        yield listeners


@contextmanager
def _output(path: Path | None) -> Iterator[EventFile | None]:
    """Open the output, after the port; yield None for stdout."""
    if path is None:
        yield None
        return
    try:
        file = EventFile(path)
    except OSError as error:
        raise unwritable_at_start(_not_written(path, error), _HINT, error) from None
    with closing(file):
        yield file


def _completed(output: EventFile, *, is_stable: bool) -> OSError | None:
    """Make the output complete; return the error if it could not be written."""
    try:
        output.check_is_whole()
        if is_stable:
            output.stabilize()
    except OSError as error:
        return error
    return None


def _exit_code(
    options: CaptureOptions, app: Capture, code: int, *, failure: Exception | None
) -> int:
    """Return the exit code; raise the error of the output, unless the command has failed."""
    if isinstance(failure, OSError) and options.output:
        failure = OutputError(_not_written(options.output, failure), _HINT)
    if failure and not code:
        raise failure
    if isinstance(failure, SegcliError):
        say_error(failure.message, failure.hint)
    if options.words and not (code or app.events or options.allow_empty):
        say_error(
            "no event was captured",
            f"Point the client to ${URL_VARIABLE}: see segcli guide capture. To accept this, use "
            "--allow-empty",
        )
        return Exit.INCOMPLETE
    return code


def _tell(app: Capture, path: Path | None) -> None:
    """Print on stderr what was captured, and what was not."""
    where = f" in {path}" if path else ""
    say(f"Captured: {count_of(app.events, 'event')}{where}")
    if app.large:
        say(f"{count_of(app.large, 'event')} larger than Segment accepts (32,768 bytes)")
    if app.large_requests:
        say(
            f"{count_of(app.large_requests, 'request')} larger than Segment accepts (500,000 "
            "bytes, 2,500 events): let the client send smaller batches"
        )
    for problem, count in app.problems.most_common():
        say(f"{count_of(count, 'request')} refused: {problem}")


def _check(options: CaptureOptions) -> None:
    """Raise UsageError if the options cannot be combined, before anything is written."""
    if options.words:
        _check_command(options)
    if options.stable and (options.output is None or is_stream(options.output)):
        raise UsageError("--stable writes the events again at the end, so it needs a file", _HINT)
    if options.output is None:
        return
    if not os.path.isdir(options.output.parent):
        raise UsageError(
            f"--output {options.output}: the folder {options.output.parent} does not exist", _HINT
        )
    check_written({"--output": options.output})
    _check_is_capture(options.output)


def _check_command(options: CaptureOptions) -> None:
    if options.output is None or own_descriptor(options.output) == _STDOUT:
        raise UsageError(
            "stdout belongs to the COMMAND", "Name a file for the events: --output events.jsonl"
        )
    name = options.words[0]
    if shutil.which(name) is not None:
        return
    if os.sep not in name or not os.path.exists(name):
        hint = "Check its spelling, or name its path. For words of a shell, type: -- sh -c 'WORDS'"
        raise UsageError(f"there is no command {name}", hint)
    if os.path.isdir(name):
        raise UsageError(f"{name} is a folder, not a command", "Type a COMMAND after --")
    path = shell_quoted(name)
    raise UsageError(
        f"{name} is not executable",
        f"To run it, type what reads it first, as in -- sh {path}, or: chmod +x {path}. "
        f"To write the events to it, type --output {path}",
    )


def _check_is_capture(path: Path) -> None:
    """Raise UsageError if the output would replace a file that is not a capture."""
    if is_stream(path) or not os.path.exists(path):
        return
    try:
        with path.open("rb") as file:
            start = file.readline(MAX_LINE)
    except OSError as error:
        raise unwritable_at_start(_not_written(path, error), _HINT, error) from None
    if not start:
        return
    with suppress(ValueError):
        first = exact_json.loads(start)
        # A capture never has the write key, which the events of an archive have.
        if isinstance(first, dict) and "receivedAt" in first and "writeKey" not in first:
            return
    raise UsageError(f"--output {path} exists already, and is not a capture", _HINT)


def _not_written(path: Path, error: OSError) -> str:
    return f"--output {path} cannot be written: {error.strerror}"

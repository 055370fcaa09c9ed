"""`segcli capture`: Segment's HTTP API on this machine, and a file of what came in."""

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
from segcli.capture.user_command import run_command, signals_taken
from segcli.cli.option_types import DURATION, Quantity
from segcli.cli.options import grouped_options
from segcli.cli.output import say, say_error, write_data
from segcli.cli.output_checks import check_written
from segcli.core import exact_json
from segcli.errors import Exit, OutputError, SegcliError, UsageError
from segcli.lines.chunks import MAX_LINE
from segcli.local_server.background_server import signals_held
from segcli.local_server.guard import parse_host

Listeners = Sequence[socket.socket]
Write = Callable[[bytes], object]

HOST = Quantity("host", parse_host, "app.test or app.test:3000")
URL_VARIABLE = "SEGCLI_CAPTURE_URL"

_PORT = 8766
_BY_SIGNAL = 128
_STDOUT = 1
_HINT = "Name another: --output PATH"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """What to capture, and where it goes."""

    port: int | None
    output: Path | None
    host: tuple[str, ...]
    settle: float
    stable: bool
    allow_empty: bool
    words: tuple[str, ...]


@click.command(
    "capture", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@grouped_options(
    CaptureOptions,
    "asked",
    click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]"),
    click.option(
        "--port",
        metavar="N",
        type=click.IntRange(0, 65535),
        help=f"Where to listen.  [default: {_PORT}; with a COMMAND a free one]",
    ),
    click.option(
        "--output",
        "-o",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the events to this file, in the place of what it held.  [default: stdout]",
    ),
    click.option(
        "--host",
        type=HOST,
        metavar="NAME",
        multiple=True,
        help="Answer to this Host too, besides localhost, 127.0.0.1 and [::1] (repeatable).",
    ),
    click.option(
        "--settle",
        type=DURATION,
        metavar="TIME",
        default=1.0,
        help="After the COMMAND, wait until nothing came for so long.  [default: 1s]",
    ),
    click.option(
        "--stable",
        is_flag=True,
        help="Derive ids, anonymousIds, times and the order of users from what was sent: the same "
        "test run gives the same bytes.",
    ),
    click.option(
        "--allow-empty", is_flag=True, help="End with 0 though the COMMAND has sent no event."
    ),
)
def command(asked: CaptureOptions) -> int:
    """Write what Segment's clients send into a file of events.

    It is Segment's HTTP API on this machine: point a client to it, and each event is finished as
    Segment would and written as a line that every command reads.

    A COMMAND finds the address in SEGCLI_CAPTURE_URL. Its exit code is that of segcli unless it
    is 0; then it is 1 if no event came. Without a COMMAND, Ctrl-C ends the capture.
    """
    _check(asked)
    with _listening(asked.port, asked.words) as listeners, _output(asked.output) as output:
        write = output.write if output else write_data
        run = _run if asked.words else _serve
        app, code = run(asked, listeners, write)
        failure = app.failure
        if output and asked.stable and failure is None:
            failure = _stabilized(output)
    _tell(app, asked.output)
    return _exit_code(asked, app, code, failure=failure)


def _run(asked: CaptureOptions, listeners: Listeners, write: Write) -> tuple[Capture, int]:
    """Capture a command until it has ended and nothing comes any more; return its exit code."""
    with signals_taken() as signals, capturing(listeners, write, hosts=asked.host) as server:
        environment = os.environ | {URL_VARIABLE: server.url}
        try:
            code = run_command(asked.words, environment, signals)
        except OSError as error:
            problem = f"{asked.words[0]} cannot be started: {error.strerror}"
            raise UsageError(problem) from None
        number = wait_until_quiet(server.app, asked.settle, signals.waiting)
    return server.app, code or (0 if number is None else _BY_SIGNAL + number)


def _serve(asked: CaptureOptions, listeners: Listeners, write: Write) -> tuple[Capture, int]:
    """Capture until Ctrl-C or SIGTERM, or until an event cannot be written."""
    with (
        signals_held() as wait,
        capturing(listeners, write, hosts=asked.host, failed=_stop_waiting) as server,
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
                f"the capture cannot listen on port {wanted}: {error.strerror}",
                "Name another one: --port N, or --port 0 for a free one",
            ) from None
        yield listeners


@contextmanager
def _output(path: Path | None) -> Iterator[EventFile | None]:
    """Open the output, once it is certain that the capture can begin; None for stdout."""
    if path is None:
        yield None
        return
    try:
        file = EventFile(path)
    except OSError as error:
        raise _not_written(path, error) from None
    with closing(file):
        yield file


def _stabilized(output: EventFile) -> OSError | None:
    """Make the output stable; return why it could not be written."""
    try:
        output.stabilize()
    except OSError as error:
        return error
    return None


def _exit_code(asked: CaptureOptions, app: Capture, code: int, *, failure: Exception | None) -> int:
    """Return the exit code; raises what kept events from being written if the command is well."""
    if isinstance(failure, OSError) and asked.output:
        failure = _not_written(asked.output, failure)
    if failure and not code:
        raise failure
    if isinstance(failure, SegcliError):
        say_error(failure.message, failure.hint)
    if asked.words and not (code or app.events or asked.allow_empty):
        say_error(
            "no event was captured",
            f"Let the client send to ${URL_VARIABLE}: see segcli guide capture. Where no event is "
            "fine: --allow-empty",
        )
        return Exit.INCOMPLETE
    return code


def _tell(app: Capture, path: Path | None) -> None:
    """Say on stderr what was captured, and what was not."""
    where = f" in {path}" if path else ""
    say(f"Captured: {_count(app.events, 'event')}{where}")
    if app.large:
        say(f"{_count(app.large, 'event')} larger than Segment takes (32,768 bytes)")
    for problem, count in app.problems.most_common():
        say(f"{_count(count, 'request')} refused: {problem}")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def _check(asked: CaptureOptions) -> None:
    """Raise UsageError where the options do not go together, before anything is written."""
    if asked.words:
        _check_command(asked)
    if asked.stable and (asked.output is None or is_stream(asked.output)):
        raise UsageError(
            "--stable writes the events once more at the end, so it needs a file", _HINT
        )
    if asked.output is None:
        return
    if not asked.output.parent.is_dir():
        raise UsageError(
            f"--output {asked.output}: the folder {asked.output.parent} does not exist", _HINT
        )
    check_written({"--output": asked.output})
    _check_is_capture(asked.output)


def _check_command(asked: CaptureOptions) -> None:
    if asked.output is None or own_descriptor(asked.output) == _STDOUT:
        raise UsageError(
            "stdout belongs to the COMMAND", "Name a file for the events: --output events.jsonl"
        )
    name = asked.words[0]
    if shutil.which(name) is None:
        raise UsageError(f"there is no command {name}", "Type it after --, as it is run elsewhere")


def _check_is_capture(path: Path) -> None:
    """Raise UsageError where an output would wipe out what is no capture."""
    if is_stream(path) or not path.exists():
        return
    try:
        with path.open("rb") as file:
            start = file.readline(MAX_LINE)
    except OSError as error:
        raise _not_written(path, error) from None
    if not start:
        return
    with suppress(ValueError):
        first = exact_json.loads(start)
        if isinstance(first, dict) and "receivedAt" in first:
            return
    raise UsageError(f"--output {path} is there already, and is no capture", _HINT)


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError(f"--output {path} cannot be written: {error.strerror}", _HINT)

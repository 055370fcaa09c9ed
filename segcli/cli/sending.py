"""What `send` and `engage` share: how to send, the sandbox, and the run from start to summary."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from segcli.cli import report
from segcli.cli.option_types import DURATION, RATE, SOME_TIME, Quantity
from segcli.cli.options import Outputs, grouped_options
from segcli.cli.output import say
from segcli.cli.run_result import RunResult
from segcli.core import settings, trust
from segcli.core.destination import Destination
from segcli.core.outcome import Job
from segcli.core.secret import Secret
from segcli.errors import SegcliError, Stopped, UsageError
from segcli.inputs import Input
from segcli.lines import chunks
from segcli.sandbox import Fault, SandboxServer, Script, parse_fault

if TYPE_CHECKING:
    from segcli.delivery.pipeline import SendRun

# Nothing that could stand in a path or an option: keys are hidden wherever they are printed.
_REHEARSAL_KEY = "key-of-a-rehearsal"

FAULT = Quantity("fault", parse_fault, "503:5%, reset:1% or timeout:1%")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceOptions:
    """How fast to send, and how long to try."""

    concurrency: int
    rate: float | None
    timeout: float
    retry_for: float
    http_transport: str | None
    allow_http: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Whether to send to the stand-in, and what it is to play."""

    sandbox: bool
    fault: tuple[Fault, ...]
    latency: float


PACE_OPTIONS = grouped_options(
    PaceOptions,
    "pace",
    click.option(
        "--concurrency",
        metavar="N",
        type=click.IntRange(1, 1000),
        default=10,
        show_default=True,
        help="Requests in flight at most.",
    ),
    click.option("--rate", type=RATE, metavar="RATE", help="Requests at most: 50/s or 3000/min."),
    click.option(
        "--timeout",
        type=SOME_TIME,
        metavar="TIME",
        default=30.0,
        help="How long a request and its answer may take.  [default: 30s]",
    ),
    click.option(
        "--retry-for",
        type=DURATION,
        metavar="TIME",
        default=600.0,
        help="Stop when nothing was taken for so long.  [default: 10min]",
    ),
    click.option(
        "--http-transport",
        type=click.Choice(["aiohttp", "httpx"]),
        help="What carries the requests.  [default: aiohttp, which is faster]",
    ),
    click.option(
        "--allow-http",
        is_flag=True,
        help="Let a key go to another machine over http://, where others can read it.",
    ),
)
SANDBOX_OPTIONS = grouped_options(
    SandboxOptions,
    "stage",
    click.option(
        "--sandbox", is_flag=True, help="Rehearse: send to a stand-in on this machine. No key."
    ),
    click.option(
        "--fault",
        type=FAULT,
        metavar="KIND:SHARE",
        multiple=True,
        help="Let the sandbox fail: 503:5%, 429:2%, reset:1%, timeout:1%, item:2% (repeatable).",
    ),
    click.option(
        "--latency",
        type=DURATION,
        metavar="TIME",
        default=0.0,
        help="How long the sandbox takes to answer.",
    ),
)


def check_sending(job: Job, pace: PaceOptions, standin: SandboxServer | None) -> None:
    """Raise SettingsError or UsageError unless what sending needs is there, and may be used."""
    settings.require(job.destination.name, job.settings)
    if standin is None:
        trust.check_addresses(job)
        trust.check_plain_http(job, is_allowed=pace.allow_http)


def announce(what: str, job: Job, *, standin: SandboxServer | None, quiet: bool) -> None:
    """Say what goes where; a rehearsal has said so when its sandbox began."""
    if standin is None and not quiet:
        say(f"Sending {what} to {trust.where_to(job)}")


def counted(inputs: Sequence[Input]) -> str:
    """Return how many files are read: `3 files`, `stdin`, `stdin and 1 file`."""
    files = sum(entry.name != "-" for entry in inputs)
    parts = ["stdin"] if files < len(inputs) else []
    if files or not parts:
        parts.append("1 file" if files == 1 else f"{files:,} files")
    return " and ".join(parts)


def run_at(pace: PaceOptions, **what: Any) -> "SendRun":
    """Return a run at this pace; `what` it sends are the other fields of `SendRun`."""
    from segcli.delivery.pipeline import SendRun

    return SendRun(
        concurrency=pace.concurrency,
        rate=pace.rate,
        timeout=pace.timeout,
        retry_for=pace.retry_for,
        transport=transport_for(pace),
        **what,
    )


def transport_for(pace: PaceOptions) -> str:
    """Load the transport and return its name: httpx's own where the usual one cannot be loaded.

    Raises UsageError where that one was asked for.
    """
    from segcli.http.transports import TRANSPORTS, load

    wanted = pace.http_transport or TRANSPORTS[0]
    try:
        load(wanted)
    except ImportError as error:
        if pace.http_transport:
            raise UsageError(
                f"--http-transport {wanted} cannot be loaded: {error}",
                "Install segcli again, or type --http-transport httpx",
            ) from None
        slower = f"{wanted} cannot be loaded ({error}), so httpx sends by itself, which is slower."
        say(slower)
        return "httpx"
    return wanted


def run_and_report(
    run: "SendRun", ending: RunResult, asked: Outputs, *, go_on: Callable[[Sequence[str]], str]
) -> int:
    """Deliver while showing the progress, then print and write how it ended.

    `go_on` says what to type after a run that stopped, with more words than were typed. Returns
    the exit code; raises what stopped the run.
    """
    from segcli.cli.progress import watching
    from segcli.delivery.pipeline import deliver

    total = chunks.total_size(run.inputs)
    try:
        with watching(ending.tally, total=total, quiet=asked.quiet):
            try:
                deliver(run, ending.tally)
            finally:
                _leave_a_closed_terminal()
    except SegcliError as stopped:
        ending.stopped = stopped
        more = stopped.more if isinstance(stopped, Stopped) else ()
        stopped.hint = "\n".join(filter(None, (stopped.hint, go_on(more))))
    return report.conclude(ending, asked)


def _leave_a_closed_terminal() -> None:
    """Talk to nobody where the terminal is gone: whatever is written to it from now on fails."""
    for stream in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)


@contextmanager
def sandbox_running(stage: SandboxOptions, *, quiet: bool) -> Iterator[SandboxServer | None]:
    """Start the sandbox if it is asked for."""
    if not stage.sandbox and (stage.fault or stage.latency):
        raise UsageError("--fault and --latency are the sandbox's", "Add --sandbox.")
    from segcli.sandbox import running

    script = Script(key=_REHEARSAL_KEY, faults=stage.fault, latency=stage.latency)
    with running(script) if stage.sandbox else nullcontext() as standin:
        if standin and not quiet:
            say(f"Sandbox at {standin.url}: nothing leaves this machine.")
        yield standin


def overrides_of(
    standin: SandboxServer | None,
) -> Callable[[Destination[Any]], Mapping[str, str]]:
    """Point a destination at the sandbox, with the sandbox's key instead of the real one."""

    def overrides(destination: Destination[Any]) -> Mapping[str, str]:
        if standin is None:
            return {}
        known = settings.describe(destination.name, destination.settings)
        if "endpoint" not in {row.name for row in known}:
            raise UsageError(f"--sandbox: {destination.name} has no setting endpoint to change")
        host(standin, destination)
        endpoint = standin.endpoint(destination.name)
        keys = {
            row.name: _REHEARSAL_KEY if row.takes(_REHEARSAL_KEY) else endpoint
            for row in known
            if row.kind is Secret or row.name == "api_key"
        }
        return keys | {"endpoint": endpoint}

    return overrides


def host(standin: SandboxServer, destination: Destination[Any]) -> None:
    """Let the sandbox stand in for a destination that a file describes.

    Raises UsageError where it is to answer for single events, and the vendor never does.
    """
    from segcli.sandbox.vendors.from_file import vendor_from_layout

    if destination.layout:
        standin.app.host(destination.name, vendor_from_layout(destination.layout))
    if standin.app.fails_items and not standin.app.vendor(destination.name).by_item:
        raise UsageError(
            f"--fault item: {destination.name} does not answer for single events",
            "A file that describes a destination says where it does: [reply.items]",
        )

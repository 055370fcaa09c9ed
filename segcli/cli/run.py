"""What a run of `send` and `engage` does, real or rehearsed: announcement, transport, the run."""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segcli.accounting.series import sampled
from segcli.cli import report
from segcli.cli.options import Outputs
from segcli.cli.output import say
from segcli.cli.send_options import RequestOptions
from segcli.core import trust
from segcli.core.outcome import Job
from segcli.core.plural import count_of
from segcli.errors import SegcliError, Stopped, UsageError
from segcli.inputs import Input
from segcli.lines import chunks
from segcli.runs.run_result import RunResult
from segcli.sandbox import SandboxServer

if TYPE_CHECKING:
    from segcli.cli.log_output import LogHandler
    from segcli.delivery.pipeline import SendRun


@dataclass(frozen=True, slots=True)
class Watch:
    """Where to see what happens during a run.

    log: the handler of the log; None without a log
    metrics: the file of the metrics; None for none
    """

    log: "LogHandler | None" = None
    metrics: Path | None = None


def announce(what: str, job: Job, *, sandbox: SandboxServer | None, quiet: bool) -> None:
    """Say what goes where; a real send also with `--quiet`.

    This line shows a wrong address before it is used. In a rehearsal nothing leaves the machine.
    """
    if sandbox is None:
        say(f"Sending {what} to {trust.where_to(job)}")
    elif not quiet:
        at = f"{job.destination.name} in a sandbox at {sandbox.url}"
        say(f"Sending {what} to {at}: nothing leaves this machine.")


def counted(inputs: Sequence[Input]) -> str:
    """Return how many files are read: `3 files`, `stdin`, `stdin and 1 file`."""
    files = sum(entry.name != "-" for entry in inputs)
    parts = ["stdin"] if files < len(inputs) else []
    if files or not parts:
        parts.append(count_of(files, "file"))
    return " and ".join(parts)


def make_run(request_options: RequestOptions, **fields: Any) -> "SendRun":
    """Return a run with these request options; `fields` are the other fields of `SendRun`."""
    from segcli.delivery.pipeline import SendRun
    from segcli.http.network import network_from

    return SendRun(
        concurrency=request_options.concurrency,
        rate=request_options.rate,
        timeout=request_options.timeout,
        retry_for=request_options.retry_for,
        transport=transport_for(request_options),
        network=network_from(os.environ),
        owns_process=True,
        **fields,
    )


def transport_for(request_options: RequestOptions) -> str:
    """Load the transport and return its name. If the default cannot be loaded, it is httpx.

    Raises UsageError if --http-transport names one that cannot be loaded.
    """
    from segcli.http.transports import TRANSPORTS, load

    wanted = request_options.http_transport or TRANSPORTS[0]
    try:
        load(wanted)
    except ImportError as error:
        if request_options.http_transport:
            hint = "Install segcli again"
            if wanted != "httpx":
                hint += ", or type --http-transport httpx"
            raise UsageError(f"--http-transport {wanted} cannot be loaded: {error}", hint) from None
        say(f"{wanted} cannot be loaded ({error}), so httpx is used, which is slower.")
        return "httpx"
    return wanted


def run_and_report(
    run: "SendRun",
    result: RunResult,
    options: Outputs,
    *,
    resume_hint: Callable[[Sequence[str]], str],
    watch: Watch,
) -> int:
    """Send while showing the progress, then print the summary and write the report.

    `resume_hint` returns what to type after a run that stopped, with words beside those that
    were typed. Returns the exit code; raises the error that stopped the run.
    """
    from segcli.cli.metrics_file import metrics_written
    from segcli.cli.progress import watching
    from segcli.cli.progress_estimate import Goal
    from segcli.delivery.pipeline import deliver

    problems: list[str] = []
    goal = Goal(
        total=chunks.total_size(run.inputs),
        limit=run.job.selection.limit,
        earlier=run.progress.earlier_answers if run.progress else 0,
    )
    try:
        with (
            metrics_written(watch.metrics, result) as problems,
            sampled(result.series),
            watching(result.tally, goal=goal, quiet=options.quiet, log=watch.log),
        ):
            try:
                deliver(run, result.tally)
            finally:
                _drop_closed_terminal()
    except SegcliError as stopped:
        result.stopped = stopped
        more = stopped.more if isinstance(stopped, Stopped) else ()
        stopped.hint = "\n".join(filter(None, (stopped.hint, resume_hint(more))))
    say(*problems)
    return report.conclude(result, options)


def _drop_closed_terminal() -> None:
    """Point stdout and stderr at /dev/null if their terminal is closed: every write would fail."""
    for stream in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream)
                os.close(null)

"""`segcli send`: delivers, and accounts for every line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segcli import settings
from segcli.cli import report
from segcli.cli.ending import Ending
from segcli.cli.journal import begin_journal, how_to_resume
from segcli.cli.options import JobOptions, job_of, job_options, packed
from segcli.cli.quantities import DURATION, RATE, Quantity
from segcli.cli.transform import transform_and_report
from segcli.delivery import rejects, source
from segcli.delivery.tally import STATES_OF_SEND, Tally
from segcli.destination import Destination
from segcli.errors import SegcliError, UsageError
from segcli.outcome import Job
from segcli.sandbox import Fault, Script, Standin, parse_fault

if TYPE_CHECKING:
    from segcli.delivery.deliver import Run
    from segcli.delivery.journal import Journal

FAULT = Quantity("fault", parse_fault, "503:5%, reset:1% or timeout:1%")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How to send."""

    dry_run: bool
    concurrency: int
    rate: float | None
    timeout: float
    retry_for: float
    journal: Path | None
    resume: bool
    restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Whether to send to the stand-in, and what it is to play."""

    sandbox: bool
    fault: tuple[Fault, ...]
    latency: float


@click.command("send")
@job_options()
@packed(
    SendOptions,
    "how",
    click.option("--dry-run", is_flag=True, help="Send nothing: the same as `segcli transform`."),
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
        type=DURATION,
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
        "--resume", is_flag=True, help="Go on where an earlier run of the same command stopped."
    ),
    click.option("--restart", is_flag=True, help="Forget that run, and send everything again."),
    click.option(
        "--journal",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Remember here what is settled.  [default: in your folder for segcli's state; "
        "none for stdin and --sandbox]",
    ),
)
@packed(
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
        help="Let the sandbox fail: 503:5%, 429:2%, reset:1%, timeout:1% (repeatable).",
    ),
    click.option(
        "--latency",
        type=DURATION,
        metavar="TIME",
        default=0.0,
        help="How long the sandbox takes to answer.",
    ),
)
def command(asked: JobOptions, how: SendOptions, stage: SandboxOptions) -> int:
    """Send events to a destination and account for every line.

    Events of one user leave in input order, one after the other; different users in parallel.
    Rejected and refused events are kept in --rejects (by default DEST.rejects.ndjson), which can
    be sent again like any input.
    """
    if how.dry_run:
        return transform_and_report(asked)
    inputs = source.inputs(asked.files)
    report.check_outputs(asked)
    with _stage(stage) as standin:
        job = job_of(asked, overrides=_overrides(standin))
        settings.require(job.destination.name, job.settings)
        rejects.check_writable(_rejects(asked, job))
        journal, job = begin_journal(asked, how, job=job, inputs=inputs, rehearsal=bool(standin))
        return _send(asked, _run(asked, how, job, inputs, journal), standin)


def _send(asked: JobOptions, run: "Run", standin: Standin | None) -> int:
    from segcli.cli.progress import watching
    from segcli.delivery.deliver import deliver

    before = dict(run.journal.past.totals) if run.journal else {}
    ending = Ending(
        command="send",
        job=run.job,
        inputs=run.inputs,
        tally=Tally(),
        states=STATES_OF_SEND,
        rejects=run.rejects,
        sandbox=standin.url if standin else "",
        before={state: before[state] for state in STATES_OF_SEND if state in before},
    )
    _announce(standin, quiet=asked.quiet)
    total = source.total_size(run.inputs)
    try:
        with watching(ending.tally, total=total, quiet=asked.quiet):
            deliver(run, ending.tally)
    except SegcliError as stopped:
        ending.stopped = stopped
        if run.journal and run.journal.past.is_worth_resuming:
            hints = (stopped.hint, how_to_resume(asked, run.job))
            stopped.hint = "\n".join(filter(None, hints))
    return report.conclude(ending, asked)


def _run(
    asked: JobOptions,
    how: SendOptions,
    job: Job,
    inputs: list[source.Input],
    journal: "Journal | None",
) -> "Run":
    from segcli.delivery.deliver import Run

    return Run(
        job=job,
        inputs=inputs,
        rejects=_rejects(asked, job),
        concurrency=how.concurrency,
        rate=how.rate,
        timeout=how.timeout,
        retry_for=how.retry_for,
        max_line=asked.max_line,
        journal=journal,
    )


def _rejects(asked: JobOptions, job: Job) -> Path:
    return asked.rejects or rejects.default_path(job.destination.name, asked.files)


@contextmanager
def _stage(stage: SandboxOptions) -> Iterator[Standin | None]:
    """Start the sandbox if it is asked for."""
    if not stage.sandbox and (stage.fault or stage.latency):
        raise UsageError("--fault and --latency are the sandbox's", "Add --sandbox.")
    from segcli.sandbox import running

    script = Script(faults=stage.fault, latency=stage.latency)
    with running(script) if stage.sandbox else nullcontext() as standin:
        yield standin


def _overrides(
    standin: Standin | None,
) -> Callable[[Destination[Any]], Mapping[str, str]]:
    """Point a destination at the sandbox, with the sandbox's key instead of the real one."""

    def overrides(destination: Destination[Any]) -> Mapping[str, str]:
        if standin is None:
            return {}
        known = {row.name for row in settings.describe(destination.name, destination.settings)}
        if "endpoint" not in known:
            raise UsageError(f"--sandbox: {destination.name} has no setting endpoint to change")
        wanted = {"endpoint": standin.endpoint(destination.name), "api_key": Script().key}
        return {name: value for name, value in wanted.items() if name in known}

    return overrides


def _announce(standin: Standin | None, *, quiet: bool) -> None:
    if standin and not quiet:
        click.echo(f"Sandbox at {standin.url}: nothing leaves this machine.", err=True)

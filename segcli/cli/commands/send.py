"""`segcli send`: sends events to a destination and accounts for every line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segcli.accounting import rejects
from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.cli.commands.transform import transform_and_report
from segcli.cli.help_format import GroupedCommand
from segcli.cli.input_days import InputChoice, choose, find_inputs, first_look
from segcli.cli.job import job_of
from segcli.cli.journal_options import (
    begin_journal,
    how_to_resume,
    how_to_send_again,
    journal_path,
)
from segcli.cli.log_options import WATCH_OPTIONS, LogOptions, logging_to
from segcli.cli.options import JobOptions, grouped_options, job_options
from segcli.cli.output_checks import check_found, check_outputs
from segcli.cli.run import (
    Watch,
    announce,
    check_sending,
    counted,
    make_run,
    run_and_report,
    transport_for,
)
from segcli.cli.run_result import RunResult
from segcli.cli.sandboxed import sandbox_overrides, sandbox_running
from segcli.cli.send_options import (
    REQUEST_OPTIONS,
    SANDBOX_OPTIONS,
    RequestOptions,
    SandboxOptions,
)
from segcli.core.outcome import Job
from segcli.errors import SegcliError
from segcli.inputs import Input, Looked
from segcli.sandbox import SandboxServer

if TYPE_CHECKING:
    from segcli.journal.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions:
    """What to do about an earlier run of the same command.

    journal: where the journal is; None for the default
    resume: continue that run
    restart: forget that run
    """

    journal: Path | None
    resume: bool
    restart: bool


@click.command("send", cls=GroupedCommand)
@job_options()
@click.option("--dry-run", is_flag=True, help="Send nothing: the same as `segcli transform`.")
@grouped_options(
    ResumeOptions,
    "resume_options",
    click.option(
        "--resume", is_flag=True, help="Continue where an earlier run of the same command stopped."
    ),
    click.option("--restart", is_flag=True, help="Forget that run, and send everything again."),
    click.option(
        "--journal",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Record here which lines are settled.  [default: in your folder for segcli's state; "
        "none for stdin and --sandbox]",
    ),
)
@REQUEST_OPTIONS
@SANDBOX_OPTIONS
@WATCH_OPTIONS
def command(
    options: JobOptions,
    dry_run: bool,
    resume_options: ResumeOptions,
    request_options: RequestOptions,
    sandbox_options: SandboxOptions,
    log_options: LogOptions,
) -> int:
    """Send events to a destination and account for every line.

    The events of one user are sent in input order, one after the other; different users in
    parallel. Rejected and refused events are kept in --rejects (by default DEST.rejects.ndjson),
    which can be sent again like any input.
    """
    if dry_run:
        return transform_and_report(options, log_options)
    inputs = find_inputs(options)
    # Loading a transport takes time, so do it before any message says that sending has begun.
    request_options = replace(request_options, http_transport=transport_for(request_options))
    with sandbox_running(sandbox_options) as sandbox, logging_to(log_options) as log:
        place = _Place(inputs, sandbox, Watch(log, log_options.metrics), log_options.writes)
        return _send(options, resume_options, request_options, place)


@dataclass(frozen=True, slots=True)
class _Place:
    """What surrounds a run.

    inputs: the inputs that are named
    sandbox: the sandbox of a rehearsal
    watch: where to see what happens
    writes: the files for that, by option
    """

    inputs: Sequence[Input]
    sandbox: SandboxServer | None
    watch: Watch
    writes: Mapping[str, Path | None]


def _send(
    options: JobOptions,
    resume_options: ResumeOptions,
    request_options: RequestOptions,
    place: _Place,
) -> int:
    inputs, sandbox = place.inputs, place.sandbox
    job = job_of(options, overrides=sandbox_overrides(sandbox))
    check_sending(job, request_options, sandbox)
    kept = options.rejects or rejects.default_rejects(job.destination.name, options.files)
    path = journal_path(options, resume_options, job=job, inputs=inputs, rehearsal=bool(sandbox))
    files = check_outputs(
        replace(options, rejects=kept), writes={"--journal": path, **place.writes}
    )
    check_found(files, inputs)
    rejects.check_writable(kept)
    # The first look waits for stdin, so say before it what is waited for.
    is_waiting = any(entry.name == "-" for entry in inputs)
    if is_waiting:
        announce(counted(inputs), job, sandbox=sandbox, quiet=options.quiet)
    start = _resume if resume_options.resume else _start
    started = start(options, resume_options, job=job, inputs=inputs, rehearsal=bool(sandbox))
    journal, job = started.journal, started.job
    result = _result(started, kept=kept, sandbox=sandbox)
    if not is_waiting:
        announce(counted(started.looked), job, sandbox=sandbox, quiet=options.quiet)
    run = make_run(
        request_options,
        job=job,
        inputs=started.looked,
        rejects=kept,
        max_line=options.max_line,
        progress=journal,
    )
    hint = _resume_hint(options, job, journal, sandbox=sandbox)
    return run_and_report(run, result, options, resume_hint=hint, watch=place.watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    """A run that can begin to send.

    journal: its journal; None without one
    job: the job; for a resumed run, as the first run began it
    choice: the inputs of all its runs
    looked: the inputs that this run still has to read
    """

    journal: "Journal | None"
    job: Job
    choice: InputChoice
    looked: Looked


def _start(
    options: JobOptions,
    resume_options: ResumeOptions,
    *,
    job: Job,
    inputs: Sequence[Input],
    rehearsal: bool,
) -> _Started:
    """Judge the inputs, then begin the journal: a refused input must not replace an earlier one."""
    choice = choose(inputs, options, job.selection)
    looked = first_look(choice.inputs, options)
    journal, job = begin_journal(
        options, resume_options, job=job, inputs=inputs, rehearsal=rehearsal
    )
    return _Started(journal=journal, job=job, choice=choice, looked=looked)


def _resume(
    options: JobOptions,
    resume_options: ResumeOptions,
    *,
    job: Job,
    inputs: Sequence[Input],
    rehearsal: bool,
) -> _Started:
    """Open the journal, and judge only the inputs that it says are left to read."""
    journal, job = begin_journal(
        options, resume_options, job=job, inputs=inputs, rehearsal=rehearsal
    )
    try:
        choice = choose(inputs, options, job.selection)
        unread = choose(journal.inputs if journal else inputs, options, job.selection).inputs
        looked = first_look(unread, options)
    except SegcliError:
        if journal:
            journal.end(finished=False)
        raise
    return _Started(journal=journal, job=job, choice=choice, looked=looked)


def _result(started: _Started, *, kept: Path, sandbox: SandboxServer | None) -> RunResult:
    before = dict(started.journal.past.totals) if started.journal else {}
    return RunResult(
        command="send",
        job=started.job,
        inputs=started.choice.inputs,
        left_out=started.choice.left_out,
        tally=Tally(),
        states=STATES_OF_SEND,
        rejects=kept,
        remarks=started.looked.remarks,
        sandbox=sandbox.url if sandbox else "",
        describe_unsent=lambda: _unsent(started.journal),
        before={state: before[state] for state in STATES_OF_SEND if state in before},
    )


def _unsent(journal: "Journal | None") -> str:
    """Return what becomes of the lines that a stopped run has read and not sent."""
    is_resumable = journal and journal.past.is_worth_resuming
    return "read ahead, goes out with --resume" if is_resumable else "read ahead, not sent"


def _resume_hint(
    options: JobOptions, job: Job, journal: "Journal | None", *, sandbox: SandboxServer | None
) -> Callable[[Sequence[str]], str]:
    """Return the function that says what to type after a run that stopped."""

    def hint(more: Sequence[str]) -> str:
        if journal is None:
            return "" if sandbox else _NO_JOURNAL
        command = how_to_resume if journal.past.is_worth_resuming else how_to_send_again
        return command(options, job, more)

    return hint


_NO_JOURNAL = (
    "This run has no journal, so it cannot be resumed. With --journal PATH the next one can."
)

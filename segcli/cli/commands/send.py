"""`segcli send`: delivers, and accounts for every line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segcli.accounting import rejects
from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.cli.commands.transform import transform_and_report
from segcli.cli.input_days import InputChoice, choose, find_inputs, first_look
from segcli.cli.job import job_of
from segcli.cli.journal_options import begin_journal, how_to_resume, journal_path
from segcli.cli.options import JobOptions, grouped_options, job_options
from segcli.cli.output_checks import check_found, check_outputs
from segcli.cli.run_result import RunResult
from segcli.cli.sending import (
    PACE_OPTIONS,
    SANDBOX_OPTIONS,
    PaceOptions,
    SandboxOptions,
    announce,
    check_sending,
    counted,
    overrides_of,
    run_and_report,
    run_at,
    sandbox_running,
    transport_for,
)
from segcli.core.outcome import Job
from segcli.errors import SegcliError
from segcli.inputs import Input, Looked
from segcli.sandbox import SandboxServer

if TYPE_CHECKING:
    from segcli.journal.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """Whether to send at all, and how an earlier run of the same command is taken up."""

    dry_run: bool
    journal: Path | None
    resume: bool
    restart: bool


@click.command("send")
@job_options()
@grouped_options(
    SendOptions,
    "how",
    click.option("--dry-run", is_flag=True, help="Send nothing: the same as `segcli transform`."),
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
@PACE_OPTIONS
@SANDBOX_OPTIONS
def command(asked: JobOptions, how: SendOptions, pace: PaceOptions, stage: SandboxOptions) -> int:
    """Send events to a destination and account for every line.

    Events of one user leave in input order, one after the other; different users in parallel.
    Rejected and refused events are kept in --rejects (by default DEST.rejects.ndjson), which can
    be sent again like any input.
    """
    if how.dry_run:
        return transform_and_report(asked)
    inputs = find_inputs(asked)
    # It takes a while to load, so that is done before anything is said to have begun.
    pace = replace(pace, http_transport=transport_for(pace))
    with sandbox_running(stage, quiet=asked.quiet) as standin:
        return _send(asked, how, pace, inputs=inputs, standin=standin)


def _send(
    asked: JobOptions,
    how: SendOptions,
    pace: PaceOptions,
    *,
    inputs: Sequence[Input],
    standin: SandboxServer | None,
) -> int:
    job = job_of(asked, overrides=overrides_of(standin))
    check_sending(job, pace, standin)
    kept = asked.rejects or rejects.default_rejects(job.destination.name, asked.files)
    path = journal_path(asked, how, job=job, inputs=inputs, rehearsal=bool(standin))
    files = check_outputs(replace(asked, rejects=kept), writes={"--journal": path})
    check_found(files, inputs)
    rejects.check_writable(kept)
    start = _begun_again if how.resume else _begun
    begun = start(asked, how, job=job, inputs=inputs, rehearsal=bool(standin))
    journal, job, looked = begun.journal, begun.job, begun.looked
    before = dict(journal.past.totals) if journal else {}
    ending = RunResult(
        command="send",
        job=job,
        inputs=begun.choice.inputs,
        left_out=begun.choice.left_out,
        tally=Tally(),
        states=STATES_OF_SEND,
        rejects=kept,
        remarks=looked.remarks,
        sandbox=standin.url if standin else "",
        before={state: before[state] for state in STATES_OF_SEND if state in before},
    )
    announce(counted(looked), job, standin=standin, quiet=asked.quiet)
    run = run_at(
        pace, job=job, inputs=looked, rejects=kept, max_line=asked.max_line, progress=journal
    )

    def go_on() -> str:
        if journal is None:
            return "" if standin else _NO_JOURNAL
        return how_to_resume(asked, job) if journal.past.is_worth_resuming else ""

    return run_and_report(run, ending, asked, go_on=go_on)


_NO_JOURNAL = (
    "No journal remembers what was sent, so this run cannot be resumed. "
    "With --journal PATH the next one can."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A run that may send now.

    journal: Its journal, if it has one.
    job: The job as the run began it, maybe days ago.
    choice: The inputs that all its runs read.
    looked: What of them is left to be read by this one.
    """

    journal: "Journal | None"
    job: Job
    choice: InputChoice
    looked: Looked


def _begun(
    asked: JobOptions, how: SendOptions, *, job: Job, inputs: Sequence[Input], rehearsal: bool
) -> _Begun:
    """Begin a run: a journal is written once its inputs were looked at."""
    choice = choose(inputs, asked, job)
    looked = first_look(choice.inputs, asked)
    journal, job = begin_journal(asked, how, job=job, inputs=inputs, rehearsal=rehearsal)
    return _Begun(journal=journal, job=job, choice=choice, looked=looked)


def _begun_again(
    asked: JobOptions, how: SendOptions, *, job: Job, inputs: Sequence[Input], rehearsal: bool
) -> _Begun:
    """Go on with a run: its journal says which inputs are left, and only those are looked at."""
    journal, job = begin_journal(asked, how, job=job, inputs=inputs, rehearsal=rehearsal)
    try:
        choice = choose(inputs, asked, job)
        left = choose(journal.inputs if journal else inputs, asked, job).inputs
        looked = first_look(left, asked)
    except SegcliError:
        if journal:
            journal.end(finished=False)
        raise
    return _Begun(journal=journal, job=job, choice=choice, looked=looked)

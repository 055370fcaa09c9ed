"""`segcli send`: sends events to a destination and accounts for every line."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import click

from segcli.accounting import rejects
from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.cli.before_after import rehearsal_ending
from segcli.cli.commands.transform import transform_and_report
from segcli.cli.completion import complete_file
from segcli.cli.default_rejects import default_rejects
from segcli.cli.help_format import GroupedCommand
from segcli.cli.html_page import html_output, watch_for_page, watch_for_reports
from segcli.cli.input_days import find_inputs, judge_of
from segcli.cli.job import spec_and_job
from segcli.cli.journal_options import (
    how_to_resume,
    how_to_send_again,
    place_of_journal,
    resuming_anywhere,
)
from segcli.cli.log_options import WATCH_OPTIONS, LogOptions, logging_to
from segcli.cli.options import JobOptions, grouped_options, job_options
from segcli.cli.output import say
from segcli.cli.replay_prompt import ReplayPrompt, ask_about_replay
from segcli.cli.run import (
    Watch,
    announce,
    counted,
    make_run,
    run_and_report,
    transport_for,
)
from segcli.cli.sandboxed import (
    kept_by,
    open_kept,
    sandbox_overrides,
    sandbox_running,
    stop_on_failure,
)
from segcli.cli.send_options import (
    REQUEST_OPTIONS,
    SANDBOX_OPTIONS,
    RequestOptions,
    SandboxOptions,
)
from segcli.delivery.first_delivered import FirstDelivered
from segcli.errors import UsageError
from segcli.inputs import Input
from segcli.inputs.record_actions import judge_for
from segcli.runs.output_checks import check_found, check_outputs
from segcli.runs.run_result import RunResult
from segcli.runs.send_start import SendPlan, Started, begin_send, check_sending
from segcli.sandbox import SandboxServer


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """How the run begins, also after an earlier run of the same command.

    yes: send also what starts messages to people
    journal: where the journal is, as typed; None for the default
    resume: continue that run
    restart: forget that run
    """

    yes: bool
    journal: str | None
    resume: bool
    restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeOptions:
    """Whether to send, and whether to show that in the browser.

    dry_run: map only
    ui: serve the page of the run
    no_open: open no browser
    """

    dry_run: bool
    ui: bool
    no_open: bool


@click.command("send", cls=GroupedCommand)
@job_options()
@grouped_options(
    StartOptions,
    "start_options",
    click.option(
        "--yes", is_flag=True, help="Send also what starts messages to people, without asking."
    ),
    click.option(
        "--resume", is_flag=True, help="Continue where an earlier run of the same command stopped."
    ),
    click.option("--restart", is_flag=True, help="Forget that run, and send everything again."),
    click.option(
        "--journal",
        metavar="PLACE",
        shell_complete=complete_file,
        help="Record here which lines are settled: a file; or an address or a folder, which "
        "another machine can resume from.  [default: a file in your folder for segcli's state; "
        "none for stdin and --sandbox]",
    ),
)
@REQUEST_OPTIONS
@SANDBOX_OPTIONS
@WATCH_OPTIONS
@grouped_options(
    ModeOptions,
    "mode",
    click.option("--dry-run", is_flag=True, help="Send nothing: the same as `segcli transform`."),
    click.option("--ui", is_flag=True, help="Show the run in the browser while it lasts."),
    click.option("--no-open", is_flag=True, help="With --ui: print the address, open no browser."),
)
def command(
    options: JobOptions,
    start_options: StartOptions,
    request_options: RequestOptions,
    sandbox_options: SandboxOptions,
    log_options: LogOptions,
    mode: ModeOptions,
) -> int:
    """Send events to a destination and account for every line.

    The events of one user are sent in input order, one after the other; different users in
    parallel. Rejected and refused events are kept in --rejects (by default DEST.rejects.ndjson;
    with --sandbox DEST.sandbox.rejects.ndjson), which can be sent again like any input.
    """
    if mode.dry_run:
        return transform_and_report(options, log_options)
    _check_page(mode)
    inputs = find_inputs(options)
    # Loading a transport takes time, so do it before any message says that sending has begun.
    request_options = replace(request_options, http_transport=transport_for(request_options))
    with sandbox_running(sandbox_options) as sandbox, logging_to(log_options) as log:
        watch = Watch(log, log_options.metrics)
        place = _Place(inputs, sandbox, watch, log_options.writes, mode)
        return _send(options, start_options, request_options, place)


@dataclass(frozen=True, slots=True)
class _Place:
    """What surrounds a run.

    inputs: the inputs that are named
    sandbox: the sandbox of a rehearsal
    watch: where to see what happens
    writes: the files for that, by option
    mode: whether to show the run in the browser
    """

    inputs: Sequence[Input]
    sandbox: SandboxServer | None
    watch: Watch
    writes: Mapping[str, Path | None]
    mode: ModeOptions


def _check_page(mode: ModeOptions) -> None:
    """Raise UsageError if the run cannot be shown in the browser."""
    if mode.no_open and not mode.ui:
        raise UsageError("--no-open needs --ui", "Add --ui")
    if mode.ui:
        from segcli.cli.page import check_page

        check_page("--ui", opens=not mode.no_open)


def _send(
    options: JobOptions,
    start_options: StartOptions,
    request_options: RequestOptions,
    place: _Place,
) -> int:
    sandbox = place.sandbox
    notes: list[str] = []
    plan = _plan(options, start_options, request_options, place, notes)
    kept = options.rejects or default_rejects(
        plan.job.destination.name, options.files, rehearsal=bool(sandbox)
    )
    _check_files(replace(options, rejects=kept), plan, place)
    open_kept(sandbox)
    started = _begun(plan, place, notes, quiet=options.quiet)
    result = _result(started, kept=kept, sandbox=sandbox)
    watch_for_reports(result, options)
    if place.mode.ui:
        watch_for_page(result)
    for_run, for_page = _shared(started.looked, place.mode)
    run = make_run(
        request_options,
        job=started.job,
        inputs=for_run,
        rejects=kept,
        max_line=options.max_line,
        progress=started.journal,
        samples=result.samples,
        first=_first_delivered(result, options, sandbox),
        outside=stop_on_failure(sandbox),
    )
    hint = _resume_hint(options, started, sandbox=sandbox)
    with _shown(options, result, for_page, place):
        return run_and_report(run, result, options, resume_hint=hint, watch=place.watch)


def _begun(plan: SendPlan, place: _Place, notes: Sequence[str], *, quiet: bool) -> Started:
    """Begin, and say what goes where, and the notes that the plan gets meanwhile."""
    # The first look waits for stdin, so say before it what is waited for.
    is_waiting = any(entry.name == "-" for entry in place.inputs)
    if is_waiting:
        announce(counted(place.inputs), plan.job, sandbox=place.sandbox, quiet=quiet)
    started = begin_send(plan)
    if not is_waiting:
        announce(counted(started.looked), started.job, sandbox=place.sandbox, quiet=quiet)
    say(*notes)
    started.wait_for_older_run(say)
    return started


def _shared(inputs: Sequence[Input], mode: ModeOptions) -> tuple[Sequence[Input], Sequence[Input]]:
    """Return the inputs of the run, and those of its page."""
    if not mode.ui:
        return inputs, ()
    from segcli.ui.copied_input import shared

    return shared(inputs)


def _plan(
    options: JobOptions,
    start_options: StartOptions,
    request_options: RequestOptions,
    place: _Place,
    notes: list[str],
) -> SendPlan:
    """Return the plan of a run; `notes` gets what is said of old events before the first one."""
    rehearsal = bool(place.sandbox)
    spec, job = spec_and_job(options, overrides=sandbox_overrides(place.sandbox))
    check_sending(job, allow_http=request_options.allow_http, rehearsal=rehearsal)
    prompt = ReplayPrompt(
        is_agreed=start_options.yes,
        quiet=options.quiet,
        rehearsal=rehearsal,
        max_line=options.max_line,
    )
    plan = SendPlan(
        spec=spec,
        job=job,
        names=options.files,
        inputs=place.inputs,
        judge=judge_of(options, judge_for(job.destination)),
        resume=start_options.resume,
        restart=start_options.restart,
        timeout=request_options.timeout,
        rehearsal=rehearsal,
        command=resuming_anywhere(options, job),
        before=lambda job, inputs: notes.extend(ask_about_replay(job, inputs, prompt)),
    )
    return replace(plan, journal=place_of_journal(plan, start_options))


def _shown(
    options: JobOptions, result: RunResult, inputs: Sequence[Input], place: _Place
) -> AbstractContextManager[None]:
    """Show the run in the browser during the block, if that was asked for."""
    if not place.mode.ui:
        return nullcontext()
    from segcli.cli.page import run_shown

    return run_shown(options, result, inputs, opens=not place.mode.no_open, sandbox=place.sandbox)


def _check_files(options: JobOptions, plan: SendPlan, place: _Place) -> None:
    """Check that each file which the run writes has no second role, and that rejects can be kept.

    Raises UsageError and OutputError.
    """
    writes = {"--journal": plan.journal_path, "--keep": kept_by(place.sandbox), **place.writes}
    writes |= html_output(options)
    files = check_outputs(options, writes=writes)
    check_found(files, place.inputs)
    if options.rejects:
        rejects.check_writable(options.rejects)


def _result(started: Started, *, kept: Path, sandbox: SandboxServer | None) -> RunResult:
    return RunResult(
        command="send",
        job=started.job,
        inputs=started.choice.inputs,
        left_out=started.choice.left_out,
        tally=Tally(),
        states=STATES_OF_SEND,
        rejects=kept,
        rejects_from=started.rejects_from(kept),
        remarks=started.looked.remarks,
        sandbox=sandbox.url if sandbox else "",
        describe_unsent=lambda: _unsent(started),
        before=started.before,
        before_by_action=started.before_by_action,
    )


def _first_delivered(
    result: RunResult, options: JobOptions, sandbox: SandboxServer | None
) -> FirstDelivered | None:
    """Let the summary of a rehearsal show one of the lines that this remembers; else None."""
    if sandbox is None:
        return None
    first = FirstDelivered()
    result.ending = rehearsal_ending(result.job, options.dest, sandbox=sandbox, first=first)
    return first


def _unsent(started: Started) -> str:
    """Return what becomes of the lines that a stopped run has read and not sent."""
    if started.journal and started.journal.is_taken_over:
        return "read ahead, goes out with the other attempt"
    return "read ahead, goes out with --resume" if started.is_resumable else "read ahead, not sent"


def _resume_hint(
    options: JobOptions, started: Started, *, sandbox: SandboxServer | None
) -> Callable[[Sequence[str]], str]:
    """Return the function that says what to type after a run that stopped."""

    def hint(more: Sequence[str]) -> str:
        if started.journal is None:
            return "" if sandbox else _NO_JOURNAL
        if started.journal.is_taken_over:
            return ""
        command = how_to_resume if started.is_resumable else how_to_send_again
        return command(options, started.job, more)

    return hint


_NO_JOURNAL = (
    "This run has no journal, so it cannot be resumed. With --journal PATH the next one can."
)

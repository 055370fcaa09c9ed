"""What `segcli engage audience` and `segcli engage trait` do: one sync, from list to summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from segcli.accounting import rejects
from segcli.accounting.tally import STATES_OF_SEND, STATES_OF_TRANSFORM, Tally
from segcli.accounting.tally import State as LineState
from segcli.cli import report
from segcli.cli.default_rejects import default_rejects
from segcli.cli.engage_state import changed_state, read_engage_state, state_path
from segcli.cli.html_page import html_output, watch_for_reports
from segcli.cli.input_days import first_look
from segcli.cli.job import job_of
from segcli.cli.output import data_output, say
from segcli.cli.run import Watch, announce, counted, make_run, run_and_report
from segcli.cli.sandboxed import open_kept, sandbox_overrides, sandbox_running, stop_on_failure
from segcli.cli.send_options import RequestOptions, SandboxOptions
from segcli.core.outcome import Job
from segcli.core.secret import display_url
from segcli.engage.identify import Computation, Kind, identify
from segcli.engage.members import Columns, judge_members, members
from segcli.engage.state import EngageState, MemberChanges, SyncKey
from segcli.errors import InputError, UsageError
from segcli.inputs import Input, Looked, inputs
from segcli.runs.output_checks import check_outputs
from segcli.runs.run_result import RunResult
from segcli.runs.send_start import check_sending
from segcli.sandbox import SandboxServer


@dataclass(frozen=True, slots=True)
class MaxRemovals:
    """The value of --max-removals.

    text: how it was typed
    number: how many members, or what percentage of them
    is_percentage: which of the two `number` is
    """

    text: str
    number: float
    is_percentage: bool

    def allows(self, changes: MemberChanges) -> bool:
        """Return whether no more members are removed than the limit allows."""
        limit = self.number * changes.known / 100 if self.is_percentage else self.number
        return changes.removed <= limit


def parse_max_removals(text: str) -> MaxRemovals:
    """Read `1000` or `50%`; raises ValueError."""
    number = float(text.strip().removesuffix("%"))
    if not 0 <= number < float("inf"):
        raise ValueError
    return MaxRemovals(text, number, text.strip().endswith("%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngageOptions:
    """The options of every sync.

    Those with the name of a field of `JobOptions` mean the same.

    file: the list of members or values
    state: where the state is; None for the default
    key: the property; None for the name in snake_case
    with_traits: whether further columns are sent as traits
    max_removals: the most members that a sync may remove
    dry_run: print the events; send and change nothing
    """

    file: str
    dest: str | None
    set: tuple[str, ...]
    config: str | None
    api_key_file: Path | None
    endpoint: str | None
    state: Path | None
    key: str | None
    with_traits: bool
    max_removals: MaxRemovals
    dry_run: bool
    max_line: int
    no_first_look: bool
    rejects: Path | None
    report: Path | None
    html: Path | None
    html_samples: bool
    quiet: bool

    @property
    def files(self) -> tuple[str, ...]:
        """The inputs, by the name that other commands use."""
        return (self.file,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSpec:
    """What is to be synced.

    kind: an audience or a trait
    name: its name
    key: the property that is sent
    columns: the columns that the list needs
    removals: whether a user who is not in the list any more gets an event
    """

    kind: Kind
    name: str
    key: str
    columns: Columns
    removals: bool


@dataclass(frozen=True, slots=True)
class SyncWatch:
    """Where to see what happens during a sync, and the files for that, by option."""

    watch: Watch
    writes: Mapping[str, Path | None]


def sync(
    spec: SyncSpec,
    options: EngageOptions,
    request_options: RequestOptions,
    sandbox_options: SandboxOptions,
    watch: SyncWatch,
) -> int:
    """Find the changes, send them, and return the exit code."""
    looked = _single_input(options, spec.columns)
    places = {"--state": state_path(options.state), "--keep": sandbox_options.keep}
    writes = {**places, **watch.writes, **html_output(options)}
    check_outputs(options, writes=writes)
    with sandbox_running(sandbox_options) as sandbox:
        job = job_of(options, overrides=sandbox_overrides(sandbox))
        if "identify" not in job.destination.types:
            raise UsageError(f"{job.destination.name} takes no identify, so it cannot be synced")
        this = _Sync(spec=spec, options=options, job=job, looked=looked, at=_now(), sandbox=sandbox)
        if options.dry_run:
            return _print_changes(this)
        check_sending(job, allow_http=request_options.allow_http, rehearsal=bool(sandbox))
        check_outputs(replace(options, rejects=this.kept), writes=writes)
        open_kept(sandbox)
        with changed_state(options.state) as state:
            return _send_changes(this, request_options, state, watch.watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sync:
    """A sync with everything that it needs except the state."""

    spec: SyncSpec
    options: EngageOptions
    job: Job
    looked: Looked
    at: str
    sandbox: SandboxServer | None

    @property
    def entry(self) -> Input:
        """The input: the list of members."""
        return self.looked[0]

    @property
    def key(self) -> SyncKey:
        """The key of this sync in the state. A sandbox has its own: it is not the vendor."""
        name = self.job.destination.name
        endpoint = display_url(getattr(self.job.settings, "endpoint", ""))
        return SyncKey(
            destination=f"{name} (sandbox)" if self.sandbox else name,
            endpoint="" if self.sandbox else endpoint,
            kind=self.spec.kind,
            key=self.spec.key,
            name=self.spec.name,
        )

    @property
    def kept(self) -> Path:
        """The rejects file."""
        name, rehearsal = self.job.destination.name, bool(self.sandbox)
        return self.options.rejects or default_rejects(
            name, self.options.files, rehearsal=rehearsal
        )

    @property
    def computation(self) -> Computation:
        """The audience or trait as its events describe it."""
        label = self.job.destination.label_with(self.job.settings)
        return Computation(kind=self.spec.kind, key=self.spec.key, label=label)


def _single_input(options: EngageOptions, columns: Columns) -> Looked:
    """Return the input. Raises InputError for a folder: which file is the newest is unknown."""
    name = options.file
    [entry, *others] = inputs([name])
    if others or entry.found_in:
        raise InputError(f"{name} is a folder", "Name the file that lists who is in it now.")
    return first_look([entry], options, judge_members(columns, max_line=options.max_line))


def _send_changes(
    this: _Sync, request_options: RequestOptions, state: EngageState, watch: Watch
) -> int:
    from segcli.engage.sync import SyncProgress

    options, job, kept = this.options, this.job, this.kept
    rejects.check_writable(kept)
    changes = _find_changes(this, state)
    what = f"changes from {counted([this.entry])}"
    announce(what, job, sandbox=this.sandbox, quiet=options.quiet)
    result = _result(this, STATES_OF_SEND)
    watch_for_reports(result, options)
    run = make_run(
        request_options,
        job=job,
        samples=result.samples,
        # The changes are sent, not the file: its size says nothing about the progress.
        inputs=[replace(this.entry, size=None)],
        rejects=kept,
        progress=SyncProgress(state, changes, this.computation, at=this.at),
        outside=stop_on_failure(this.sandbox),
    )
    result.rejects, result.rejects_from = kept, rejects.size_of(kept)
    result.sandbox = this.sandbox.url if this.sandbox else ""
    result.describe_unsent = lambda: "read ahead, goes out with the same command"
    return run_and_report(run, result, options, resume_hint=_resume_hint, watch=watch)


def _resume_hint(more: Sequence[str]) -> str:
    again = f"again with {' '.join(more)}" if more else "again"
    return f"To continue, type the same command {again}: it sends what is missing."


def _print_changes(this: _Sync) -> int:
    """Print the identify events of the sync, and leave the state unchanged."""
    result, out = _result(this, STATES_OF_TRANSFORM), data_output()
    tally = result.tally
    with read_engage_state(this.options.state, dry_run=True) as state:
        changes = _find_changes(this, state)
        for row in state.bad_rows():
            tally.read += 1
            tally.count("rejected", row.problem)
        for _, _, change in state.changes(changes):
            event = identify(change, this.computation, timestamp=this.at)
            out.write(event + b"\n")
            tally.read += 1
            tally.count("mapped")
    return report.conclude(result, this.options)


def _find_changes(this: _Sync, state: EngageState) -> MemberChanges:
    """Read the list into the state and compare; raises InputError if it removes too many."""
    options, spec = this.options, this.spec
    hidden = state.stage(members(this.entry, spec.columns, max_line=options.max_line))

    def check(changes: MemberChanges) -> None:
        if not options.max_removals.allows(changes):
            raise InputError(
                f"{this.entry.title} would remove {changes.removed:,} of {changes.known:,} "
                f"known members; --max-removals is {options.max_removals.text}",
                f"If that is right, type --max-removals {changes.removed}",
            )

    removals = spec.removals and not hidden
    changes = state.compare(this.key, removals=removals, check=check)
    if not options.quiet:
        counts = f"{changes.updated:,} to update, {changes.removed:,} to remove"
        say(f"{spec.key}: {changes.known:,} known; {counts}.")
        if spec.removals and hidden:
            say(_HIDDEN.format(hidden))
    return changes


def _result(this: _Sync, states: Sequence[LineState]) -> RunResult:
    return RunResult(
        command=f"engage {this.spec.kind}",
        job=this.job,
        inputs=[this.entry],
        remarks=this.looked.remarks,
        tally=Tally(),
        states=states,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_HIDDEN = "No member is removed: rows that cannot be read may name members ({:,})."

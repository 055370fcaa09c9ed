"""One sync, from the list of members to the summary."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from segcli.accounting import rejects
from segcli.accounting.tally import STATES_OF_SEND, STATES_OF_TRANSFORM, Tally
from segcli.accounting.tally import State as LineState
from segcli.cli import report
from segcli.cli.engage_state import changed_state, place_of, read_state
from segcli.cli.input_days import first_look
from segcli.cli.job import job_of
from segcli.cli.output import data_output, say
from segcli.cli.output_checks import check_outputs
from segcli.cli.run_result import RunResult
from segcli.cli.sending import (
    PaceOptions,
    SandboxOptions,
    announce,
    check_sending,
    counted,
    overrides_of,
    run_and_report,
    run_at,
    sandbox_running,
)
from segcli.core.outcome import Job
from segcli.core.secret import display_url
from segcli.engage.identify import Computation, Kind, identify
from segcli.engage.members import Columns, judge_members, members
from segcli.engage.state import EngageState, MemberChanges, SyncKey
from segcli.errors import InputError, UsageError
from segcli.inputs import inputs
from segcli.lines.chunks import Input
from segcli.sandbox import SandboxServer


@dataclass(frozen=True, slots=True)
class MostRemovals:
    """How many of the known members may be removed, as it was typed."""

    text: str
    number: float
    is_percentage: bool

    def allows(self, difference: MemberChanges) -> bool:
        """Tell whether a difference removes no more than that."""
        limit = self.number * difference.known / 100 if self.is_percentage else self.number
        return difference.going <= limit


def most_removals(text: str) -> MostRemovals:
    """Read `1000` or `50%`; raises ValueError."""
    number = float(text.strip().removesuffix("%"))
    if not 0 <= number < float("inf"):
        raise ValueError
    return MostRemovals(text, number, text.strip().endswith("%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EngageOptions:
    """The options of every sync; `file` lists the members."""

    file: str
    dest: str | None
    set: tuple[str, ...]
    config: str | None
    api_key_file: Path | None
    endpoint: str | None
    state: Path | None
    key: str | None
    with_traits: bool
    max_removals: MostRemovals
    dry_run: bool
    max_line: int
    no_first_look: bool
    rejects: Path | None
    report: Path | None
    quiet: bool

    @property
    def files(self) -> tuple[str, ...]:
        """The inputs, as other commands call them."""
        return (self.file,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be synced. `removals`: who is gone is told so."""

    kind: Kind
    name: str
    key: str
    columns: Columns
    removals: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sync:
    """A sync with all it needs but the state."""

    wanted: Wanted
    asked: EngageOptions
    job: Job
    entry: Input
    remarks: Sequence[str]
    at: str
    standin: SandboxServer | None

    @property
    def which(self) -> SyncKey:
        """What the state knows it as; what the sandbox was told, no vendor was."""
        name = self.job.destination.name
        endpoint = display_url(getattr(self.job.settings, "endpoint", ""))
        return SyncKey(
            destination=f"{name} (sandbox)" if self.standin else name,
            endpoint="" if self.standin else endpoint,
            kind=self.wanted.kind,
            key=self.wanted.key,
            name=self.wanted.name,
        )

    @property
    def kept(self) -> Path:
        """The file of rejects."""
        name = self.job.destination.name
        return self.asked.rejects or rejects.default_rejects(name, self.asked.files)

    @property
    def computation(self) -> Computation:
        """What the events say it is."""
        label = self.job.destination.label_with(self.job.settings)
        return Computation(kind=self.wanted.kind, key=self.wanted.key, label=label)


def sync(wanted: Wanted, asked: EngageOptions, pace: PaceOptions, stage: SandboxOptions) -> int:
    """Make the difference, tell it, and return the exit code."""
    entry, remarks = _one_file(asked, wanted.columns)
    kept_in = {"--state": place_of(asked.state)}
    check_outputs(asked, writes=kept_in)
    with sandbox_running(stage, quiet=asked.quiet) as standin:
        job = job_of(asked, overrides=overrides_of(standin))
        if "identify" not in job.destination.types:
            raise UsageError(f"{job.destination.name} takes no identify, so it cannot be told")
        one = _Sync(
            wanted=wanted,
            asked=asked,
            job=job,
            entry=entry,
            remarks=remarks,
            at=_now(),
            standin=standin,
        )
        if asked.dry_run:
            return _rehearse(one)
        check_sending(job, pace, standin)
        check_outputs(replace(asked, rejects=one.kept), writes=kept_in)
        with changed_state(asked.state) as state:
            return _tell(one, pace, state)


def _one_file(asked: EngageOptions, columns: Columns) -> tuple[Input, Sequence[str]]:
    """Return the input, and remarks on it.

    Raises InputError for a folder: nobody knows which file is the newest.
    """
    [entry, *others] = inputs([asked.file])
    if others or entry.found_in:
        raise InputError(f"{asked.file} is a folder", "Name the file that lists who is in it now.")
    looked = first_look([entry], asked, judge_members(columns, max_line=asked.max_line))
    return looked[0], looked.remarks


def _tell(one: _Sync, pace: PaceOptions, state: EngageState) -> int:
    from segcli.engage.sync import SyncProgress

    asked, job, kept = one.asked, one.job, one.kept
    rejects.check_writable(kept)
    difference = _difference(one, state)
    what = f"changes from {counted([one.entry])}"
    announce(what, job, standin=one.standin, quiet=asked.quiet)
    run = run_at(
        pace,
        job=job,
        # What is sent is not what is read, so its bytes say nothing of how far the sync is.
        inputs=[replace(one.entry, size=None)],
        rejects=kept,
        progress=SyncProgress(state, difference, one.computation, at=one.at),
    )
    ending = _ending(one, STATES_OF_SEND)
    ending.rejects = kept
    ending.sandbox = one.standin.url if one.standin else ""
    return run_and_report(run, ending, asked, go_on=lambda: _GO_ON)


def _rehearse(one: _Sync) -> int:
    """Print the identify events of the sync, and leave the state as it is."""
    ending, out = _ending(one, STATES_OF_TRANSFORM), data_output()
    tally = ending.tally
    with read_state(one.asked.state, rehearsal=True) as state:
        difference = _difference(one, state)
        for row in state.bad_rows():
            tally.read += 1
            tally.count("rejected", row.problem)
        for _, _, change in state.changes(difference):
            event = identify(change, one.computation, timestamp=one.at)
            out.write(event + b"\n")
            tally.read += 1
            tally.count("mapped")
    return report.conclude(ending, one.asked)


def _difference(one: _Sync, state: EngageState) -> MemberChanges:
    """Stage the members and make the difference, unless it would remove too many."""
    asked, wanted = one.asked, one.wanted
    hidden = state.stage(members(one.entry, wanted.columns, max_line=asked.max_line))

    def check(difference: MemberChanges) -> None:
        if not asked.max_removals.allows(difference):
            raise InputError(
                f"{one.entry.title} would remove {difference.going:,} of {difference.known:,} "
                f"known members; --max-removals is {asked.max_removals.text}",
                f"If that is meant, type --max-removals {difference.going}",
            )

    removals = wanted.removals and not hidden
    difference = state.compare(one.which, removals=removals, check=check)
    if not asked.quiet:
        changes = f"{difference.coming:,} to be told, {difference.going:,} gone"
        say(f"{wanted.key}: {difference.known:,} known; {changes}.")
        if wanted.removals and hidden:
            say(_HIDDEN.format(hidden))
    return difference


def _ending(one: _Sync, states: Sequence[LineState]) -> RunResult:
    return RunResult(
        command=f"engage {one.wanted.kind}",
        job=one.job,
        inputs=[one.entry],
        remarks=one.remarks,
        tally=Tally(),
        states=states,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_GO_ON = "To go on, type the same command again: it tells what is missing."
_HIDDEN = "Nobody is told to be gone: rows that cannot be read may name them ({:,})."

"""One sync, from the members file to the summary."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from segcli import settings
from segcli.cli.ending import Ending
from segcli.cli.job import job_of
from segcli.cli.sending import (
    PaceOptions,
    SandboxOptions,
    overrides_of,
    run_and_report,
    staged,
)
from segcli.delivery import rejects, source
from segcli.delivery.journal import lock
from segcli.delivery.members import Columns, members
from segcli.delivery.source import Input
from segcli.delivery.state import Difference, State, Which
from segcli.delivery.tally import STATES_OF_SEND, Tally
from segcli.engage import Computation, Kind, identify
from segcli.errors import InputError, UsageError
from segcli.outcome import Job
from segcli.sandbox import Standin
from segcli.secret import display_url


@dataclass(frozen=True, slots=True, kw_only=True)
class EngageOptions:
    """The options of every sync."""

    dest: str | None
    set: tuple[str, ...]
    config: str | None
    api_key_file: Path | None
    endpoint: str | None
    state: Path | None
    key: str | None
    with_traits: bool
    max_removals: str
    dry_run: bool
    max_line: int
    rejects: Path | None
    report: Path | None
    quiet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What is to be synced, and from which file. `removals`: who is gone is told so."""

    kind: Kind
    name: str
    key: str
    file: str
    columns: Columns
    removals: bool


def sync(wanted: Sync, asked: EngageOptions, pace: PaceOptions, stage: SandboxOptions) -> int:
    """Make the difference, tell it, and return the exit code."""
    inputs = source.inputs([wanted.file])
    with staged(stage, quiet=asked.quiet) as standin:
        job = job_of(asked, overrides=overrides_of(standin))
        _check_takes_identify(job)
        if asked.dry_run:
            return _rehearse(wanted, asked, job, inputs)
        settings.require(job.destination.name, job.settings)
        with _locked(state_path(asked.state)) as path, closing(State(path)) as state:
            return _send(wanted, asked, pace, _Stage(job, inputs, state, standin))


@dataclass(frozen=True, slots=True)
class _Stage:
    """What a sync works with."""

    job: Job
    inputs: Sequence[Input]
    state: State
    standin: Standin | None


def state_path(path: Path | None) -> Path:
    """Return where the state is."""
    return path or Path(click.get_app_dir("segcli")) / "engage.sqlite"


def _send(wanted: Sync, asked: EngageOptions, pace: PaceOptions, stage: _Stage) -> int:
    from segcli.delivery.deliver import Run
    from segcli.delivery.syncing import Syncing

    job = stage.job
    kept = asked.rejects or rejects.default_path(job.destination.name, [wanted.file])
    rejects.check_writable(kept)
    difference = _difference(wanted, asked, stage)
    if not asked.quiet:
        changes = f"{difference.coming:,} to be told, {difference.going:,} gone"
        click.echo(f"{wanted.key}: {difference.known:,} known; {changes}.", err=True)
    record = Syncing(stage.state, difference, _computation(wanted, job), at=_now())
    ending = Ending(
        command=f"engage {wanted.kind}",
        job=job,
        inputs=stage.inputs,
        tally=Tally(),
        states=STATES_OF_SEND,
        rejects=kept,
        sandbox=stage.standin.url if stage.standin else "",
    )
    run = Run(
        job=job,
        inputs=stage.inputs,
        rejects=kept,
        concurrency=pace.concurrency,
        rate=pace.rate,
        timeout=pace.timeout,
        retry_for=pace.retry_for,
        record=record,
    )
    return run_and_report(run, ending, asked, go_on=lambda: _GO_ON)


def _difference(wanted: Sync, asked: EngageOptions, stage: _Stage) -> Difference:
    """Stage the members and make the difference, unless it would remove too many."""
    endpoint = "" if stage.standin else display_url(getattr(stage.job.settings, "endpoint", ""))
    which = Which(
        destination=stage.job.destination.name + (" (sandbox)" if stage.standin else ""),
        endpoint=endpoint,
        kind=wanted.kind,
        key=wanted.key,
        name=wanted.name,
    )
    with stage.state.transaction():
        stage.state.stage(members(stage.inputs[0], wanted.columns))
        difference = stage.state.compare(which, removals=wanted.removals)
        _check_removals(asked.max_removals, difference, wanted.file)
    return difference


def _rehearse(wanted: Sync, asked: EngageOptions, job: Job, inputs: Sequence[Input]) -> int:
    """Print the identify events of the sync, and leave the state as it was."""
    path = state_path(asked.state)
    computation, now = _computation(wanted, job), _now()
    with closing(State(path if path.exists() else None)) as state, state.transaction(undo=True):
        difference = _difference(wanted, asked, _Stage(job, inputs, state, None))
        for _, _, change in state.changes(difference):
            sys.stdout.buffer.write(identify(change, computation, timestamp=now) + b"\n")
    return 0


def _computation(wanted: Sync, job: Job) -> Computation:
    label = job.destination.label_with(job.settings)
    return Computation(kind=wanted.kind, key=wanted.key, label=label)


def _check_takes_identify(job: Job) -> None:
    if "identify" not in job.destination.kinds:
        raise UsageError(f"{job.destination.name} takes no identify, so it cannot be told")


def _check_removals(most: str, difference: Difference, file: str) -> None:
    """Raise InputError where more members would be removed than `--max-removals` allows."""
    number, percent, rest = most.partition("%")
    try:
        limit = float(number) * (difference.known / 100 if percent else 1)
    except ValueError:
        rest = most
    if rest:
        raise UsageError(f"--max-removals {most} is no number", "Type for example 1000 or 50%")
    if difference.going > limit:
        raise InputError(
            f"{file} would remove {difference.going:,} of {difference.known:,} known members; "
            f"--max-removals is {most}",
            f"If that is meant, type --max-removals {difference.going}",
        )


@contextmanager
def _locked(path: Path) -> Iterator[Path]:
    """Keep other syncs from this state; the lock goes with the process."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = lock(path.with_name(f"{path.name}.lock"), option="--state")
    try:
        yield path
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_GO_ON = "To go on, type the same command again: it tells what is missing."

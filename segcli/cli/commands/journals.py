"""`segcli journals`: lists the unfinished runs of `send`, or removes the journal of one."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from segcli.cli.output import show
from segcli.cli.state_folder import state_folder
from segcli.core.plural import count_of
from segcli.errors import OutputError, UsageError
from segcli.journal.checkpoint import Checkpoint
from segcli.journal.unfinished import SUFFIX, UnfinishedRun, forget_run, unfinished_runs

_MAX_INPUTS = 3


def _complete_name(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    names = (path.stem for path in sorted(state_folder().glob(f"*{SUFFIX}")))
    return [name for name in names if name.startswith(incomplete)]


@click.command("journals")
@click.option(
    "--remove",
    metavar="NAME",
    shell_complete=_complete_name,
    help="Remove this journal. What it settled is forgotten: the next run sends everything again.",
)
@click.option(
    "--at",
    metavar="PLACE",
    help="Show the shared journal at this address or in this folder.",
)
def command(remove: str | None, at: str | None) -> int:
    """List the unfinished runs of send, or remove one.

    For each run it shows what is sent, where to, how many of its lines are settled, and the command
    that continues it. It looks in your folder for segcli's state; a journal that --journal put
    elsewhere is not listed. A shared journal is shown with --at.
    """
    if at is not None and remove is not None:
        raise UsageError("--at shows a journal, and --remove removes one", "Type one of them.")
    if at is not None:
        _show_shared(at)
    elif remove is None:
        _list()
    else:
        _remove(remove)
    return 0


def _list() -> None:
    runs = 0
    for run in unfinished_runs(state_folder()):
        show(*([""] if runs else []), *_described(run))
        runs += 1
    if runs:
        show("", "segcli journals --remove NAME forgets one.")
    else:
        show("No run is unfinished.")


def _show_shared(at: str) -> None:
    """Show the run of a shared journal, without taking it over."""
    from segcli.shared_journal.place import shared_place
    from segcli.shared_journal.take_over import shared_state

    place = shared_place(at)
    if place is None:
        raise UsageError(
            f"{at} is no shared journal", "Give an address, or a folder with a / at its end."
        )
    state = shared_state(place)
    if state.checkpoint is None:
        show("No run is unfinished." if state.last else f"There is no journal at {place}.")
        return
    attempts = state.open_claims
    show(str(place), *_described_run(state.checkpoint))
    show(*(f"  attempt  has not ended: {claim}" for claim in attempts))
    show(*_how_to_resume(state.checkpoint))
    if attempts:
        show("", "Resume it only if that attempt is lost: one that still runs is stopped.")


def _described(run: UnfinishedRun) -> Iterator[str]:
    at = datetime.fromtimestamp(run.written, UTC).strftime("%Y-%m-%d %H:%M UTC")
    yield f"{run.path.stem}   {'running' if run.is_running else f'stopped {at}'}"
    if run.checkpoint is None:
        yield f"  cannot be resumed: {run.problem}"
        return
    yield from _described_run(run.checkpoint)
    if not run.is_running:
        yield from _how_to_resume(run.checkpoint)


def _described_run(checkpoint: Checkpoint) -> Iterator[str]:
    header = checkpoint.header
    where = f"{header.destination} at {header.endpoint}" if header.endpoint else header.destination
    yield f"  to       {where}"
    yield f"  from     {_inputs(header.inputs)}"
    yield f"  settled  {_settled(checkpoint)}"


def _settled(checkpoint: Checkpoint) -> str:
    """Return how many lines are settled, of how many if that is known, and by state."""
    settled, lines = checkpoint.totals.total(), checkpoint.lines
    described = f": {checkpoint.described()}" if checkpoint.described() else ""
    if lines is None:
        return f"{count_of(settled, 'line')}{described}; not all lines have been read"
    return f"{settled:,} of {count_of(lines, 'line')}{described}"


def _inputs(names: Sequence[str]) -> str:
    more = len(names) - _MAX_INPUTS
    return ", ".join(names[:_MAX_INPUTS]) + (f" and {more:,} more" if more > 0 else "")


def _how_to_resume(checkpoint: Checkpoint) -> Iterator[str]:
    first, *notes = checkpoint.header.command or ["the same command with --resume"]
    yield f"  resume   {first}"
    yield from (f"           {note}" for note in notes)


def _remove(name: str) -> None:
    path = state_folder() / f"{Path(name).name.removesuffix(SUFFIX)}{SUFFIX}"
    if not os.path.isfile(path):
        raise UsageError(f"there is no journal {name!r}", "See: segcli journals")
    try:
        forget_run(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be removed: {error.strerror}") from None
    show(f"Removed {path}")

"""`segcli engage`: audiences and computed traits, told to a destination as they change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from segcli.cli.engage_sync import EngageOptions, Sync, state_path, sync
from segcli.cli.options import OUTPUT_OPTIONS, packed, target_options
from segcli.cli.sending import PACE_OPTIONS, SANDBOX_OPTIONS, PaceOptions, SandboxOptions
from segcli.delivery.members import Columns
from segcli.delivery.state import State
from segcli.engage import property_name
from segcli.errors import UsageError

_STATE = click.option(
    "--state",
    metavar="PATH",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What every vendor was told.  [default: in your folder for segcli's state]",
)
_ENGAGE = (
    _STATE,
    click.option("--key", metavar="NAME", help="The property.  [default: NAME in snake_case]"),
    click.option(
        "--with-traits", is_flag=True, help="Send the further columns as traits with each change."
    ),
    click.option(
        "--max-removals",
        metavar="N|N%",
        default="50%",
        show_default=True,
        help="Stop if more of the known members than this would be removed.",
    ),
    click.option("--dry-run", is_flag=True, help="Print the identify events; change nothing."),
)


def _sync_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of every sync, as `asked`, `pace` and `stage`."""
    asked = packed(EngageOptions, "asked", *target_options(), *_ENGAGE, *OUTPUT_OPTIONS)
    return asked(PACE_OPTIONS(SANDBOX_OPTIONS(command)))


@click.group("engage")
def command() -> None:
    """Sync audiences and computed traits as user properties.

    As Segment's Engage does: an identify for each user who enters or leaves an audience, or whose
    value changed. The state remembers what the vendor was told, so a sync sends changes only.
    """


@command.command("audience")
@click.argument("name")
@click.argument("members", metavar="MEMBERS")
@_sync_options
def audience(
    name: str, members: str, asked: EngageOptions, pace: PaceOptions, stage: SandboxOptions
) -> int:
    """Tell who entered and who left the audience NAME.

    MEMBERS lists who is in it now: CSV with a header (userId or anonymousId, email) or NDJSON, a
    file or - for stdin. The property is NAME in snake_case, true or false.
    """
    wanted = Sync(
        kind="audience",
        name=name,
        key=_key(name, asked),
        file=members,
        columns=Columns(with_traits=asked.with_traits),
        removals=True,
    )
    return sync(wanted, asked, pace, stage)


@command.command("trait")
@click.argument("name")
@click.argument("values", metavar="VALUES")
@_sync_options
@click.option(
    "--removed",
    type=click.Choice(["null", "skip"]),
    default="skip",
    show_default=True,
    help="What a user gets who is not among the values any more.",
)
def trait(
    name: str,
    values: str,
    removed: str,
    asked: EngageOptions,
    pace: PaceOptions,
    stage: SandboxOptions,
) -> int:
    """Tell the values of the computed trait NAME where they changed.

    VALUES lists each user's value now: CSV with a header (userId or anonymousId, email, and the
    value under `value` or NAME) or NDJSON, a file or - for stdin.
    """
    key = _key(name, asked)
    wanted = Sync(
        kind="trait",
        name=name,
        key=key,
        file=values,
        columns=Columns(value=("value", name, key), with_traits=asked.with_traits),
        removals=removed == "null",
    )
    return sync(wanted, asked, pace, stage)


@command.command("status")
@_STATE
def status(state: Path | None) -> int:
    """List the audiences and traits that the state knows.

    With their members, when the last sync reached its end, and what is still pending.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0))
    for title in ("name", "kind", "property", "destination", "members", "pending", "last sync"):
        table.add_column(title, justify="right" if title in {"members", "pending"} else "left")
    for known in _opened(state).known():
        where = known.destination + (f" at {known.endpoint}" if known.endpoint else "")
        counts = (f"{known.members:,}", f"{known.pending:,}")
        last_sync = known.last_sync or "never finished"
        table.add_row(known.name, known.kind, known.key, where, *counts, last_sync)
    Console(highlight=False, markup=False, soft_wrap=True).print(table)
    return 0


@command.command("forget")
@click.argument("name")
@_STATE
@click.option("--dest", "-d", metavar="NAME", help="Only what this destination was told.")
def forget(name: str, state: Path | None, dest: str | None) -> int:
    """Forget what was told of the audience or trait NAME.

    The next sync tells every member again; nobody is told anything now.
    """
    opened = _opened(state)
    count = opened.forget(name, dest) or opened.forget(property_name(name), dest)
    if not count:
        raise UsageError(
            f"the state knows no audience or trait {name!r}", "See: segcli engage status"
        )
    click.echo(f"Forgot {name} at {count} destination{'s' if count > 1 else ''}.")
    return 0


def _key(name: str, asked: EngageOptions) -> str:
    key = asked.key or property_name(name)
    if not key:
        raise UsageError(f"no property can be named after {name!r}", "Name it: --key NAME")
    return key


def _opened(path: Path | None) -> State:
    """Open the state; one that is not there yet knows nothing, and is not made."""
    place = state_path(path)
    return State(place if place.exists() else None)

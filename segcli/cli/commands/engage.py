"""`segcli engage`: sends changes of audiences and computed traits to a destination."""

import os
from collections.abc import Callable
from pathlib import Path

import click

from segcli.cli import dest_option
from segcli.cli.commands.engage_sync import (
    EngageOptions,
    SyncSpec,
    SyncWatch,
    parse_max_removals,
    sync,
)
from segcli.cli.completion import complete_dest, complete_file
from segcli.cli.configured import ConfiguredCommand
from segcli.cli.engage_state import changed_state, read_engage_state, state_path
from segcli.cli.help_format import GroupedCommand, SuggestingGroup
from segcli.cli.log_options import WATCH_OPTIONS, LogOptions, logging_to
from segcli.cli.option_types import TEXT, Quantity
from segcli.cli.options import OUTPUT_OPTIONS, Command, grouped_options, target_options
from segcli.cli.output import Column, rendered_table, show, show_table
from segcli.cli.run import Watch
from segcli.cli.send_options import REQUEST_OPTIONS, SANDBOX_OPTIONS, RequestOptions, SandboxOptions
from segcli.engage.identify import property_name
from segcli.engage.members import Columns
from segcli.engage.state import Known
from segcli.errors import UsageError
from segcli.runs.output_checks import check_written

# Wide enough that no name is wrapped.
_WIDTH_OFF_TERMINAL = 1000
_STATE = click.option(
    "--state",
    metavar="PATH",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The state file: what was sent to each vendor.  [default: in your folder for segcli's "
    "state]",
)
_ENGAGE = (
    _STATE,
    click.option(
        "--key",
        type=TEXT,
        metavar="NAME",
        help="The property to set.  [default: NAME in snake_case]",
    ),
    click.option(
        "--with-traits", is_flag=True, help="Send all other columns as traits with each change."
    ),
    click.option(
        "--max-removals",
        type=Quantity("number of removals", parse_max_removals, "1000 or 50%", toml=(str, float)),
        metavar="N|N%",
        default="50%",
        show_default=True,
        help="Stop if the sync would remove more of the known members than this.",
    ),
    click.option(
        "--dry-run", is_flag=True, help="Print the identify events; send and change nothing."
    ),
)


def _sync_options(file: str) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of every sync; FILE is called `file` in the help."""
    argument = click.argument("file", metavar=file, shell_complete=complete_file)
    grouped = grouped_options(
        EngageOptions, "options", argument, *target_options(), *_ENGAGE, *OUTPUT_OPTIONS
    )
    return lambda command: grouped(REQUEST_OPTIONS(SANDBOX_OPTIONS(WATCH_OPTIONS(command))))


@click.group("engage", cls=SuggestingGroup)
def command() -> None:
    """Sync audiences and computed traits as user properties.

    As Segment's Engage does, sends an identify for each user who entered or left an audience, or
    whose value changed. The state records what was sent, so a sync sends changes only.
    """


@command.command("audience", cls=GroupedCommand)
@click.argument("name", type=TEXT)
@_sync_options("MEMBERS")
def audience(
    name: str,
    options: EngageOptions,
    request_options: RequestOptions,
    sandbox_options: SandboxOptions,
    log_options: LogOptions,
) -> int:
    """Send who entered and who left the audience NAME.

    MEMBERS lists the current members: CSV with a header (userId or anonymousId, email) or NDJSON,
    a file or - for stdin. The property is NAME in snake_case, true or false.
    """
    spec = SyncSpec(
        kind="audience",
        name=name,
        key=_key(name, options),
        columns=Columns(with_traits=options.with_traits),
        removals=True,
    )
    with logging_to(log_options) as log:
        watch = SyncWatch(Watch(log, log_options.metrics), log_options.writes)
        return sync(spec, options, request_options, sandbox_options, watch)


@command.command("trait", cls=GroupedCommand)
@click.argument("name", type=TEXT)
@_sync_options("VALUES")
@click.option(
    "--removed",
    type=click.Choice(["null", "skip"]),
    default="skip",
    show_default=True,
    help="What to send for a user who is no longer in VALUES.",
)
def trait(
    name: str,
    removed: str,
    options: EngageOptions,
    request_options: RequestOptions,
    sandbox_options: SandboxOptions,
    log_options: LogOptions,
) -> int:
    """Send the changed values of the computed trait NAME.

    VALUES lists the current value of each user: CSV with a header (userId or anonymousId, email,
    and the value under `value` or NAME) or NDJSON, a file or - for stdin.
    """
    key = _key(name, options)
    spec = SyncSpec(
        kind="trait",
        name=name,
        key=key,
        columns=Columns(value=("value", name, key), with_traits=options.with_traits),
        removals=removed == "null",
    )
    with logging_to(log_options) as log:
        watch = SyncWatch(Watch(log, log_options.metrics), log_options.writes)
        return sync(spec, options, request_options, sandbox_options, watch)


@command.command("status", cls=ConfiguredCommand)
@_STATE
def status(state: Path | None) -> int:
    """List the audiences and traits in the state.

    Shows how many members each has, how many changes are pending, and when a sync last finished.
    """
    check_written({"--state": state_path(state)})
    titles = ("name", "kind", "property", "destination", "members", "pending", "last sync")
    columns = [
        Column(title=title, right=title in {"members", "pending"}, fold=True) for title in titles
    ]
    with read_engage_state(state) as opened:
        rows = [_row(known) for known in opened.known()]
    show_table(rendered_table(columns, rows), width=_WIDTH_OFF_TERMINAL)
    return 0


@command.command("forget", cls=ConfiguredCommand)
@click.argument("name", type=TEXT)
@_STATE
@click.option(
    "--dest", "-d", metavar="NAME", shell_complete=complete_dest, help="Only at this destination."
)
def forget(name: str, state: Path | None, dest: str | None) -> int:
    """Forget what was sent for the audience or trait NAME.

    Sends nothing now. The next sync sends every member again.
    """
    check_written({"--state": state_path(state)}, [dest])
    count = 0
    dest = dest_option.destination_name(dest) if dest else None
    if os.path.exists(state_path(state)):
        with changed_state(state) as opened:
            count = opened.forget(name, dest) or opened.forget(property_name(name), dest)
    if not count:
        raise UsageError(
            f"the state has no audience or trait {name!r}", "See: segcli engage status"
        )
    show(f"Forgot {name} at {count} destination{'s' if count > 1 else ''}.")
    return 0


def _row(known: Known) -> tuple[str, ...]:
    where = known.destination + (f" at {known.endpoint}" if known.endpoint else "")
    counts = (f"{known.members:,}", f"{known.pending:,}")
    last_sync = known.last_sync or "never finished"
    return known.name, known.kind, known.key, where, *counts, last_sync


def _key(name: str, options: EngageOptions) -> str:
    """Return the property of an audience or trait; raises UsageError if it cannot be one."""
    key = options.key or property_name(name)
    if not key:
        raise UsageError(f"no property can be made from the name {name!r}", "Name it: --key NAME")
    if key == "email":
        raise UsageError("the property email is the user's address", "Name another key: --key NAME")
    return key

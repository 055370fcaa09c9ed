"""`segcli sandbox`: runs a stand-in for every vendor until Ctrl-C."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from segcli import catalog, destinations
from segcli.cli.completion import complete_file
from segcli.cli.configured import ConfiguredCommand
from segcli.cli.dest_option import typed_destination
from segcli.cli.option_types import DURATION, RATE, TEXT, Quantity, WholeNumber
from segcli.cli.options import grouped_options
from segcli.cli.output import show
from segcli.cli.sandboxed import host_destination, make_kept
from segcli.cli.send_options import FAULT, SEED_OPTION
from segcli.core import settings
from segcli.core.destination import Destination
from segcli.core.secret import Secret
from segcli.core.visible_text import shell_quoted
from segcli.errors import UsageError
from segcli.local_server.background_server import why_not_listening
from segcli.runs.output_checks import check_written
from segcli.sandbox import (
    DEFAULT_KEY,
    FAULT_EXAMPLES,
    Fault,
    SandboxServer,
    Script,
    parse_origin,
    serve_sandbox,
)
from segcli.sandbox.vendors import VENDORS

ORIGIN = Quantity("origin", parse_origin, "http://localhost:3000")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOptions:
    """How the sandbox behaves. The fields are those of `Script`; `fault` is its `faults`."""

    key: str
    fault: tuple[Fault, ...]
    latency: float
    rate: float | None
    retry_after: float
    poison: str | None
    seed: int | None
    keep: Path | None
    allow_origin: tuple[str, ...]


@click.command("sandbox", cls=ConfiguredCommand)
@click.option(
    "--port",
    metavar="N",
    type=WholeNumber(0, 65535),
    default=8765,
    show_default=True,
    help="Listen on this port; 0 for any free one.",
)
@click.option(
    "--dest",
    "-d",
    metavar="PATH",
    multiple=True,
    shell_complete=complete_file,
    help="Also stand in for the vendor of this destination file, like ./acme.toml (repeatable).",
)
@grouped_options(
    ScriptOptions,
    "script_options",
    click.option(
        "--key",
        type=TEXT,
        metavar="TEXT",
        default=DEFAULT_KEY,
        show_default=True,
        help="Accept this key.",
    ),
    click.option(
        "--fault",
        type=FAULT,
        metavar="KIND:SHARE",
        multiple=True,
        help=f"Fail this often: {FAULT_EXAMPLES} (repeatable).",
    ),
    click.option(
        "--latency",
        type=DURATION,
        metavar="TIME",
        default=0.0,
        help="Wait this long before each reply.",
    ),
    click.option(
        "--rate", type=RATE, metavar="RATE", help="Reply 429 above this rate: 50/s or 3000/min."
    ),
    click.option(
        "--retry-after",
        type=DURATION,
        metavar="TIME",
        default=1.0,
        help="The Retry-After of a 429.  [default: 1s]",
    ),
    click.option(
        "--poison", type=TEXT, metavar="TEXT", help="Refuse payloads that contain this text."
    ),
    SEED_OPTION,
    click.option(
        "--keep",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append every accepted payload to this file.",
    ),
    click.option(
        "--allow-origin",
        type=ORIGIN,
        metavar="ORIGIN",
        multiple=True,
        help="Let web pages of this origin send requests, such as http://localhost:3000 "
        "(repeatable).  [default: only its own]",
    ),
)
def command(port: int, dest: tuple[str, ...], script_options: ScriptOptions) -> int:
    """Run a stand-in for every vendor on this machine.

    It checks route, key and body by the rules that the vendor has published, counts requests,
    and plays faults. Wrong events that a vendor drops silently are refused, to show the mistake.
    GET /_sandbox returns the counts.
    """
    _make_kept(script_options.keep, dest)
    described = {name: typed_destination(name) for name in dest}
    script = Script(
        key=script_options.key,
        faults=script_options.fault,
        latency=script_options.latency,
        rate=script_options.rate,
        retry_after=script_options.retry_after,
        poison=script_options.poison,
        seed=script_options.seed,
        keep=script_options.keep,
        allow_origin=script_options.allow_origin,
    )
    try:
        serve_sandbox(
            script, port=port, started=partial(_begin, described=described, key=script_options.key)
        )
    except OSError as error:
        raise UsageError(
            f"the sandbox cannot listen on port {port}: {why_not_listening(error)}",
            "Name another port: --port N, or --port 0 for a free one",
        ) from None
    return 0


def _make_kept(keep: Path | None, dest: Sequence[str]) -> None:
    """Make the file of --keep; raises UsageError if it is not one for payloads."""
    if keep is None:
        return
    check_written({"--keep": keep}, dest)
    make_kept(keep)


def _begin(sandbox: SandboxServer, *, described: Mapping[str, Destination[Any]], key: str) -> None:
    # A plug-in, or a destination without checks of its own: any JSON is accepted for it.
    for name in set(destinations.names()) - VENDORS.keys():
        sandbox.app.host(name)
    for destination in described.values():
        host_destination(sandbox, destination)
    # It runs even if stdout cannot be written.
    with suppress(OSError):
        _tell(sandbox, described, key=key)


def _tell(sandbox: SandboxServer, described: Mapping[str, Destination[Any]], *, key: str) -> None:
    show(f"The sandbox listens at {sandbox.url}; Ctrl-C ends it. Counts: {sandbox.url}/_sandbox")
    show("Send to it with:")
    names = {name: name for name in (*destinations.BUILT_IN, *catalog.NAMES)}
    for dest, name in (names | {dest: one.name for dest, one in described.items()}).items():
        show(f"  segcli send --dest {shell_quoted(dest)} --endpoint {sandbox.endpoint(name)}")
    show(f"and the key {key!r} in SEGCLI_<DEST>_API_KEY.")
    for dest, destination in described.items():
        for variable, value in _keys_of(destination, key, sandbox.endpoint(destination.name)):
            show(f"For {dest}: export {variable}={shell_quoted(value)}")


def _keys_of(destination: Destination[Any], key: str, endpoint: str) -> Iterator[tuple[str, str]]:
    """Yield the environment variables of a destination's secrets, and the values to set."""
    from segcli.sandbox.vendors.file_tokens import TOKEN_PATH

    for row in settings.describe(destination.name, destination.settings):
        if row.kind is Secret:
            yield row.env, key if row.takes(key) else endpoint
        elif row.name == "token_url" and destination.token:
            yield row.env, endpoint + TOKEN_PATH

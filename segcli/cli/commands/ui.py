"""`segcli ui`: shows the mapping, a sandbox and a run in the browser, until Ctrl-C."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from segcli.cli.completion import complete_file
from segcli.cli.help_format import GroupedCommand
from segcli.cli.input_days import find_inputs, first_look
from segcli.cli.option_types import SIZE, WholeNumber
from segcli.cli.options import INPUT_OPTIONS, grouped_options, target_options
from segcli.cli.page import MAX_UNPACKED, check_page, setup_of, tell_address
from segcli.errors import UsageError
from segcli.inputs import Input
from segcli.local_server.background_server import signals_held, why_not_listening


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What the page shows. The fields with names of `JobOptions` mean the same.

    expect: the golden file to compare with
    max_unpacked: the most bytes of compressed and piped inputs that are unpacked
    port: the port of the page
    no_open: open no browser
    """

    files: tuple[str, ...]
    dest: str | None
    set: tuple[str, ...]
    config: str | None
    api_key_file: Path | None
    endpoint: str | None
    expect: Path | None
    max_line: int
    max_unpacked: int
    no_first_look: bool
    port: int
    no_open: bool
    rejects: Path | None = None
    report: Path | None = None
    html: Path | None = None
    html_samples: bool = False
    quiet: bool = False


@click.command("ui", cls=GroupedCommand)
@grouped_options(
    PageOptions,
    "options",
    click.argument("files", nargs=-1, metavar="[FILES]...", shell_complete=complete_file),
    *target_options("pointillist"),
    click.option(
        "--expect",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Show the differences from this golden file.",
    ),
    *INPUT_OPTIONS,
    click.option(
        "--max-unpacked",
        type=SIZE,
        metavar="SIZE",
        default=MAX_UNPACKED,
        help="Unpack at most this much of compressed and piped inputs.  [default: 4GiB]",
    ),
    click.option(
        "--port",
        metavar="N",
        type=WholeNumber(0, 65535),
        default=0,
        help="The port of the page.  [default: a free one]",
    ),
    click.option("--no-open", is_flag=True, help="Print the address, and open no browser."),
)
def command(options: PageOptions) -> int:
    """Show the mapping, a sandbox and a run in the browser.

    Serves a page on this machine until Ctrl-C; only those who have the printed address see it. No
    key reaches it, and nothing is sent but into its own sandbox.
    """
    check_page("ui", opens=not options.no_open)
    from segcli.ui.page_server import page_serving
    from segcli.ui.run_state import RunState

    setup = setup_of(
        options, _inputs(options), expect=options.expect, max_unpacked=options.max_unpacked
    )
    try:
        with (
            signals_held() as wait,
            page_serving(setup, RunState(setup.redactor), port=options.port) as page,
        ):
            tell_address(page, opens=not options.no_open, until="until Ctrl-C.")
            wait()
    except OSError as error:
        raise UsageError(
            f"the page cannot be served on port {options.port}: {why_not_listening(error)}",
            "Name another port: --port N",
        ) from None
    return 0


def _inputs(options: PageOptions) -> Sequence[Input]:
    """Return the inputs; none if none is named and nothing is piped in."""
    if not options.files and sys.stdin.isatty():
        return ()
    return first_look(find_inputs(options), options)

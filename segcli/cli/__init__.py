"""The command line: the list of commands, and `main`, which runs one and returns its exit code.

Each command has its own module, imported only when it runs, so that `segcli --help` is fast.
Only this package imports click and rich.
"""

import io
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from segcli import __version__
from segcli.cli.help_format import SuggestingGroup, unknown_option
from segcli.cli.interrupts import interrupts_kept
from segcli.cli.output import say, say_error, say_text, show
from segcli.cli.stdio import ReaderGone, discard_stdout, set_up_streams
from segcli.core.visible_text import visible
from segcli.errors import DestinationError, Exit, SegcliError

COMMANDS = {
    "transform": "Print what a destination would receive.",
    "check": "Report in CI what a destination would receive and lose.",
    "send": "Send events to a destination and account for every line.",
    "journals": "List the unfinished runs of send, or remove one.",
    "spark": "Map, check and send an archive on a Spark cluster.",
    "engage": "Sync audiences and computed traits as user properties.",
    "destinations": "List the destinations, or describe one.",
    "config": "Show where the values of options come from.",
    "sandbox": "Run a stand-in for every vendor on this machine.",
    "ui": "Show the mapping, a sandbox and a run in the browser.",
    "capture": "Write what Segment's clients send into a file of events.",
    "guide": "List the guides, or show one.",
    "help": "Show the help of a command.",
    "completion": "Print the completion for a shell.",
}


class _Commands(SuggestingGroup):
    """A group that shows the one-line help of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's interface
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"segcli.cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(ctx: click.Context, _param: click.Parameter, is_given: bool) -> None:
    if not is_given or ctx.resilient_parsing:
        return
    from platform import python_version

    from segcli.http.transports import TRANSPORTS

    transports = ", ".join(map(_version_of, TRANSPORTS))
    show(f"segcli, version {__version__}", f"Python {python_version()}; {transports}")
    ctx.exit()


def _version_of(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} is not installed"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version, Python's and those of the transports, and exit.",
)
def cli() -> None:
    """Replay Segment events from files or stdin into a destination.

    \b
      segcli transform e.jsonl               a preview
      segcli send -d gist --sandbox e.jsonl  a rehearsal
      segcli send -d gist e.jsonl            the real thing
      segcli check -d gist e.jsonl           in CI

    Exit codes: 0 all done; 1 done, but some events were rejected or refused, or check found
    something; 2 could not start, or check could not read an input to its end; 3 stopped before
    the end; 130 interrupted.
    """  # noqa: D301  # \b tells click to keep these lines as they are


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit. Errors become messages and exit codes here and nowhere else."""
    set_up_streams()
    try:
        with interrupts_kept():
            code = cli.main(arguments, prog_name="segcli", standalone_mode=False)
            sys.stdout.flush()
    except SegcliError as error:
        code = _print_error(error)
    except click.ClickException as error:
        code = _print_click_error(error)
    except (KeyboardInterrupt, click.Abort):
        say("Interrupted.")
        # What is left in its buffer may have been written by the call that was interrupted.
        discard_stdout()
        code = 130
    except ReaderGone:
        code = Exit.CLOSED_PIPE
    except Exception:  # a bug of ours: its exit code is none of those that a run has
        code = _print_bug()
    try:
        sys.stdout.flush()
    except (ReaderGone, SegcliError, OSError):
        discard_stdout()
    sys.exit(code)


def _print_bug() -> int:
    say_text(traceback.format_exc())
    return Exit.BUG


def _print_click_error(error: click.ClickException) -> int:
    if isinstance(error, click.NoSuchOption):
        error = unknown_option(error)
    out = io.StringIO()
    error.show(out)
    # click puts a tab before each word that an argument may be, which would be shown as an escape.
    say_text(out.getvalue().replace("\n\t", "\n  "))
    return Exit.NOT_STARTED


def _print_error(error: SegcliError) -> int:
    # Only the mistakes in a destination file have one line each.
    message = error.message if isinstance(error, DestinationError) else visible(error.message)
    say_error(message, error.hint)
    return error.exit_code

"""The command line. click and rich live on this floor and nowhere else.

Each command is a module of its own, imported only when it runs, so that `segcli --help` is fast.
"""

import io
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from segcli import __version__
from segcli.cli.interrupts import interrupts_heard
from segcli.cli.output import say, say_error, say_text
from segcli.cli.stdio import NobodyReads, let_go_of_stdout, set_up_streams
from segcli.cli.visible_text import visible
from segcli.errors import DestinationError, Exit, SegcliError

COMMANDS = {
    "transform": "Print what a destination would receive.",
    "check": "Say in CI what a destination would receive and lose.",
    "send": "Send events to a destination and account for every line.",
    "engage": "Sync audiences and computed traits as user properties.",
    "destinations": "List the destinations, or describe one.",
    "sandbox": "Stand in for every vendor on this machine.",
    "capture": "Write what Segment's clients send into a file of events.",
    "guide": "List the guides, or show one.",
}


class _Commands(click.Group):
    """A group that knows its commands' one-line help without importing them."""

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


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="segcli")
def cli() -> None:
    """Replay Segment events from files or stdin into a destination.

    \b
      segcli transform events.jsonl                 what would be sent
      segcli send --dest gist --sandbox events.jsonl  a rehearsal, no key needed
      segcli send --dest gist events.jsonl          the real thing
      segcli check --dest gist events.jsonl         in CI

    Exit codes: 0 all done; 1 done, but some events were rejected or refused, or check found
    something; 2 could not start, or check could not read on; 3 stopped on the way; 130
    interrupted.
    """  # noqa: D301  # \b is click's mark for lines that stay as they are


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit. The one place where errors become messages and exit codes."""
    set_up_streams()
    try:
        with interrupts_heard():
            code = cli.main(arguments, prog_name="segcli", standalone_mode=False)
            sys.stdout.flush()
    except SegcliError as error:
        code = _say(error)
    except click.ClickException as error:
        code = _say_as_click_does(error)
    except (KeyboardInterrupt, click.Abort):
        say("Interrupted.")
        code = 130
    except NobodyReads:
        code = Exit.CLOSED_PIPE
    except Exception:  # a bug of ours keeps its traceback, and is no outcome of a run
        code = _bug()
    try:
        sys.stdout.flush()
    except (NobodyReads, SegcliError, OSError):
        let_go_of_stdout()
    sys.exit(code)


def _bug() -> int:
    say_text(traceback.format_exc())
    return Exit.BUG


def _say_as_click_does(error: click.ClickException) -> int:
    out = io.StringIO()
    error.show(out)
    say_text(out.getvalue())
    return Exit.NOT_STARTED


def _say(error: SegcliError) -> int:
    # Only the mistakes of a destination's file stand on lines of their own.
    message = error.message if isinstance(error, DestinationError) else visible(error.message)
    say_error(message, error.hint)
    return error.exit_code

"""The command line. click and rich live on this floor and nowhere else.

Each command is a module of its own, imported only when it runs, so that `segcli --help` is fast.
"""

import os
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from segcli import __version__
from segcli.errors import Exit, OutputError, SegcliError

COMMANDS = {
    "transform": "Print what a destination would receive.",
    "check": "Say in CI what a destination would receive and lose.",
    "send": "Send events to a destination and account for every line.",
    "engage": "Sync audiences and computed traits as user properties.",
    "destinations": "List the destinations, or describe one.",
    "sandbox": "Stand in for every vendor on this machine.",
}


class _Commands(click.Group):
    """A group that knows its commands' one-line help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's interface
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"segcli.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> int:
        """Run the command; click itself would end with 1 where our output has no reader."""
        try:
            code: int = super().invoke(ctx)
        except BrokenPipeError:
            code = _close_quietly()
        return code

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
    _stand_in_for_closed()
    try:
        code = cli.main(arguments, prog_name="segcli", standalone_mode=False)
        sys.stdout.flush()
    except SegcliError as error:
        code = _say(error)
    except click.ClickException as error:
        error.show()
        code = Exit.NOT_STARTED
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = 130
    except BrokenPipeError:
        code = _close_quietly()
    except Exception as error:  # a bug of ours keeps its traceback, and is no outcome of a run
        code = _say(unwritten) if (unwritten := _unwritten(error)) else _bug()
    try:
        sys.stdout.flush()
    except OSError:
        _close_quietly()  # or Python itself would try once more, and end with another code
    sys.exit(code)


def _stand_in_for_closed() -> None:
    """Open what whoever started us has closed: stderr to say nothing, stdout to fail if written to.

    What should go to stdout is what was asked for, so it must not be lost unseen.
    """
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: SIM115  # until we end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # until we end


def _unwritten(error: Exception) -> OutputError | None:
    """Return the error that stdout takes no more, if that was it: then it still does not."""
    if isinstance(error, OSError):
        try:
            sys.stdout.flush()
        except OSError as again:
            return OutputError(f"the output cannot be written: {again.strerror}")
    return None


def _bug() -> int:
    traceback.print_exc()
    return Exit.BUG


def _say(error: SegcliError) -> int:
    click.secho("Error: ", fg="red", nl=False, err=True)
    click.echo(error.message, err=True)
    if error.hint:
        click.echo(error.hint, err=True)
    return error.exit_code


def _close_quietly() -> int:
    """Whoever read our output has gone; what is left in the buffers has no reader either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return Exit.CLOSED_PIPE

"""`segcli completion`: prints what makes a shell complete segcli's commands and options."""

import click
from click.shell_completion import get_completion_class

from segcli.cli.output import write_data

_SHELLS = ("bash", "zsh", "fish")
# Bash adds a space after a value. After `KEY=` the user goes on typing.
_BASH_ADDS = "COMPREPLY+=($value)"
_NO_SPACE = f"{_BASH_ADDS}\n            [[ $value == *= ]] && compopt -o nospace"


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    """Print the completion for a shell.

    Add a line to ~/.bashrc, to ~/.zshrc after compinit, or to ~/.config/fish/config.fish:

    \b
      bash   source <(segcli completion bash)
      zsh    source <(segcli completion zsh)
      fish   segcli completion fish | source

    Completes commands, options, files, destinations, and the settings behind --set.
    """  # noqa: D301  # \b tells click to keep these lines as they are
    write_data(_source(shell).encode())
    return 0


def _source(shell: str) -> str:
    """Return the script. click's own `source` would first start a bash to ask its version."""
    kind = get_completion_class(shell)
    assert kind is not None
    names = kind(click.Command("segcli"), {}, "segcli", "_SEGCLI_COMPLETE").source_vars()
    return (kind.source_template % names).replace(_BASH_ADDS, _NO_SPACE)

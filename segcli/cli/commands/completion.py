"""`segcli completion`: prints what makes a shell complete segcli's commands and options."""

from collections.abc import Sequence

import click
from click.shell_completion import get_completion_class

from segcli.cli.output import write_data

_SHELLS = ("bash", "zsh", "fish")
# What is replaced in click's scripts. A value may be glued to its option: `--rejects=fo`.
_CHANGES: dict[str, Sequence[tuple[str, str]]] = {
    "bash": (
        # Bash adds a space after a value. After `KEY=` the user goes on typing.
        (
            "COMPREPLY+=($value)",
            "COMPREPLY+=($value)\n            [[ $value == *= ]] && compopt -o nospace",
        ),
        # To bash, the `=` after an option is a word.
        (
            "    local response\n",
            """\
    local response index cword=$COMP_CWORD words=()
    for index in "${!COMP_WORDS[@]}"; do
        if [[ ${COMP_WORDS[index]} == = && ${COMP_WORDS[index-1]} == --* ]] &&
            (( index < COMP_CWORD )); then
            cword=$((cword - 1))
        else
            words+=("${COMP_WORDS[index]}")
        fi
    done
""",
        ),
        (
            'COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD',
            'COMP_WORDS="${words[*]}" COMP_CWORD=$cword',
        ),
    ),
    # Zsh is told what comes before the value, and to keep it.
    "zsh": (
        (
            "_segcli_completion() {\n",
            "_segcli_completion() {\n    [[ $words[CURRENT] == --*=* ]] && compset -P 1 '*='\n",
        ),
        ("completions_with_descriptions -U", 'completions_with_descriptions -U -i "$IPREFIX"'),
        ("compadd -U", 'compadd -U -i "$IPREFIX"'),
    ),
    # Fish wants the option before each value. `echo` prints an empty line if there is none.
    "fish": (
        (
            "function _segcli_completion;",
            """\
function _segcli_before_value
    echo (string match -r -- '^--[^=]+=' (commandline -ct))
end

function _segcli_completion;""",
        ),
        (
            '"(_segcli_completion)"',
            "\"(_segcli_completion | string replace -r '^' -- (_segcli_before_value))\"",
        ),
    ),
}


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
    script = kind.source_template % names
    for old, new in _CHANGES[shell]:
        script = script.replace(old, new)
    return script

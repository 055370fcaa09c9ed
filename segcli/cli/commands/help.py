"""`segcli help`: shows the help of a command, as its `--help` does."""

import click

from segcli.cli.help_format import unknown_command
from segcli.cli.output import write_data


def _complete_command(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    root = ctx.find_root().command
    names = root.list_commands(ctx) if isinstance(root, click.Group) else []
    return [name for name in names if name.startswith(incomplete)]


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...", shell_complete=_complete_command)
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> int:
    """Show the help of a command.

    `segcli help engage audience` is the same as `segcli engage audience --help`.
    """
    shown = ctx.find_root()
    for word in words:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{shown.command_path} has no command {word!r}.", ctx)
        found = group.get_command(shown, word)
        if found is None:
            raise click.UsageError(unknown_command(word, group.list_commands(shown)), ctx)
        shown = click.Context(found, parent=shown, info_name=word)
    write_data(f"{shown.get_help()}\n".encode())
    return 0

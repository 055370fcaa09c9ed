"""What the shell completes: files, destinations, and settings behind `--set`.

A function here gets what was typed so far. It raises nothing: a message would stand in the middle
of the command that is being typed.
"""

from typing import TYPE_CHECKING

import click

from segcli.errors import SegcliError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_file(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Let the shell complete the name of a file."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def complete_dest(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Complete the name of a destination; a path is completed as a file."""
    from click.shell_completion import CompletionItem

    from segcli import destinations

    found = [name for name in destinations.names() if name.startswith(incomplete)]
    return [CompletionItem(name) for name in found] or complete_file(ctx, param, incomplete)


def complete_setting(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Complete the name of a setting of the destination that `--dest` names, with its `=`."""
    from click.shell_completion import CompletionItem

    from segcli.cli.dest_option import typed_destination
    from segcli.core.settings import describe

    dest = ctx.params.get("dest")
    if not isinstance(dest, str):
        return []
    try:
        destination = typed_destination(dest)
    except SegcliError:
        return []
    return [
        CompletionItem(f"{row.name}=", help=row.help)
        for row in describe(destination.name, destination.settings)
        if row.name.startswith(incomplete)
    ]

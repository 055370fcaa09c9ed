"""`segcli guide`: lists the guides, or shows one."""

import difflib
import sys
from importlib.resources import files

import click

from segcli.cli.output import show, show_markdown, write_data
from segcli.errors import UsageError

# Longer lines are hard to read.
_WIDEST = 100


def _complete_topic(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [topic for topic in _texts() if topic.startswith(incomplete)]


@click.command("guide")
@click.argument("topic", required=False, shell_complete=_complete_topic)
def command(topic: str | None) -> int:
    """List the guides, or show one.

    A terminal gets it rendered; a pipe gets the Markdown file.
    """
    texts = _texts()
    if topic is None:
        _list(texts)
    elif topic not in texts:
        raise _unknown(topic, list(texts))
    elif sys.stdout.isatty():
        show_markdown(texts[topic].decode(), widest=_WIDEST)
    else:
        write_data(texts[topic])
    return 0


def _texts() -> dict[str, bytes]:
    """Return the guides by topic, in alphabetical order."""
    found = files("segcli").joinpath("guides").iterdir()
    texts = {
        entry.name.removesuffix(".md"): entry.read_bytes()
        for entry in found
        if entry.name.endswith(".md")
    }
    return dict(sorted(texts.items()))


def _list(texts: dict[str, bytes]) -> None:
    width = max(map(len, texts))
    show(*(f"{topic:<{width}}   {_about(text)}" for topic, text in texts.items()))
    show("", "segcli guide TOPIC shows one.")


def _about(text: bytes) -> str:
    """Return the line below the title of a guide, which says what it is about."""
    return text.decode().splitlines()[2]


def _unknown(topic: str, known: list[str]) -> UsageError:
    close = difflib.get_close_matches(topic.lower(), known, 1)
    guess = f"Did you mean {close[0]}? " if close else f"There are: {', '.join(known)}. "
    return UsageError(f"there is no guide {topic}", f"{guess}`segcli guide` lists them.")

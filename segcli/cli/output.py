"""The only module that prints: `say` functions to stderr, `show` functions to stdout.

They escape control characters in all text for people, so that no caller can forget it, and never
interpret text as rich's markup. Data goes to stdout unchanged; `segcli.cli.stdio` escapes it on a
terminal.
"""

import io
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from segcli.cli.stdio import VisibleStream, as_is
from segcli.core.visible_text import (
    visible,
    visible_json,
    visible_line,
    visible_lines,
    visible_styled,
    without_commands,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_RED, _RESET = "\x1b[31m", "\x1b[0m"
# Some programs report a terminal of 0 columns.
_NARROWEST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    title: the heading
    right: align to the right
    fold: wrap long text instead of cutting it off
    whole: never wrap the text
    """

    title: str = ""
    right: bool = False
    fold: bool = False
    whole: bool = False


def say(*lines: str) -> None:
    r"""Print lines to stderr; a line break inside one of them is shown as `\n`."""
    _write(sys.stderr, "".join(f"{visible_line(line)}\n" for line in lines))


def ask(question: str) -> bool:
    """Ask a question on stderr, and return whether the answer on stdin is yes."""
    _write(sys.stderr, f"{visible_line(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def say_as_json(line: str) -> None:
    """Print a line of JSON to stderr, with JSON escapes for control characters."""
    _write(sys.stderr, f"{visible_json(line)}\n")


def print_above(console: "Console", line: str) -> None:
    """Print a line above the live display of a console."""
    console.print(plain_text(line))


def say_error(message: str, hint: str = "") -> None:
    """Print what went wrong and what to type next; both may have several lines."""
    start = f"{_RED}Error: {_RESET}" if _has_colours(sys.stderr) else "Error: "
    text = visible_lines(message) + (f"\n{visible_lines(hint)}" if hint else "")
    _write(sys.stderr, f"{start}{text}\n")


def say_text(text: str) -> None:
    """Print text of several lines to stderr, such as a traceback."""
    _write(sys.stderr, visible_lines(text))


def say_table(table: "Table", *, width: int) -> None:
    """Print a table to stderr; `width` is the width if stderr is not a terminal."""
    _write(sys.stderr, rendered([table], sys.stderr, width=width))


def show(*lines: str) -> None:
    r"""Print lines for people to stdout; a line break inside one of them is shown as `\n`."""
    _write(sys.stdout, "".join(f"{visible_line(line)}\n" for line in lines))


def show_table(table: "Table", *, width: int) -> None:
    """Print a table to stdout; `width` is the width if stdout is not a terminal."""
    _write(sys.stdout, rendered([table], sys.stdout, width=width))


def show_markdown(text: str, *, widest: int) -> None:
    """Print Markdown to stdout as rich renders it, with lines of at most `widest` columns."""
    from rich.console import Console
    from rich.markdown import Markdown

    out = io.StringIO()
    console = Console(file=out, force_terminal=sys.stdout.isatty(), width=_columns(widest))
    console.print(Markdown(visible_lines(text), hyperlinks=False))
    _write(sys.stdout, without_commands(visible_styled(out.getvalue())))


def show_rendered(text: bytes) -> None:
    """Print the result of `rendered` to stdout, in UTF-8 in every locale."""
    sys.stdout.flush()
    below = as_is(sys.stdout)
    below.buffer.write(text)
    below.flush()


def data_output() -> BinaryIO:
    """Return stdout for data. It is written unchanged, except that a terminal gets escapes."""
    return sys.stdout.buffer


def write_data(content: bytes) -> None:
    """Write data to stdout and flush it."""
    data_output().write(content)
    sys.stdout.flush()


def plain_text(words: str, style: str = "") -> "Text":
    """Return escaped text in a style. Markup in it has no effect."""
    from rich.text import Text

    return Text(visible(words), style=style)


def rendered_table(
    columns: Sequence[Column],
    rows: Iterable[Sequence["str | Text"]],
    *,
    gap: int = 3,
) -> "Table":
    """Return a table; it has headings if a column has a title."""
    from rich.table import Table

    has_titles = any(column.title for column in columns)
    table = Table(box=None, padding=(0, gap, 0, 0), show_header=has_titles)
    for column in columns:
        table.add_column(
            plain_text(column.title),
            justify="right" if column.right else "left",
            overflow="fold" if column.fold else "ellipsis",
            no_wrap=column.whole,
        )
    for row in rows:
        table.add_row(*(plain_text(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def rendered(what: Iterable[Any], stream: TextIO, *, width: int) -> str:
    """Return texts and tables as they are printed to a stream.

    On a terminal they have colours and the width of the screen, elsewhere no colours and `width`,
    and no spaces at the ends of lines.
    """
    from rich.console import Console

    is_terminal = stream.isatty()
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=True if is_terminal else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
        width=None if is_terminal else width,
    )
    for part in what:
        console.print(plain_text(part) if isinstance(part, str) else part)
    text = out.getvalue()
    if not is_terminal:
        text = "".join(f"{line.rstrip(' ')}\n" for line in text.split("\n"))[:-1]
    return without_commands(visible_styled(text))


def live_console() -> "Console":
    """Return rich's console on stderr, for the progress display of a terminal."""
    from rich.console import Console

    file: Any = VisibleStream(as_is(sys.stderr), visible_styled)
    return Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=True)


def screen_width(widest: int) -> int:
    """Return how many columns text on stderr may have; `widest` if stderr is not a terminal."""
    if not sys.stderr.isatty():
        return widest
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(2).columns
    except (ValueError, OSError):
        return widest
    return max(_NARROWEST, min(columns, widest))


def _columns(widest: int) -> int:
    # Imported here: it loads every packing that Python knows.
    import shutil

    return min(shutil.get_terminal_size().columns, widest)


def _has_colours(stream: TextIO) -> bool:
    environment = os.environ
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def _write(stream: TextIO, text: str) -> None:
    """Write escaped text, after everything that was written before."""
    stream.flush()
    below = as_is(stream)
    below.write(text)
    below.flush()

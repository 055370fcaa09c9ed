"""The progress of a running send: a display on a terminal, else a plain line every few seconds.

It only reads the tally; the pipeline does not know about it.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn

from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.cli.output import live_console, plain_text, say
from segcli.cli.progress_estimate import DeliveryRate, Goal, TimeLeft, share_done
from segcli.cli.summary import COLOURS
from segcli.core.plural import count_of

if TYPE_CHECKING:
    from rich.text import Text

    from segcli.cli.log_output import LogHandler

PLAIN_EVERY = 5.0
_LOOKS_EVERY = 0.25
_REDRAWS_A_SECOND = 8
# The columns of the bar, and what stands beside it.
_WIDEST_BAR = 40
_NARROWEST_BAR = 8
_BESIDE_BAR = 52
# What stands beside the bar, in its style.
_BESIDE = {"share": "magenta", "passed": "yellow", "left": "cyan", "events": "green"}


@contextmanager
def watching(
    tally: Tally, *, goal: Goal, quiet: bool = False, log: "LogHandler | None" = None
) -> Iterator[None]:
    """Show the tally during the block. On a terminal the log is printed above the display."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        console = live_console()
        with _live(tally, goal, console), log.above(console) if log else nullcontext():
            yield
    else:
        with _plain(tally, goal):
            yield


def plain_line(tally: Tally, goal: Goal, *, rate: float, left: float | None = None) -> str:
    """Return the progress of the run as one line; `rate` is in events a second."""
    counts = ", ".join(f"{n:,} {state}" for state, n in tally.ledger(STATES_OF_SEND).items() if n)
    parts = (
        _done(tally, goal, left),
        f"{tally.read:,} read: {counts or 'nothing settled yet'}",
        f"{rate:,.0f} delivered/s",
        f"{tally.in_flight} in flight",
        waiting(tally),
    )
    return "; ".join(part for part in parts if part)


def waiting(tally: Tally) -> str:
    """Return what the run waits for, `HTTP 503, next try in 8 s`; empty if it does not wait."""
    if tally.stopping and tally.in_flight:
        answers = count_of(tally.in_flight, "answer")
        return f"stopping: waiting up to 10 s for {answers}; Ctrl-C stops at once"
    wait = tally.waiting
    left = wait.until - time.monotonic() if wait else 0.0
    if wait is None or left <= 0:
        return ""
    return f"{wait.reason}, next try in {max(left, 1.0):.0f} s"


def _done(tally: Tally, goal: Goal, left: float | None) -> str:
    share = share_done(tally, goal)
    if share is None:
        return ""
    of_limit = f" ({_of_limit(tally, goal)})" if goal.limit else ""
    return f"{_percent(share)} done{of_limit}{'' if left is None else f', {_clock(left)} left'}"


def _of_limit(tally: Tally, goal: Goal) -> str:
    return f"{goal.earlier + tally.answered:,}/{goal.limit:,} events"


def _percent(share: float) -> str:
    """Return a share in whole percent, rounded down: 100% means that nothing is left."""
    return f"{int(share * 100)}%"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def _live(tally: Tally, goal: Goal, console: Console) -> Live:
    picture = _Picture(tally, goal, console)
    return Live(
        get_renderable=picture.drawn,
        console=console,
        refresh_per_second=_REDRAWS_A_SECOND,
        redirect_stdout=False,
        # stderr itself escapes what libraries print; the display must not redirect it.
        redirect_stderr=False,
        transient=True,
    )


class _Picture:
    """The display of a run: the bar, the counts, the flow, and what it waits for."""

    def __init__(self, tally: Tally, goal: Goal, console: Console) -> None:
        self._tally = tally
        self._goal = goal
        self._console = console
        self._began = time.monotonic()
        self._rate = DeliveryRate(tally)
        self._left = TimeLeft()
        width = max(_NARROWEST_BAR, min(_WIDEST_BAR, console.width - _BESIDE_BAR))
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(width),
            *(_text_column(name, style) for name, style in _BESIDE.items()),
            console=console,
        )
        self._task = self._bar.add_task(
            "sending", total=None, share="", passed="", left="", events=""
        )

    def drawn(self) -> Group:
        """Return the display as it is now."""
        tally = self._tally
        rate, retries = self._rate.now(), tally.retries
        flow = f"{rate:,.0f} delivered/s   {tally.in_flight} in flight   {retries:,} retries"
        lines = (self._counts(), plain_text(flow), plain_text(waiting(tally), style="yellow"))
        self._update_bar()
        return Group(self._bar.make_tasks_table(self._bar.tasks), *map(_folded, lines))

    def _update_bar(self) -> None:
        share = share_done(self._tally, self._goal)
        left = self._left.after(share)
        self._bar.update(
            self._task,
            total=None if share is None else 1.0,
            completed=share or 0.0,
            share="" if share is None else _percent(share),
            passed=f"{_clock(time.monotonic() - self._began)},",
            left=f"{'-:--:--' if left is None else _clock(left)} left",
            events=_of_limit(self._tally, self._goal) if self._goal.limit else "",
        )

    def _counts(self) -> "Text":
        """Return the counts, with a line break before one that does not fit."""
        counts, room = plain_text(""), self._console.width
        for state, lines in self._tally.ledger(STATES_OF_SEND).items():
            number = f"{lines:,} "
            if len(number) + len(state) > room:
                counts.append("\n")
                room = self._console.width
            counts.append(number, style=COLOURS[state] if lines else "dim")
            counts.append(f"{state}   ", style="dim")
            room -= len(number) + len(state) + 3
        return counts


def _text_column(name: str, style: str) -> TextColumn:
    return TextColumn(f"{{task.fields[{name}]}}", style=style, markup=False)


def _folded(text: "Text") -> "Text":
    """Let a line wrap. The display counts its lines to redraw them; a cut one would be wrong."""
    text.no_wrap, text.overflow = False, "fold"
    return text


@contextmanager
def _plain(tally: Tally, goal: Goal) -> Iterator[None]:
    """Print a line every few seconds; a short run prints none."""
    over = threading.Event()
    rate, left = DeliveryRate(tally), TimeLeft()

    def print_lines() -> None:
        printed, stopping = time.monotonic(), False
        while not over.wait(_LOOKS_EVERY):
            seconds = left.after(share_done(tally, goal))
            due = time.monotonic() - printed >= PLAIN_EVERY
            if due or tally.stopping != stopping:
                say(plain_line(tally, goal, rate=rate.now(), left=seconds))
                printed, stopping = time.monotonic(), tally.stopping

    thread = threading.Thread(target=print_lines, name="segcli-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""The progress of a running send: a display on a terminal, else a plain line every few seconds.

It only reads the tally; the pipeline does not know about it.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.cli.output import live_console, say, text_of
from segcli.cli.summary import COLOURS

PLAIN_EVERY = 5.0
_LOOKS_EVERY = 0.25
_REDRAWS_A_SECOND = 8


@contextmanager
def watching(tally: Tally, *, total: int | None, quiet: bool = False) -> Iterator[None]:
    """Show the tally during the block; `total` is the number of input bytes, None if unknown."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        with _live(tally, total, live_console()):
            yield
    else:
        with _plain(tally, total):
            yield


def plain_line(tally: Tally, total: int | None, speed: float) -> str:
    """Return the progress of the run as one line."""
    share = f" ({tally.stored_settled / total:.0%} of the bytes settled)" if total else ""
    counts = ", ".join(f"{n:,} {state}" for state, n in tally.ledger(STATES_OF_SEND).items() if n)
    parts = (
        f"{tally.read:,} read{share}: {counts or 'nothing settled yet'}",
        f"{speed:,.0f} events/s",
        f"{tally.in_flight} in flight",
        waiting(tally),
    )
    return "; ".join(part for part in parts if part)


def waiting(tally: Tally) -> str:
    """Return what the run waits for, `HTTP 503, next try in 8 s`; empty if it does not wait."""
    if tally.stopping and tally.in_flight:
        return f"stopping: waiting up to 10 s for {tally.in_flight} answers; Ctrl-C stops at once"
    wait = tally.waiting
    left = wait.until - time.monotonic() if wait else 0.0
    if wait is None or left <= 0:
        return ""
    return f"{wait.reason}, next try in {left:.0f} s"


def _live(tally: Tally, total: int | None, console: Console) -> Live:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=console,
    )
    task = bar.add_task("sending", total=total)
    speed = _Speed(tally)

    def picture() -> Group:
        return _picture(tally, bar, task, speed)

    return Live(
        get_renderable=picture,
        console=console,
        refresh_per_second=_REDRAWS_A_SECOND,
        redirect_stdout=False,
        # stderr itself escapes what libraries print; the display must not redirect it.
        redirect_stderr=False,
        transient=True,
    )


def _picture(tally: Tally, bar: Progress, task: TaskID, speed: "_Speed") -> Group:
    bar.update(task, completed=tally.stored_settled)
    counts = text_of("")
    for state, lines in tally.ledger(STATES_OF_SEND).items():
        counts.append(f"{lines:,} ", style=COLOURS[state] if lines else "dim")
        counts.append(f"{state}   ", style="dim")
    flow = f"{speed.now():,.0f} events/s   {tally.in_flight} in flight   {tally.retries:,} retries"
    return Group(
        bar.make_tasks_table(bar.tasks),
        counts,
        text_of(flow),
        text_of(waiting(tally), style="yellow"),
    )


@contextmanager
def _plain(tally: Tally, total: int | None) -> Iterator[None]:
    """Print a line every few seconds; a short run prints none."""
    over = threading.Event()
    speed = _Speed(tally)

    def print_lines() -> None:
        printed, stopping = time.monotonic(), False
        while not over.wait(_LOOKS_EVERY):
            due = time.monotonic() - printed >= PLAIN_EVERY
            if due or tally.stopping != stopping:
                say(plain_line(tally, total, speed.now()))
                printed, stopping = time.monotonic(), tally.stopping

    thread = threading.Thread(target=print_lines, name="segcli-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Speed:
    """The rate of settled lines a second, smoothed over calls of `now`."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._at = time.monotonic()
        self._settled = 0
        self._speed = 0.0

    def now(self) -> float:
        at, settled = time.monotonic(), sum(self._tally.ledger(STATES_OF_SEND).values())
        elapsed = at - self._at
        if elapsed > 0:
            latest = (settled - self._settled) / elapsed
            weight = min(1.0, elapsed) if self._speed else 1.0
            self._speed += weight * (latest - self._speed)
            self._at, self._settled = at, settled
        return self._speed

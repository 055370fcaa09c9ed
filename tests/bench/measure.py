"""Shared by the benchmarks: alternating runs, medians, peak memory, tables."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SEGCLI = (sys.executable, "-m", "segcli")
# A key or a destination that the shell happens to set is no part of a measurement, and neither is
# that it keeps Python from caching what it compiles, or from gathering what it writes.
_SET_BY_CHANCE = ("SEGCLI_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
ENVIRONMENT = {
    name: text for name, text in os.environ.items() if not name.startswith(_SET_BY_CHANCE)
}
_LOOKS_EVERY = 0.01


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took, in seconds: by the clock, and of the processors."""

    wall: float
    cpu: float


Measured = Callable[[], Cost]


def in_turn(runs: Mapping[str, Measured], rounds: int) -> dict[str, list[Cost]]:
    """Run each of them once a round, so that all see the same machine; each round begins with
    another one, so that none is always the first.
    """
    found: dict[str, list[Cost]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(rounds):
        begin = turn % len(names)
        for name in names[begin:] + names[:begin]:
            found[name].append(runs[name]())
    return found


def medians(found: Mapping[str, Sequence[Cost]]) -> dict[str, Cost]:
    """Return the median of each, by the clock and by the processors' time on its own."""
    return {
        name: Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))
        for name, costs in found.items()
    }


def run(
    *commands: Sequence[str | Path], out: Path | None = None, exits: Collection[int] = (0,)
) -> Cost:
    """Run commands at the same time, each a process, until the last one ends.

    Their outputs go nowhere, or that of the only command to a file. Raises where one exits with
    another code.
    """
    before, started = _cpu_of_children(), time.perf_counter()
    with (out or Path(os.devnull)).open("wb") as sink:
        running = [_started(command, sink) for command in commands]
        codes = [process.wait() for process in running]
    wall = time.perf_counter() - started
    if not set(codes) <= set(exits):
        raise RuntimeError(f"exit codes {codes} of {commands}")
    return Cost(wall, _cpu_of_children() - before)


def peak(command: Sequence[str | Path], *, exits: Collection[int] = (0,)) -> tuple[float, float]:
    """Run a command; return the MiB that its first process had at most, and all its processes.

    The first is the kernel's own figure. For several, shared memory is counted once; that is
    looked up every few milliseconds.
    """
    own = together = 0.0
    with Path(os.devnull).open("wb") as sink:
        process = _started(command, sink)
        while process.poll() is None:
            own = max(own, _in_mib(f"/proc/{process.pid}/status", "VmHWM:"))
            family = [process.pid, *_below(process.pid)]
            shares = [_in_mib(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in family]
            together = max(together, sum(shares))
            time.sleep(_LOOKS_EVERY)
    if process.returncode not in exits:
        raise RuntimeError(f"exit code {process.returncode} of {command}")
    return own, together


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown, whose first column alone is aligned to the left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width + ("-" if place == 0 else ":") for place, width in enumerate(widths)]
    lines = [_row(head, widths), "|-" + "|-".join(rule) + "|"]
    return "\n".join([*lines, *(_row(row, widths) for row in rows)])


def say(text: str = "") -> None:
    """Print a line at once: a benchmark takes a while, and somebody may be watching."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def machine() -> str:
    """Name what the figures were measured on."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"


def _started(command: Sequence[str | Path], sink: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=sink,  # type: ignore[arg-type]  # a file
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _below(pid: int) -> Iterator[int]:
    """Yield the processes that a process started, and those that they did."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from _below(child)


def _in_mib(file: str, key: str) -> float:
    try:
        rows = Path(file).read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0.0
    return next((int(row.split()[1]) / 1024 for row in rows if row.startswith(key)), 0.0)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *others]) + " |"

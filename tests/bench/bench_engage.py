"""The cost of an audience sync: the first one, and one with 1 % of the members changed.

    python tests/bench/bench_engage.py [MEMBERS]

Each sync is a process of its own, against a transport that answers 200 at once. It prints times
and peak memory for this many members, a tenth and a hundredth: memory must not grow with the list,
and with what is told only until the queues are full (16 MiB of events, some 30,000). It checks
that only the changes went out, and never passes or fails on a time.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segcli.cli import main as segcli
from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.delivery import pipeline
from segcli.engage.state import EngageState
from segcli.http.client import Post

CHANGED = 0.01
ONE = "--one-sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one sync told and took: seconds, and MiB at most."""

    told: int
    stage: float
    compare: float
    whole: float
    memory: float


def written(path: Path, users: Iterable[int]) -> Path:
    """Write a list of members, in no order of the users' ids, as a warehouse exports it."""
    with path.open("w", encoding="utf-8") as out:
        out.write("userId,email,plan\n")
        for user in users:
            out.write(f"usr_{user * 2654435761 % 2**32:010d},user{user}@example.com,pro\n")
    return path


def sync(file: Path, state: Path) -> Cost:
    """Run one sync in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, ONE, str(file), str(state)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return Cost(**json.loads(done.stdout))


def one_sync(file: str, state: str) -> None:
    """Sync in this process, with the wire cut off, and print the cost as JSON."""
    told = 0
    seconds: dict[str, float] = {}

    @asynccontextmanager
    async def connection(**_: object) -> AsyncIterator[Post]:
        async def post(_: Request) -> Reply:
            nonlocal told
            told += 1
            return Reply(200, {}, b"")

        yield post

    def timed(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **more: Any) -> Any:
            began = time.perf_counter()
            found = method(*given, **more)
            seconds[name] = time.perf_counter() - began
            return found

        return run

    pipeline.connection = connection  # type: ignore[assignment]  # what a bench is for
    for name in ("stage", "compare"):
        setattr(EngageState, name, timed(name, getattr(EngageState, name)))
    began = time.perf_counter()
    how = ["--dest", "plotline", "--endpoint", "http://127.0.0.1:9", "--set", "api_key=k"]
    with suppress(SystemExit):
        segcli(["engage", "audience", "Big Spenders", file, "--state", state, "-q", *how])
    whole = time.perf_counter() - began
    cost = {"told": told, "whole": whole, "memory": peak_of_memory()}
    sys.stdout.write(json.dumps(cost | seconds))


def peak_of_memory() -> float:
    """Return the MiB that this process has had at most.

    Not `getrusage`: what that says of a young process is as much as its parent had.
    """
    status = Path("/proc/self/status").read_text()
    [kib] = [row.split()[1] for row in status.splitlines() if row.startswith("VmHWM:")]
    return int(kib) / 1024


def both_syncs(count: int, folder: Path) -> tuple[Cost, Cost]:
    """Sync `count` members, then the same with 1 % of them gone or new."""
    state, half = folder / f"{count}.sqlite", int(count * CHANGED / 2)
    first = list(range(count))
    second = list(range(half, count + half))
    random.Random(5).shuffle(second)
    before = sync(written(folder / "first.csv", first), state)
    after = sync(written(folder / "second.csv", second), state)
    assert (before.told, after.told) == (count, 2 * half)
    return before, after


def line(name: str, cost: Cost) -> str:
    return (
        f"{name:24} told {cost.told:>9,}: {cost.whole:6.1f} s, of which staging "
        f"{cost.stage:.1f} s, comparing {cost.compare:.1f} s; {cost.memory:.0f} MiB at most\n"
    )


def compared(what: str, cost: Cost, base: Cost) -> str:
    ratio = cost.memory / base.memory
    return f"{what}, {cost.told:,} told to {base.told:,}: {ratio:.2f} times the memory\n"


def main(*counts: int) -> None:
    """Sync lists of three lengths, each ten times the one before."""
    costs: list[tuple[Cost, Cost]] = []
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            costs.append(both_syncs(count, Path(folder)))
            for name, cost in zip(("first", "second"), costs[-1], strict=True):
                sys.stdout.write(line(f"{count:,} members, {name}", cost))
                sys.stdout.flush()
    (few, _), (some, _), (many, changed) = costs
    sys.stdout.write(compared("ten times the members", many, some))
    sys.stdout.write(compared("a hundred times the members, as many changes", changed, few))


if __name__ == "__main__":
    if sys.argv[1:2] == [ONE]:
        one_sync(*sys.argv[2:])
    else:
        largest = int(sys.argv[1]) if sys.argv[1:] else 1_000_000
        main(largest // 100, largest // 10, largest)

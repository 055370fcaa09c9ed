"""All ratios that the guide `performance` quotes, in one table.

    python -m tests.bench [--quick] [--only NAME …] [--list]

What is compared takes turns within a round, and the median of the rounds counts. It never passes or
fails on a time; the bounds say what is asked of each ratio. `--quick` takes few events and rounds,
so its figures are rough. The last column is the benchmark that shows more of the same.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

# The benchmarks are programs of their own, and import each other by name.
sys.path.insert(0, str(Path(__file__).parent))

import bench_fields
import bench_plan
import bench_retry
import bench_send
import bench_transform
import events
from measure import SEGCLI, Cost, Measured, in_turn, machine, medians, peak, run, say, table
from vendors import LATENCY, vendor

TRANSFORM = (*bench_transform.TRANSFORM, "--jobs", "1")
CHECK = (*SEGCLI, "check", "--jobs", "1", "--dest", "pointillist")
# In flight, and of how many events a slow loop posts one.
AT = 64


class Bench:
    """The inputs and how often they are read; what is not needed is not written."""

    def __init__(self, folder: Path, *, is_quick: bool) -> None:
        self.folder = folder
        self.rounds = 3 if is_quick else 5
        self.events = 100_000 if is_quick else 1_000_000
        self.sent = 5_000 if is_quick else 10_000
        self.large = 0.05 if is_quick else 1.0

    @cached_property
    def file(self) -> Path:
        """The events that are mapped."""
        return events.write(self.folder / "events.jsonl", self.events)

    @contextmanager
    def sending(self) -> Iterator[bench_send.Bench]:
        """Run a vendor, for what is sent to it."""
        folder = self.folder / "sent"
        folder.mkdir(exist_ok=True)
        with vendor() as found:
            bench = bench_send.Bench(found, folder, self.rounds, [AT], self.sent, self.large)
            events.write(bench.file, self.sent)
            yield bench

    def medians(self, runs: Mapping[str, Measured]) -> dict[str, Cost]:
        """Return the medians of what takes turns."""
        return medians(in_turn(runs, self.rounds))

    def wall(self, one: Measured, other: Measured) -> str:
        """Return how many times as long as the other the one takes by the clock."""
        found = self.medians({"one": one, "other": other})
        return f"{found['one'].wall / found['other'].wall:.2f}"

    def cpu(self, one: Measured, other: Measured) -> str:
        """Return how many times the processor's time of the other the one takes."""
        found = self.medians({"one": one, "other": other})
        return f"{found['one'].cpu / found['other'].cpu:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A line of the table.

    what: what is divided by what
    bound: what is asked of it; empty where nothing is
    more: the benchmark that shows more of it
    measure: returns the ratio; None where something that it needs is not installed
    """

    what: str
    bound: str
    more: str
    measure: Callable[[Bench], str | None]


def commands(*command: str | Path, codes: Sequence[int] = (0, 1)) -> Measured:
    """Return what runs a command, some of whose events may be rejected."""
    return lambda: run(command, exits=codes)


def start(bench: Bench) -> str:
    return bench.cpu(commands(*SEGCLI, "--help"), commands(sys.executable, "-c", "import click"))


def one_core(bench: Bench) -> str:
    tight = commands(*bench_transform.TIGHT, bench.file)
    return bench.cpu(commands(*TRANSFORM, bench.file), tight)


def two_cores(bench: Bench) -> str:
    two = commands(*bench_transform.TRANSFORM, "--jobs", "2", bench.file)
    return bench.wall(commands(*TRANSFORM, bench.file), two)


def node(bench: Bench) -> str | None:
    if shutil.which("node") is None:
        return None
    two = commands(*bench_transform.TRANSFORM, "--jobs", "2", bench.file)
    return bench.wall(commands(*bench_transform.NODE, bench.file), two)


def packed(bench: Bench) -> str:
    file = bench_transform.gzipped(bench.file)
    return bench.wall(commands(*TRANSFORM, file), commands(*TRANSFORM, bench.file))


def piped(bench: Bench) -> str:
    whole = ["sh", "-c", 'cat "$0" | "$@"', bench.file, *TRANSFORM]
    return bench.wall(commands(*whole), commands(*TRANSFORM, bench.file))


def check(bench: Bench) -> str:
    return bench.cpu(commands(*CHECK, bench.file), commands(*TRANSFORM, bench.file))


def recorded_action(measure: Callable[[dict[str, Any]], float]) -> Callable[[Bench], str | None]:
    """Return what measures the published action, where the recorded data is beside the project."""
    return lambda _: next((f"{measure(one):.2f}" for one in bench_fields.actions()), None)


def plan(bench: Bench) -> str:
    file = bench.folder / "plan.json"
    file.write_text(bench_plan.json.dumps({"rules": bench_plan.few_rules(2000)}))
    with_plan = commands(*CHECK, "--plan", file, bench.file)
    return bench.cpu(with_plan, commands(*CHECK, bench.file))


def compared_send(other: str) -> Callable[[Bench], str]:
    """Return what measures how many times as much as a bare loop `send` posts a second."""

    def measure(bench: Bench) -> str:
        with bench.sending() as at:
            few = at.events // bench_send.SLOWER if other == "httpx" else at.events
            url = f"{at.vendor.url}/"
            return bench.wall(at.loop(other, url, AT, few), at.send("webhook", url, AT))

    return measure


def journal(bench: Bench) -> str:
    with bench.sending() as at:
        url = f"{at.vendor.url}/"
        without = at.send("webhook", url, AT, journal=False)
        return bench.wall(without, at.send("webhook", url, AT))


def slow_vendor(bench: Bench) -> str:
    with bench.sending() as at:
        found = bench.medians({"send": at.send("webhook", at.vendor.slow, AT)})
    return f"{LATENCY / AT / found['send'].wall:.2f}"


def faults(bench: Bench) -> str:
    with tempfile.TemporaryDirectory() as name, bench_retry.vendor() as url:
        retrying = bench_retry.Bench(url, Path(name), 32, bench.sent)
        events.write(retrying.folder / "events.jsonl", bench.sent)
        return bench.wall(retrying.send(bench_retry.FINE), retrying.send("3 % of 503"))


def memory_of_transform(bench: Bench) -> str:
    small = bench_transform.first_bytes(bench.file, bench.folder / "small.jsonl", 10**7)
    large = bench.folder / "large.jsonl"
    bench_transform.first_bytes(bench.file, large, int(bench.large * 10**9))
    return f"{peak([*TRANSFORM, large])[0] / peak([*TRANSFORM, small])[0]:.2f}"


def memory_of_send(bench: Bench) -> str:
    with bench.sending() as at:
        command = at.command("segment", at.vendor.segment, AT)
        command += ["--journal", str(at.folder / "a.journal")]
        small, large = (
            peak([*command, str(at.repeated(size, ""))])[0] for size in (0.01, bench.large)
        )
    return f"{large / small:.2f}"


RATIOS: Mapping[str, Ratio] = {
    "start": Ratio(
        what="CPU time of `segcli --help` / of `import click`",
        bound="at most 2.5",
        more="python tests/bench/bench_transform.py",
        measure=start,
    ),
    "transform": Ratio(
        what="CPU time of `transform --jobs 1` / of the tightest loop",
        bound="at most 1.3",
        more="python tests/bench/bench_transform.py",
        measure=one_core,
    ),
    "jobs": Ratio(
        what="`transform --jobs 2` as fast as `--jobs 1`",
        bound="at least 1.6",
        more="python tests/bench/bench_transform.py",
        measure=two_cores,
    ),
    "node": Ratio(
        what="`transform --jobs 2` as fast as the loop in Node",
        bound="at least 1.5",
        more="python tests/bench/bench_transform.py",
        measure=node,
    ),
    "gzip": Ratio(
        what="`transform` of a gzip file / of the plain one",
        bound="at most 1.3",
        more="python tests/bench/bench_transform.py",
        measure=packed,
    ),
    "pipe": Ratio(
        what="`transform` of a pipe / of the file",
        bound="at most 1.3",
        more="python tests/bench/bench_transform.py",
        measure=piped,
    ),
    "check": Ratio(
        what="CPU time of `check` / of `transform`",
        bound="at most 2.8",
        more="python tests/bench/bench_check.py",
        measure=check,
    ),
    "plan": Ratio(
        what="CPU time of `check --plan` / of `check`",
        bound="at most 2",
        more="python tests/bench/bench_plan.py",
        measure=plan,
    ),
    "fields": Ratio(
        what="CPU time of Amplitude's published mapping with its field types / without",
        bound="at most 1.5",
        more="python tests/bench/bench_fields.py",
        measure=recorded_action(bench_fields.typed),
    ),
    "epoch": Ratio(
        what="CPU time of that mapping with two `@epoch` / without",
        bound="at most 1.3",
        more="python tests/bench/bench_fields.py",
        measure=recorded_action(bench_fields.timed),
    ),
    "send-httpx": Ratio(
        what=f"`send`, {AT} in flight, as fast as an `httpx.AsyncClient` loop",
        bound="at least 5",
        more="python tests/bench/bench_send.py",
        measure=compared_send("httpx"),
    ),
    "send-transport": Ratio(
        what=f"`send`, {AT} in flight, as fast as a loop over its own transport",
        bound="at least 0.5",
        more="python tests/bench/bench_send.py",
        measure=compared_send("aiohttp transport"),
    ),
    "journal": Ratio(
        what=f"`send`, {AT} in flight, as fast as without a journal",
        bound="at least 0.9",
        more="python tests/bench/bench_journal.py",
        measure=journal,
    ),
    "slow": Ratio(
        what=f"`send`, {AT} in flight to a vendor of 50 ms, of what is possible",
        bound="at least 0.9",
        more="python tests/bench/bench_send.py",
        measure=slow_vendor,
    ),
    "faults": Ratio(
        what="`send` to a vendor with 3 % of 503, as fast as to one that never fails",
        bound="at least 0.7",
        more="python tests/bench/bench_retry.py",
        measure=faults,
    ),
    "memory-transform": Ratio(
        what="memory of `transform`, large input / 10 MB",
        bound="at most 1.1",
        more="python tests/bench/bench_transform.py",
        measure=memory_of_transform,
    ),
    "memory-send": Ratio(
        what=f"memory of `send`, {AT} in flight, large input / 10 MB",
        bound="at most 1.3",
        more="python tests/bench/bench_send.py",
        measure=memory_of_send,
    ),
}


def main() -> None:
    asked = _arguments()
    if asked.list:
        rows = [[name, one.what, one.bound, one.more] for name, one in RATIOS.items()]
        say(table(["name", "what", "bound", "command"], rows))
        return
    say(machine())
    rows = []
    for name in asked.only:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(_measured(name, Bench(Path(folder), is_quick=asked.quick)))
        say(f"{name}: {rows[-1][2]}")
    say("\n" + table(["name", "what", "ratio", "bound", "command"], rows))


def _measured(name: str, bench: Bench) -> list[str]:
    """Return the row of a ratio; a benchmark that fails does not end the others."""
    try:
        ratio = RATIOS[name].measure(bench) or "not installed"
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        ratio = f"failed: {type(error).__name__}"
    found = RATIOS[name]
    return [name, found.what, ratio, found.bound, found.more]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few events and rounds: rough figures")
    parser.add_argument("--list", action="store_true", help="list the ratios; measure nothing")
    parser.add_argument(
        "--only", nargs="+", choices=RATIOS, default=list(RATIOS), metavar="NAME", help="only these"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()

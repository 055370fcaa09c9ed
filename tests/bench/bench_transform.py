"""The cost of `segcli transform` compared with a minimal loop, other tools, and several cores.

    python tests/bench/bench_transform.py [--events N] [--rounds N] [--large GB] [--folder PATH]

All are processes of their own that map the same events for Pointillist, and take turns. Node and
jq are left out where they are not installed. Outputs are compared first. It prints ratios and
never passes or fails on a time; only the ratios carry over to other machines.
"""

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import events
from measure import (
    SEGCLI,
    Cost,
    Measured,
    in_turn,
    machine,
    medians,
    peak,
    run,
    say,
    table,
)

HERE = Path(__file__).parent
TIGHT = (sys.executable, str(HERE / "tight.py"))
POOL = (sys.executable, str(HERE / "pool.py"))
NODE = ("node", str(HERE / "tight.mjs"))
JQ = ("jq", "-cf", str(HERE / "tight.jq"))
TRANSFORM = (*SEGCLI, "transform", "--quiet")
# Such a loop holds a line at a time.
BARE = (
    sys.executable,
    "-c",
    "import sys, orjson\nfor line in open(sys.argv[1], 'rb'): orjson.loads(line)",
)

Command = Sequence[str | Path]


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        file = events.write(folder / "events.jsonl", asked.events)
        size = file.stat().st_size
        say(machine())
        each = size / asked.events
        say(f"{asked.events:,} events of {each:,.0f} bytes, medians of {asked.rounds}")
        compare_outputs(file, folder)
        speeds(file, asked.rounds)
        starts(asked.rounds)
        memory(file, asked.large, folder)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=float, default=2.0, help="GB of the input for memory")
    parser.add_argument("--folder", help="where the inputs are written  [a temporary one]")
    return parser.parse_args()


def compare_outputs(file: Path, folder: Path) -> None:
    """Raise where one of the loops does not print what `transform` prints."""
    few = first_lines(file, folder / "few.jsonl", 10_000)
    whole = [TRANSFORM, TIGHT, POOL, *([NODE] if shutil.which("node") else [])]
    prints = {digest([*command, few]) for command in whole}
    assert len(prints) == 1, "the loops do not print the same"
    say(f"{len(whole)} programs print the same bytes.\n")


def digest(command: Command) -> str:
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True)
    return hashlib.sha256(done.stdout).hexdigest()


def speeds(file: Path, rounds: int) -> None:
    """Compare how fast the whole file is mapped."""
    halves = halved(file)
    packed = gzipped(file)
    runs: dict[str, Measured] = {
        "tight loop": lambda: run([*TIGHT, file]),
        "transform --jobs 1": lambda: run([*TRANSFORM, "--jobs", "1", file]),
        "tight loop, one on each half": lambda: run(*[(*TIGHT, half) for half in halves]),
        "transform --jobs 2": lambda: run([*TRANSFORM, "--jobs", "2", file]),
        "transform --jobs 2, gzip": lambda: run([*TRANSFORM, "--jobs", "2", packed]),
        "tight loop, Pool.imap of lists": lambda: run([*POOL, file]),
    }
    if shutil.which("node"):
        runs["Node, the same loop"] = lambda: run([*NODE, file])
    found = medians(in_turn(runs, rounds))
    if shutil.which("jq"):
        found["jq"] = of_jq(file)
    events_in_file = count_lines(file)
    rows = [
        [name, f"{events_in_file / cost.wall:,.0f}", ratio(found, "tight loop", name)]
        for name, cost in found.items()
    ]
    say(table(["", "events/s", "of the tight loop"], rows) + "\n")
    say_ratios(found)


def say_ratios(found: Mapping[str, Cost]) -> None:
    one, two = found["transform --jobs 1"], found["transform --jobs 2"]
    tight, halves = found["tight loop"], found["tight loop, one on each half"]
    say(f"transform --jobs 1 takes {one.wall / tight.wall:.2f} times as long as the tight loop")
    say(f"transform --jobs 2 reaches {halves.wall / two.wall:.2f} of two tight loops on the halves")
    say(
        f"  {one.wall / two.wall:.2f} of itself with --jobs 1; Pool.imap "
        f"{tight.wall / found['tight loop, Pool.imap of lists'].wall:.2f} of its own loop"
    )
    say(f"gzip reaches {ratio(found, 'transform --jobs 2', 'transform --jobs 2, gzip')} of plain")
    if "Node, the same loop" in found:
        node = found["Node, the same loop"]
        say(
            f"transform is {node.wall / two.wall:.2f} times as fast as Node, on one core "
            f"{node.wall / one.wall:.2f} times"
        )
    say()


def ratio(found: Mapping[str, Cost], of: str, name: str) -> str:
    return f"{found[of].wall / found[name].wall:.2f}"


def of_jq(file: Path) -> Cost:
    """Measure jq once, on a part of the file, and return what the whole would cost."""
    count = count_lines(file)
    few = first_lines(file, file.with_name("jq.jsonl"), min(count, 10_000))
    cost = run([*JQ, few])
    times = count / count_lines(few)
    return Cost(cost.wall * times, cost.cpu * times)


def starts(rounds: int) -> None:
    """Compare how long the smallest commands take."""
    few = ["-c", "pass"]
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as small:
        small.writelines(events.lines(10))
        small.flush()
        runs: dict[str, Measured] = {
            "python -c 'import click'": lambda: run([sys.executable, "-c", "import click"]),
            "python -c pass": lambda: run([sys.executable, *few]),
            "segcli --help": lambda: run([*SEGCLI, "--help"]),
            "segcli transform, ten events": lambda: run([*SEGCLI, "transform", small.name]),
            "segcli transform --jobs 2, ten events": lambda: run(
                [*SEGCLI, "transform", "--jobs", "2", small.name]
            ),
        }
        found = medians(in_turn(runs, 3 * rounds))
    rows = [
        [name, f"{cost.wall * 1000:.0f} ms", f"{cost.wall / found[next(iter(runs))].wall:.2f}"]
        for name, cost in found.items()
    ]
    say(table(["start-up", "", "of import click"], rows) + "\n")


def memory(file: Path, large: float, folder: Path) -> None:
    """Show what processes have at most, with a small input and with a large one."""
    inputs = {
        "10 MB": first_bytes(file, folder / "small.jsonl", 10**7),
        f"{large:g} GB": first_bytes(file, folder / "large.jsonl", int(large * 10**9)),
    }
    inputs |= {f"{size}, gzip": gzipped(path, level=1) for size, path in inputs.items()}
    commands: dict[str, Command] = {
        "bare Python loop": BARE,
        "tight loop": TIGHT,
        "transform --jobs 1": (*TRANSFORM, "--jobs", "1"),
        "transform --jobs 2": (*TRANSFORM, "--jobs", "2"),
    }
    rows = []
    for name, command in commands.items():
        readable = inputs.values() if "transform" in name else list(inputs.values())[:2]
        peaks = [peak([*command, path]) for path in readable]
        cells = [f"{own:.0f} / {together:.0f} MiB" for own, together in peaks]
        rows.append([name, *cells, *[""] * (len(inputs) - len(cells))])
    say(table(["at most, first process / all", *inputs], rows))


def count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def first_lines(file: Path, to: Path, count: int) -> Path:
    with file.open("rb") as lines, to.open("wb") as out:
        out.writelines(islice(lines, count))
    return to


def halved(file: Path) -> tuple[Path, Path]:
    """Write both halves of a file's lines."""
    first, second = file.with_name("first.jsonl"), file.with_name("second.jsonl")
    first_lines(file, first, count_lines(file) // 2)
    with file.open("rb") as lines, second.open("wb") as out:
        lines.seek(first.stat().st_size)
        shutil.copyfileobj(lines, out)
    return first, second


def gzipped(file: Path, level: int = 6) -> Path:
    packed = file.with_suffix(".gz")
    with file.open("rb") as lines, gzip.open(packed, "wb", compresslevel=level) as out:
        shutil.copyfileobj(lines, out)
    return packed


def first_bytes(file: Path, to: Path, size: int) -> Path:
    """Write whole lines of a file, over and over, until there are `size` bytes."""
    with to.open("wb") as out:
        for line in over_and_over(file):
            if out.tell() >= size:
                return to
            out.write(line)
    return to


def over_and_over(file: Path) -> Iterator[bytes]:
    while True:
        with file.open("rb") as lines:
            yield from lines


if __name__ == "__main__":
    main()

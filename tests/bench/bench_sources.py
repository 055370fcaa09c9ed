"""The cost of reading compressed files, and files in a slow store.

    python tests/bench/bench_sources.py [--events N] [--rounds N] [--latency MS] [--files N]

`segcli transform` reads the same events plain, through a pipe, as gzip (by isal, and by the
standard library) and as Zstandard; then as many files of a web server on this machine, with and
without reading ahead; then little and much gzip, for the memory. Runs take turns; medians are
compared. It never passes or fails on a time.
"""

import argparse
import gzip
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import events
from measure import SEGCLI, Cost, in_turn, machine, medians, peak, run, say, table

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.compression import zst
from support.stores import WebServer, web_server

TRANSFORM = ("transform", "--quiet", "--dest", "pointillist")
WITHOUT_ISAL = "import sys; sys.modules['isal'] = None; from segcli.cli import main; main()"
# Each part is fetched when it is asked for, and nothing meanwhile.
WITHOUT_READING_AHEAD = """
from segcli.inputs import fetching
fetching._AT_ONCE = 1
fetching._Part.start = fetching._Part._fetch
from segcli.cli import main
main()
"""


def main() -> None:
    asked = _arguments()
    say(machine())
    with tempfile.TemporaryDirectory() as name, web_server() as web:
        folder = Path(name)
        plain = events.write(folder / "events.jsonl", asked.events)
        web.latency = asked.latency / 1000
        _compressed(folder, plain, asked.rounds)
        _remote(folder, plain, web, asked)
        _memory(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, default=50, help="of each answer, in ms")
    parser.add_argument("--files", type=int, default=40)
    return parser.parse_args()


def _compressed(folder: Path, plain: Path, rounds: int) -> None:
    packed = folder / "events.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), 6))
    frames = folder / "events.zst"
    frames.write_bytes(zst(plain.read_bytes()))
    runs = {
        "plain": (*SEGCLI, *TRANSFORM, plain),
        "plain, by cat through a pipe": ("sh", "-c", 'cat "$0" | "$@"', plain, *SEGCLI, *TRANSFORM),
        "gzip, by isal": (*SEGCLI, *TRANSFORM, packed),
        "gzip, by zlib": (sys.executable, "-c", WITHOUT_ISAL, *TRANSFORM, packed),
        "Zstandard": (*SEGCLI, *TRANSFORM, frames),
    }
    share = packed.stat().st_size / plain.stat().st_size
    say(f"\n{plain.stat().st_size / 1e6:.0f} MB of events; gzip makes {share:.0%} of them\n")
    _compare(runs, rounds)


def _remote(folder: Path, plain: Path, web: WebServer, asked: argparse.Namespace) -> None:
    lines = plain.read_bytes().splitlines(keepends=True)
    each = -(-len(lines) // asked.files)
    local = folder / "archive"
    local.mkdir()
    for place in range(asked.files):
        content = gzip.compress(b"".join(lines[place * each : (place + 1) * each]), 6)
        (local / f"{place:03}.gz").write_bytes(content)
        web.files[f"/archive/{place:03}.gz"] = content
    address = f"{web.url}/archive/"
    say(f"\n{asked.files} gzip files, {asked.latency:.0f} ms to each answer\n")
    _compare(
        {
            "on disk": (*SEGCLI, *TRANSFORM, local),
            "in a store": (*SEGCLI, *TRANSFORM, address),
            "without reading ahead": (
                *(sys.executable, "-c", WITHOUT_READING_AHEAD),
                *(*TRANSFORM, address),
            ),
        },
        asked.rounds,
    )


def _memory(folder: Path) -> None:
    member = gzip.compress(b"".join(events.lines(8_500)), 6)
    rows = []
    for times in (1, 100):
        path = folder / f"{times}.gz"
        path.write_bytes(member * times)
        own, _ = peak((*SEGCLI, *TRANSFORM, path))
        rows.append((f"{10 * times:,} MB, as gzip", f"{own:.1f}"))
    say("")
    say(table(("transform of", "MiB at most"), rows))


def _compare(runs: Mapping[str, Sequence[str | Path]], rounds: int) -> None:
    """Print what each run took, beside the first."""

    def measured(command: Sequence[str | Path]) -> Cost:
        return run(command)

    found = medians(
        in_turn({name: lambda c=command: measured(c) for name, command in runs.items()}, rounds)  # type: ignore[misc]
    )
    first = next(iter(found.values()))
    say(
        table(
            ("input", "seconds", "of the first", "CPU seconds", "of the first"),
            [
                (
                    name,
                    f"{cost.wall:.2f}",
                    f"{cost.wall / first.wall:.2f}",
                    f"{cost.cpu:.2f}",
                    f"{cost.cpu / first.cpu:.2f}",
                )
                for name, cost in found.items()
            ],
        )
    )


if __name__ == "__main__":
    main()

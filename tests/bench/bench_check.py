"""The cost of `segcli check` compared with `segcli transform` on the same file.

    python tests/bench/bench_check.py [EVENTS] [ROUNDS]

Both run as processes of their own, in turn, and the medians are compared: wall-clock time and
CPU time. It prints ratios and never passes or fails on a time.
"""

import sys
import tempfile
from pathlib import Path

import events
from measure import SEGCLI, Measured, in_turn, medians, run, say, table


def compared(file: Path, rounds: int, destination: str) -> list[str]:
    """Return a row of figures: the medians of both commands, and their ratios."""

    def measured(command: str) -> Measured:
        # Some of the events are rejected by some destinations.
        return lambda: run([*SEGCLI, command, "-d", destination, file], exits=(0, 1))

    commands = ("transform", "check")
    found = medians(in_turn({command: measured(command) for command in commands}, rounds))
    one, other = (found[command] for command in commands)
    return [
        destination,
        f"{one.wall:.2f} s",
        f"{other.wall:.2f} s",
        f"{other.wall / one.wall:.2f}",
        f"{other.cpu / one.cpu:.2f}",
    ]


def main(count: int = 100_000, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = events.write(Path(folder) / "events.jsonl", count)
        size = file.stat().st_size / count
        say(f"{count:,} events of {size:,.0f} bytes, medians of {rounds}")
        rows = [
            compared(file, rounds, destination)
            for destination in ("pointillist", "plotline", "gist", "segment", "webhook")
        ]
        say(table(["", "transform", "check", "ratio", "of CPU time"], rows))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

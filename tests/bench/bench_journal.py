"""The cost of the journal: the throughput of `send` with and without it.

    python tests/bench/bench_journal.py [--events N] [--pairs N] [--concurrency N] [--folder PATH]

Both runs read stdin, since a run of files always has a journal; they take turns, each pair in the
other order. The sandbox is a process of its own. Only the ratio carries over to other machines.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SEGCLI = [sys.executable, "-m", "segcli"]
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("SEGCLI_")}


@dataclass(frozen=True, slots=True)
class Speed:
    """Events a second of both runs of a pair, and the CPU seconds of their clients."""

    without: float
    with_journal: float
    cpu_without: float
    cpu_with: float

    @property
    def ratio(self) -> float:
        return self.with_journal / self.without


def main() -> None:
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name, _sandbox() as url:
        folder = Path(name)
        _say(f"events a second, of 500 users, concurrency {asked.concurrency}\n")
        _say(f"{'':16}{'without':>10}{'with':>10}{'ratio':>8}{'client CPU, s':>16}")
        for vendor, times in (("webhook", 1), ("segment", 12)):
            _write_events(folder / "events.jsonl", asked.events * times)
            command = _command(vendor, url, asked.concurrency)
            _events_a_second(command, folder)
            pairs = [_pair(command, folder, turn) for turn in range(asked.pairs)]
            for number, pair in enumerate(pairs, 1):
                _show(f"{vendor} {number}", pair)
            _show(f"{vendor}, median", _median(pairs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--folder", help="where the journal is written  [a temporary one]")
    return parser.parse_args()


@contextmanager
def _sandbox() -> Iterator[str]:
    command = [*SEGCLI, "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout
        yield process.stdout.readline().partition("listens at ")[2].partition(";")[0]
        process.kill()


def _write_events(path: Path, count: int) -> None:
    with path.open("w") as file:
        for number in range(count):
            event = {
                "type": "track",
                "event": "Order Completed",
                "userId": f"u{number % 500}",
                "messageId": f"m{number}",
                "timestamp": "2026-02-03T10:11:12.000Z",
                "properties": {"order": number, "note": "x" * 700},
            }
            file.write(json.dumps(event) + "\n")


def _command(vendor: str, url: str, concurrency: int) -> list[str]:
    endpoint = f"{url}/{vendor}" + ("/v1" if vendor == "segment" else "")
    to = ["--dest", vendor, "--endpoint", endpoint, "--set", "api_key=key-of-the-sandbox"]
    return [*SEGCLI, "send", *to, "--concurrency", str(concurrency), "--quiet"]


def _pair(command: list[str], folder: Path, turn: int) -> Speed:
    journal = ["--journal", str(folder / "a.journal")]
    if turn % 2:
        fast, cpu = _events_a_second(command, folder)
        slow, cpu_with = _events_a_second([*command, *journal], folder)
    else:
        slow, cpu_with = _events_a_second([*command, *journal], folder)
        fast, cpu = _events_a_second(command, folder)
    return Speed(fast, slow, cpu, cpu_with)


def _events_a_second(command: list[str], folder: Path) -> tuple[float, float]:
    """Run once; returns the events a second of the delivery, and the client's CPU seconds."""
    report = folder / "report.json"
    before = os.times()
    with (folder / "events.jsonl").open("rb") as events:
        words = [*command, "--report", str(report), "--rejects", str(folder / "rejects")]
        subprocess.run(words, stdin=events, check=True, env=ENVIRONMENT)
    after = os.times()
    found = json.loads(report.read_bytes())
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return found["ledger"]["delivered"] / found["seconds"], cpu


def _median(pairs: list[Speed]) -> Speed:
    """Return the pair with the median ratio: its two runs saw the same machine."""
    middle = statistics.median_low(pair.ratio for pair in pairs)
    return next(pair for pair in pairs if pair.ratio == middle)


def _show(name: str, speed: Speed) -> None:
    cpu = f"{speed.cpu_without:.2f} / {speed.cpu_with:.2f}"
    rates = f"{speed.without:>10,.0f}{speed.with_journal:>10,.0f}{speed.ratio:>8.2f}"
    _say(f"{name:16}{rates}{cpu:>16}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

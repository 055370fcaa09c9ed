"""The speed of `segcli send` compared with minimal posting loops, to the same vendor.

    python tests/bench/bench_send.py [--rounds N] [--part NAME …] [--at N …]
                                       [--events N] [--large GB]

Needs nginx with its echo module for figures that mean something (Debian: nginx-light and
libnginx-mod-http-echo); without them uvicorn answers, and is the limit. `pip install '.[bench]'`
adds what is compared with; what is not installed is left out, and so is wrk. Vendor and client
share the machine, and take turns on it within a round. Only ratios carry over.
"""

import argparse
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import events
from measure import ENVIRONMENT, SEGCLI, Cost, in_turn, machine, medians, peak, say, table
from vendors import LATENCY, Vendor, vendor

LOOPS = Path(__file__).with_name("loops.py")
# A slow loop posts one event in this many.
SLOWER = 20
BARE = (
    *("httpx", "httpx over pyreqwest", "httpx over httpx-aiohttp"),
    *("aiohttp", "aiohttp transport"),
)
NEEDS = {
    "httpx over pyreqwest": "pyreqwest",
    "httpx over httpx-aiohttp": "httpx_aiohttp",
    "segment": "segment",
}


@dataclass(frozen=True, slots=True)
class Bench:
    """Where what is measured happens, and how often."""

    vendor: Vendor
    folder: Path
    rounds: int
    at: Sequence[int]
    events: int
    large: float

    @property
    def file(self) -> Path:
        return self.folder / "events.jsonl"

    def loop(self, name: str, url: str, concurrency: int, count: int) -> Callable[[], Cost]:
        """Return what runs a bare loop; its cost is that of one event."""
        words = [name, url, str(concurrency), str(count), str(self.file)]

        def run() -> Cost:
            done = subprocess.run(
                [sys.executable, str(LOOPS), *words],
                check=True,
                capture_output=True,
                env=ENVIRONMENT,
            )
            return Cost(1 / float(done.stdout), 0)

        return run

    def send(
        self,
        dest: str,
        url: str,
        concurrency: int,
        *,
        journal: bool = True,
        limit: int | None = None,
    ) -> Callable[[], Cost]:
        """Return what runs `segcli send`; its cost is that of one event."""
        command = self.command(dest, url, concurrency)
        command += [] if limit is None else ["--limit", str(limit)]
        command += ["--report", str(self.folder / "report.json")]

        def run() -> Cost:
            with self.file.open("rb") as piped:
                more = [str(self.file), "--restart"] if journal else []
                subprocess.run(
                    [*command, *more],
                    stdin=piped,
                    check=True,
                    env=self.environment,
                    stderr=subprocess.DEVNULL,
                )
            report = json.loads((self.folder / "report.json").read_bytes())
            return Cost(report["seconds"] / report["ledger"]["delivered"], 0)

        return run

    def command(self, dest: str, url: str, concurrency: int) -> list[str]:
        to = ["send", "--dest", dest, "--endpoint", url, "--set", "api_key=key-of-a-bench"]
        rejects = ["--rejects", str(self.folder / "rejects")]
        return [*SEGCLI, *to, *rejects, "--concurrency", str(concurrency), "--quiet"]

    def repeated(self, gb: float, suffix: str) -> Path:
        """Write the events again and again, until they are so large; packed, as many members."""
        lines = self.file.read_bytes()
        lines = lines[: lines.rfind(b"\n", 0, int(gb * 1e9)) + 1]
        member = gzip.compress(lines) if suffix else lines
        file = self.folder / f"{gb:g}.jsonl{suffix}"
        with file.open("wb") as out:
            for _ in range(round(gb * 1e9 / len(lines))):
                out.write(member)
        return file

    @property
    def environment(self) -> dict[str, str]:
        """Keep the journals out of the user's own folder."""
        return ENVIRONMENT | {"XDG_CONFIG_HOME": str(self.folder)}


def main() -> None:
    asked = _arguments()
    say(f"{machine()}")
    with tempfile.TemporaryDirectory() as name, vendor() as found:
        say(f"vendor: {found.name}\n")
        bench = Bench(found, Path(name), asked.rounds, asked.at, asked.events, asked.large)
        events.write(bench.file, bench.events)
        for part in asked.part:
            PARTS[part](bench)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at", type=int, nargs="+", default=[10, 64, 100, 200], help="in flight")
    parser.add_argument("--events", type=int, default=20_000, help="how many of 1.2 kB there are")
    parser.add_argument("--large", type=float, default=2.0, help="GB of the input for memory")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    return parser.parse_args()


def at_once(bench: Bench) -> None:
    """One event a request, to a vendor that answers at once."""
    url, at = bench.vendor.url + "/", bench.at
    many, few = bench.events, bench.events // SLOWER
    rows: dict[str, list[float]] = {}
    for concurrency in at:
        runs = {
            name: bench.loop(name, url, concurrency, few if name == "httpx" else many)
            for name in BARE
            if _is_there(name)
        }
        runs["segcli send"] = bench.send("webhook", url, concurrency)
        runs["segcli send, no journal"] = bench.send("webhook", url, concurrency, journal=False)
        runs["segcli send --dest pointillist"] = bench.send("pointillist", url, concurrency)
        for name, speed in _speeds(bench, runs).items():
            rows.setdefault(name, []).append(speed)
        if wrk := shutil.which("wrk"):
            rows.setdefault("wrk", []).append(_wrk(wrk, url, concurrency))
    say("requests a second, by how many are in flight\n")
    _show(rows, at, lambda speed, _: f"{speed:,.0f}")
    say("the same, of what httpx does with a transport of its own\n")
    _show(rows, at, lambda speed, place: f"{speed / rows['httpx'][place]:.1f}")
    say("`segcli send` of bare loops\n")
    sent = rows["segcli send"]
    bare = {name: rows[name] for name in ("aiohttp", "aiohttp transport")}
    _show(bare, at, lambda speed, place: f"{sent[place] / speed:.2f}")


def slow(bench: Bench) -> None:
    """One event a request, to a vendor that takes 50 ms: how much of what is possible."""
    url, at = bench.vendor.slow, bench.at
    rows: dict[str, list[float]] = {}
    for concurrency in at:
        count = min(bench.events, concurrency * 100)
        runs = {
            "httpx": bench.loop("httpx", url, concurrency, bench.events // SLOWER),
            "aiohttp transport": bench.loop("aiohttp transport", url, concurrency, count),
            "segcli send": bench.send("webhook", url, concurrency, limit=count),
        }
        for name, speed in _speeds(bench, runs).items():
            rows.setdefault(name, []).append(speed)
        if wrk := shutil.which("wrk"):
            rows.setdefault("wrk", []).append(_wrk(wrk, url, concurrency))
    say("of as many requests a second as a vendor that takes 50 ms can answer\n")
    _show(rows, at, lambda speed, place: f"{speed * LATENCY / at[place]:.2f}")


def batches(bench: Bench) -> None:
    """Batches to Segment's API, beside Segment's own client for Python."""
    runs = {
        f"segcli send --dest segment, {concurrency} in flight": bench.send(
            "segment", bench.vendor.segment, concurrency
        )
        for concurrency in (1, 10, 64)
    }
    if _is_there("segment"):
        runs["Segment's client for Python"] = bench.loop(
            "segment", bench.vendor.segment, 1, bench.events // 4
        )
    speeds = _speeds(bench, runs)
    least = min(speeds.values())
    rows = [(name, f"{speed:,.0f}", f"{speed / least:.1f}") for name, speed in speeds.items()]
    say("batches\n\n" + table(("", "events/s", "times"), rows) + "\n")


def memory(bench: Bench) -> None:
    """Measure peak memory for small and large inputs, plain and compressed."""
    small = 0.01
    # One event a request takes minutes for what batches take half a minute for.
    large = {"webhook": bench.large / 10, "pointillist": bench.large / 10, "segment": bench.large}
    rows = []
    for dest, size in large.items():
        url = bench.vendor.segment if dest == "segment" else bench.vendor.url
        journal = ["--journal", str(bench.folder / "a.journal")]
        command = [*bench.command(dest, url, 64), *journal]
        for suffix in ("", ".gz"):
            files = [bench.repeated(gb, suffix) for gb in (small, size)]
            held = [f"{peak([*command, str(file)])[0]:.0f} MiB" for file in files]
            for file in files:
                file.unlink(missing_ok=True)
            rows.append((f"{dest}{', gzip' if suffix else ''}", held[0], f"{size:g} GB", held[1]))
    heads = ("64 in flight", f"{small:g} GB of input", "or of", "")
    say("memory at most\n\n" + table(heads, rows) + "\n")


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "at-once": at_once,
    "slow": slow,
    "batches": batches,
    "memory": memory,
}


def _is_there(name: str) -> bool:
    needed = NEEDS.get(name)
    return needed is None or find_spec(needed) is not None


def _speeds(bench: Bench, runs: Mapping[str, Callable[[], Cost]]) -> dict[str, float]:
    """Return the median of what each does a second."""
    found = medians(in_turn(runs, bench.rounds))
    return {name: 1 / cost.wall for name, cost in found.items()}


def _wrk(wrk: str, url: str, concurrency: int) -> float:
    """Return what wrk posts a second: what vendor and machine can do at most."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write('wrk.method = "POST"\nwrk.body = string.rep("x", 1200)\n')
        script.flush()
        how = ["-t1", f"-c{concurrency}", "-d2", "-s", script.name, url]
        done = subprocess.run([wrk, *how], check=True, capture_output=True, text=True)
    found = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    assert found
    return float(found[1])


def _show(
    rows: Mapping[str, Sequence[float]],
    at: Sequence[int],
    cell: Callable[[float, int], str],
) -> None:
    heads = ("", *(str(concurrency) for concurrency in at))
    found = [
        (name, *(cell(speed, place) for place, speed in enumerate(speeds)))
        for name, speeds in rows.items()
    ]
    say(table(heads, found) + "\n")


if __name__ == "__main__":
    main()

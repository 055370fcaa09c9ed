"""The throughput of `segcli send` with a vendor that fails occasionally.

    python tests/bench/bench_retry.py [--rounds N] [--events N] [--concurrency N]

The vendor takes 20 ms a reply and sends no `Retry-After`; it is a process of its own. One that
takes only eight requests at once is held against what it does for `--concurrency 8`, the others
against one that never fails. Runs take turns within a round, so only the ratios carry over.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import events
from measure import ENVIRONMENT, SEGCLI, Cost, in_turn, machine, say, table

VENDOR = Path(__file__).with_name("failing.py")
AT_ONCE = 8
# How long a vendor that takes few at once is sent to, as a share of the others' events.
FEWER = 4
FINE, BEST = "never", f"never, {AT_ONCE} in flight"
FAULTS = {
    FINE: ("/fine", FINE),
    "1 % of 503": ("/random/503/0.01", FINE),
    "3 % of 503": ("/random/503/0.03", FINE),
    "3 % of 500": ("/random/500/0.03", FINE),
    BEST: (f"/over/{AT_ONCE}/503", BEST),
    f"503 over {AT_ONCE} at once": (f"/over/{AT_ONCE}/503", BEST),
    f"503 over {AT_ONCE} at once, after 20 ms": (f"/over-late/{AT_ONCE}/503", BEST),
    f"429 over {AT_ONCE} at once": (f"/over/{AT_ONCE}/429", BEST),
}


@dataclass(frozen=True, slots=True)
class Bench:
    """Where what is measured happens, and the share of wasted requests of each run."""

    url: str
    folder: Path
    concurrency: int
    events: int
    in_vain: dict[str, list[float]] = field(default_factory=dict)

    def send(self, name: str) -> Callable[[], Cost]:
        """Return what sends to a vendor that fails like this; its cost is that of one event."""
        path, beside = FAULTS[name]
        few = beside == BEST
        at = AT_ONCE if name == BEST else self.concurrency
        report = self.folder / "report.json"
        words = ["--dest", "webhook", "--endpoint", self.url + path, "--quiet", "--restart"]
        words += ["--limit", str(self.events // FEWER if few else self.events)]
        words += ["--concurrency", str(at), "--report", str(report)]
        words += ["--rejects", str(self.folder / "rejects"), str(self.folder / "events.jsonl")]
        environment = ENVIRONMENT | {"XDG_CONFIG_HOME": str(self.folder)}

        def run() -> Cost:
            subprocess.run(
                [*SEGCLI, "send", *words], check=True, env=environment, stderr=subprocess.DEVNULL
            )
            found = json.loads(report.read_bytes())
            delivered = found["ledger"]["delivered"]
            self.in_vain.setdefault(name, []).append(1 - delivered / found["requests"])
            return Cost(found["seconds"] / delivered, 0)

        return run


def main() -> None:
    asked = _arguments()
    say(f"{machine()}, {asked.concurrency} in flight\n")
    with tempfile.TemporaryDirectory() as name, vendor() as url:
        bench = Bench(url, Path(name), asked.concurrency, asked.events)
        events.write(bench.folder / "events.jsonl", bench.events)
        found = in_turn({name: bench.send(name) for name in FAULTS}, asked.rounds)
        speeds = {name: [1 / cost.wall for cost in costs] for name, costs in found.items()}
        say(table(("fails", "events/s", "ratio", "in vain"), _rows(speeds, bench.in_vain)))


def _rows(
    speeds: Mapping[str, list[float]], in_vain: Mapping[str, list[float]]
) -> list[tuple[str, ...]]:
    """Return what each reached, of what the vendor beside it did in the same round."""
    rows = []
    for name, (_, beside) in FAULTS.items():
        ratios = [one / other for one, other in zip(speeds[name], speeds[beside], strict=True)]
        in_all = (f"{median(speeds[name]):,.0f}", f"{median(ratios):.2f}")
        rows.append((name, *in_all, f"{median(in_vain[name]):.1%}"))
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=12_000)
    parser.add_argument("--concurrency", type=int, default=32)
    return parser.parse_args()


@contextmanager
def vendor() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, str(VENDOR)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


if __name__ == "__main__":
    main()

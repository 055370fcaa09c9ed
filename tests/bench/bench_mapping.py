"""The cost of mapping an event compared with Segment's own mapping-kit in Node, on one core.

    npm install --prefix FOLDER @segment/actions-core liquidjs
    python tests/bench/bench_mapping.py FOLDER [ROUNDS]

The folder may be named by SEGMENT_ACTIONS_CORE too; keep it outside of the repository. Both map
the recorded events by the recorded mappings of published destinations (../shared/conformance),
in turn, each warmed up, and what they cost the processor is compared: the median of all rounds.
Node is timed twice: with `transform` as a destination calls it, which checks the mapping for
every event, and without that check. It prints ratios and never passes or fails on a time.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from segcli.core import exact_json
from segcli.mapping import compiled

RECORDED = Path(__file__).parents[3] / "shared" / "conformance"
PASSES = 60
KIT = "node_modules/@segment/actions-core/dist/cjs/mapping-kit"
# The event is read by both before the clock starts. `validate` can be taken out since the
# compiled module looks it up with every call.
NODE = """
const [kit, passes, isChecked, data] = process.argv.slice(1);
const check = require(kit + '/validate');
if (isChecked === '0') check.default = () => {};
const { transform } = require(kit);
const pairs = JSON.parse(require('fs').readFileSync(data));
const round = () => { for (const [mapping, event] of pairs) transform(mapping, event); };
for (let pass = 0; pass < 5; pass++) round();
const start = process.cpuUsage();
for (let pass = 0; pass < passes; pass++) round();
const { user, system } = process.cpuUsage(start);
console.log((user + system) / 1e6);
"""


def pairs() -> list[tuple[Any, Any]]:
    """Return mappings and the events that they are recorded with."""
    mappings = {one["id"]: one["mapping"] for one in lines("real_mappings.jsonl")}
    events = {one["line"]: one["event"] for one in lines("events.jsonl")}
    cases = lines("real_mapping_cases.jsonl")
    return [(mappings[case["mapping_id"]], events[case["event_line"]]) for case in cases]


def lines(name: str) -> list[Any]:
    return [exact_json.loads(line) for line in (RECORDED / name).read_bytes().splitlines()]


def python_seconds(work: list[tuple[Any, Any]]) -> float:
    """Return what all passes take, in seconds; each mapping is compiled before."""
    functions = {id(mapping): compiled(mapping) for mapping, _ in work}
    steps = [(functions[id(mapping)], event) for mapping, event in work]
    start = 0.0
    for number in range(PASSES + 5):
        if number == 5:
            start = time.process_time()
        for mapped, event in steps:
            mapped(event)
    return time.process_time() - start


def node_seconds(folder: Path, data: Path, *, checked: bool) -> float:
    arguments = [str((folder / KIT).resolve()), str(PASSES), str(int(checked)), str(data)]
    done = subprocess.run(
        ["node", "-e", NODE, *arguments], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def compiling_seconds(work: list[tuple[Any, Any]]) -> float:
    mappings = {id(mapping): mapping for mapping, _ in work}
    start = time.perf_counter()
    for mapping in mappings.values():
        compiled(mapping)
    return (time.perf_counter() - start) / len(mappings)


def main(folder: Path, rounds: int) -> None:
    """Time all three in turn and print the medians."""
    work = pairs()
    data = folder / "pairs.json"
    data.write_text(json.dumps(work))
    times: dict[str, list[float]] = {"segcli": [], "mapping-kit": [], "without its check": []}
    for _ in range(rounds):
        times["segcli"].append(python_seconds(work))
        times["mapping-kit"].append(node_seconds(folder, data, checked=True))
        times["without its check"].append(node_seconds(folder, data, checked=False))
    for name, seconds in times.items():
        rate = PASSES * len(work) / median(seconds)
        ratios = [theirs / ours for theirs, ours in zip(seconds, times["segcli"], strict=True)]
        ratio = f"{median(ratios):5.2f} of segcli's time ({min(ratios):.2f} to {max(ratios):.2f})"
        sys.stdout.write(f"{name:18} {rate:9,.0f} events/s   {ratio}\n")
    sys.stdout.write(f"{'compiling':18} {1e3 * compiling_seconds(work):9.2f} ms a mapping, once\n")


if __name__ == "__main__":
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SEGMENT_ACTIONS_CORE")
    if not named or not (Path(named) / KIT).is_dir():
        sys.exit(__doc__)
    main(Path(named), int(sys.argv[2]) if len(sys.argv) > 2 else 5)

"""The cost of `segcli check --plan` compared with `segcli check`, and of a large plan.

    python tests/bench/bench_plan.py [EVENTS] [ROUNDS]

Both run as processes of their own, in turn, on one core, and the medians are compared: wall-clock
time, CPU time and memory. Few schemas: those of the six tracks and the identify of the common
events, and three that are never seen. Many: 300 events with 20 properties each, on events of their
own. It prints ratios and never passes or fails on a time.
"""

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import events
from measure import SEGCLI, Measured, in_turn, medians, peak, run, say, table

Rule = Mapping[str, Any]
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object"}
_MANY, _PROPERTIES = 300, 20


def schema_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that values of these types keep to; each may be null."""
    named = {
        name: {"type": [_TYPES.get(type(value), "array"), "null"]} for name, value in values.items()
    }
    for name, value in values.items():
        if isinstance(value, dict):
            named[name] |= {"properties": schema_of(value)["properties"]}
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            named[name]["items"] = schema_of(value[0])
    return {"type": "object", "properties": named}


def few_rules(count: int) -> list[Rule]:
    """Return ten rules for the common events."""
    found: dict[str, dict[str, Any]] = {f"Never {number}": {} for number in range(3)}
    for one in events.events(count):
        kind = one.get("event", "")
        known = found.setdefault(kind, {})
        part = one["properties"] if kind else one["traits"]
        known |= {key: value for key, value in part.items() if value is not None}
    return [rule(kind, values) for kind, values in found.items()]


def rule(name: str, values: Mapping[str, Any]) -> Rule:
    part = "properties" if name else "traits"
    schema = {"type": "object", "properties": {part: schema_of(values), "context": {}}}
    call = "TRACK" if name else "IDENTIFY"
    return {"key": name, "type": call, "version": 1, "jsonSchema": schema}


def many_events(count: int) -> Iterable[dict[str, Any]]:
    """Yield the common events, each as one of the many and with its properties."""
    for number, one in enumerate(events.events(count)):
        named = {"type": "track", "event": f"Event {number % _MANY}"}
        yield one | named | {"properties": properties(number)}


def properties(number: int) -> dict[str, Any]:
    kinds = (f"text {number}", number + 0.5, number % 2 == 0, {"code": "a", "size": number})
    nested = [{"sku": f"s{number}", "price": 9.5}, {"sku": "t", "price": 3.5}]
    return {f"property_{n}": (*kinds, nested)[n % 5] for n in range(_PROPERTIES)}


def compared(title: str, file: Path, plan: Path, rounds: int, *dest: str) -> list[str]:
    """Return a row of figures: the medians of both commands, and their ratios."""

    def measured(*more: str | Path) -> Measured:
        command = [*SEGCLI, "check", "--jobs", "1", *dest, *more, file]
        # Some of the events are rejected by some destinations.
        return lambda: run(command, exits=(0, 1))

    found = medians(in_turn({"": measured(), "plan": measured("--plan", plan)}, rounds))
    one, other = found[""], found["plan"]
    command = [*SEGCLI, "check", "--jobs", "1", *dest]
    both = ([*command, file], [*command, "--plan", plan, file])
    memory = [peak(whole, exits=(0, 1))[0] for whole in both]
    return [
        title,
        f"{one.wall:.2f} s",
        f"{other.wall:.2f} s",
        f"{other.wall / one.wall:.2f}",
        f"{other.cpu / one.cpu:.2f}",
        " and ".join(f"{size:.0f}" for size in memory) + " MiB",
    ]


def main(count: int = 100_000, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = folder / "few.json", folder / "many.json"
        few.write_text(json.dumps({"rules": few_rules(2000)}))
        many.write_text(
            json.dumps({"rules": [rule(f"Event {n}", properties(1)) for n in range(_MANY)]})
        )
        file = events.write(folder / "events.jsonl", count)
        other = folder / "many.jsonl"
        other.write_text("".join(f"{json.dumps(one)}\n" for one in many_events(count)))
        say(f"{count:,} events, medians of {rounds}")
        rows = [
            compared(f"10 schemas, {dest}", file, few, rounds, "--dest", dest)
            for dest in ("pointillist", "gist", "segment", "webhook")
        ]
        rows.append(compared("300 schemas", other, many, rounds, "--dest", "pointillist"))
        say(table(["", "check", "with plan", "ratio", "of CPU time", "memory"], rows))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

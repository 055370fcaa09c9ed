"""What field types and two `@epoch` cost beside the mapping alone, on published actions.

    python tests/bench/bench_fields.py [BEGINNING OF AN ACTION'S NAME]

Prints the ratios of CPU time, measured in turn in one run. Needs the recorded data beside the
project.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.recorded import cases

from segcli.core.event import Rejected
from segcli.field_types import compiled_with_fields, field_types
from segcli.mapping import compiled

PRESET = "amplitude/logEventV2#1"
_ROUNDS, _REPEATS = 40, 20
_TIME = {"@path": "$.timestamp"}
_TIMES = {"time": _TIME, "sent": _TIME}
_EPOCHS = {
    "time": {"@epoch": {"value": _TIME}},
    "sent": {"@epoch": {"value": _TIME, "unit": "milliseconds"}},
}

Work = Callable[[Any], Any]


def main() -> None:
    """Measure each action whose name begins so."""
    for action in actions(sys.argv[1] if len(sys.argv) > 1 else "amplitude/logEvent"):
        print(  # noqa: T201
            f"{action['id']:30} field types {typed(action):.2f}, two @epoch {timed(action):.2f}"
        )


def actions(begins: str = PRESET) -> Iterator[dict[str, Any]]:
    """Yield the recorded actions whose names begin so, each with its events."""
    events: dict[str, list[Any]] = {}
    for case in cases("action_requests.jsonl"):
        events.setdefault(case["fields_ref"], []).append(case["event"])
    for action in cases("action_definitions.jsonl"):
        if action["id"].startswith(begins):
            yield action | {"events": events[action["id"]]}


def typed(action: dict[str, Any]) -> float:
    """Return how many times the CPU time of its mapping an action with its fields takes."""
    mapping = action["mapping"]
    with_types = compiled_with_fields(mapping, field_types(action["fields"]))
    return _ratio(with_types, compiled(mapping), action["events"])


def timed(action: dict[str, Any]) -> float:
    """Return how many times the CPU time of its mapping an action with two `@epoch` takes."""
    mapping = action["mapping"]
    return _ratio(compiled(mapping | _EPOCHS), compiled(mapping | _TIMES), action["events"])


def _ratio(one: Work, other: Work, events: list[Any]) -> float:
    rounds = [(_seconds(one, events), _seconds(other, events)) for _ in range(_ROUNDS)]
    first, second = (min(column) for column in zip(*rounds, strict=True))
    return first / second


def _seconds(work: Work, events: list[Any]) -> float:
    start = time.process_time()
    for _ in range(_REPEATS):
        for event in events:
            # `suppress` takes a tenth of the time of a mapping.
            try:  # noqa: SIM105
                work(event)
            except Rejected:
                pass
    return time.process_time() - start


if __name__ == "__main__":
    main()

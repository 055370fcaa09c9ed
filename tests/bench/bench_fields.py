"""What field types cost beside the mapping alone, on published actions.

    python tests/bench/bench_fields.py [BEGINNING OF AN ACTION'S NAME]

Prints the ratio of CPU time, measured in turn in one run. Needs the recorded data beside the
project.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.recorded import cases

from segcli.core.event import Rejected
from segcli.field_types import compiled_with_fields, field_types
from segcli.mapping import compiled

_ROUNDS, _REPEATS = 40, 20


def main() -> None:
    """Measure each action whose name begins so."""
    begins = sys.argv[1] if len(sys.argv) > 1 else "amplitude/logEvent"
    events: dict[str, list[Any]] = {}
    for case in cases("action_requests.jsonl"):
        events.setdefault(case["fields_ref"], []).append(case["event"])
    for action in cases("action_definitions.jsonl"):
        if action["id"].startswith(begins):
            alone, with_types = _functions(action)
            of_it = events[action["id"]]
            rounds = [(_seconds(alone, of_it), _seconds(with_types, of_it)) for _ in range(_ROUNDS)]
            first, second = (min(column) for column in zip(*rounds, strict=True))
            each = first / _REPEATS / len(of_it) * 1e6
            print(f"{action['id']:30} {second / first:.2f} times a mapping of {each:.1f} us")  # noqa: T201


def _functions(action: dict[str, Any]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    mapping = action["mapping"]
    return compiled(mapping), compiled_with_fields(mapping, field_types(action["fields"]))


def _seconds(work: Callable[[Any], Any], events: list[Any]) -> float:
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

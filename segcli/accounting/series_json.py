"""The points of a series as JSON values, as they stand in a report, and back."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from segcli.accounting.series import MOST_POINTS, Point
from segcli.accounting.tally import STATES_OF_SEND, STATES_OF_TRANSFORM, STEPS, State

# Causes are codes, such as `http_503`. Anything else would be a text from outside in a picture.
_CAUSE = re.compile(r"[a-z0-9_]{0,40}")
_MOST_CAUSES = 50


def point_json(point: Point, states: Sequence[State]) -> dict[str, Any]:
    """Return a point with these states as a JSON value.

    Answers are `[milliseconds, how many]`, in the steps of 5 % in which they are counted.
    """
    return {
        "seconds": round(point.seconds, 3),
        "read": point.read,
        "ledger": {state: point.states[state] for state in states},
        "requests": point.requests,
        "bytes_sent": point.bytes_sent,
        "retry_causes": dict(point.causes),
        "in_flight": point.in_flight,
        "waited": {cause: round(seconds, 3) for cause, seconds in point.waited.items()},
        "answers_ms": [[_milliseconds(step), n] for step, n in sorted(point.answers.items())],
    }


def points_in(series: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Return the points of the series of a report.

    Raises LookupError, TypeError, ValueError, AttributeError or OverflowError if it is damaged.
    """
    if len(series) > MOST_POINTS:
        raise ValueError(f"its series has more than {MOST_POINTS:,} points")
    points = [_point(one) for one in series]
    causes = {cause for point in points for cause in (*point.causes, *point.waited)}
    if len(causes) > _MOST_CAUSES or not all(map(_CAUSE.fullmatch, causes)):
        raise ValueError("its series has causes that are no codes")
    return points


def _point(value: Mapping[str, Any]) -> Point:
    states: dict[State, int] = dict.fromkeys((*STATES_OF_SEND, *STATES_OF_TRANSFORM), 0)
    states.update((state, int(value["ledger"].get(state, 0))) for state in states)
    return Point(
        seconds=float(value["seconds"]),
        read=int(value["read"]),
        states=states,
        requests=int(value["requests"]),
        bytes_sent=int(value["bytes_sent"]),
        causes={cause: int(n) for cause, n in value["retry_causes"].items()},
        in_flight=int(value["in_flight"]),
        waited={cause: float(seconds) for cause, seconds in value["waited"].items()},
        answers={_step(milliseconds): int(n) for milliseconds, n in value["answers_ms"]},
    )


def _milliseconds(step: int) -> float:
    return float(f"{math.exp(step / STEPS) * 1000:.4g}")


def _step(milliseconds: float) -> int:
    return round(math.log(milliseconds / 1000) * STEPS)

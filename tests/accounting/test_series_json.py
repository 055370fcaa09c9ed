"""The series of a report: JSON and back without a loss that shows in a plot."""

from typing import Any

import orjson
import pytest
from accounting.test_series import series_over
from support.tables import for_each

from segcli.accounting.series import MOST_POINTS, Point
from segcli.accounting.series_json import point_json, points_in
from segcli.accounting.tally import STATES_OF_SEND

POINT = Point(
    seconds=1.25,
    read=9,
    states=dict.fromkeys((*STATES_OF_SEND, "mapped"), 0) | {"delivered": 7},
    requests=8,
    bytes_sent=900,
    causes={"http_503": 1},
    in_flight=3,
    waited={"http_503": 0.5},
    answers=dict.fromkeys(range(-280, 200), 1),
)


def as_read(points: list[Point]) -> Any:
    return orjson.loads(orjson.dumps([point_json(one, STATES_OF_SEND) for one in points]))


def test_points_are_the_same_after_a_report() -> None:
    assert points_in(as_read([POINT])) == [POINT]


def test_a_long_series_fits_into_a_report() -> None:
    points = list(series_over(2 * MOST_POINTS)[0].points)

    assert points_in(as_read(points)) == points


def test_empty_series_has_no_points() -> None:
    assert points_in([]) == []


@for_each(
    "wrong",
    [
        {"seconds": "<b>"},
        {"read": None},
        {"ledger": []},
        {"retry_causes": {"<script>": 1}},
        {"waited": {"Retry after": 1.0}},
        {"waited": {f"c{number}": 1.0 for number in range(60)}},
        {"answers_ms": [[-1, 1]]},
        {"answers_ms": [5]},
    ],
)
def test_damaged_points_are_refused(wrong: dict[str, Any]) -> None:
    value = as_read([POINT])[0]
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        points_in([value | wrong])


def test_too_many_points_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 2,000 points"):
        points_in(as_read([POINT]) * (MOST_POINTS + 1))

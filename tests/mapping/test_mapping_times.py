"""The directives for times, which are segcli's own."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from support.event_strategies import values
from support.tables import for_each

from segcli.mapping import UNDEFINED, compiled, lint, problems

TIME = {"@path": "$.t"}


def made(directive: str, value: Any, **options: Any) -> Any:
    found = compiled({"x": {directive: {"value": TIME, **options}}})
    return found({"t": value} if value is not UNDEFINED else {}).get("x", UNDEFINED)


@for_each(
    ("value", "milliseconds"),
    [
        ("2026-01-08T14:02:14.519Z", 1767880934519),
        ("2026-01-08T14:02:14Z", 1767880934000),
        ("2026-01-08T15:02:14.5199+01:00", 1767880934519),
        ("1969-12-31T23:59:59.400Z", -600),
        ("Jan 8 2026", 1767830400000),
        (1767880934, 1767880934000),
        (1767880934.519, 1767880934519),
        (1767880934519, 1767880934519),
        (Decimal("1767880934.5195"), 1767880934519),
        (0, 0),
        ("", UNDEFINED),
        ("tomorrow", UNDEFINED),
        (None, UNDEFINED),
        (UNDEFINED, UNDEFINED),
        (True, UNDEFINED),
        ([], UNDEFINED),
        (10**40, UNDEFINED),
        (Decimal("1e400"), UNDEFINED),
        ("2024-W05-1T10:00:00.000Z", UNDEFINED),
        ("2024-13-01T10:00:00.000Z", UNDEFINED),
    ],
)
def test_epoch_makes_a_number_of_a_time(value: Any, milliseconds: Any) -> None:
    assert made("@epoch", value, unit="milliseconds") == milliseconds
    seconds = milliseconds if milliseconds is UNDEFINED else milliseconds // 1000
    assert made("@epoch", value) == seconds


@given(values)
def test_epoch_makes_a_whole_number_or_nothing_of_any_value(value: Any) -> None:
    found = made("@epoch", value)

    assert found is UNDEFINED or type(found) is int


def test_a_mistake_in_epoch_is_reported() -> None:
    assert [str(one) for one in problems({"x": {"@epoch": {"unit": "days"}}})] == [
        '/x/@epoch should have field "value" but it doesn\'t',
        '/x/@epoch/unit should be one of seconds, milliseconds but it is "days"',
    ]
    assert not lint({"x": {"@epoch": {"value": TIME, "unit": "Milliseconds"}}})
    assert made("@epoch", 1, unit="Milliseconds") == 1000


@for_each(
    ("value", "text"),
    [
        ("2026-01-08T15:02:14.5199+01:00", "2026-01-08T14:02:14.519Z"),
        ("2026-1-8", "2026-01-08T00:00:00.000Z"),
        (1767880934, "2026-01-08T14:02:14.000Z"),
        (-600, "1969-12-31T23:50:00.000Z"),
        ("tomorrow", UNDEFINED),
        (None, UNDEFINED),
        (8_640_000_000_000_000, UNDEFINED),
    ],
)
def test_iso_makes_a_text_in_utc_of_a_time(value: Any, text: Any) -> None:
    assert made("@iso", value) == text


@given(values)
def test_iso_makes_a_time_or_nothing_of_any_value(value: Any) -> None:
    found = made("@iso", value)

    assert found is UNDEFINED or found.endswith("Z")

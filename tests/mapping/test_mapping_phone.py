"""`@phone` writes phone numbers in the form of E.164."""

from importlib import util
from typing import Any

import pytest
from hypothesis import given
from support.event_strategies import values

from segcli.mapping import UNDEFINED, compiled, problems

pytestmark = pytest.mark.skipif(
    util.find_spec("phonenumbers") is None, reason="phonenumbers is not installed"
)


def made(value: Any, **options: Any) -> Any:
    mapping = {"x": {"@phone": {"value": {"@path": "$.v"}, **options}}}
    return compiled(mapping)({"v": value, "country": "de"}).get("x", UNDEFINED)


@pytest.mark.parametrize(
    ("value", "country", "number"),
    [
        ("+49 (30) 23125-014", None, "+493023125014"),
        ("030 23125014", "DE", "+493023125014"),
        ("030 23125014", {"@path": "$.country"}, "+493023125014"),
        ("0049 30 23125014", "FR", "+493023125014"),
        (12127365000, "US", "+12127365000"),
        ("+493023125014", "no country", "+493023125014"),
        ("+44 20 7946 0958 ext. 5", None, "+442079460958"),
        ("030 23125014", None, UNDEFINED),
        ("030 23125014", {"@path": "$.nowhere"}, UNDEFINED),
        ("030 23125014", "XX", UNDEFINED),
        ("+1 555 123 4567", None, UNDEFINED),
        ("+49", None, UNDEFINED),
        ("call me", "US", UNDEFINED),
        ("", "US", UNDEFINED),
        (None, "US", UNDEFINED),
        (["+493023125014"], None, UNDEFINED),
    ],
)
def test_a_number_that_exists_is_written_as_e164(value: Any, country: Any, number: Any) -> None:
    assert made(value, **({} if country is None else {"country": country})) == number


@given(values, values)
def test_any_value_gives_a_number_or_nothing(value: Any, country: Any) -> None:
    mapping = {"x": {"@phone": {"value": {"@path": "v"}, "country": {"@path": "c"}}}}
    found = compiled(mapping)({"v": value, "c": country}).get("x", "+")

    assert found.startswith("+")


def test_without_the_library_the_mapping_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("segcli.mapping.directives.phone.find_spec", lambda _: None)

    [problem] = problems({"x": {"@phone": {"value": "+49"}}})

    assert problem.path == "/x/@phone"
    assert problem.message.startswith("needs phonenumbers: type ")
    assert "[phone]" in problem.message

"""The directive for hashes, which is segcli's own."""

from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.event_strategies import values
from support.tables import for_each

from segcli.mapping import UNDEFINED, compiled, lint, problems
from segcli.mapping.directives.digest import CLEAN_UPS

NOTHING = sha256(b"").hexdigest()


def made(value: Any, **options: Any) -> Any:
    found = compiled({"x": {"@sha256": {"value": {"@path": "$.v"}, **options}}})
    return found({"v": value}).get("x", UNDEFINED)


@for_each(
    ("value", "clean", "hashed"),
    [
        (" Ada@Example.com ", "lower", "ada@example.com"),
        (" Ada@Example.com ", "trim", "Ada@Example.com"),
        (" Ada@Example.com ", "none", " Ada@Example.com "),
        ("+49 (30) 23125-014", "digits", "493023125014"),
        (4930, "digits", "4930"),
        (12.0, "none", "12"),
        ("J\u00f6rg", "lower", "j\u00f6rg"),
    ],
)
def test_a_text_is_hashed_after_its_clean_up(value: Any, clean: str, hashed: str) -> None:
    assert made(value, clean=clean) == sha256(hashed.encode()).hexdigest()


@for_each("value", [None, "", "  ", True, [], {}, UNDEFINED])
def test_there_is_no_hash_of_nothing(value: Any) -> None:
    assert made(value, clean="lower") is UNDEFINED


def test_a_hash_is_not_hashed_again() -> None:
    assert made(NOTHING, clean="lower") == NOTHING
    assert made(NOTHING, clean="digits") == NOTHING
    assert made(f" {NOTHING}\n", clean="trim") == NOTHING
    assert made(NOTHING.upper(), clean="lower") == NOTHING
    assert made(NOTHING.upper(), clean="trim") == sha256(NOTHING.upper().encode()).hexdigest()


@given(values, st.sampled_from([*CLEAN_UPS]))
def test_any_value_gives_a_hash_or_nothing(value: Any, clean: str) -> None:
    found = made(value, clean=clean)

    assert found is UNDEFINED or (len(found) == 64 and found != NOTHING) or found == value


def test_a_mistake_in_sha256_is_reported() -> None:
    assert [str(one) for one in problems({"x": {"@sha256": {"value": 1, "clean": "up"}}})] == [
        '/x/@sha256/clean should be one of none, trim, lower, digits but it is "up"'
    ]
    assert not lint({"x": {"@sha256": {"value": {"@path": "$.v"}}}})

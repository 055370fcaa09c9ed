"""The property of an audience or trait is its name in snake_case, as Segment writes it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.engage.identify import property_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Order Completed Last 30days", "order_completed_last_30days"),
        ("order_completed_last_30days", "order_completed_last_30days"),
        ("ORDERS", "orders"),
    ],
)
def test_property_is_the_name_in_lower_case_with_underscores(name: str, expected: str) -> None:
    assert property_name(name) == expected


@for_each(
    ("name", "expected"),
    [
        ("Big   Spenders", "big_spenders"),
        ("  Big Spenders\t", "big_spenders"),
        ("Big-Spenders (EU) / 2026!", "big_spenders_eu_2026"),
        ("big__spenders__", "big_spenders"),
        ("Today's buyers", "today_s_buyers"),
        ("50% off & more", "50_off_more"),
        ("a.b.c", "a_b_c"),
        ("line\nbreak", "line_break"),
        ("Big\u00a0Spenders", "big_spenders"),
    ],
)
def test_spaces_and_punctuation_become_single_inner_underscores(name: str, expected: str) -> None:
    assert property_name(name) == expected


@for_each(
    ("name", "expected"),
    [
        ("bigSpenders", "big_spenders"),
        ("BigSpenders", "big_spenders"),
        ("VIPUsers", "vip_users"),
        ("usersVIP", "users_vip"),
        ("iOS Users", "i_os_users"),
        ("ÉtéÀParis", "ete_a_paris"),
    ],
)
def test_camel_case_is_split(name: str, expected: str) -> None:
    assert property_name(name) == expected


@for_each(
    ("name", "expected"),
    [
        ("Last 30days", "last_30days"),
        ("Last30", "last30"),
        ("Last30Days", "last30_days"),
        ("30 Days", "30_days"),
        ("LTV2026", "ltv2026"),
        ("٣٠ days", "days"),
        ("Ｔｏｐ１０", "top10"),  # noqa: RUF001  # full-width on purpose
        ("m² sold", "m2_sold"),
    ],
)
def test_digits_stay_joined_to_adjacent_letters(name: str, expected: str) -> None:
    assert property_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Café", "cafe"),
        ("Cafe\u0301", "cafe"),
        ("Ångström Über-Kunden", "angstrom_uber_kunden"),
        ("ﬁrst order", "first_order"),
    ],
)
def test_accents_are_removed_composed_or_not(name: str, expected: str) -> None:
    assert property_name(name) == expected


@for_each("name", ["", " ", "!?", "___", "顧客", "Покупатели", "👍", "\u0301"])
def test_name_without_latin_letters_or_digits_gives_an_empty_property(name: str) -> None:
    assert property_name(name) == ""


def test_non_latin_characters_are_dropped_like_punctuation() -> None:
    assert property_name("VIP 顧客 2026") == "vip_2026"


WORDS = st.text(st.sampled_from("aZ é9_-ßÅ顧İﬁ²\u0301"), max_size=12)


@given(st.text() | WORDS)
def test_property_has_only_lower_case_letters_digits_and_underscores(name: str) -> None:
    assert re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", property_name(name))


@given(st.text() | WORDS)
def test_property_name_is_idempotent(name: str) -> None:
    assert property_name(property_name(name)) == property_name(name)

"""The property of an audience or trait is its name in snake_case, as Segment writes it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segcli.engage.identify import property_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Order Completed Last 30days", "order_completed_last_30days"),
        ("order_completed_last_30days", "order_completed_last_30days"),
        ("ORDERS", "orders"),
    ],
)
def test_a_name_becomes_lower_case_with_underscores(name: str, expected: str) -> None:
    assert property_name(name) == expected


@pytest.mark.parametrize(
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
def test_a_run_of_spaces_and_punctuation_is_one_underscore_and_none_at_the_ends(
    name: str, expected: str
) -> None:
    assert property_name(name) == expected


@pytest.mark.parametrize(
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
def test_camel_case_is_taken_apart(name: str, expected: str) -> None:
    assert property_name(name) == expected


@pytest.mark.parametrize(
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
def test_digits_stay_with_the_letters_they_touch(name: str, expected: str) -> None:
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
def test_accents_go_whether_composed_or_not(name: str, expected: str) -> None:
    assert property_name(name) == expected


@pytest.mark.parametrize("name", ["", " ", "!?", "___", "顧客", "Покупатели", "👍", "\u0301"])
def test_nothing_is_left_of_a_name_without_latin_letters_and_digits(name: str) -> None:
    assert property_name(name) == ""


def test_what_is_not_latin_is_left_out_like_punctuation() -> None:
    assert property_name("VIP 顧客 2026") == "vip_2026"


WORDS = st.text(st.sampled_from("aZ é9_-ßÅ顧İﬁ²\u0301"), max_size=12)


@given(st.text() | WORDS)
def test_a_property_holds_small_letters_digits_and_single_underscores_between(name: str) -> None:
    assert re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", property_name(name))


@given(st.text() | WORDS)
def test_the_property_of_a_property_is_itself(name: str) -> None:
    assert property_name(property_name(name)) == property_name(name)

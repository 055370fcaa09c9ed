"""The directives for identifiers, which are segcli's own."""

import uuid
from typing import Any

from hypothesis import given
from support.event_strategies import values
from support.tables import for_each

from segcli.mapping import UNDEFINED, compiled, lint, problems


def made(directive: str, value: Any, **options: Any) -> Any:
    found = compiled({"x": {directive: {"value": {"@path": "$.v"}, **options}}})
    return found({"v": value}).get("x", UNDEFINED)


def test_a_text_becomes_a_uuid_and_a_uuid_is_unchanged() -> None:
    one = made("@uuid", "msg-7")

    assert one == made("@uuid", "msg-7") == str(uuid.uuid5(uuid.NAMESPACE_URL, "msg-7"))
    assert made("@uuid", one.upper()) == one.upper()
    assert made("@uuid", 7) == made("@uuid", "7") != one


def test_a_tail_is_the_end_of_a_text() -> None:
    assert made("@tail", "abcdef", length=4) == "cdef"
    assert made("@tail", "ab", length=4) == "ab"
    assert made("@tail", 12345, length=2) == "45"


def test_an_email_address_stays_and_another_text_gives_nothing() -> None:
    assert made("@email", "a.b+c@d.example") == "a.b+c@d.example"
    for text in ("usr_1", "a@b", "a b@c.example", "a@b@c.example", "@c.example", 7):
        assert made("@email", text) is UNDEFINED


def test_a_lookup_gives_the_entry_of_a_text_or_that_for_all_others() -> None:
    table = {"Order Completed": "order", "7": "seven"}

    assert made("@lookup", "Order Completed", table=table) == "order"
    assert made("@lookup", 7, table=table) == "seven"
    assert made("@lookup", "Another", table=table | {"*": "other"}) == "other"
    for missing in ("Another", None, [], UNDEFINED):
        assert made("@lookup", missing, table=table) is UNDEFINED
    assert made("@lookup", "Another", table=7) is UNDEFINED


def test_a_ulid_is_made_of_a_time_and_a_text() -> None:
    one = made("@ulid", "msg-7", time="2016-07-30T23:54:10.259Z")
    other = made("@ulid", "msg-8", time=1469922850259)

    # The time is that of the example of ULID's specification.
    assert one[:10] == other[:10] == "01ARZ3NDEK"
    assert one == made("@ulid", "msg-7", time=1469922850259) == "01ARZ3NDEKB3403MMEJZHBYW20"
    assert one != other
    assert max(one, other) < made("@ulid", "msg-7", time=1469922850260)
    assert made("@ulid", one.lower(), time=None) == one.lower()


@for_each("time", [None, "tomorrow", -1, 8_000_000_000_000_000])
def test_without_a_time_there_is_no_ulid(time: Any) -> None:
    assert made("@ulid", "msg-7", time=time) is UNDEFINED


@for_each("value", [None, "", True, [], {}, UNDEFINED])
def test_nothing_is_made_of_nothing(value: Any) -> None:
    assert made("@uuid", value) is UNDEFINED
    assert made("@tail", value, length=3) is UNDEFINED
    assert made("@ulid", value, time=1767880934519) is UNDEFINED


@given(values)
def test_any_value_gives_a_text_or_nothing(value: Any) -> None:
    ulids = made("@ulid", value, time=0), made("@ulid", value, time={"@path": "$.v"})
    for found in (made("@uuid", value), made("@tail", value, length=5), *ulids):
        assert found is UNDEFINED or isinstance(found, str)


def test_mistakes_are_reported() -> None:
    assert [str(one) for one in problems({"x": {"@tail": {"value": 1}}})] == [
        '/x/@tail should have field "length" but it doesn\'t'
    ]
    [problem] = lint({"x": {"@tail": {"value": 1, "length": 0}}})
    assert problem.message == '@tail requires a "length" of 1 or more'

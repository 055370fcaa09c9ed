"""Warnings from Segment's spec: sizes, messageIds, the types of reserved traits."""

from pathlib import Path
from typing import Any

import pytest
from support.check_reports import review_of, said
from support.samples import event_of, line_of
from support.tables import for_each

from segcli.review.segment_spec import remarks_by_type, remarks_by_value

LARGEST = 32 * 1024
RESERVED = {
    "text": (
        *("avatar", "description", "email", "firstName", "gender", "lastName", "name", "phone"),
        *("title", "username", "website"),
    ),
    "a date": ("birthday", "createdAt"),
    "a number": ("age",),
    "text or a number": ("id",),
    "an object": ("address", "company"),
}
OF_TYPE: dict[str, list[Any]] = {
    "text": ["", "x", None],
    "a date": ["2026-02-03", "2026-02-03T10:11:12.123Z", 1_770_000_000, 1_770_000_000_123, None],
    "a number": [0, 41, 41.5, None],
    "text or a number": ["x", 7, None],
    "an object": [{}, {"city": "Köln"}, None],
}
NOT_OF_TYPE: dict[str, list[Any]] = {
    "text": [1, 2.5, True, [], {}, ["x"]],
    "a date": ["soon", "", True, [], {}],
    "a number": ["41", False, [], {}],
    "text or a number": [True, [], {}],
    "an object": ["Köln", 1, True, []],
}
SNAKE = {"firstName": "first_name", "lastName": "last_name", "createdAt": "created_at"}


def spellings(name: str) -> list[str]:
    return [name, SNAKE[name]] if name in SNAKE else [name]


TRAITS = [
    (spelling, expected)
    for expected, names in RESERVED.items()
    for name in names
    for spelling in spellings(name)
]


def found(**fields: Any) -> list[tuple[str, str]]:
    event = event_of(**fields)
    remarks = [*remarks_by_value(event), *remarks_by_type(event)]
    return [(remark.field, remark.problem) for remark in remarks]


def of_size(size: int) -> bytes:
    """Return an event as a line of that many bytes."""
    return line_of(pad="x" * (size - len(line_of(pad=""))))


@for_each(("name", "expected"), TRAITS)
def test_reserved_trait_of_a_wrong_type_is_a_warning(name: str, expected: str) -> None:
    for value in NOT_OF_TYPE[expected]:
        remark = f"is not {expected}"
        assert found(traits={name: value}) == [(f"traits.{name}", remark)]
        assert found(context={"traits": {name: value}}) == [(f"context.traits.{name}", remark)]


@for_each(("name", "expected"), TRAITS)
def test_reserved_trait_of_the_right_type_gives_no_warning(name: str, expected: str) -> None:
    for value in OF_TYPE[expected]:
        assert not found(traits={name: value}, context={"traits": {name: value}})


def test_other_trait_may_have_any_type() -> None:
    assert not found(traits={"plan": [1], "emails": 3, "Email": {}}, properties={"email": 1})


@for_each("context", [None, {}, {"traits": None}, {"traits": "x"}, {"traits": []}])
def test_context_traits_that_are_not_an_object_give_no_warning(context: Any) -> None:
    assert not found(context=context)


def test_event_over_32_kb_is_a_warning(tmp_path: Path) -> None:
    review = review_of(tmp_path, of_size(LARGEST), of_size(LARGEST + 1), dest="webhook")

    assert said(review) == [(2, "warning: is larger than 32 KB, which Segment does not accept")]


def test_message_id_over_100_characters_is_a_warning() -> None:
    assert not found(messageId="ö" * 100)
    assert found(messageId="ö" * 101) == [("messageId", "is longer than 100 characters")]


def test_repeated_message_id_names_the_first_line(tmp_path: Path) -> None:
    lines = [line_of(messageId=id_) for id_ in ("a", "b", "a", "c", "a", "b")]

    review = review_of(tmp_path, *lines)

    file = tmp_path / "events.jsonl"
    assert [(line, text) for line, text in said(review) if "messageId" in text] == [
        (3, f"warning: messageId is the same as in an earlier line ({file}:1)"),
        (5, f"warning: messageId is the same as in an earlier line ({file}:1)"),
        (6, f"warning: messageId is the same as in an earlier line ({file}:2)"),
    ]


@pytest.mark.parametrize("message_id", [None, "", 7, True, [], {}, ...])
def test_missing_or_invalid_message_id_is_not_a_repeat(tmp_path: Path, message_id: Any) -> None:
    lines = [line_of(messageId=message_id)] * 3

    texts = {text for _, text in said(review_of(tmp_path, *lines, dest="webhook"))}
    file = tmp_path / "events.jsonl"
    same_line = (
        f"warning: messageId is missing, and the line is the same as an earlier one ({file}:1)"
    )
    assert texts <= {"warning: messageId is not text", same_line}
    assert (same_line in texts) == (message_id is ... or not message_id)


@pytest.mark.parametrize("message_id", [7, 2.5, True, [], {}, 0])
def test_message_id_that_is_not_text_is_a_warning(tmp_path: Path, message_id: Any) -> None:
    review = review_of(tmp_path, line_of(messageId=message_id), dest="webhook")

    assert said(review) == [(1, "warning: messageId is not text")]


@pytest.mark.parametrize("message_id", [None, "", "m1", ...])
def test_message_id_of_text_or_none_gives_no_warning(message_id: Any) -> None:
    assert not found(messageId=message_id)


def test_message_id_of_an_unsent_event_is_not_a_repeat(tmp_path: Path) -> None:
    skipped = line_of(type="page", messageId="a")
    rejected = line_of(userId=..., anonymousId="x", messageId="a")
    sent = line_of(messageId="a", properties={"email": "a@example.com"})

    review = review_of(tmp_path, skipped, rejected, sent)

    assert [line for line, _ in said(review)] == [2]


def test_field_gets_one_warning_only(tmp_path: Path) -> None:
    """The name is not text to the spec, and becomes text or a property with Gist."""
    traits = {"email": "a@example.com", "name": ["Ada"], "company": [1]}

    review = review_of(tmp_path, line_of(type="identify", traits=traits))

    assert said(review) == [
        (1, "warning: traits.name is not text"),
        (1, "warning: traits.company is not an object"),
    ]

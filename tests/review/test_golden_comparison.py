"""A golden file records the outcomes of an input; the comparison lists differences by field."""

import json
import random
import re
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.core.line_error import LineError
from segcli.review.alignment import aligned
from segcli.review.codes import CODE_OF_STATE
from segcli.review.findings import Finding, Findings
from segcli.review.golden import GoldenComparison
from segcli.review.notes import NoteLimits, key_of


def mapped(line: int, payload: Any, **more: Any) -> bytes:
    """Return the outcome of a line that was mapped."""
    place = {"file": more.pop("file")} if "file" in more else {}
    outcome = {"line": line, "state": "mapped", "route": "/events", "payload": payload}
    return json.dumps(place | outcome | more).encode()


def skipped(line: int, **more: Any) -> bytes:
    return json.dumps({**more, "line": line, "state": "skipped", "reason": "blank line"}).encode()


def rejected(line: int, reason: str) -> bytes:
    return json.dumps({"line": line, "state": "rejected", "reason": reason}).encode()


def compared(golden: Iterable[bytes], now: Iterable[bytes]) -> list[Finding]:
    """Return what differs between a golden file and the outcomes of one input."""
    comparison = GoldenComparison(golden)
    for text in now:
        value = json.loads(text)
        payload = text.partition(b'"payload": ')[2][:-1]
        if payload or comparison.holds_outcomes:
            seen = outcome_of(text) if comparison.holds_outcomes else payload
            file = value.get("file", "a.jsonl")
            comparison.add(file, value["line"], seen, value.get("messageId"))
    found = Findings(NoteLimits(findings=99, groups=99), strict=False)
    for pair in comparison.pairs():
        file, line = comparison.place(pair, input_file="a.jsonl", golden_file="a.golden.ndjson")
        for one in comparison.differences(pair):
            key = key_of(CODE_OF_STATE[one.state], one.path, one.problem)
            found.add(found.finding(key, file, line))
    return found.kept()


def outcome_of(text: bytes) -> bytes:
    """Return an outcome without its place and id, with every digit."""
    return re.sub(rb'^\{("file": "[^"]*", )?"line": \d+, ("messageId": "[^"]*", )?', b"{", text)


def named(lines: Iterable[bytes]) -> list[bytes]:
    """Return outcomes with a messageId each."""
    return [
        text.replace(b'"state"', b'"messageId": "m%d", "state"' % number, 1)
        for number, text in enumerate(lines)
    ]


def texts(findings: Iterable[Finding]) -> list[str]:
    return [f"{one.line}: {one.text}" for one in findings]


def test_equal_outcomes_do_not_differ() -> None:
    lines = [mapped(1, {"a": 1}), skipped(2), rejected(3, "type is required")]

    assert not compared(lines, lines)


def test_added_removed_or_changed_field_is_named_with_its_values() -> None:
    golden = [mapped(4, {"kept": 1, "gone": "x", "deep": {"plan": "pro", "tags": ["a"]}})]
    now = [mapped(4, {"kept": 1, "deep": {"plan": None, "tags": ["a"]}, "new": {"n": 2.5}})]

    assert texts(compared(golden, now)) == [
        '4: removed: payload.gone (was "x")',
        '4: changed: payload.deep.plan from "pro" to null',
        '4: added: payload.new (is {"n":2.5})',
    ]


def test_elements_of_an_array_are_compared_one_by_one() -> None:
    golden = [mapped(1, {"products": [{"sku": "a", "price": 1}, {"sku": "b"}], "tags": ["x"]})]
    now = [mapped(1, {"products": [{"sku": "a", "price": 2}, {"sku": "b"}], "tags": ["x", "y"]})]

    assert texts(compared(golden, now)) == [
        "1: changed: payload.products[0].price from 1 to 2",
        '1: added: payload.tags[1] (is "y")',
    ]


def test_changed_route_is_reported_as_a_field() -> None:
    found = compared([mapped(1, {})], [mapped(1, {}, route="/contacts")])

    assert texts(found) == ['1: changed: route from "/events" to "/contacts"']


def test_changed_state_is_one_difference_with_the_reason() -> None:
    golden = [mapped(1, {"a": 1, "b": 2}), skipped(2), rejected(3, "type is required")]
    now = [rejected(1, "userId is required"), mapped(2, {"a": 1}), rejected(3, "not JSON")]

    assert texts(compared(named(golden), named(now))) == [
        '1: changed: state from "mapped" to "rejected": userId is required',
        '2: changed: state from "skipped" to "mapped"',
        '3: changed: reason from "type is required" to "not JSON"',
    ]


def test_equal_differences_have_the_same_text_at_each_line() -> None:
    golden = [mapped(line, {"source": "segment", "id": line}) for line in range(1, 8)]
    now = [
        mapped(line, {"source": "segment" if line < 3 else "cdp", "id": line})
        for line in range(1, 8)
    ]

    found = compared(golden, now)

    assert [one.line for one in found] == [3, 4, 5, 6, 7]
    assert {one.text for one in found} == {'changed: payload.source from "segment" to "cdp"'}


def test_missing_line_and_new_line_are_distinguished() -> None:
    golden = [mapped(1, {"a": 1}), mapped(2, {"a": 2}), skipped(3)]
    now = [mapped(1, {"a": 1}), skipped(2), mapped(3, {"b": 1})]

    assert texts(compared(golden, now)) == [
        "2: missing: line of the golden file that no longer exists",
        "3: new: line that is not in the golden file",
    ]


def test_every_difference_is_an_error() -> None:
    found = compared([mapped(1, {"a": 1}), skipped(2)], [mapped(1, {"b": 1})])

    assert [one.state for one in found] == ["removed", "added", "missing"]
    assert {one.level for one in found} == {"error"}


def test_field_order_and_white_space_are_not_differences() -> None:
    golden = b' {"payload": {"b" : [1, {"d":2,"c":3}],\t"a":1}, "state":"mapped",'
    golden += b'"route":"/events", "line":1}\r'

    assert not compared([golden], [mapped(1, {"a": 1, "b": [1, {"c": 3, "d": 2}]})])


def test_lines_are_compared_with_lines_of_the_same_file() -> None:
    golden = [mapped(1, {"n": 1}, file="a.jsonl"), mapped(1, {"n": 2}, file="b.jsonl")]
    now = [mapped(1, {"n": 2}, file="b.jsonl"), mapped(1, {"n": 1}, file="a.jsonl")]

    assert not compared(golden, now)


def test_difference_names_its_file() -> None:
    golden = [mapped(1, {"n": 1}, file=f"{name}.jsonl") for name in "abc"]
    now = [mapped(1, {"n": 1}, file="a.jsonl"), mapped(1, {"n": 3}, file="b.jsonl")]

    found = [(one.file, one.line, one.state) for one in compared(golden, now)]

    assert found == [("b.jsonl", 1, "changed"), ("c.jsonl", 1, "missing")]


def test_missing_file_names_are_not_differences() -> None:
    with_file = [mapped(1, {"n": 1}, file="a.jsonl"), skipped(2, file="a.jsonl")]
    without = [mapped(1, {"n": 1}), skipped(2)]

    assert not compared(with_file, without)
    assert not compared(without, with_file)


def test_payloads_without_outcomes_are_compared_with_mapped_lines_in_order() -> None:
    golden = [b'{"n":1}', b'{"n":2}']
    now = [mapped(1, {"n": 1}), skipped(2), rejected(3, "not JSON"), mapped(4, {"n": 3})]

    assert texts(compared(golden, now)) == ["4: changed: n from 2 to 3"]


def test_missing_payload_and_new_payload_are_distinguished() -> None:
    one, two = [mapped(7, {"n": 1})], [mapped(7, {"n": 1}), mapped(9, {"n": 2})]
    bare_one, bare_two = [b'{"n":1}'], [b'{"n":1}', b'{"n":2}']

    (new,) = compared(bare_one, two)
    (missing,) = compared(bare_two, one)

    assert (new.state, new.file, new.line) == ("new", "a.jsonl", 9)
    assert (missing.state, missing.file, missing.line) == ("missing", "a.golden.ndjson", 2)


def test_payload_with_fields_line_and_state_is_not_an_outcome() -> None:
    address = {"line": 1, "state": "NY"}

    assert not compared([json.dumps(address).encode()], [mapped(1, address)])


@for_each(
    ("old", "new"),
    [
        ("9007199254740992", "9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567891"),
        ("0.1234567890123456789", "0.1234567890123456788"),
        ("1E-400", "0.0"),
        ("1", "1.0"),
        ("1", '"1"'),
        ("1", "true"),
        ("{}", "[]"),
        ("null", "{}"),
    ],
)
def test_values_are_compared_by_exact_digits_and_types(old: str, new: str) -> None:
    golden = mapped(1, {"id": "@"}).replace(b'"@"', old.encode())
    now = mapped(1, {"id": "@"}).replace(b'"@"', new.encode())

    assert texts(compared([golden], [now])) == [f"1: changed: payload.id from {old} to {new}"]
    assert not compared([golden], [golden])


def test_long_values_are_shown_from_the_first_difference() -> None:
    golden, now = "x" * 500 + "old end" + "y" * 500, "x" * 500 + "new end"

    (found,) = compared([mapped(1, {"text": golden})], [mapped(1, {"text": now})])

    assert "old end" in found.problem
    assert "new end" in found.problem
    assert len(found.problem) < 250


def test_an_empty_golden_file_holds_no_payload() -> None:
    assert texts(compared([], [skipped(1), mapped(2, {})])) == [
        "2: new: payload that is not in the golden file"
    ]
    assert not compared([], [skipped(1), rejected(2, "not JSON")])
    assert not compared([], [])


def test_line_after_the_end_of_the_golden_file_is_new() -> None:
    assert texts(compared([skipped(1)], [skipped(1), skipped(2)])) == [
        "2: new: line that is not in the golden file"
    ]


@for_each(
    ("golden", "one"),
    [
        ([mapped(1, {}), skipped(2)], True),
        ([mapped(1, {}, file="a.jsonl"), skipped(1)], True),
        ([mapped(1, {}, file="a.jsonl"), skipped(1, file="b.jsonl")], False),
        ([b'{"n":1}'], False),
        ([], False),
    ],
)
def test_outcomes_without_file_names_belong_to_one_input(golden: list[bytes], one: bool) -> None:
    assert GoldenComparison(golden).is_of_one_input == one


@for_each(
    ("golden", "line", "problem"),
    [
        ([mapped(1, {}), b"{"], 2, "is not JSON: "),
        ([mapped(1, {}), b""], 2, "is not JSON: "),
        ([b"[1]"], 1, "is not an object"),
        ([b'{"a": "\xff"}'], 1, "is not UTF-8 text"),
        ([b'{"a":' * 300 + b"1" + b"}" * 300], 1, "is nested deeper than 200 levels"),
        ([mapped(1, {}), b'{"n":1}'], 2, "mixes payloads and outcomes"),
        ([b'{"n":1}', skipped(1)], 2, "mixes payloads and outcomes"),
        ([skipped(1), mapped(1, {})], 2, "is for the same input line as an earlier one"),
    ],
)
def test_invalid_golden_line_is_named(golden: list[bytes], line: int, problem: str) -> None:
    with pytest.raises(LineError, match=f"^{problem}") as raised:
        GoldenComparison(golden)
    assert raised.value.line == line


# --- matched by messageId, else aligned


def test_removed_line_is_one_difference_and_shifts_no_other() -> None:
    golden = [mapped(line, {"n": line}) for line in range(1, 9)]
    now = [mapped(at, {"n": n}) for at, n in enumerate((1, 2, 4, 5, 7, 8), 1)]

    assert texts(compared(golden, now)) == [
        "3: missing: line of the golden file that no longer exists",
        "6: missing: line of the golden file that no longer exists",
    ]


def test_changed_lines_are_matched_with_the_most_similar() -> None:
    golden = [mapped(line, {"n": line, "name": f"e{line}", "old": 1}) for line in range(1, 6)]
    now = [mapped(at, {"n": n, "name": f"e{n}", "new": 1}) for at, n in enumerate((1, 2, 4, 5), 1)]

    found = compared(golden, now)

    assert [(one.line, one.state) for one in found if one.state == "missing"] == [(3, "missing")]
    assert {one.field for one in found if one.state != "missing"} == {"payload.old", "payload.new"}


def with_id(line: int, payload: Any, message_id: str) -> bytes:
    text = mapped(line, payload)
    return text.replace(b'"state"', b'"messageId": "%s", "state"' % message_id.encode(), 1)


def test_lines_are_matched_by_their_id_in_any_order() -> None:
    golden = [with_id(line, {"n": line}, f"m{line}") for line in range(1, 5)]
    now = [with_id(at, {"n": n}, f"m{n}") for at, n in enumerate((4, 3, 2, 1), 1)]

    assert not compared(golden, now)


def test_removed_event_and_new_event_are_not_a_change() -> None:
    golden = [with_id(line, {"n": line}, f"m{line}") for line in range(1, 5)]
    now = [*golden[:1], with_id(2, {"n": 9}, "other"), *golden[2:]]

    assert sorted(one.state for one in compared(golden, now)) == ["missing", "new"]


def test_events_with_regenerated_ids_and_equal_outcomes_are_not_differences() -> None:
    golden = [with_id(at, {"n": at // 2}, f"id{at}") for at in range(1, 13)]
    now = [with_id(at, {"n": at // 2}, f"{'id' * (at % 2) or 'new'}{at}") for at in range(1, 13)]

    assert compared(golden, now) == []
    assert compared(golden, now[::-1]) == []
    added = [*now, with_id(13, {"n": 1}, "new13")]
    assert texts(compared(golden, added)) == ["13: new: line that is not in the golden file"]
    changed = [*now[:-1], with_id(12, {"n": 7}, "new12")]
    assert texts(compared(golden, changed)) == [
        "12: missing: line of the golden file that no longer exists",
        "12: new: line that is not in the golden file",
    ]


def test_regenerated_ids_are_not_used_for_matching() -> None:
    golden = [with_id(line, {"n": line}, f"m{line}") for line in range(1, 6)]
    now = [with_id(at, {"n": n}, f"x{n}") for at, n in enumerate((1, 3, 4, 5), 1)]

    assert texts(compared(golden, now)) == [
        "2: missing: line of the golden file that no longer exists"
    ]


def test_golden_file_without_ids_is_aligned() -> None:
    golden = [mapped(line, {"n": line}) for line in range(1, 5)]
    now = [with_id(at, {"n": n}, f"m{n}") for at, n in enumerate((2, 3, 4), 1)]

    assert texts(compared(golden, now)) == [
        "1: missing: line of the golden file that no longer exists"
    ]


def test_payloads_without_outcomes_are_aligned() -> None:
    golden = [b'{"n":%d}' % n for n in range(1, 6)]

    (found,) = compared(golden, [mapped(n, {"n": n}) for n in (1, 2, 4, 5)])

    assert (found.state, found.file, found.line) == ("missing", "a.golden.ndjson", 3)


def test_a_repeated_id_is_matched_in_order() -> None:
    golden = [with_id(1, {"n": 1}, "m"), with_id(2, {"n": 2}, "m")]

    assert not compared(golden, golden)
    assert texts(compared(golden, golden[:1])) == [
        "2: missing: line of the golden file that no longer exists"
    ]


@given(st.lists(st.integers(0, 5), max_size=30), st.lists(st.integers(0, 5), max_size=30))
def test_alignment_pairs_every_line_once_in_order(old: list[int], new: list[int]) -> None:
    texts_of = [[b'{"n":%d}' % n for n in side] for side in (old, new)]

    pairs = list(aligned(texts_of[0], texts_of[1], levels=9))

    assert [one for one, _ in pairs if one is not None] == list(range(len(old)))
    assert [other for _, other in pairs if other is not None] == list(range(len(new)))
    assert old != new or all(one == other for one, other in pairs)


def test_many_equal_and_different_lines_are_aligned_quickly() -> None:
    old = [b'{"n":%d}' % (n % 3) for n in range(3000)]
    new = [b'{"m":%d}' % (n % 7) for n in range(4000)]

    assert len(list(aligned(old, new, levels=9))) == 4000


def test_comparison_holds_little_more_than_the_lines() -> None:
    fields = {f"field{at}": at for at in range(20)}
    golden = [mapped(at, fields | {"n": at}) for at in range(1, 2001)]
    now = [outcome_of(text) for text in golden]
    random.Random(1).shuffle(now)

    tracemalloc.start()
    comparison = GoldenComparison(golden)
    for at, outcome in enumerate(now, 1):
        comparison.add("a.jsonl", at, outcome, None)
    comparison.pairs()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 16 * sum(map(len, golden))

"""FQL selects the events that Segment's own evaluator selects."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.samples import ROOT, good_events
from support.tables import Test, for_each

from segcli.fql import (
    Compare,
    Exists,
    FqlError,
    Holds,
    Is,
    QueryGroup,
    matcher,
    parse_query,
)
from segcli.fql.ast import FieldName

RECORDED = ROOT.parent / "shared" / "conformance"
ROOTS = {
    "type": "event-type",
    "properties": "event-property",
    "traits": "event-trait",
    "context": "event-context",
}
NUMBER_SIGNS = {"=": "number_equals", "!=": "number_not_equals"}


def each_recorded(name: str) -> Callable[[Test], Test]:
    """Run a test with each recorded case of a file; without a file, skip it."""
    file: Path = RECORDED / name
    if not file.exists():
        return pytest.mark.skip(reason="nothing is recorded here")
    return for_each("case", [json.loads(line) for line in file.read_text().splitlines()])


def as_recorded(node: Any) -> dict[str, Any]:
    """Return a syntax tree in the form of the recorded trees."""
    if isinstance(node, QueryGroup):
        children = [as_recorded(child) for child in node.children]
        return {"type": "group", "operator": node.word, "children": children}
    field = node.field
    found = {"type": ROOTS.get(field.root, field.root)} | (
        {"name": field.name} if field.name else {}
    )
    return found | condition_as_recorded(node)


def condition_as_recorded(node: Any) -> dict[str, Any]:
    match node:
        case Compare(_, sign, Decimal() as value):
            return {"operator": NUMBER_SIGNS.get(sign, sign), "value": value}
        case Compare(_, sign, value):
            return {"operator": sign, "value": value}
        case Exists(_, negated):
            return {"operator": "not_exists" if negated else "exists"}
        case Is(_, value):
            return {"operator": "is_true" if value else "is_false"}
        case Holds():
            return {"operator": "not_" * node.negated + node.test, "value": node.text}
    raise AssertionError(node)


@each_recorded("fql_match.jsonl")
def test_a_query_matches_an_event_as_recorded(case: dict[str, Any]) -> None:
    assert matcher(case["fql"])(case["event"]) is case["expected"]


@each_recorded("fql_parse.jsonl")
def test_query_is_parsed_or_refused_as_recorded(case: dict[str, Any]) -> None:
    if "throws" in case:
        with pytest.raises(FqlError):
            parse_query(case["fql"])
    else:
        assert as_recorded(parse_query(case["fql"])) == case["ast"]


@for_each(
    ("careless", "meant"),
    [
        ("type = ", 'type = "eos"'),
        ('event == "x"', 'event = "="'),
        ('type = "a", event = "b"', 'type = "a" and event = "b"'),
        ('type = "a" event = "b"', 'type = "a" and event = "b"'),
        ('type = "a" OR event = "b"', 'type = "a" and event = "b"'),
        ('type = "a" and event = "b" or event = "c"', 'type = "a" or event = "b" or event = "c"'),
        ('!(type = "a")', 'type = "a"'),
        ('not type = "a"', 'type = "a"'),
        ('type = "a")', 'type = "a"'),
        ('contains(event, "a"', 'contains(event, "a")'),
        ('contains(type, "a") and event = "b"', 'event = "b"'),
        ("event = null", 'event = "null"'),
        ("properties = null", "properties.properties = null"),
        ("event.x = 1", "event = 1"),
        ('match(event, "a*b")', 'match(event, "**b")'),
    ],
)
def test_text_that_segment_ignores_is_ignored_unless_strict(careless: str, meant: str) -> None:
    assert parse_query(careless) == parse_query(meant)
    with pytest.raises(FqlError):
        parse_query(careless, strict=True)


def test_syntax_tree_represents_the_query() -> None:
    assert parse_query(
        'type = "track" and (properties.a.b >= 1.50 or !match(event, "x*"))'
    ) == QueryGroup(
        "and",
        (
            Compare(FieldName("type"), "=", "track"),
            QueryGroup(
                "or",
                (
                    Compare(FieldName("properties", "a.b"), ">=", Decimal("1.5")),
                    Holds(field=FieldName("event"), test="starts_with", text="x", negated=True),
                ),
            ),
        ),
    )


def test_a_single_condition_is_a_group_of_one() -> None:
    assert parse_query("traits.a = true") == QueryGroup(
        "and", (Is(FieldName("traits", "a"), True),)
    )


def test_every_sample_event_is_matched_by_its_own_type_and_no_other() -> None:
    kinds = ("track", "identify", "page", "screen", "group", "alias")
    queries = {kind: matcher(f'type = "{kind}"') for kind in kinds}

    for event in good_events():
        assert [kind for kind, matches in queries.items() if matches(event.data)] == [event.type]


def test_event_that_is_not_an_object_has_no_fields() -> None:
    for value in ("", "text", None, 5, [{"type": "track"}]):
        assert matcher('type = "track"')(value) is False  # type: ignore[arg-type]
        assert matcher("userId = null")(value) is True  # type: ignore[arg-type]


def test_query_with_5000_conditions_is_evaluated() -> None:
    query = matcher(" or ".join(f'event = "{number}"' for number in range(5000)))

    assert query({"event": "4999"}) is True
    assert query({"event": "5000"}) is False


def test_groups_nest_at_most_50_levels() -> None:
    assert matcher("(" * 50 + 'type = "a"' + ")" * 50)({"type": "a"})
    with pytest.raises(FqlError, match="no more than 50 nested groups"):
        parse_query("(" * 100_000)


def test_segments_reader_takes_the_dot_before_a_number_for_the_whole_text() -> None:
    event = {"type": "track", "properties": {"t": "a.b", "u": "5"}}

    assert matcher("contains(properties.t, .5)")(event)
    assert not matcher("contains(properties.u, .5)")(event)
    with pytest.raises(FqlError):
        matcher("contains(properties.t, .5)", strict=True)

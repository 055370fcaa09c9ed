"""What each FQL condition selects: texts, numbers, booleans, nulls, functions and groups."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.fql import matcher

EVENT = {
    "type": "track",
    "event": "Order Completed",
    "userId": "5",
    "name": None,
    "properties": {
        "total": 100,
        "tax": 0.1,
        "text": "100",
        "yes": True,
        "no": False,
        "null": None,
        "$cost": 7,
        "deep": {"er": "x", "zero": 0},
        "products": [{"price": 3}, {"price": 4}],
        "smile": "a😀",
        "id": 9007199254740993,
        "long": Decimal("0.10000000000000000000001"),
        "word": 'say "hi"',
    },
    "traits": {"plan": "pro"},
    "context": {"page": {"path": "/shop"}, "ip": "1.1.1.1"},
}

HOLDS = [
    'type = "track"',
    "type = track",
    'type  =\n\t"track"',
    'event != "order completed"',
    'userId = "5"',
    "userId = 5",
    "userId = 5.0",
    "userId != 6",
    "name = null",
    "userId != null",
    'anonymous_is_no_field and type = "track"',
    "properties.total = 100",
    "properties.total = 100.00",
    "properties.total != 99",
    "properties.total < 100.5",
    "properties.total >= 100",
    'properties.total >= "100"',
    "properties.total > -5",
    "properties.total > -.5",
    "properties.total > +5",
    'properties.text = "100"',
    'properties.total != "100"',
    "properties.tax = 0.1",
    "properties.tax < 0.2",
    "properties.yes = true",
    "properties.no = false",
    "properties.\\null = null",
    "properties.absent = null",
    'properties.absent != "x"',
    "properties.\\$cost = 7",
    'properties.deep.er = "x"',
    'properties . deep . er = "x"',
    "properties.deep.zero.less = 0",
    "properties.products.\\1.price = 4",
    "properties.products.length = 2",
    "properties.smile.length = 3",
    'properties.smile.\\0 = "a"',
    "properties.products.\\" + "9" * 5000 + " = null",
    "properties.id = 9007199254740993",
    "properties.long > 0.1",
    "properties.long != 0.1",
    "properties.long = 0.10000000000000000000001",
    "properties.tax < 0.10000000000000000000001",
    'traits.plan = "pro"',
    'context.page.path = "/shop"',
    'contains(event, "Comp")',
    'contains(event, "")',
    'contains(properties.text, 0)',
    '!contains(event, "comp")',
    'match(event, "Order*")',
    'match(event, "*Completed")',
    'match(event, "*")',
    '!match(event, "Completed*")',
    '!match(event, "*Order")',
    'match(context.page.path, "/sh*")',
    'type = "page" or event = "Order Completed"',
    'type = "page" or (event = "Order Completed" and (userId = "5" or userId = "6"))',
    'type = "track" and (contains(event, "no") or contains(event, "Order"))',
    'type = "a" or type = "b" or type = "track"',
    'type = "track" and userId = "5" and event != "x"',
    'type = "track" AND event = "Order Completed"',
]  # fmt: skip

HOLDS_NOT = [
    'type = "Track"',
    "event = null",
    "userId = null",
    "name != null",
    'properties.total = "100"',
    "properties.text = 100",
    "properties.text != 99",
    "properties.text >= 1",
    "properties.absent != 1",
    "properties.absent < 1",
    "properties.yes = 1",
    "properties.yes != 2",
    "properties.yes > 0",
    "properties.yes = false",
    'properties.yes = "true"',
    "properties.text = true",
    "properties.null = 1",
    'properties.total < "ten"',
    "properties.id = 9007199254740992",
    "properties.products.\\2.price = 4",
    "properties.products.\\01.price = 4",
    "properties.total.length = 3",
    'contains(properties.total, "1")',
    '!contains(properties.total, "2")',
    '!contains(properties.absent, "2")',
    '!match(properties.absent, "x*")',
    'match(event, "order*")',
    'match(event, "*Order*")',
    'type = "page" and event = "Order Completed"',
    'type = "a" or type = "b" or type = "c"',
    'type = "track" and userId = "5" and event = "x"',
    '(type = "page")',
]


@for_each("query", HOLDS)
def test_true_condition_selects_the_event(query: str) -> None:
    assert matcher(query)(EVENT) is True


@for_each("query", HOLDS_NOT)
def test_false_condition_does_not_select_the_event(query: str) -> None:
    assert matcher(query)(EVENT) is False


@given(left=st.decimals(allow_nan=False, allow_infinity=False, places=25), right=st.floats(-9, 9))
def test_numbers_are_compared_by_decimal_value(left: Decimal, right: float) -> None:
    event = {"properties": {"a": right}}

    assert matcher(f"properties.a < {left:f}")(event) is (Decimal(repr(right)) < left)
    assert matcher(f"properties.a = {left:f}")(event) is (Decimal(repr(right)) == left)

"""No mapping and no event makes the engine hang, fill memory or raise anything but Rejected."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.samples import good_events
from support.tables import for_each

from segcli.core import exact_json
from segcli.core.event import Rejected
from segcli.mapping import UNDEFINED, compiled, problems
from segcli.mapping.directives.template import pieces

PATHS = (
    *("$.userId", "$.properties", "$.traits.email", "$.context.device.id", "$.", "", "$.nowhere"),
    *("properties.products[0].price", "event", "$.properties.products", "$.integrations.All"),
    *("$.value", "$.key", "$.outer.traits", "$.value.price", "$.properties.phone"),
    *("['context']['page'].url", "$.properties.revenue", "timestamp", "type.length", "..", "[[0]"),
)
TEMPLATES = (
    *("{{userId}}", "{{{properties}}} {{event}}", "Hello {{ traits.name }}!", "{{", "{{{a}}", "x"),
    *("{{properties.products}}", "{{type}}{{type}}{{type}}", "{{ }}", ""),
)
LIQUIDS = (
    "{{",
    "{% for %}",
    "{{ event | upcase }}",
    "{% if userId == 'u1' %}a{% else %}{{ userId }}{% endif %}",
    "{{ properties.revenue | times: 2 | round: 1 }}",
    "{{ timestamp | date: '%Y' }}",
    "{{ properties | json }}",
    "{{ properties.products | join: '-' }}",
    "{{ type | slice: 1, 3 }}",
    "{% assign a = properties | json | append: properties %}{{ a | split: ',' | size }}",
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(-2, 2), st.text(max_size=4)
)
SHORT = st.text(alphabet="aeiou$&`'.*+ \u00e9\U0001f600", max_size=5)
NAMES = st.lists(st.sampled_from(("a", "b", "price", "userId")), max_size=2)
PATTERN = SHORT.map(lambda text: text or "a")


def options(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


def directives(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return mappings made of other mappings by the grammar of directives, lists and objects."""
    directive = part.map(as_directive)
    anything = {"value": part}
    return st.one_of(
        st.dictionaries(st.sampled_from("abc1"), part, max_size=3),
        st.lists(part, max_size=3),
        named("@path", st.sampled_from(PATHS) | directive),
        named("@template", st.sampled_from(TEMPLATES) | directive),
        named("@literal", part),
        named("@excludeWhenNull", part),
        named("@if", options({}, dict.fromkeys(("exists", "blank", "then", "else"), part))),
        named("@case", options({}, {"operator": st.sampled_from(("upper", "lower", "x")),
                                    "value": directive | SHORT})),
        named("@replace", options({"pattern": PATTERN, "value": directive | SHORT},
                                  {"replacement": SHORT, "ignorecase": st.booleans(),
                                   "global": st.booleans(), "pattern2": SHORT,
                                   "replacement2": SHORT})),
        named("@arrayPath", st.tuples(st.sampled_from(PATHS) | directive, part).map(list)),
        named("@flatten", options(anything, {"separator": SHORT, "omitArrays": st.booleans()})),
        named("@json", options(anything | {"mode": st.sampled_from(("encode", "decode"))}, {})),
        named("@merge", options({"objects": st.lists(directive | objects(part), max_size=3)},
                                {"direction": st.sampled_from(("left", "right"))})),
        named("@epoch", options(anything, {"unit": st.sampled_from(("seconds", "Milliseconds"))})),
        named("@iso", options(anything, {})),
        named("@uuid", options(anything, {})),
        named("@ulid", options(anything | {"time": part}, {})),
        named("@email", options(anything, {})),
        named("@lookup", options(anything | {"table": part}, {})),
        named("@tail", options(anything | {"length": st.integers(-1, 3)}, {})),
        named("@sha256", options(anything, {"clean": st.sampled_from(("lower", "digits"))})),
        named("@phone", options(anything, {"country": part})),
        named("@each", options(anything, {"only": NAMES, "omit": NAMES, "item": part, "key": part,
                                          "rename": st.dictionaries(SHORT, SHORT, max_size=2),
                                          "dates": st.sampled_from(("seconds", "ISO")),
                                          "as": st.just("text"), "deep": st.booleans(),
                                          "list": st.booleans(), "flat": st.booleans(),
                                          "most": st.integers(-1, 3)})),
        named("@transform", options({"apply": objects(part) | directive,
                                     "mapping": objects(part) | directive}, {})),
    )  # fmt: skip


def as_directive(value: Any) -> Any:
    is_one = isinstance(value, dict) and any(key.startswith("@") for key in value)
    return value if is_one else {"@literal": value}


def named(name: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return value.map(lambda chosen: {name: chosen})


def objects(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from("abc"), part, max_size=2)


MAPPINGS = st.recursive(
    st.one_of(
        SCALARS,
        named("@path", st.sampled_from(PATHS)),
        named("@template", st.sampled_from(TEMPLATES)),
        named("@liquid", st.sampled_from(LIQUIDS)),
    ),
    directives,
    max_leaves=12,
)


@given(MAPPINGS, st.data())
@settings(max_examples=400)
def test_valid_mapping_gives_json_or_rejects_the_event(mapping: Any, data: st.DataObject) -> None:
    if problems(mapping):
        return
    mapped = compiled(mapping)
    for event in data.draw(st.lists(st.sampled_from(good_events()), min_size=4, max_size=4)):
        before = copy.deepcopy(event.data)
        try:
            found = mapped(event.data)
        except Rejected:
            continue
        assert event.data == before
        if found is not UNDEFINED:
            exact_json.dumps(found)


def test_most_generated_mappings_are_valid() -> None:
    seen: list[bool] = []

    @given(MAPPINGS)
    @settings(max_examples=100)
    def count(mapping: Any) -> None:
        seen.append(not problems(mapping))

    count()

    assert sum(seen) > len(seen) / 2


@contextmanager
def finishes_quickly() -> Iterator[None]:
    """Assert that the block needs less CPU time than unbounded growth would."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 10


def nested(levels: int, wrap: Any, inner: Any) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


GROWING = {
    "a template of a template": (
        nested(40, lambda one: {"@template": one}, {"@path": "$.t"}),
        {"t": "{{t}}{{t}}" + "a" * 1_000}),
    "a template with many values": (
        {"@template": {"@path": "$.t"}}, {"t": "{{t}}" * 5_000, "x": 1}),
    "a text replaced by itself": (
        nested(40, lambda one: {"@replace": {"pattern": "a", "replacement": "$&$&", "value": one}},
               {"@path": "$.t"}), {"t": "a"}),
    "what stands before and after each match": (
        {"@replace": {"pattern": "a", "replacement": "$`$'", "value": {"@path": "$.t"}}},
        {"t": "a" * 20_000}),
    "five characters for one": (
        nested(40, lambda one: {"@replace": {"pattern": "a", "replacement": "aaaaa", "value": one}},
               {"@path": "$.t"}), {"t": "a"}),
    "five characters for one in any case": (
        nested(40, lambda one: {"@replace": {"pattern": "a", "replacement": "aaaaa", "value": one,
                                             "ignorecase": True}}, {"@path": "$.t"}), {"t": "a"}),
    "JSON of JSON": (
        nested(40, lambda one: {"@json": {"mode": "encode", "value": one}}, {"@path": "$.t"}),
        {"t": '"'}),
    "long names that are joined": (
        {"@flatten": {"separator": ".", "value": {"@path": "$.t"}}},
        {"t": nested(80, lambda one: {"a" * 5_000: one}, {str(n): 1 for n in range(200)})}),
    "a long separator": (
        {"@flatten": {"separator": "a" * 100_000, "value": {"@path": "$.t"}}},
        {"t": {"a": {str(n): 1 for n in range(200)}}}),
    "an appended text in Liquid": (
        {"@liquid": "{% assign a = t %}" + "{% assign a = a | append: a %}" * 30 + "{{ a }}"},
        {"t": "a"}),
    "a joined text in Liquid": (
        {"@liquid": "{{ t | split: '' | join: t }}"}, {"t": "a" * 10_000}),
    "a text between all characters in Liquid": (
        {"@liquid": "{{ t | replace: '', t }}"}, {"t": "a" * 10_000}),
    "a long range in Liquid": ({"@liquid": "{{ (1..t) | join }}"}, {"t": 10**12}),
    "a shown range in Liquid": ({"@liquid": "{{ (1..t) }}"}, {"t": 10**12}),
    "a template with one long list": (
        {"@template": {"@path": "$.t"}}, {"t": "{{l}}" * 20_000, "l": ["a" * 500_000]}),
    "a wide date in Liquid": (
        {"@liquid": "{{ 0 | date: t }}"}, {"t": "%9999999Y" * 1_000}),
}  # fmt: skip


@pytest.mark.parametrize(("mapping", "event"), GROWING.values(), ids=GROWING)
def test_exponentially_growing_text_is_rejected_quickly(mapping: Any, event: Any) -> None:
    assert problems(mapping) == []
    mapped = compiled(mapping)

    with finishes_quickly(), pytest.raises(Rejected, match="more than 1,000,000 characters"):
        mapped(event)


@for_each(
    "text",
    ["{" * 200_000, "{{" * 100_000 + "}", "{{a}" * 50_000, "}" * 200_000, "{{{a}}}" * 30_000],
)
def test_text_of_many_braces_is_parsed_quickly(text: str) -> None:
    with finishes_quickly():
        assert pieces(text, 2)
        compiled({"@template": {"@path": "$.t"}})({"t": text})


@for_each("path", ["[" * 100_000, "]" * 100_000, "'" * 100_000, "a." * 100_000, "[0]" * 50_000])
def test_long_path_is_evaluated_quickly(path: str) -> None:
    with finishes_quickly():
        compiled({"@path": {"@path": "$.p"}})({"p": path})


def test_too_deeply_nested_event_is_rejected() -> None:
    event = {"a": nested(5_000, lambda one: [one], 1)}

    with pytest.raises(Rejected, match="nested too deeply"):
        compiled({"@template": "{{a}}"})(event)


def test_repeated_mapping_gives_equal_results_and_keeps_the_event() -> None:
    event = {"a": {"b": [1]}}
    mapped = compiled({"x": {"@path": "$.a"}, "y": {"c": [1, {"d": 2}]}})

    assert mapped(event) == mapped(event) == {"x": {"b": [1]}, "y": {"c": [1, {"d": 2}]}}
    assert event == {"a": {"b": [1]}}


def test_changes_to_a_mapping_after_compilation_have_no_effect() -> None:
    mapping: dict[str, Any] = {"a": {"b": [1, {"c": 2}]}, "d": {"@path": "$.x"}}
    mapped = compiled(mapping)

    mapping["a"]["b"].append(3)
    mapping["d"]["@path"] = "$.y"

    assert mapped({"x": 1, "y": 2}) == {"a": {"b": [1, {"c": 2}]}, "d": 1}

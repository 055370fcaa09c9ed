"""Coverage counts, over all events of an input, the fields that are not in the payload."""

import json
import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.check_reports import job_that_sends, review_of, said
from support.destination_file import acme, job_of
from support.samples import SAMPLES, event_of, good_events, job_for, line_of
from support.tables import for_each

from segcli.core.event import Event
from segcli.core.outcome import Job, Mapped, map_event
from segcli.core.partial_event import whole_event
from segcli.plan.reading import read_plan
from segcli.review import coverage as coverage_module
from segcli.review import event_shape as event_shape_module
from segcli.review import reviewer as reviewer_module
from segcli.review.coverage import Coverage
from segcli.review.event_shape import ShapeNumbers, Shapes
from segcli.review.notes import Notebook, NoteLimits
from segcli.review.partial_review import PartialReview, Rejections
from segcli.review.reviewer import Reviewer


def changed_lines() -> list[bytes]:
    """Return the samples with one value of each replaced, so that there are many more shapes."""
    chance = random.Random(16)
    lines = []
    for event in good_events():
        data = json.loads(event.raw)
        places = [(data, name) for name in data if name != "type"]
        for holder, name in places:
            if isinstance(inner := holder[name], dict):
                places += [(inner, key) for key in inner]
        holder, name = chance.choice(places)
        holder[name] = chance.choice(["", 0, 1.5, None, "null", True, [], {}, [{"a": ""}], "2026"])
        lines.append(json.dumps(data).encode())
    return lines


def seen(job: Job, *events: Event, lines_at_once: int | None = None) -> Coverage:
    """Return what is covered once these events were seen, each on a line of its own."""
    coverage, seen = Coverage(), PartialReview()
    notebook = Notebook(NoteLimits(findings=0, groups=0))
    rejections = Rejections(notebook, keeps=False)
    reviewer, step = Reviewer(job, notebook=notebook, rejections=rejections), lines_at_once
    for first in range(0, len(events), step or len(events)):
        reviewer.look([event.raw for event in events[first:][:step]], seen)
    assert seen.lines == sum(map(len, seen.mapped.values())) == len(events)
    coverage.add(seen, "events.jsonl", 1)
    return coverage


def number_of(data: dict[str, Any], reads: Sequence[str] | None = None) -> int:
    """Return the number of the shape of an event with these fields."""
    mapped = Mapped("/events", b"{}", "u1")
    return Shapes(reads).numbers_of({"type": "page"} | data, mapped, passed_on=False).whole


def shares(coverage: Coverage) -> dict[str, tuple[int, float]]:
    return {one.path: (one.events, one.share) for one in coverage.left_out()}


@pytest.fixture
def job() -> Job:
    """The job of a plug-in that carries nothing but who did it, and what it was called."""
    return job_that_sends(lambda event: {"of": [event.user, event.data.get("event")]})


def test_uncovered_field_has_its_count_and_share_of_events(job: Job) -> None:
    events = [event_of(a=1), event_of(a=2, b="x"), event_of(a=3, b="y"), event_of()]

    assert shares(seen(job, *events)) == {"a": (3, 0.75), "b": (2, 0.5)}


def test_event_counts_once_for_a_repeated_path(job: Job) -> None:
    event = event_of(properties={"products": [{"sku": "a"}, {"sku": "b"}, {"sku": "c"}]})

    assert shares(seen(job, event)) == {"properties.products[].sku": (1, 1.0)}


def test_uncovered_fields_are_sorted_by_frequency_then_name(job: Job) -> None:
    found = seen(job, event_of(c=1), event_of(b=1, c=1), event_of(a=1))

    assert [one.path for one in found.left_out()] == ["c", "a", "b"]


def test_uncovered_field_names_its_first_line(job: Job) -> None:
    found = seen(job, event_of(), event_of(b=1), event_of(a=1, b=1), event_of(a=1))

    assert {one.path: one.place[1] for one in found.left_out()} == {"a": 3, "b": 2}


def test_unsent_events_do_not_count_in_coverage(tmp_path: Path) -> None:
    lines = [line_of(type="page", only_here=1), b"no event", line_of(anonymousId="a")]

    review = review_of(tmp_path, *lines)

    assert [(one.path, one.events, one.share) for one in review.left_out] == [
        ("anonymousId", 1, 1.0)
    ]


@pytest.mark.parametrize("dest", ["webhook", "plotline"])
def test_pass_through_destinations_cover_every_field(dest: str) -> None:
    job = job_for(dest)
    events = [event for event in good_events() if isinstance(map_event(event, job), Mapped)]

    assert len(events) > 20
    assert not seen(job, *events).left_out()


def test_field_covered_in_some_events_counts_in_the_others() -> None:
    """Gist takes the email of the traits where the properties have none."""
    both = event_of(properties={"email": "a@example.com"}, context={"traits": {"email": "b@x.org"}})
    one = event_of(properties={"email": ""}, context={"traits": {"email": "b@example.org"}})

    found = shares(seen(job_for("gist"), both, one, one))

    assert found == {"context.traits.email": (1, pytest.approx(1 / 3))}


def test_passed_through_event_counts_in_the_share() -> None:
    def body(event: Event) -> dict[str, Any] | bytes:
        return event.raw if event.data["event"] == "Whole" else {"of": event.user}

    whole, part = event_of(event="Whole", a=1), event_of(event="Part", a=1)

    assert shares(seen(job_that_sends(body), whole, part, whole, whole)) == {
        "event": (1, 0.25),
        "a": (1, 0.25),
    }


def test_coverage_handles_a_mapping_that_depends_on_the_event_name() -> None:
    def body(event: Event) -> dict[str, Any]:
        name = event.data["event"]
        price = event.get("properties.price") if name == "Bought" else None
        return {"of": [event.user, name], "price": price}

    events = [event_of(event=name, properties={"price": 3}) for name in ("Seen", "Bought", "Left")]

    assert shares(seen(job_that_sends(body), *events)) == {
        "properties.price": (2, pytest.approx(2 / 3))
    }


def test_coverage_handles_actions_selected_by_a_field_value() -> None:
    def action(query: str, path: str) -> dict[str, Any]:
        mapping = {"of": {"@path": "$.userId"}, "value": {"@path": path}}
        return {"subscribe": f'type = "track" and properties.plan {query}', "mapping": mapping}

    pro, others = action('= "pro"', "$.properties.a"), action('!= "pro"', "$.properties.b")
    job = job_of(acme({"actions": [pro, others]}))
    events = [event_of(properties={"plan": plan, "a": 1, "b": 2}) for plan in ("pro", "x", "x")]

    found = shares(seen(job, *events))

    assert found["properties.a"] == (2, pytest.approx(2 / 3))
    assert found["properties.b"] == (1, pytest.approx(1 / 3))
    assert found == shares(seen(job, *reversed(events)))


def test_coverage_handles_a_mapping_of_the_first_array_element() -> None:
    def body(event: Event) -> dict[str, Any]:
        first = event.data["properties"]["products"][0]
        return {"sku": first.get("sku"), "of": [event.user, event.data["event"]]}

    products = [{"sku": "a"}, {"price": 1}]
    events = [event_of(properties={"products": one}) for one in (products, products[::-1])]

    assert shares(seen(job_that_sends(body), *events)) == {
        "properties.products[].price": (2, 1.0),
        "properties.products[].sku": (1, 0.5),
    }


def test_coverage_handles_a_mapping_that_depends_on_the_call_type() -> None:
    def body(event: Event) -> dict[str, Any]:
        return {"of": event.user, "name": event.data["name"] if event.type == "page" else None}

    events = [event_of(type=kind, event=..., name="Home") for kind in ("page", "screen")]

    assert shares(seen(job_that_sends(body), *events)) == {"name": (1, 0.5)}


def test_events_of_one_shape_are_probed_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    trial = coverage_module.FieldProbe

    def counted(event: Event, job: Job, read: dict[str, Any]) -> coverage_module.FieldProbe:
        tried.append(event)
        return trial(event, job, read)

    monkeypatch.setattr(coverage_module, "FieldProbe", counted)
    seen(job, *[event_of(userId=f"u{number}", a=number + 1) for number in range(50)])

    assert len(tried) == 1


@for_each(
    ("one", "other"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": 0}),
        ({"a": "x"}, {"a": ""}),
        ({"a": "x"}, {"a": None}),
        ({"a": {"b": 1}}, {"a": {}}),
        ({"a": {}}, {"a": []}),
        ({"a": {}, "b": {"x": 1}}, {"a": {"x": 1}, "b": {}}),
        ({"a": {"x": 1}, "b": {}}, {"a": {"x": 1}, "b": {"y": 1}}),
        ({"a": [1]}, {"a": ["1"]}),
        ({"a": [{"x": 1}]}, {"a": [{"y": 1}]}),
        ({"a": [[1]]}, {"a": [[""]]}),
        ({"a": [{"x": 1}, {"y": 1}]}, {"a": [{"y": 1}, {"x": 1}]}),
        ({"a": [[1, "x"]]}, {"a": [["x", 1]]}),
    ],
)
def test_shapes_differ_by_keys_types_and_emptiness(one: Any, other: Any) -> None:
    assert number_of(one) != number_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": "x"}, {"a": 2, "b": "y"}),
        ({"a": [{"x": 1}]}, {"a": [{"x": 2}, {"x": 3}]}),
        ({"a": [1, "x"]}, {"a": [2, "y", "z", 3]}),
        ({"a": {"b": [[1]]}}, {"a": {"b": [[2], [3]]}}),
    ],
)
def test_shape_ignores_values_and_array_lengths(one: Any, other: Any) -> None:
    assert number_of(one) == number_of(other)


READS = ("properties", "context.traits", "traits.plan")


@for_each(
    ("one", "other"),
    [
        ({"userId": "u"}, {"userId": ""}),
        ({"integrations": {}}, {"integrations": {"All": False}}),
        ({"properties": {"a": {"b": [1]}}}, {"properties": {"a": {"b": [0]}}}),
        ({"context": {"traits": {"a": {"b": 1}}}}, {"context": {"traits": {"a": {"b": 0}}}}),
        ({"traits": {"plan": {"a": 1}}}, {"traits": {"plan": {"a": 0}}}),
        # What is not read has its fields in the shape all the same: they are left out.
        ({"context": {"page": {"a": 1}}}, {"context": {"page": {"a": "1"}}}),
        ({"context": {"page": {"a": 1}}}, {"context": {"page": {"a": None}}}),
        ({"context": {"page": {"a": {}}}}, {"context": {"page": {"a": {"b": 1}}}}),
        ({"other": {"a": {"b": 1}}}, {"other": {"a": {"c": 1}}}),
    ],
)
def test_shapes_differ_by_what_is_empty_where_the_mapping_reads(one: Any, other: Any) -> None:
    assert number_of(one, READS) != number_of(other, READS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"context": {"page": {"a": 1}}}, {"context": {"page": {"a": 0}}}),
        ({"traits": {"address": {"a": "x"}}}, {"traits": {"address": {"a": ""}}}),
        ({"other": {"a": {"b": True}}}, {"other": {"a": {"b": False}}}),
    ],
)
def test_what_is_empty_where_the_mapping_does_not_read_is_no_part_of_the_shape(
    one: Any, other: Any
) -> None:
    assert number_of(one, READS) == number_of(other, READS)
    assert number_of(one) != number_of(other)


@pytest.mark.parametrize("plan", [None, *sorted((SAMPLES / "plans").iterdir())])
@pytest.mark.parametrize("dest", ["pointillist", "plotline", "gist", "webhook", "segment"])
def test_a_declaration_of_what_is_read_or_copied_saves_work_and_changes_no_finding(
    tmp_path: Path, dest: str, plan: Path | None
) -> None:
    plans = [read_plan(plan.name, plan.read_text())] if plan else []
    lines = [*(event.raw for event in good_events()), *changed_lines()]
    declared = job_for(dest)
    undeclared = replace(declared.destination, reads=None, copies={})
    silent = replace(declared, destination=undeclared)

    found, expected = (
        review_of(tmp_path, *lines, job=job, plans=plans, most_findings=10_000)
        for job in (declared, silent)
    )

    assert found.document() == expected.document()
    assert found.findings == expected.findings


@pytest.mark.parametrize("key", ["properties.sku", "properties.size", "properties.", "sku"])
def test_a_field_counts_once_beside_a_key_that_reads_like_its_path(key: str) -> None:
    declared = job_for("pointillist")
    silent = replace(declared, destination=replace(declared.destination, reads=None))
    events = [
        event_of(properties=one, timestamp="2026-02-03T10:11:12Z", **dict.fromkeys(names, 1))
        for names in ([], ["x"], [key], ["x", key], ["y", key], ["y"], [])
        for one in ({"sku": "a"}, {"sku": "a", "": 1}, {"sku": "a", "size": [1]}, {}, {"size": 1})
    ]

    assert shares(seen(declared, *events, lines_at_once=1)) == shares(seen(silent, *events))


def odd_lines() -> list[bytes]:
    """Return events that differ in how usual they are; each of them is there several times."""
    usual = {"timestamp": "2026-02-03T10:11:12Z", "traits": {"email": "a@b.com", "createdAt": 5}}
    odd: list[dict[str, Any]] = [
        {},
        {"userId": 7},
        {"userId": 0},
        {"userId": None, "anonymousId": "a1"},
        {"properties": None},
        {"properties": {}},
        {"messageId": None},
        {"messageId": 5, "sentAt": "soon"},
        {"version": [1, {"a": 2}], "_metadata": {"bundled": ["a"], "": {}}},
        {"channel": {"a": {"b": None}}},
        {"context": {"traits": []}, "integrations": {"All": True}},
        {"context": {"traits": {"createdAt": "soon"}, "ip": ""}},
        {"own": 1, "context.ip": 2},
        {"name": "Home", "category": "", "groupId": "undefined"},
    ]
    lines = [
        line_of(**{**usual, "type": kind, "properties": {"price": 1.5, "x": size}, **fields})
        for kind in ("track", "identify", "page")
        for fields in odd
        for size in (1, [], [{"y": 1}, {"z": 2.5}])
    ]
    # Numbers that Python would write in another way.
    numbers = (b"1.50", b"1e400", b"1.5000000000000000001")
    written = [line.replace(b"1.5", number) for line in lines for number in numbers]
    return [*lines, *written, *lines]


@pytest.mark.parametrize("dest", ["pointillist", "plotline", "gist", "webhook", "segment"])
def test_odd_events_have_the_same_findings_with_any_parser(tmp_path: Path, dest: str) -> None:
    declared = job_for(dest)
    exact = replace(declared.destination, reads=None, copies={})

    found, expected = (
        review_of(tmp_path, *odd_lines(), job=job, most_findings=10_000)
        for job in (declared, replace(declared, destination=exact))
    )

    assert found.document() == expected.document()
    assert found.findings == expected.findings


@pytest.mark.parametrize("number", [b"1e-99999999999999999999", b"1e99999999999999999999"])
def test_events_with_a_number_out_of_range_are_counted_as_not_searched(
    tmp_path: Path, number: bytes
) -> None:
    usual = [line for line in odd_lines() if b'"track"' in line]
    lines = [one for line in usual for one in (line, line.replace(b"1.5", number))]

    review = review_of(tmp_path, *lines, job=job_for("plotline"))

    # The parser that skips the fields that are not read does not see the number.
    assert review.counts["mapped"] == len(lines)
    assert review.untried == sum(number in line for line in lines)


# The keys of two objects, so that the last events have two that are known, but not together.
KEYS_OF_OBJECTS = [("abc", "xyz"), ("ab", "xy"), ("a", "x"), ("ab", "x"), ("a", "xy")]


def test_what_is_known_of_an_object_depends_on_the_call_type() -> None:
    common = {"timestamp": "2026-02-03T10:11:12Z", "traits": {"email": "a@b.com"}}
    events = [
        event_of(
            type=kind, context=dict.fromkeys(one, 1), properties=dict.fromkeys(other, 1), **common
        )
        for one, other in KEYS_OF_OBJECTS
        for kind in ("track", "identify")
    ]

    found = shares(seen(job_for("gist"), *events, lines_at_once=1))

    # Gist takes the properties of a track only.
    assert found["properties.x"][0] == len(KEYS_OF_OBJECTS)
    assert found["context.a"][0] == 2 * len(KEYS_OF_OBJECTS)


def test_what_is_known_of_an_object_depends_on_what_is_carried() -> None:
    def payload(event: Event) -> dict[str, Any]:
        return {"ip": event.get("context.ip")} if event.get("traits.plan") else {"a": 1}

    job = job_that_sends(payload)
    reads = ("traits.plan", "context.ip")
    declared = replace(job, destination=replace(job.destination, reads=lambda _: reads))
    events = [
        event_of(
            traits={"plan": plan},
            context=dict.fromkeys(one, 1) | {"ip": "::1"},
            properties=dict.fromkeys(other, 1),
        )
        for one, other in KEYS_OF_OBJECTS
        for plan in ("pro", "")
    ]

    found = shares(seen(declared, *events, lines_at_once=1))

    assert found == shares(seen(job, *events))
    assert found["context.ip"][0] == len(KEYS_OF_OBJECTS)


def test_shapes_have_the_same_numbers_after_known_structures_were_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = [json.loads(event.raw) for event in good_events()]
    events += [{"type": "page", "properties": {f"p{one}": [{"a": {}}]}} for one in range(50)]
    mapped = Mapped("/events", b"{}", "u1")

    def numbers() -> list[ShapeNumbers]:
        shapes = Shapes(READS)
        return [shapes.numbers_of(one, mapped, passed_on=False) for one in events]

    expected = numbers()
    monkeypatch.setattr(event_shape_module, "_STEPS_KEPT", 7)

    assert numbers() == expected
    assert len({one.whole for one in expected}) > 60


def test_how_a_number_is_written_is_no_part_of_the_shape() -> None:
    shapes, mapped = Shapes(("context.ip", "properties.a")), Mapped("/events", b"{}", "u1")
    number: dict[str, Any] = {"a": 1.5, "b": [1.5], "c": {"d": 1.5}}
    line = line_of(timestamp="2026-02-03", version=1.5, properties=number, context=number)

    found = {
        shapes.numbers_of(event, mapped, passed_on=False)
        for text in (b"1.5", b"1.50", b"15e-1", b"1.50000000000000000001")
        if (event := whole_event(line.replace(b"1.5", text)))
    }

    assert len(found) == 1


def test_null_and_absent_fields_have_one_shape() -> None:
    shapes, mapped = Shapes(()), Mapped("/events", b"{}", "u1")
    fields: list[dict[str, Any]] = [{}, {"anonymousId": None, "version": None}, {"traits": None}]

    found = {
        shapes.numbers_of(event, mapped, passed_on=False)
        for more in fields
        if (event := whole_event(line_of(timestamp="2026-02-03", **more)))
    }

    assert len(found) == 1


def test_known_structures_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # The interpreter keeps up to 150 kB of freed tuples: what is kept has to be far more.
    monkeypatch.setattr(event_shape_module, "_STEPS_KEPT", 1_000)
    shapes = Shapes(READS)
    lines = [
        {"type": "page", "context": {f"c{one}": {"a": one}}, f"own{one}": one, "properties": {}}
        for one in range(2_000)
    ]
    mapped = Mapped("/events", b"{}", "u1")
    tracemalloc.start()
    try:
        peaks = []
        for part in (lines[:600], lines[600:]):
            tracemalloc.reset_peak()
            for one in part:
                shapes.numbers_of(one, mapped, passed_on=False)
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()

    assert peaks[1] < 1.5 * peaks[0]


def test_numbers_tell_apart_what_matters_from_the_whole_shape() -> None:
    shapes = Shapes(("context.ip",))
    mapped = Mapped("/events", b"{}", "u1")

    def numbers_of(context: Any, **fields: Any) -> ShapeNumbers:
        event = event_of(context=context, **fields)
        return shapes.numbers_of(event.data, mapped, passed_on=False)

    first = numbers_of({"ip": "::1", "page": {"url": "a"}, "traits": {"plan": "pro"}})
    unread = numbers_of({"ip": "::1", "page": {"path": "a"}, "traits": {"plan": "pro"}})
    empty_unread = numbers_of({"ip": "::1", "page": {"url": ""}, "traits": {"plan": ""}})
    others = [
        numbers_of({"ip": "", "page": {"url": "a"}, "traits": {"plan": "pro"}}),
        numbers_of({"ip": "::1", "page": {"url": "a"}, "traits": {"plan": 1}}),
        numbers_of({"ip": "::1", "page": {"url": "a"}, "traits": {"plan": "pro"}}, version=2),
    ]

    assert unread.mattering == first.mattering
    assert unread.whole != first.whole
    assert empty_unread == first
    assert first.mattering not in {one.mattering for one in others}


def test_events_that_differ_in_what_does_not_matter_are_parsed_exactly_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[object] = []
    event_of_line = reviewer_module.event_of

    def counted(line: Any) -> Any:
        parsed.append(line)
        return event_of_line(line)

    monkeypatch.setattr(reviewer_module, "event_of", counted)
    time = "2026-02-03T10:11:12Z"
    names = [("page", "os", "app")[:some] for some in (3, 2, 1, 2, 3)]
    contexts = [{name: {"id": 1} for name in some} for some in names]
    events = [event_of(context=one, timestamp=time) for one in contexts]

    found = shares(seen(job_for("gist"), *events, lines_at_once=1))

    assert found["context.page.id"] == (5, 1.0)
    assert found["context.app.id"] == (2, 0.4)
    assert len(parsed) == 1


def test_copied_fields_are_probed_once_for_all_their_shapes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[Event] = []
    trial = coverage_module.FieldProbe

    def counted(event: Event, job: Job, read: dict[str, Any]) -> coverage_module.FieldProbe:
        tried.append(event)
        return trial(event, job, read)

    monkeypatch.setattr(coverage_module, "FieldProbe", counted)
    time = "2026-02-03T10:11:12Z"
    events = [
        event_of(
            properties={f"p{number}": 1}, context={f"c{number}": [{}]}, sentAt=time, timestamp=time
        )
        for number in range(20)
    ]

    assert shares(seen(job_for("segment"), *events)) == {"sentAt": (20, 1.0)}
    assert len(tried) == 1


def test_what_is_copied_of_one_type_is_left_out_of_others_and_its_read_paths_still_decide() -> None:
    traits = {"email": "a@example.com"}
    properties = {"sku": "a", "coupon": ""}
    events = [
        event_of(properties=properties, context={"traits": traits}),
        event_of(properties=properties | {"email": "b@example.com"}, context={"traits": traits}),
        event_of(properties=properties | {"email": ""}, context={"traits": traits}),
        event_of(type="identify", userId="u1", traits=traits, properties=properties),
    ]

    found = shares(seen(job_for("gist"), *events))

    assert {
        path: found.get(path, (0,))[0] for path in ("context.traits.email", "properties.sku")
    } == {
        "context.traits.email": 1,
        "properties.sku": 1,
    }
    assert "properties.email" not in found


def test_shapes_beyond_the_probe_limit_are_counted_and_reported(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line_of(**{f"field{number}": 1}) for number in range(10)]
    monkeypatch.setattr(coverage_module, "_BYTES_TRIED", 3 * 3 * len(lines[0]))

    review = review_of(tmp_path, *lines, job=job, fail_on_uncovered=["field*"])

    assert review.untried == 7
    assert [(one.path, one.share) for one in review.left_out] == [
        (f"field{number}", pytest.approx(1 / 3)) for number in range(3)
    ]
    *left_out, (_, last) = said(review)
    assert [line for line, _ in left_out] == [1, 2, 3]
    assert last == "uncovered: 7 events were not searched, so --fail-on-uncovered cannot tell"


def test_page_with_an_event_field_that_is_not_text_is_covered(job: Job) -> None:
    assert shares(seen(job, event_of(type="page", event=["a", {}]))) == {}

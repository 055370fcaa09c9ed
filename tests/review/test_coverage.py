"""Coverage names the fields that are not in the payload, and finds them by trial mapping."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from support.check_reports import Body, job_that_sends
from support.samples import event_of, good_events, job_for, line_of
from support.tables import for_each

from segcli.core.event import Event, Rejected, parse
from segcli.core.outcome import Job, Mapped, map_event
from segcli.destinations import BUILT_IN
from segcli.review.probe import FieldProbe


def left_out(body: Body, **fields: Any) -> set[str]:
    """Return what such a plug-in leaves out of a track event with these fields."""
    return FieldProbe(event_of(**fields), job_that_sends(body)).left_out()


def test_field_that_the_mapping_does_not_read_is_uncovered() -> None:
    found = left_out(lambda event: {"user": event.user}, properties={"price": 3, "sku": "a"})

    assert found == {"event", "properties.price", "properties.sku"}


def test_field_that_decides_a_rejection_is_covered() -> None:
    def body(event: Event) -> dict[str, Any]:
        if event.get("properties.region") != "eu":
            raise Rejected("properties.region", "is not eu")
        return {"user": event.user, "name": event.data["event"]}

    assert left_out(body, properties={"region": "eu"}) == set()


def test_field_whose_change_makes_a_plug_in_fail_is_covered() -> None:
    def body(event: Event) -> dict[str, Any]:
        return {"at": int(event.get("properties.at")), "of": [event.user, event.data["event"]]}

    assert left_out(body, properties={"at": "17"}) == set()


@pytest.mark.parametrize("value", ["Boston", 7, "", 0])
def test_values_only_compared_with_each_other_are_covered(value: Any) -> None:
    def body(event: Event) -> dict[str, Any]:
        properties = event.data["properties"]
        same = properties["billing"] == properties["shipping"]
        return {"same": same, "of": [event.user, event.data["event"]]}

    properties = {"billing": value, "note": "x", "shipping": value}

    assert left_out(body, properties=properties) == {"properties.note"}


def test_passed_through_object_covers_its_fields() -> None:
    def body(event: Event) -> dict[str, Any]:
        return {"user": event.user, "event": event.data["event"], "data": event.data["properties"]}

    found = left_out(body, properties={"a": {"b": [1, {"c": None, "d": True}], "e": ""}}, extra=1)

    assert found == {"extra"}


@pytest.mark.parametrize("wrap", [b"%b", b'{"sent": %b}'])
def test_passed_through_bytes_cover_every_field(wrap: bytes) -> None:
    assert left_out(lambda event: wrap % event.raw, properties={"price": 3}) == set()


def test_digest_of_the_line_does_not_cover_its_fields() -> None:
    def body(event: Event) -> dict[str, Any]:
        return {"id": hash(event.raw), "user": event.user, "event": event.data["event"]}

    assert left_out(body, properties={"price": 3}) == {"properties.price"}


@for_each(
    ("value", "read"),
    [
        ("2026-02-03T10:11:12Z", lambda value: value[:10]),
        ("ada@example.com", lambda value: value.rpartition("@")[2]),
        ("eu-west-1", lambda value: value.split("-")[1]),
        (1_770_000_000_123, lambda value: value // 1000),
        (0.3, int),
        (1e300, str),
        (False, str),
        ("", len),
        (0, str),
    ],
)
def test_partly_sent_value_is_covered(value: Any, read: Callable[[Any], Any]) -> None:
    def body(event: Event) -> dict[str, Any]:
        return {"part": read(event.get("properties.x")), "of": [event.user, event.data["event"]]}

    assert left_out(body, properties={"x": value}) == set()


@pytest.mark.parametrize("number", ["1" * 40, "1e-400", "0.12345678901234567890123"])
def test_number_of_any_size_is_probed(number: str) -> None:
    event = parse(line_of(properties={"x": "@"}).replace(b'"@"', number.encode()))

    assert "properties.x" in FieldProbe(event, job_that_sends(lambda _: {"always": 1})).left_out()
    assert (
        "properties.x" not in FieldProbe(event, job_that_sends(lambda event: event.data)).left_out()
    )


def test_one_sent_array_element_covers_the_path_of_all() -> None:
    properties = {"products": [{"sku": "a", "price": 1}, {"sku": "b", "price": 2}], "tags": ["x"]}

    def body(event: Event) -> dict[str, Any]:
        first = event.data["properties"]["products"][0]
        return {"sku": first["sku"], "of": [event.user, event.data["event"]]}

    assert left_out(body, properties=properties) == {
        "properties.products[].price",
        "properties.tags[]",
    }


def test_integrations_are_not_reported_as_uncovered() -> None:
    found = left_out(lambda _: {"always": 1}, integrations={"All": True, "Gist": {"x": 1}})

    assert found == {"event", "userId"}


def test_field_sent_only_with_another_is_uncovered_if_that_is_empty() -> None:
    def body(event: Event) -> dict[str, Any]:
        note = event.data["note"] if event.data["shown"] else None
        return {"of": [event.user, event.data["event"]], "note": note}

    assert left_out(body, note="x", shown="") == {"note"}
    assert left_out(body, note="x", shown=0) == {"note"}
    assert left_out(body, note="x", shown="yes") == set()


def test_null_and_empty_containers_need_no_coverage() -> None:
    found = left_out(lambda event: {"of": [event.user, event.data["event"]]}, a=None, b={}, c=[])

    assert found == set()


def test_segment_does_not_cover_the_unused_times() -> None:
    times = dict.fromkeys(("sentAt", "receivedAt", "originalTimestamp"), "2026-02-03T10:11:12Z")
    given = event_of(timestamp="2026-02-03T10:11:12Z", **times)
    missing = event_of(**times)

    assert FieldProbe(given, job_for("segment")).left_out() == set(times)
    assert FieldProbe(missing, job_for("segment")).left_out() == {"sentAt", "receivedAt"}


@pytest.mark.parametrize("dest", BUILT_IN)
def test_probe_leaves_the_event_unchanged(dest: str) -> None:
    job = job_for(dest)
    for event in good_events():
        if isinstance(map_event(event, job), Mapped):
            before = copy.deepcopy(event.data)
            FieldProbe(event, job).left_out(doubtful={"context.ip", "traits.email", "no.such.path"})
            assert event.data == before


@pytest.mark.parametrize("dest", BUILT_IN)
def test_probe_result_is_independent_of_known_doubtful_paths(dest: str) -> None:
    job = job_for(dest)
    for event in good_events():
        if isinstance(map_event(event, job), Mapped):
            trial = FieldProbe(event, job)
            plain = trial.left_out()
            assert trial.left_out(doubtful=trial.paths) == plain
            assert trial.left_out(doubtful=plain) == plain


@pytest.mark.parametrize("dest", ["pointillist", "gist", "segment"])
def test_probe_matches_changing_values_one_by_one(dest: str) -> None:
    job = job_for(dest)
    for event in good_events():
        if isinstance(map_event(event, job), Mapped):
            assert FieldProbe(event, job).left_out() == found_one_by_one(event, job)


def found_one_by_one(event: Event, job: Job) -> set[str]:
    """Find the fields left out without any of a trial's short cuts."""
    before = job.destination.payload(event, job.settings)
    carried: dict[str, bool] = {}
    for path, place in leaves(event.data):
        changed = Event(event.raw, with_another(event.data, place))
        try:
            differs = job.destination.payload(changed, job.settings) != before
        except Rejected:
            differs = True
        carried[path] = carried.get(path, False) or differs
    return {path for path, is_carried in carried.items() if not is_carried}


def leaves(value: Any, path: str = "", place: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield path and place of every value that is neither a container nor null."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{path}[]", (*place, index))
    elif value is not None and place[0] not in {"type", "integrations"}:
        yield path, place


def with_another(value: Any, place: Sequence[Any]) -> Any:
    """Return a copy with another value at one place; what lies beside the way is shared."""
    if not place:
        return other_value_of(value)
    changed, (key, *rest) = copy.copy(value), place
    changed[key] = with_another(value[key], rest)
    return changed


def other_value_of(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return f"{value}x" if isinstance(value, str) else -value - 1

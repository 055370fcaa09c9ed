"""What becomes of each value of an event is found by changing it."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from support.samples import SAMPLES, job_for
from support.tables import for_each

from segcli.core.destination import Destination, Payload, Request
from segcli.core.event import Event, parse
from segcli.core.outcome import Job
from segcli.destinations.gist import GIST
from segcli.destinations.webhook import WEBHOOK
from segcli.review.sources import Sources, sources_of


def sources(destination: Destination[Any], **event: Any) -> Sources:
    raw = orjson.dumps({"type": "track", "event": "Paid", "userId": "u1", **event})
    return sources_of(parse(raw), Job(destination=destination, settings=destination.settings()))


def places(found: Sources, path: str) -> set[str]:
    return {at for _, at in found.carried.get(path, ())}


def made_by(payload: Callable[[Event, Any], Payload]) -> Destination[Any]:
    return Destination(
        name="made",
        label="Made",
        settings=WEBHOOK.settings,
        types=frozenset({"track"}),
        payload=payload,
        request=lambda *_: Request("", b""),
    )


def test_carried_values_name_their_places_and_others_are_not_carried() -> None:
    found = sources(
        GIST,
        properties={"total": 5, "items": [{"sku": "a"}, {"sku": "b"}]},
        context={"ip": "192.0.2.1", "traits": {"email": "a@b.c", "plan": "x"}},
    )

    assert places(found, "/event") == {"/event_name"}
    assert places(found, "/properties/total") == {"/properties/total"}
    assert places(found, "/properties/items/1/sku") == {"/properties/items/1/sku"}
    assert places(found, "/context/traits/email") == {"/email"}
    assert {"/context/ip", "/context/traits/plan"} <= found.not_carried
    assert not found.not_carried & found.carried.keys()


def test_payload_that_is_the_event_itself_carries_every_value() -> None:
    found = sources(WEBHOOK, properties={"a/b": 1, "~": True})

    assert places(found, "/properties/a~1b") == {"/properties/a~1b"}
    assert places(found, "/properties/~0") == {"/properties/~0"}
    assert not found.not_carried


def test_value_that_decides_the_route_is_no_value_that_is_lost() -> None:
    def payload(event: Event, _settings: Any) -> Payload:
        return Payload("/vip" if event.data.get("vip") else "/all", {"user": event.user_id})

    found = sources(made_by(payload), vip=True)

    assert "/vip" in found.decides
    assert "/vip" not in found.not_carried
    assert "/event" in found.not_carried


def test_the_envelope_is_not_looked_at_and_the_event_stays_as_it_is() -> None:
    event = parse(b'{"type":"track","event":"x","userId":"u","integrations":{"All":true}}')
    before = orjson.dumps(event.data)
    found = sources_of(event, Job(destination=WEBHOOK, settings=WEBHOOK.settings()))

    assert not [path for path in found.carried if path.startswith(("/type", "/integrations"))]
    assert orjson.dumps(event.data) == before


def test_values_of_a_large_event_are_all_tried_with_few_mappings() -> None:
    mapped: list[bytes] = []

    def payload(event: Event, _settings: Any) -> Payload:
        mapped.append(event.raw)
        if event.data["properties"]["p7"] != 7:
            return Payload("/other", {})
        numbers = dict(event.data["properties"])
        return Payload("/all", {"n": numbers, "both": f"{numbers['p1']} {numbers['p900']}"})

    found = sources(made_by(payload), properties={f"p{n}": n for n in range(1200)}, lost="x")

    assert found.untried == 0
    assert len(mapped) < 200
    assert found.decides == {"/properties/p7"}
    assert found.not_carried == {"/event", "/userId", "/lost"}
    assert places(found, "/properties/p1") == {"/n/p1", "/both"}
    assert places(found, "/properties/p900") == {"/n/p900", "/both"}
    assert all(
        places(found, f"/properties/p{n}") == {f"/n/p{n}"}
        for n in range(1200)
        if n not in (1, 7, 900)
    )


@for_each("name", ["gist", "segment", "webhook", "braze", "mixpanel", "hubspot", "klaviyo"])
def test_many_values_at_once_give_what_single_ones_give(name: str) -> None:
    job = job_for(name)
    for line in (SAMPLES / "checkout.jsonl").read_bytes().splitlines()[:12]:
        event = parse(line)
        alone = sources_of(event, job)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("segcli.review.sources._MOST_LOOKED_AT", 0)
            together = sources_of(event, job)

        assert together == alone, line


def test_an_event_with_too_many_values_is_not_looked_at() -> None:
    found = sources(WEBHOOK, properties={f"p{n}": n for n in range(20_000)})

    assert found == Sources({}, frozenset(), frozenset(), untried=20_002)

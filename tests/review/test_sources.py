"""What becomes of each value of an event is found by changing it."""

from typing import Any

import orjson

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

    made = Destination(
        name="made",
        label="Made",
        settings=WEBHOOK.settings,
        types=frozenset({"track"}),
        payload=payload,
        request=lambda *_: Request("", b""),
    )
    found = sources(made, vip=True)

    assert "/vip" in found.decides
    assert "/vip" not in found.not_carried
    assert "/event" in found.not_carried


def test_the_envelope_is_not_looked_at_and_the_event_stays_as_it_is() -> None:
    event = parse(b'{"type":"track","event":"x","userId":"u","integrations":{"All":true}}')
    before = orjson.dumps(event.data)
    found = sources_of(event, Job(destination=WEBHOOK, settings=WEBHOOK.settings()))

    assert not [path for path in found.carried if path.startswith(("/type", "/integrations"))]
    assert orjson.dumps(event.data) == before


def test_an_event_with_very_many_values_is_looked_at_in_part() -> None:
    found = sources(WEBHOOK, properties={f"p{n}": n for n in range(1000)})

    assert found.untried > 0
    assert found.untried + len(found.carried) == 1002
    assert "/userId" in found.carried

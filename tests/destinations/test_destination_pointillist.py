"""What Pointillist receives."""

from typing import Any

import pytest
from support.samples import KEY, event_of, job_for, payload_of

from segcli.core.destination import Payload
from segcli.core.event import TIME_FIELDS, Rejected
from segcli.destinations.pointillist import PROPERTIES_LEFT_OUT

TIME = "2026-02-03T10:11:12.000Z"


def pointillist(given: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body that Pointillist gets of a track event with these fields."""
    body = payload_of(
        "pointillist", event_of(**{"timestamp": TIME, **fields}), **(given or {})
    ).body
    assert isinstance(body, dict)
    return body


def test_pointillist_example_is_mapped_as_documented() -> None:
    assert payload_of(
        "pointillist",
        event_of(
            event="Order Completed",
            timestamp=TIME,
            userId="u1",
            anonymousId="a1",
            context={
                "traits": {"email": "ada@example.com", "plan": "pro"},
                "location": {"city": "Boston"},
                "campaign": {"source": "newsletter"},
                "device": {"model": "iPhone 15"},
            },
        ),
    ) == Payload(
        "/event",
        {
            "eventSource": "segment",
            "eventType": "Order Completed",
            "eventTime": TIME,
            "actors": {"customer": {"userId": "u1", "anonymousId": "a1"}},
            "labels": {
                "email": "ada@example.com",
                "plan": "pro",
                "location.city": "Boston",
                "campaign.source": "newsletter",
                "device.model": "iPhone 15",
            },
            "numbers": {},
        },
    )


def test_request_has_one_event_and_the_token_in_a_header() -> None:
    job = job_for("pointillist", api_key=KEY)

    request = job.destination.request("/event", [b'{"a":1}'], job.settings)

    assert (request.method, request.url) == ("POST", "https://stream.pointillist.com/event")
    assert request.headers == {"apiToken": KEY, "Content-Type": "application/json"}
    assert request.body == b'{"a":1}'
    assert job.destination.events_per_request("/event", job.settings) == 1


def test_either_id_may_be_missing_and_number_ids_become_strings() -> None:
    assert pointillist(userId=7)["actors"] == {"customer": {"userId": "7"}}
    assert pointillist(userId=None, anonymousId="a1")["actors"] == {
        "customer": {"anonymousId": "a1"}
    }


def test_the_event_type_of_an_identify_is_identify() -> None:
    assert pointillist(type="identify")["eventType"] == "identify"


@pytest.mark.parametrize("place", range(4))
def test_event_time_is_the_first_available_time_as_written(place: int) -> None:
    times = {name: f"2026-02-03 10:11:1{n}+01:00" for n, name in enumerate(TIME_FIELDS)}
    absent = dict.fromkeys(TIME_FIELDS[:place])

    assert pointillist(**(times | absent))["eventTime"] == times[TIME_FIELDS[place]]


def test_event_without_a_time_is_rejected() -> None:
    with pytest.raises(Rejected, match=r"^timestamp is required, or"):
        pointillist(timestamp=None)


def test_numeric_traits_of_an_identify_are_numbers_and_the_rest_are_labels() -> None:
    traits = {
        "plan": "pro",
        "seats": 12,
        "rate": 0.5,
        "beta": True,
        "gone": None,
        "zip": "02134",
        "company": {"name": "Acme", "size": 3, "flags": {"vip": False}},
        "tags": ["a", 7, {"deep": "b"}],
        "none": {},
        "empty": [],
    }

    body = pointillist(type="identify", traits=traits)

    assert body["numbers"] == {"seats": 12, "rate": 0.5, "company.size": 3, "tags.1": 7}
    assert body["labels"] == {
        "plan": "pro",
        "beta": "true",
        "zip": "02134",
        "company.name": "Acme",
        "company.flags.vip": "false",
        "tags.0": "a",
        "tags.2.deep": "b",
    }


def test_all_traits_of_a_track_are_labels() -> None:
    traits = {"seats": 12, "rate": 0.5, "big": 10**30, "beta": False, "gone": None, "tags": [1]}

    body = pointillist(context={"traits": traits})

    assert body["numbers"] == {}
    assert body["labels"] == {
        "seats": "12", "rate": "0.5", "big": str(10**30), "beta": "false", "tags.0": "1",
    }  # fmt: skip


def test_only_the_traits_of_the_call_type_are_carried() -> None:
    assert pointillist(traits={"plan": "pro"})["labels"] == {}
    assert pointillist(type="identify", context={"traits": {"plan": "pro"}})["labels"] == {}


@pytest.mark.parametrize("kind", ["identify", "track"])
def test_location_campaign_and_device_override_traits(kind: str) -> None:
    traits = {f"{name}.id": "trait" for name in ("location", "campaign", "device")}
    context = {name: {"id": name, "n": 1} for name in ("location", "campaign", "device")}

    body = pointillist(type=kind, traits=traits, context=context | {"traits": traits})

    assert body["labels"] == {
        "location.id": "location", "location.n": "1",
        "campaign.id": "campaign", "campaign.n": "1",
        "device.id": "device", "device.n": "1",
    }  # fmt: skip


def test_track_properties_are_dropped_with_a_note() -> None:
    with_properties = payload_of(
        "pointillist", event_of(timestamp=TIME, properties={"total": 9.5, "sku": "x"})
    )
    without = payload_of("pointillist", event_of(timestamp=TIME, properties={}))

    assert with_properties.notes == (PROPERTIES_LEFT_OUT,)
    assert without.notes == ()
    assert with_properties.body == without.body


def test_track_properties_are_carried_if_set_and_traits_win() -> None:
    event = event_of(
        timestamp=TIME,
        properties={"total": 9.5, "plan": "property", "items": [{"sku": "x"}], "ok": True},
        context={"traits": {"plan": "trait"}},
    )

    payload = payload_of("pointillist", event, properties="true")

    assert isinstance(payload.body, dict)
    assert payload.body["numbers"] == {"total": 9.5}
    assert payload.body["labels"] == {"plan": "trait", "items.0.sku": "x", "ok": "true"}
    assert payload.notes == ()


def test_event_source_and_actor_are_settings() -> None:
    body = pointillist({"event_source": "replay", "actor": "visitor"})

    assert body["eventSource"] == "replay"
    assert body["actors"] == {"visitor": {"userId": "u1"}}

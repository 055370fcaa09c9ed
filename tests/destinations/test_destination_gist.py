"""What Gist receives: contacts from identify, events from track."""

import json
from typing import Any

import pytest
from support.samples import KEY, event_of, job_for, payload_of
from support.tables import for_each

from segcli.core.event import Rejected

EMAIL = "ada@example.com"


def contact(*, context: dict[str, Any] | None = None, **traits: Any) -> dict[str, Any]:
    """Return the contact that Gist gets of an identify with an email and these traits."""
    event = event_of(type="identify", traits={"email": EMAIL, **traits}, context=context)
    body = payload_of("gist", event).body
    assert isinstance(body, dict)
    return body


def custom(**traits: Any) -> dict[str, Any]:
    return contact(**traits)["custom_properties"]  # type: ignore[no-any-return]


def tracked(**fields: Any) -> dict[str, Any]:
    """Return the event that Gist gets of a track with these fields."""
    body = payload_of("gist", event_of(**fields)).body
    assert isinstance(body, dict)
    return body


def reason_of(**fields: Any) -> str:
    with pytest.raises(Rejected) as caught:
        payload_of("gist", event_of(**fields))
    return str(caught.value)


# --- contacts


def test_an_identify_becomes_a_contact() -> None:
    event = event_of(
        type="identify",
        traits={
            "email": EMAIL,
            "name": "Ada Lovelace",
            "phone": "+44 20 7946 0018",
            "createdAt": "2026-02-03T10:11:12.900Z",
            "plan": "pro",
            "seats": 12,
            "beta": True,
        },
        context={"ip": "203.0.113.7", "userAgent": "Mozilla/5.0"},
    )

    payload = payload_of("gist", event)

    assert payload.route == "/contacts"
    assert payload.body == {
        "user_id": "u1",
        "email": EMAIL,
        "name": "Ada Lovelace",
        "phone": "+44 20 7946 0018",
        "signed_up_at": 1_770_113_472,
        "last_seen_ip": "203.0.113.7",
        "last_seen_user_agent": "Mozilla/5.0",
        "custom_properties": {"plan": "pro", "seats": 12, "beta": True},
    }


def test_contact_omits_absent_fields() -> None:
    assert contact() == {"user_id": "u1", "email": EMAIL}
    assert contact(name=None, plan=None, company={}) == {"user_id": "u1", "email": EMAIL}


@pytest.mark.parametrize("user", [..., None, ""])
def test_an_identify_needs_a_user_id(user: Any) -> None:
    fields = {"userId": user, "anonymousId": "a1", "traits": {"email": EMAIL}}

    assert reason_of(type="identify", **fields) == "userId is required by Gist on identify"


@pytest.mark.parametrize("traits", [None, {}, {"email": None}, {"email": ""}])
def test_identify_needs_an_email_in_its_traits(traits: Any) -> None:
    fields = {"type": "identify", "traits": traits, "context": {"traits": {"email": EMAIL}}}

    assert reason_of(**fields) == "traits.email is required by Gist on identify"


@pytest.mark.parametrize("email", [42, True, {"home": EMAIL}, [EMAIL]])
def test_email_that_is_not_text_is_rejected(email: Any) -> None:
    assert reason_of(type="identify", traits={"email": email}) == "traits.email is not a string"


@for_each(
    ("traits", "name"),
    [
        ({"name": "Ada", "firstName": "A", "lastName": "L"}, "Ada"),
        ({"firstName": "Ada", "lastName": "Lovelace"}, "Ada Lovelace"),
        ({"first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace"),
        ({"firstName": "Ada"}, "Ada"),
        ({"name": "", "firstName": "Ada"}, "Ada"),
        ({"firstName": True, "lastName": "Lovelace"}, "Lovelace"),
        ({"firstName": True}, None),
        ({"name": {"first": "Ada"}}, None),
    ],
)
def test_name_is_the_name_trait_else_first_and_last_name(traits: Any, name: str | None) -> None:
    assert contact(**traits).get("name") == name


def test_trait_without_a_contact_field_is_a_custom_property() -> None:
    assert custom(name="Ada", firstName="A") == {"firstName": "A"}
    assert custom(firstName=True) == {"firstName": True}
    assert custom(name={"first": "Ada"}) == {"name.first": "Ada"}
    assert custom(createdAt="long ago") == {"createdAt": "long ago"}


@for_each(
    ("created", "seconds"),
    [
        ("2026-02-03T10:11:12.900Z", 1_770_113_472),
        ("2026-02-03T12:11:12+02:00", 1_770_113_472),
        ("2026-02-03", 1_770_076_800),
        (1_770_113_472, 1_770_113_472),
        (1_770_113_472_900, 1_770_113_472),
        (1_770_113_472.9, 1_770_113_472),
        ("1770113472", 1_770_113_472),
        ("1770113472900", 1_770_113_472),
        (0, 0),
    ],
)
def test_signed_up_at_is_unix_seconds_from_text_seconds_or_milliseconds(
    created: Any, seconds: int
) -> None:
    assert contact(createdAt=created)["signed_up_at"] == seconds
    assert contact(created_at=created)["signed_up_at"] == seconds


@for_each("created", ["soon", "", True, -5, 10**20, "1969-12-31", ["2026"], 1e300])
def test_invalid_created_at_sets_no_signed_up_at(created: Any) -> None:
    assert "signed_up_at" not in contact(createdAt=created)


def test_custom_properties_have_dotted_keys_and_joined_lists() -> None:
    assert custom(
        company={"name": "Acme", "size": 3, "gone": None},
        tags=["a", 7, None, True],
        orders=[{"id": 1}, {"id": 2}],
    ) == {
        "company.name": "Acme",
        "company.size": 3,
        "tags": "a, 7, true",
        "orders.0.id": 1,
        "orders.1.id": 2,
    }


# --- events


def test_a_track_becomes_an_event() -> None:
    event = event_of(
        event="Order Completed",
        timestamp="2026-02-03T10:11:12.900Z",
        properties={"email": EMAIL, "total": 9.5, "items": [{"sku": "x"}], "coupon": None},
        context={"traits": {"plan": "pro"}, "ip": "203.0.113.7"},
        traits={"plan": "pro"},
    )

    payload = payload_of("gist", event)

    assert payload.route == "/events"
    assert payload.body == {
        "event_name": "Order Completed",
        "email": EMAIL,
        "user_id": "u1",
        "properties": {"email": EMAIL, "total": 9.5, "items": [{"sku": "x"}], "coupon": None},
        "occurred_at": 1_770_113_472,
    }


@for_each(
    ("of_properties", "of_context", "email"),
    [
        ("p@example.com", "c@example.com", "p@example.com"),
        (None, "c@example.com", "c@example.com"),
        ("", "c@example.com", "c@example.com"),
        (42, "c@example.com", "c@example.com"),
        (None, None, None),
    ],
)
def test_email_of_a_track_is_from_properties_else_context_traits(
    of_properties: Any, of_context: Any, email: str | None
) -> None:
    body = tracked(properties={"email": of_properties}, context={"traits": {"email": of_context}})

    assert body.get("email") == email


def test_track_with_only_a_user_id_is_sent() -> None:
    assert tracked() == {"event_name": "Tried", "user_id": "u1", "properties": {}}


def test_track_with_only_an_email_is_sent() -> None:
    body = tracked(userId=None, anonymousId="a1", properties={"email": EMAIL})

    assert body["email"] == EMAIL
    assert "user_id" not in body


def test_track_without_user_id_and_email_is_rejected() -> None:
    assert reason_of(userId=None, anonymousId="a1") == (
        "userId is required by Gist on track, or an email"
    )


# --- requests


@pytest.mark.parametrize("route", ["/contacts", "/events"])
def test_single_contact_or_event_is_posted_with_a_bearer_key(route: str) -> None:
    job = job_for("gist", api_key=KEY)

    request = job.destination.request(route, [b'{"n":1}'], job.settings)
    assert (request.method, request.url) == ("POST", f"https://api.getgist.com{route}")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.body == b'{"n":1}'
    assert job.destination.events_per_request(route, job.settings) == 1


def test_contacts_are_batched_if_set_and_events_never() -> None:
    job = job_for("gist", batch="50")
    identify = event_of(type="identify", traits={"email": EMAIL})

    assert payload_of("gist", identify, batch="50").route == "/contacts/batch"
    assert payload_of("gist", event_of(), batch="50").route == "/events"
    assert job.destination.events_per_request("/contacts/batch", job.settings) == 50
    assert job.destination.events_per_request("/events", job.settings) == 1


def test_batch_bytes_limits_the_request_and_not_a_single_contact() -> None:
    job = job_for("gist", batch="50", batch_bytes="1000")
    free = job_for("gist", batch="50")
    bodies = [b"1" * 492, b"2" * 492]

    assert job.destination.bytes_per_request("/contacts/batch", job.settings) == 985
    assert len(job.destination.request("/contacts/batch", bodies, job.settings).body) == 1_000
    assert job.destination.bytes_per_payload("/contacts/batch", job.settings) is None
    assert job.destination.bytes_per_request("/events", job.settings) is None
    assert free.destination.bytes_per_request("/contacts/batch", free.settings) is None


def test_batch_has_its_contacts_under_one_key() -> None:
    job = job_for("gist", batch="50")

    request = job.destination.request("/contacts/batch", [b'{"n":1}', b'{"n":2}'], job.settings)

    assert request.url == "https://api.getgist.com/contacts/batch"
    assert json.loads(request.body) == {"contacts": [{"n": 1}, {"n": 2}]}

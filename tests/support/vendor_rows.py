"""What vendors of the catalog take and refuse, in rows for the tests of their rules; no tests here.

The rows are those of the tables in `tests/sandbox/test_catalog_vendors.py`.
"""

import base64
import json
import time
from typing import Any

from support.posted import HOST
from support.vendor_requests import (
    AMPLITUDE,
    BRAZE,
    BRAZE_USER,
    KLAVIYO,
    KLAVIYO_PROFILE,
    MIXPANEL,
    MIXPANEL_PROFILE,
    POSTHOG,
    Post,
    to_amplitude,
    to_attributes,
    to_braze,
    to_engage,
    to_import,
    to_klaviyo,
    to_posthog,
    to_profiles,
)

from segcli.core.destination import Request
from segcli.sandbox.faults import Script

KEY = Script().key
NOW = int(time.time())
Bound = tuple[str, Post, Any, str, Any, Any]
# Credentials of which the user is of no account.
BASIC = {
    "Content-Type": "application/json",
    "Authorization": f"Basic {base64.b64encode(f'me:{KEY}'.encode()).decode()}",
}


def bounds(name: str, post: Post, payload: Any, *rows: tuple[str, Any, Any]) -> list[Bound]:
    """Return rows of one vendor and payload: a path, a value that is taken, and one that is not."""
    return [(name, post, payload, path, good, bad) for path, good, bad in rows]


def to_customerio(items: Any, **headers: str) -> Request:
    body = json.dumps({"batch": items}).encode()
    return Request(url=f"{HOST}/api/v2/batch", headers=BASIC | headers, body=body)


CUSTOMERIO_EVENT = {
    "type": "person", "action": "event", "name": "E", "id": "01KE6PYSBP5YQE75BK6AJFTJCE",
    "timestamp": NOW, "identifiers": {"id": "u1"}, "attributes": {"pad": {"text": ""}},
}  # fmt: skip
CUSTOMERIO_PERSON = {
    "type": "person", "action": "identify", "identifiers": {"email": "a@b.example"},
}  # fmt: skip
CUSTOMERIO_OBJECT = {
    "type": "object", "action": "identify",
    "identifiers": {"object_type_id": "1", "object_id": "o1"},
    "cio_relationships": [{"identifiers": {"id": "u1"}}],
}  # fmt: skip


def to_iterable(route: str, under: str) -> Post:
    def post(items: Any) -> Request:
        headers = {"Content-Type": "application/json", "Api-Key": KEY}
        body = json.dumps({under: items}).encode()
        return Request(url=f"{HOST}/api/{route}", headers=headers, body=body)

    return post


to_track = to_iterable("events/trackBulk", "events")
to_update = to_iterable("users/bulkUpdate", "users")
ITERABLE_EVENT = {
    "eventName": "E", "userId": "u1", "email": "a@b.example", "id": "1", "createdAt": NOW,
    "dataFields": {},
}  # fmt: skip
ITERABLE_USER = {"email": "a@b.example", "dataFields": {}, "mergeNestedObjects": False}


def to_intercom(events: Any, **headers: str) -> Request:
    """Return the request of the one event of a list."""
    own = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    body = json.dumps(events[0]).encode()
    version = {"Intercom-Version": "2.15"}
    return Request(url=f"{HOST}/events", headers=own | version | headers, body=body)


INTERCOM_EVENT = {
    "event_name": "E", "created_at": NOW, "user_id": "u1", "metadata": {"plan": "pro"},
}  # fmt: skip


def to_hubspot(route: str) -> Post:
    def post(items: Any) -> Request:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        return Request(
            url=f"{HOST}{route}", headers=headers, body=json.dumps({"inputs": items}).encode()
        )

    return post


to_events = to_hubspot("/events/v3/send/batch")
to_contacts = to_hubspot("/crm/v3/objects/contacts/batch/upsert")
HUBSPOT_EVENT = {
    "eventName": "pe1_e", "occurredAt": "1970-01-01T00:00:00.000Z", "email": "a@b.example",
    "uuid": "6357a327-7fc2-437e-9255-469326c5bc6a", "properties": {"a": "1"},
}  # fmt: skip
HUBSPOT_CONTACT = {"id": "a@b.example", "idProperty": "email", "properties": {}}


def to_genesys(items: Any, **headers: str) -> Request:
    return Request(
        url=f"{HOST}/api/v2/journey/externalevents/configurations/c1/events",
        headers={"Content-Type": "application/json"} | headers,
        body=json.dumps({"entities": items}).encode(),
    )


GENESYS_EVENT: dict[str, Any] = {
    "id": "1", "dateCreated": "2026-01-31T12:00:00.000Z", "attributes": {"plan": "pro"},
    "identifiers": {"externalIds": [{"value": "u1", "externalSourceId": "s1"}]},
}  # fmt: skip

BOUNDS: list[Bound] = [
    *bounds(
        "customerio", to_customerio, CUSTOMERIO_EVENT,
        ("name", "é" * 50, "é" * 50 + "e"),
        ("name", "E", ""),
        ("action", "screen", "delete"),
        ("id", "7" + "Z" * 25, "8" + "Z" * 25),
        ("id", "01KE6PYSBP5YQE75BK6AJFTJCE", "6357a327-7fc2-437e-9255-469326c5bc6a"),
        ("timestamp", 0, -1),
        ("timestamp", NOW, NOW * 1000),
        ("timestamp", NOW, "2026-01-31T12:00:00Z"),
        ("identifiers", {"id": "u"}, {"id": "u", "email": "a@b.example"}),
        ("identifiers", {"anonymous_id": "a"}, {}),
        ("identifiers.id", "u", ""),
        ("identifiers.id", "1", 1),
        ("attributes.text", "a" * 1_000, "a" * 1_001),
        ("attributes", *(dict.fromkeys(map(str, range(count)), 1) for count in (300, 301))),
    ),
    *bounds(
        "customerio", to_customerio, CUSTOMERIO_EVENT | {"action": "page"},
        ("name", "https://a.example/" + "a" * 200, ""),
    ),
    *bounds(
        "customerio", to_customerio, CUSTOMERIO_PERSON,
        ("type", "person", "people"),
        ("attributes", {}, []),
        ("timestamp", 1, 1.5),
    ),
    *bounds(
        "customerio", to_customerio, CUSTOMERIO_OBJECT,
        ("identifiers.object_id", "1", 1),
        ("created_at", 1, "2026-01-31"),
        ("cio_relationships", [], {}),
    ),
    *bounds(
        "iterable", to_track, ITERABLE_EVENT,
        ("createdAt", 0, -1),
        ("createdAt", NOW, NOW * 1000),
        ("eventName", "E", ""),
        ("email", "a@b", "a"),
        ("userId", "1", 1),
        ("campaignId", 1, "1"),
        ("dataFields", {}, []),
    ),
    *bounds(
        "iterable", to_update, ITERABLE_USER,
        ("email", "a@b", ""),
        ("dataFields", {}, []),
        ("mergeNestedObjects", True, "true"),
    ),
    *bounds(
        "hubspot", to_events, HUBSPOT_EVENT,
        ("eventName", "pe1_e", "Order Completed"),
        ("occurredAt", "2026-01-31T12:00:00.000Z", "yesterday"),
        ("occurredAt", "2026-01-31T12:00:00.000Z", NOW),
        ("uuid", "6357A327-7fc2-437e-9255-469326c5bc6a", "01KE6PYSBP5YQE75BK6AJFTJCE"),
        ("properties", {"a": "1"}, {"a": 1}),
        ("email", "a@b.example", ""),
    ),
    *bounds(
        "hubspot", to_contacts, HUBSPOT_CONTACT,
        ("id", "a@b.example", "u1"),
        ("idProperty", "email", "user_id"),
        ("properties", {}, []),
    ),
    *bounds(
        "genesys", to_genesys, GENESYS_EVENT,
        ("id", "1", 1),
        ("dateCreated", "1970-01-01T00:00:00Z", NOW),
        ("attributes", *(dict.fromkeys(map(str, range(count)), 1) for count in (50, 51))),
        ("attributes", {"a": True}, {"a": {"b": 1}}),
        ("identifiers.externalIds.0.value", "1", 1),
        ("identifiers.externalIds", GENESYS_EVENT["identifiers"]["externalIds"], []),
    ),
    *bounds(
        "intercom", to_intercom, INTERCOM_EVENT,
        ("created_at", 0, -1),
        ("created_at", NOW, NOW * 1000),
        ("event_name", "E", ""),
        ("user_id", "1", 1),
        ("metadata", *(dict.fromkeys(map(str, range(count)), 1) for count in (10, 11))),
        ("metadata", {"price": {"amount": 1, "currency": "EUR"}}, {"price": {"net": 1}}),
        ("metadata", {"a": None}, {"a": [1]}),
        ("metadata", {"sent_date": NOW}, {"sent_date": NOW * 1000}),
    ),
]  # fmt: skip

# Vendor, how a list is posted, a payload, and how many a request may hold.
MOST: list[tuple[str, Post, Any, int]] = [
    ("mixpanel", to_import, MIXPANEL, 2_000),
    ("mixpanel", to_engage, MIXPANEL_PROFILE, 2_000),
    ("amplitude", to_amplitude, AMPLITUDE, 2_000),
    ("klaviyo", to_klaviyo, KLAVIYO, 1_000),
    ("klaviyo", to_profiles, KLAVIYO_PROFILE, 10_000),
    ("braze", to_braze, BRAZE, 75),
    ("braze", to_attributes, BRAZE_USER, 75),
    ("hubspot", to_events, HUBSPOT_EVENT, 500),
    ("hubspot", to_contacts, HUBSPOT_CONTACT, 100),
    ("iterable", to_track, ITERABLE_EVENT, 1_001),
    ("iterable", to_update, ITERABLE_USER, 1_001),
]

# Vendor, how a list is posted, a payload, a field that may be long, how many events there are, and
# how many bytes the request may have; of one event, how many that event may have.
LARGEST: list[tuple[str, Post, Any, str, int, int]] = [
    ("mixpanel", to_import, MIXPANEL, "properties.pad", 3, 2_097_152),
    ("mixpanel", to_import, MIXPANEL, "properties.pad", 1, 1_000_000),
    ("posthog", to_posthog, POSTHOG, "properties.pad", 1, 1_000_000),
    ("posthog", to_posthog, POSTHOG, "properties.pad", 25, 19_999_999),
    (
        "amplitude",
        to_amplitude,
        AMPLITUDE | {"event_properties": {}},
        "event_properties.pad",
        4,
        20_000_000,
    ),
    ("klaviyo", to_profiles, KLAVIYO_PROFILE, "attributes.title", 1, 100_000),
    ("klaviyo", to_profiles, KLAVIYO_PROFILE, "attributes.title", 60, 5_000_000),
    ("klaviyo", to_klaviyo, KLAVIYO, "attributes.profile.data.attributes.title", 60, 5_000_000),
    ("customerio", to_customerio, CUSTOMERIO_EVENT, "attributes.pad.text", 20, 500_000),
    ("customerio", to_customerio, CUSTOMERIO_EVENT, "attributes.pad.text", 1, 32_000),
    ("iterable", to_track, ITERABLE_EVENT, "dataFields.text", 3, 4 * 1024 * 1024),
    ("iterable", to_update, ITERABLE_USER, "dataFields.text", 3, 4 * 1024 * 1024),
]

WHOLE: list[tuple[str, Request, int]] = [
    ("customerio", to_customerio([CUSTOMERIO_EVENT], Authorization="Basic bWU6bWU="), 401),
    ("customerio", to_customerio([CUSTOMERIO_EVENT], Authorization=f"Bearer {KEY}"), 401),
    ("customerio", to_customerio([]), 400),
    ("customerio", to_customerio({}), 400),
    ("iterable", to_track({}), 400),
    ("genesys", to_genesys({}), 400),
    ("genesys", to_genesys([GENESYS_EVENT], Authorization="Bearer me"), 401),
    ("hubspot", to_events({}), 400),
    ("hubspot", to_events([{}]), 400),
    ("hubspot", to_contacts({}), 400),
    ("iterable", to_track([{}]), 400),
    ("intercom", to_intercom([{}]), 400),
    ("intercom", to_intercom([INTERCOM_EVENT], Authorization="Bearer me"), 401),
]

WRONG: list[tuple[str, Post, Any, str, Any, bool]] = [
    ("customerio", to_customerio, CUSTOMERIO_EVENT, "name", "", True),
    ("genesys", to_genesys, GENESYS_EVENT, "id", "", True),
]

"""Requests to the first vendors of the catalog, and payloads that they take; no tests here."""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from support.posted import HOST

from segcli.core.destination import Request
from segcli.sandbox.faults import Script

KEY = Script().key
NOW = time.time()
HOUR, YEAR = 3_600, 365 * 86_400


def iso(seconds: float) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%S.000Z}"


def milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)


Post = Callable[[Any], Request]


def to_import(events: Any) -> Request:
    return Request(url=f"{HOST}/import?strict=1", headers=BASIC, body=json.dumps(events).encode())


def to_engage(records: Any, more: str = "?verbose=1") -> Request:
    return Request(url=f"{HOST}/engage{more}", headers=BASIC, body=json.dumps(records).encode())


BASIC = {
    "Content-Type": "application/json",
    "Authorization": f"Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}",
}
MIXPANEL = {
    "event": "E",
    "properties": {"time": milliseconds(NOW), "distinct_id": "user-1", "$insert_id": "a-1"},
}
MIXPANEL_PROFILE = {"$token": KEY, "$distinct_id": "user-1", "$set": {"a": 1}}


def nested(levels: int) -> Any:
    return {"a": nested(levels - 1)} if levels else 1


def to_amplitude(events: Any, **options: int) -> Request:
    body = {"api_key": KEY, "events": events, "options": options}
    return Request(url=f"{HOST}/batch", headers=JSON, body=json.dumps(body).encode())


def to_identify(users: Any, **more: Any) -> Request:
    form = {"api_key": KEY, "identification": json.dumps(users)} | more
    return Request(url=f"{HOST}/identify", body=urlencode(form).encode())


def to_posthog(events: Any, **more: Any) -> Request:
    body = {"api_key": KEY, "batch": events} | more
    return Request(url=f"{HOST}/batch/", headers=JSON, body=json.dumps(body).encode())


def to_klaviyo(entries: Any) -> Request:
    return job("event-bulk-create-job", "events-bulk-create", entries)


def to_profiles(profiles: Any) -> Request:
    return job("profile-bulk-import-job", "profiles", profiles)


def job(kind: str, name: str, entries: Any) -> Request:
    body = {"data": {"type": kind, "attributes": {name: {"data": entries}}}}
    path = "event-bulk-create-jobs" if name == "events-bulk-create" else "profile-bulk-import-jobs"
    return Request(url=f"{HOST}/api/{path}", headers=OF_KLAVIYO, body=json.dumps(body).encode())


def to_braze(events: Any, **more: Any) -> Request:
    body = {"events": events} | more
    return Request(url=f"{HOST}/users/track", headers=BEARER, body=json.dumps(body).encode())


def to_attributes(users: Any) -> Request:
    body = {"attributes": users}
    return Request(url=f"{HOST}/users/track", headers=BEARER, body=json.dumps(body).encode())


JSON = {"Content-Type": "application/json"}
BEARER = JSON | {"Authorization": f"Bearer {KEY}"}
OF_KLAVIYO = {
    "Content-Type": "application/vnd.api+json",
    "Authorization": f"Klaviyo-API-Key {KEY}",
    "revision": "2026-07-15",
}
AMPLITUDE = {"event_type": "E", "user_id": "user-1", "time": milliseconds(NOW)}
POSTHOG = {"event": "E", "properties": {"distinct_id": "user-1"}, "timestamp": iso(NOW)}
KLAVIYO = {
    "type": "event-bulk-create",
    "attributes": {
        "profile": {"data": {"type": "profile", "attributes": {"external_id": "user-1"}}},
        "events": {"data": [{"type": "event", "attributes": {
            "properties": {}, "time": iso(NOW), "unique_id": "m-1",
            "metric": {"data": {"type": "metric", "attributes": {"name": "E"}}},
        }}]},
    },
}  # fmt: skip
KLAVIYO_PROFILE = {"type": "profile", "attributes": {"external_id": "user-1"}}
BRAZE = {"external_id": "user-1", "name": "E", "time": iso(NOW), "properties": {}}
BRAZE_USER = {"external_id": "user-1", "plan": "pro"}

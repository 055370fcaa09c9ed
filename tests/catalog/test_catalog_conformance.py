"""The catalog sends what Segment's own destinations were recorded to send, or says why not.

Requests are compared as payloads: ours stand in batches, and the recorded ones often do not.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from support import recorded_differences
from support.posted import requests_of, settings_for
from support.recorded import cases
from support.samples import find

from segcli.core.destination import Request
from segcli.core.event import Event
from segcli.core.exact_json import dumps
from segcli.core.outcome import Job

CASES = cases("action_requests.jsonl")
pytestmark = pytest.mark.skipif(not CASES, reason="nothing is recorded here")

KEYS = {"mixpanel": "SET_projectToken", "amplitude": "SET_apiKey", **recorded_differences.KEYS}
Payload = dict[str, Any]
GONE = "nothing"

# Actions of Segment's destinations that a file of the catalog stands for. Not among them: aliases,
# and those that send several events for one purchase.
ACTIONS = {
    "mixpanel": ("trackEvent", "identifyUser", "groupIdentifyUser"),
    "amplitude": ("logEventV2", "identifyUser", "groupIdentifyUser"),
    "posthog": ("event", "identify"),
    "klaviyo": ("trackEvent", "orderCompleted", "upsertProfile"),
    "braze": ("trackEvent", "updateUserProfile"),
    **recorded_differences.ACTIONS,
}

BROWSER = "the user agent is not taken apart"
SAME = "the same value stands in another field"
RECEIVED = "the time of an old event is its timestamp; Segment takes that of arrival"
SEGMENT = "names of Segment's own"
# The differences by destination and field, each with its reason. `*` stands for any rest.
DIFFERENCES: dict[str, dict[str, str]] = {
    "mixpanel": {
        "properties.$browser*": BROWSER,
        "properties.id": SAME,
        "properties.$anon_id": SAME,
        "properties.$identified_id": SAME,
        "properties.$ios_ifa": "identifiers for advertising are not Mixpanel's matter",
        "properties.advertising_id": "identifiers for advertising are not Mixpanel's matter",
        "properties.ad_tracking_enabled": "identifiers for advertising are not Mixpanel's matter",
        "properties.event_original_name": SEGMENT,
        "properties.mp_lib": SEGMENT,
        "properties.segment_source_name": SEGMENT,
        "properties.$insert_id": "Mixpanel takes 36 letters, digits and - only",
        "$ip": "the address of an old event says nothing of now",
    },
    "amplitude": {
        "device_*": BROWSER,
        "os_*": BROWSER,
        "insert_id": "Segment sends none unless it is told to",
        "library": "for groups Segment names itself",
        "products": "it is no field of Amplitude's",
        "use_batch_endpoint": "it is an option of Segment's destination, no field of Amplitude's",
        "user_properties.$set*": "campaigns of old events would overwrite newer ones",
    },
    "posthog": {
        "distinct_id": SAME,
        "properties.distinct_id": SAME,
        "timestamp": RECEIVED,
        "uuid": "Segment sends none",
    },
    "klaviyo": {
        "anonymous_id": "the profile is found by it",
        "external_id": "the profile is found by it",
        "profile.data.attributes.anonymous_id": "the profile is found by it",
        "properties.*": "Segment sends traits that Klaviyo has no field for only if it is told to",
        "value": "the value of an order is its revenue, as in the action for orders",
    },
    "braze": {
        "app_id": "the setting is not set here",
        "time": RECEIVED,
    },
    **recorded_differences.DIFFERENCES,
}


def mixpanel(body: Any) -> Iterator[Payload]:
    yield from body if isinstance(body, list) else [json.loads(parse_qs(body)["data"][0])]


def amplitude(body: Any) -> Iterator[Payload]:
    """Yield events, or the users or groups of a form."""
    found = json.loads(parse_qs(body)["identification"][0]) if isinstance(body, str) else None
    if found is None:
        found = body["events"]
    yield from found if isinstance(found, list) else [found]


def posthog(body: Any) -> Iterator[Payload]:
    for event in body.get("batch", [body]):
        yield {name: value for name, value in event.items() if name != "api_key"}


def klaviyo(body: Any) -> Iterator[Payload]:
    """Yield an event with its profile, or a profile, with or without a job around it."""
    attributes = body["data"]["attributes"]
    entries = attributes.get("events-bulk-create", attributes.get("profiles"))
    if entries is None:
        yield attributes
        return
    for entry in entries["data"]:
        inner = entry["attributes"]
        events = inner.get("events")
        yield events["data"][0]["attributes"] | {"profile": inner["profile"]} if events else inner


def braze(body: Any) -> Iterator[Payload]:
    yield from body.get("events", []) or body["attributes"]


PAYLOADS: dict[str, Callable[[Any], Iterator[Payload]]] = {
    "mixpanel": mixpanel,
    "amplitude": amplitude,
    "posthog": posthog,
    "klaviyo": klaviyo,
    "braze": braze,
    **recorded_differences.PAYLOADS,
}


def compared() -> list[dict[str, Any]]:
    """Return the recorded lines with a request, of actions that a file stands for."""
    return [
        case
        for case in CASES
        if case["action"] in ACTIONS.get(case["destination"], ())
        and case.get("requests")
        and "throws" not in case
    ]


def recorded(case: dict[str, Any]) -> Payload:
    """Return what was sent last: what comes before it links ids."""
    *_, payload = PAYLOADS[case["destination"]](case["requests"][-1]["body"])
    return payload


def here(case: dict[str, Any]) -> Payload | None:
    """Return what the catalog makes of the recorded event; None if it does not take it."""
    name = case["destination"]
    destination = find(name)
    settings = settings_for(destination, KEYS.get(name, "SET_api_key"))
    job = Job(destination=destination, settings=settings, reveals_keys=True)
    event = Event(dumps(case["event"]), case["event"])
    found = [request for request, _ in requests_of(job, [event])]
    return next(PAYLOADS[name](body_of(found[0])), None) if found else None


def body_of(request: Request) -> Any:
    is_packed = request.headers.get("Content-Encoding") == "gzip"
    text = (gzip.decompress(request.body) if is_packed else request.body).decode()
    return json.loads(text) if text[:1] in "[{" else text


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the values of a payload by their paths, without those that are empty."""
    if isinstance(value, dict):
        inner = (flat(one, f"{path}.{name}" if path else name) for name, one in value.items())
        return {name: one for part in inner for name, one in part.items()}
    return {} if value in (None, "") else {path: value}


def differences(case: dict[str, Any]) -> set[str]:
    ours, theirs = here(case), recorded(case)
    if ours is None:
        return {"taken"}
    one, other = flat(ours), flat(theirs)
    return {path for path in one.keys() | other.keys() if one.get(path, GONE) != other.get(path)}


def row_of(name: str, path: str) -> str:
    """Return the row of the table that a difference belongs to; the path itself if to none."""
    for row in DIFFERENCES[name]:
        if path == row or (row.endswith("*") and path.startswith(row[:-1])):
            return row
    return path


@pytest.mark.parametrize("name", ACTIONS)
def test_requests_of_the_catalog_differ_from_recorded_ones_only_as_listed(name: str) -> None:
    """A row of the table that no recorded request needs fails too."""
    found: dict[str, list[str]] = {}
    for case in compared():
        if case["destination"] == name:
            for path in differences(case):
                found.setdefault(row_of(name, path), []).append(f"{case['id']} {path}")

    unlisted = {row: where for row, where in found.items() if row not in DIFFERENCES[name]}
    assert unlisted == {}
    assert found.keys() == DIFFERENCES[name].keys()


def test_every_action_that_is_compared_was_recorded() -> None:
    actions = {(case["destination"], case["action"]) for case in compared()}

    assert actions == {(name, action) for name, some in ACTIONS.items() for action in some}

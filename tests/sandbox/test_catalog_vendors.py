"""The sandbox's vendors of the catalog: rules of their own, and what our files send fits them."""

import json
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

from support import vendor_rows
from support.posted import HOST, call_of, requests_of, settings_for, with_token
from support.samples import SAMPLES_SENT, find, good_events
from support.tables import for_each
from support.vendor_requests import (
    AMPLITUDE,
    BASIC,
    BRAZE,
    BRAZE_USER,
    HOUR,
    JSON,
    KEY,
    KLAVIYO,
    KLAVIYO_PROFILE,
    MIXPANEL,
    MIXPANEL_PROFILE,
    NOW,
    OF_KLAVIYO,
    POSTHOG,
    YEAR,
    Post,
    iso,
    milliseconds,
    nested,
    to_amplitude,
    to_attributes,
    to_braze,
    to_engage,
    to_identify,
    to_import,
    to_klaviyo,
    to_posthog,
    to_profiles,
)

from segcli import catalog
from segcli.core.destination import Request
from segcli.core.outcome import Job
from segcli.core.placeholder import template_text
from segcli.core.replay_age import ReplayOptions
from segcli.core.reply import Delivered, Partial, Refused, Reply, Stop
from segcli.local_server.http_reply import Refusal
from segcli.sandbox.faults import Script
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors import VENDORS
from segcli.sandbox.vendors.vendor import NEVER, Accepted


@cache
def job_of(name: str) -> Job:
    destination = find(name)
    settings = settings_for(destination, KEY)
    replay = ReplayOptions(now=SAMPLES_SENT, is_fixed=True)
    return Job(destination=destination, settings=settings, reveals_keys=True, replay=replay)


def answer(name: str, request: Request) -> Accepted | Refusal:
    """Return what the vendor says to a request, with a token where it wants one."""
    sent = with_token(find(name), request)
    return validate_request(call_of(sent), VENDORS[name], script=Script())


def problems_of(found: Accepted | Refusal) -> list[str]:
    if isinstance(found, Refusal):
        return [found.problem]
    return [item.problem for item in found.items if item.problem]


# --- what our files send

# What the samples have that a vendor does not take.
NOT_TAKEN: dict[str, set[str]] = {
    "iterable": {"email is not an address"},
    "amplitude": {"user_id is a placeholder"},
    "braze": {"email must be a string, not a number"},
    "klaviyo": {
        "email must be a string, not a number",
        "first_name must be a string, not true or false",
        "phone_number must be in the form of E.164",
    },
    "mixpanel": {"properties.distinct_id is a placeholder"},
}


@for_each("name", catalog.NAMES)
def test_sandbox_takes_what_the_file_makes_of_every_sample(name: str) -> None:
    problems: Counter[str] = Counter()
    taken = 0
    for request, payloads in requests_of(job_of(name), good_events()):
        found = answer(name, request)
        assert isinstance(found, Accepted), found
        assert len(found.items) == len(payloads)
        problems.update(problems_of(found))
        taken += sum(not item.problem for item in found.items)

    assert set(problems) == NOT_TAKEN.get(name, set())
    assert taken > 50


# How many events and bytes a request of our file has at most, by vendor and route. The bytes are
# not over those of the documentation, and often under: a request that fails is sent again whole.
BATCHES = {
    "mixpanel": {"/import": (2_000, 2_000_000), "/engage": (200, None), "/groups": (200, None)},
    "amplitude": {
        "/batch": (2_000, 10_000_000),
        "/identify": (100, None),
        "/groupidentify": (100, None),
    },
    "posthog": {"/": (1_000, 10_000_000)},
    "klaviyo": {
        "/api/event-bulk-create-jobs": (1_000, 5_000_000),
        "/api/profile-bulk-import-jobs": (10_000, 5_000_000),
    },
    "braze": {"/users/track": (75, None)},
}


@for_each(("name", "bounds"), BATCHES.items())
def test_requests_of_the_file_stay_within_the_documented_bounds(
    name: str, bounds: dict[str, tuple[int, int | None]]
) -> None:
    layout = find(name).layout
    assert layout
    batches = {template_text(path): post.batch for path, post in layout.routes.values()}
    found = {route: (one.events, one.bytes) for route, one in batches.items() if one}

    assert found == bounds


# --- rules, on both sides of each bound

# Vendor, how a list of payloads is posted, a good payload, a path, and values there: one that is
# taken, and one that is not.
BOUNDS: list[tuple[str, Post, Any, str, Any, Any]] = [
    *(
        ("mixpanel", to_import, MIXPANEL, path, good, bad)
        for path, good, bad in (
            ("properties.time", 31_536_000, 31_535_999),
            ("properties.time", 31_536_000_000, 31_535_999_000),
            ("properties.time", milliseconds(NOW + HOUR - 60), milliseconds(NOW + 2 * HOUR)),
            ("properties.time", int(NOW), "2026-01-01"),
            ("properties.$insert_id", "a" * 36, "a" * 37),
            ("properties.$insert_id", "A-1", "A_1"),
            ("properties.$insert_id", "A", None),
            ("properties.distinct_id", "", "anonymous"),
            ("properties.distinct_id", "1", 1),
            ("properties.deep", nested(3), nested(4)),
            ("properties", *(MIXPANEL["properties"] | dict.fromkeys(map(str, range(count)))
                             for count in (251, 252))),
            ("event", "E", ""),
        )
    ),
    *(
        ("mixpanel", to_engage, MIXPANEL_PROFILE, path, good, bad)
        for path, good, bad in (
            ("$token", KEY, "another"),
            ("$distinct_id", "u", ""),
            ("$set", {}, []),
            ("$ip", "0", 0),
        )
    ),
    *(
        ("amplitude", to_amplitude, AMPLITUDE, path, good, bad)
        for path, good, bad in (
            ("time", milliseconds(NOW), iso(NOW)),
            ("time", 0, 0.5),
            ("user_id", "12345", "1234"),
            ("user_id", "user-2", "anonymous"),
            ("user_id", "user-2", 12345),
            ("event_type", "E", ""),
            ("revenue", 1.5, "1.5"),
            ("session_id", -1, "-1"),
            ("event_properties", {}, []),
            ("groups", {"company": "a"}, "a"),
        )
    ),
    ("amplitude", to_identify, {"user_id": "user-1"}, "user_properties", {}, []),
    ("amplitude", to_identify, {"user_id": "user-1"}, "user_id", "12345", "1234"),
    *(
        ("posthog", to_posthog, POSTHOG, path, good, bad)
        for path, good, bad in (
            ("event", "E", ""),
            ("properties.distinct_id", "a" * 200, "a" * 201),
            ("properties.distinct_id", "1", 1),
            ("timestamp", "1970-01-01T00:00:00Z", "1970"),
            ("timestamp", iso(NOW + 48 * HOUR), NOW),
            ("uuid", "018f2b1e-0000-7000-8000-000000000000", "m-1"),
            ("properties.$set", {}, []),
        )
    ),
    *(
        ("klaviyo", to_klaviyo, KLAVIYO, f"attributes.events.data.0.attributes.{path}", good, bad)
        for path, good, bad in (
            ("time", "1990-01-01T00:00:00Z", "1989-12-31T23:59:59Z"),
            ("time", iso(NOW + YEAR - HOUR), iso(NOW + YEAR + HOUR)),
            ("time", iso(NOW), int(NOW)),
            ("value", 1.5, "1.5"),
            ("unique_id", "1", 1),
            ("metric.data.attributes.name", "a" * 127, "a" * 128),
            ("properties", *(dict.fromkeys(map(str, range(count))) for count in (400, 401))),
        )
    ),
    *(
        ("klaviyo", to_klaviyo, KLAVIYO, f"attributes.{path}", good, bad)
        for path, good, bad in (
            ("backfill", True, "true"),
            ("profile.data.attributes", {"email": "a@example.com"}, {"email": None}),
        )
    ),
    *(
        ("klaviyo", to_profiles, KLAVIYO_PROFILE, f"attributes.{path}", good, bad)
        for path, good, bad in (
            ("phone_number", "+493023125014", "03023125014"),
            ("phone_number", "+1" + "2" * 14, "+1" + "2" * 15),
            ("email", "a@example.com", "a"),
            ("properties", {}, []),
        )
    ),
    *(
        ("braze", to_braze, BRAZE, path, good, bad)
        for path, good, bad in (
            ("name", "a" * 255, "a" * 256),
            ("time", "1970-01-01T00:00:00Z", 0),
            ("external_id", "1", 1),
            ("external_id", "1", None),
            ("properties", {"a" * 255: 1}, {"a" * 256: 1}),
            ("properties", {"a": "a" * 255}, {"a": "a" * 256}),
            ("properties", {"a$": 1}, {"$a": 1}),
        )
    ),
    ("braze", to_attributes, BRAZE_USER, "gender", "F", "female"),
    ("braze", to_attributes, BRAZE_USER, "plan", "a" * 255, "a" * 256),
    *vendor_rows.BOUNDS,
]  # fmt: skip


def with_value(payload: Any, path: str, value: Any) -> Any:
    changed = deepcopy(payload)
    *parents, last = path.split(".")
    inner = changed
    for parent in parents:
        inner = inner[int(parent) if isinstance(inner, list) else parent]
    inner[last] = value
    return changed


@for_each(("name", "post", "payload", "path", "good", "bad"), BOUNDS)
def test_value_is_taken_up_to_the_documented_bound(
    name: str, post: Post, payload: Any, path: str, good: Any, bad: Any
) -> None:
    taken = answer(name, post([with_value(payload, path, good)]))
    not_taken = answer(name, post([with_value(payload, path, bad)]))

    assert problems_of(taken) == []
    [problem] = problems_of(not_taken)
    assert problem


@for_each(("name", "post", "payload", "most"), vendor_rows.MOST)
def test_request_may_hold_so_many_events_and_no_more(
    name: str, post: Post, payload: Any, most: int
) -> None:
    assert isinstance(answer(name, post([payload] * most)), Accepted)
    assert isinstance(answer(name, post([payload] * (most + 1))), Refusal)
    assert isinstance(answer(name, post([])), Refusal)


@for_each(("name", "post", "payload", "path", "count", "most"), vendor_rows.LARGEST)
def test_request_and_event_may_have_so_many_bytes_and_no_more(
    name: str, post: Post, payload: Any, path: str, count: int, most: int
) -> None:
    def of(length: int) -> Request:
        return post([with_value(payload, path, "a" * (length // count))] * (count - 1) + [
            with_value(payload, path, "a" * (length - length // count * (count - 1)))])  # fmt: skip

    around = len(of(0).body)
    if count == 1:
        around = len(json.dumps(with_value(payload, path, "")))

    assert problems_of(answer(name, of(most - around))) == []
    assert len(problems_of(answer(name, of(most - around + 1)))) == 1


# A vendor, and a request that it refuses as a whole.
WHOLE: list[tuple[str, Request, int]] = [
    ("mixpanel", Request(url=f"{HOST}/import", headers=BASIC, body=b"[]"), 400),
    ("mixpanel", Request(url=f"{HOST}/import?strict=1", headers={}, body=b"[]"), 401),
    ("mixpanel", to_engage([MIXPANEL_PROFILE], ""), 400),
    ("mixpanel", to_import({}), 400),
    ("amplitude", to_amplitude({}), 400),
    ("amplitude", Request(url=f"{HOST}/batch", body=b'{"api_key":"another"}'), 400),
    ("amplitude", to_identify([{"user_id": "user-1"}], api_key="another"), 400),
    ("posthog", to_posthog([POSTHOG], api_key="another"), 401),
    ("posthog", to_posthog([POSTHOG], historical_migration="true"), 400),
    ("klaviyo", replace(to_klaviyo([KLAVIYO]), headers=OF_KLAVIYO | {"revision": "new"}), 400),
    ("klaviyo", replace(to_klaviyo([KLAVIYO]), headers=OF_KLAVIYO | JSON), 415),
    ("braze", to_braze([BRAZE] * 38, attributes=[BRAZE_USER] * 38), 400),
    ("braze", replace(to_braze([BRAZE]), headers=JSON), 401),
    *vendor_rows.WHOLE,
]


@for_each(("name", "request_", "status"), WHOLE)
def test_vendor_refuses_a_request_that_its_documentation_does_not_describe(
    name: str, request_: Request, status: int
) -> None:
    found = answer(name, request_)

    assert isinstance(found, Refusal)
    assert found.status == status


# --- per-item replies, as our file reads them

# Vendor, how a list is posted, a good payload, a path and a value that is wrong there, and whether
# the vendor takes the rest of the request.
WRONG: list[tuple[str, Post, Any, str, Any, bool]] = [
    ("mixpanel", to_import, MIXPANEL, "properties.time", 1, True),
    ("amplitude", to_amplitude, AMPLITUDE, "time", "now", False),
    ("amplitude", to_amplitude, AMPLITUDE, "user_id", "1", False),
    ("amplitude", to_amplitude, AMPLITUDE, "user_id", "", False),
    ("klaviyo", to_klaviyo, KLAVIYO, "attributes.backfill", 1, False),
    ("braze", to_braze, BRAZE, "time", "now", True),
    *vendor_rows.WRONG,
]


@for_each(("name", "post", "payload", "path", "bad", "takes_rest"), WRONG)
def test_file_reads_which_events_the_vendor_refused(
    name: str, post: Post, payload: Any, path: str, bad: Any, takes_rest: bool
) -> None:
    wrong = with_value(payload, path, bad)
    found = answer(name, post([payload, wrong, payload]))
    vendor = VENDORS[name]
    assert isinstance(found, Accepted)
    assert vendor.by_item
    failed = {place: NEVER for place, item in enumerate(found.items) if item.problem}
    status, body = vendor.by_item(found.items, failed)
    verdict = job_of(name).destination.verdict(Reply(status, body=body))

    assert isinstance(verdict, Partial)
    assert [*verdict.refused] == [1]
    assert verdict.unnamed == ("delivered" if takes_rest else "retry")
    lost = vendor.lost(found.items, failed) if vendor.lost else failed
    assert len(lost) == (1 if takes_rest else 3)


@for_each("name", catalog.NAMES)
def test_file_reads_the_success_of_every_route(name: str) -> None:
    for request, _ in requests_of(job_of(name), good_events()):
        found = answer(name, request)
        assert isinstance(found, Accepted)
        verdict = job_of(name).destination.verdict(
            Reply(200 if found.reply else 204, body=found.reply)
        )

        assert verdict == Delivered(), request.url


@for_each("name", catalog.NAMES)
def test_file_knows_a_wrong_key_from_bad_events_on_every_route(name: str) -> None:
    """Otherwise each event would be refused for itself."""
    vendor = VENDORS[name]
    job = replace(job_of(name), settings=settings_for(find(name), "another"))
    for request, _ in requests_of(job, good_events()):
        found = validate_request(call_of(request), vendor, script=Script())
        assert isinstance(found, Refusal), request.url
        body = json.dumps(vendor.error(found.status, found.problem)).encode()
        verdict = job.destination.verdict(Reply(found.status, body=body))

        assert isinstance(verdict, Stop), request.url
        assert hasattr(job.settings, verdict.setting)


@for_each(("name", "post", "payload"), [row[:3] for row in vendor_rows.MOST])
def test_what_is_no_object_is_named_like_any_bad_event(name: str, post: Post, payload: Any) -> None:
    for events in ([5, payload], [payload, None]):
        found = answer(name, post(events))
        if isinstance(found, Refusal):
            continue
        failed = {place: NEVER for place, item in enumerate(found.items) if item.problem}
        by_item = VENDORS[name].by_item
        assert by_item
        status, body = by_item(found.items, failed)
        verdict = job_of(name).destination.verdict(Reply(status, body=body))

        assert len(failed) == 1
        assert isinstance(verdict, Partial | Refused), (name, events)


def test_braze_names_what_failed_by_its_list_and_its_place_there() -> None:
    wrong = BRAZE | {"time": "now"}
    found = answer("braze", to_braze([BRAZE, wrong], attributes=[BRAZE_USER, {"plan": "pro"}]))
    assert isinstance(found, Accepted)
    failed = {place: NEVER for place, item in enumerate(found.items) if item.problem}
    by_item = VENDORS["braze"].by_item
    assert by_item
    errors = json.loads(by_item(found.items, failed)[1])["errors"]

    assert [(one["input_array"], one["index"]) for one in errors] == [
        ("attributes", 1),
        ("events", 1),
    ]

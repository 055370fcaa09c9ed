"""The sandbox's vendors of the catalog: rules of their own, and what our files send fits them."""

import json
import time
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

from support.posted import HOST, call_of, requests_of, settings_for
from support.samples import find, good_events
from support.tables import for_each

from segcli import catalog
from segcli.core.destination import Request
from segcli.core.outcome import Job
from segcli.core.reply import Delivered, Partial, Reply
from segcli.local_server.http_reply import Refusal
from segcli.sandbox.faults import Script
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors import VENDORS
from segcli.sandbox.vendors.vendor import NEVER, Accepted

KEY = Script().key
NOW = time.time()
HOUR, YEAR = 3_600, 365 * 86_400


def milliseconds(seconds: float) -> int:
    return int(seconds * 1_000)


@cache
def job_of(name: str) -> Job:
    destination = find(name)
    return Job(destination=destination, settings=settings_for(destination, KEY), reveals_keys=True)


def answer(name: str, request: Request) -> Accepted | Refusal:
    return validate_request(call_of(request), VENDORS[name], script=Script())


def problems_of(found: Accepted | Refusal) -> list[str]:
    if isinstance(found, Refusal):
        return [found.problem]
    return [item.problem for item in found.items if item.problem]


# --- what our files send

# What the samples have that a vendor does not take.
NOT_TAKEN: dict[str, set[str]] = {
    "mixpanel": {"properties.distinct_id is a placeholder"},
}


@for_each("name", catalog.NAMES)
def test_sandbox_takes_what_the_file_makes_of_every_sample(name: str) -> None:
    problems: Counter[str] = Counter()
    taken = 0
    for request, payloads in requests_of(job_of(name), good_events()):
        found = answer(name, request)
        assert isinstance(found, Accepted), found
        assert [item.raw for item in found.items] == payloads
        problems.update(problems_of(found))
        taken += sum(not item.problem for item in found.items)

    assert set(problems) == NOT_TAKEN.get(name, set())
    assert taken > 100


# --- rules, on both sides of each bound

Post = Callable[[Any], Request]


def to_import(events: Any) -> Request:
    return Request(url=f"{HOST}/import?strict=1", headers=BASIC, body=json.dumps(events).encode())


def to_engage(records: Any, more: str = "?verbose=1") -> Request:
    return Request(url=f"{HOST}/engage{more}", headers=BASIC, body=json.dumps(records).encode())


BASIC = {"Content-Type": "application/json", "Authorization": "Basic c2FuZGJveDo="}
MIXPANEL = {
    "event": "E",
    "properties": {"time": milliseconds(NOW), "distinct_id": "user-1", "$insert_id": "a-1"},
}
MIXPANEL_PROFILE = {"$token": KEY, "$distinct_id": "user-1", "$set": {"a": 1}}


def nested(levels: int) -> Any:
    return {"a": nested(levels - 1)} if levels else 1


# Vendor, how a list of payloads is posted, a good payload, a path, and values there: one that is
# taken, and one that is not.
BOUNDS: list[tuple[str, Post, Any, str, Any, Any]] = [
    *(
        ("mixpanel", to_import, MIXPANEL, path, good, bad)
        for path, good, bad in (
            ("properties.time", 31_536_000, 31_535_999),
            ("properties.time", 31_536_000_000, 31_535_999_000),
            ("properties.time", milliseconds(NOW + HOUR - 60), milliseconds(NOW + HOUR + 60)),
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
    assert path.partition(".")[0] in problem


# Vendor, how a list is posted, a payload, and how many a request may hold.
MOST: list[tuple[str, Post, Any, int]] = [
    ("mixpanel", to_import, MIXPANEL, 2_000),
    ("mixpanel", to_engage, MIXPANEL_PROFILE, 2_000),
]


@for_each(("name", "post", "payload", "most"), MOST)
def test_request_may_hold_so_many_events_and_no_more(
    name: str, post: Post, payload: Any, most: int
) -> None:
    assert isinstance(answer(name, post([payload] * most)), Accepted)
    assert isinstance(answer(name, post([payload] * (most + 1))), Refusal)
    assert isinstance(answer(name, post([])), Refusal)


# Vendor, how a list is posted, a payload, a field that may be long, how many events there are, and
# how many bytes the request may have; of one event, how many that event may have.
LARGEST: list[tuple[str, Post, Any, str, int, int]] = [
    ("mixpanel", to_import, MIXPANEL, "properties.pad", 3, 2_097_152),
    ("mixpanel", to_import, MIXPANEL, "properties.pad", 1, 1_000_000),
]


@for_each(("name", "post", "payload", "path", "count", "most"), LARGEST)
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
    assert vendor.lost
    failed = {place: NEVER for place, item in enumerate(found.items) if item.problem}
    status, body = vendor.by_item(found.items, failed)
    verdict = job_of(name).destination.verdict(Reply(status, body=body))

    assert isinstance(verdict, Partial)
    assert [*verdict.refused] == [1]
    assert verdict.untaken == ("delivered" if takes_rest else "retry")
    assert len(vendor.lost(found.items, failed)) == (1 if takes_rest else 3)


@for_each("name", catalog.NAMES)
def test_file_reads_the_success_of_every_route(name: str) -> None:
    for request, _ in requests_of(job_of(name), good_events()):
        found = answer(name, request)
        assert isinstance(found, Accepted)
        verdict = job_of(name).destination.verdict(Reply(200, body=found.reply))

        assert verdict == Delivered(), request.url

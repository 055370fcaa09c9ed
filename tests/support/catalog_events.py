"""Events for every action of the catalog, and what becomes of them; no tests here."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from support.posted import call_of, settings_for, with_token
from support.samples import find

from segcli.core.decision import Decision, Mapped
from segcli.core.destination import Request
from segcli.core.event import Event, parse
from segcli.core.exact_json import dumps
from segcli.core.outcome import Job, map_event
from segcli.core.replay_age import ReplayOptions
from segcli.sandbox.faults import Script
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors import VENDORS
from segcli.sandbox.vendors.vendor import Accepted

# Vendors take whole seconds.
NOW = datetime.now(UTC).replace(microsecond=0)
KEY = Script().key
TYPES = ("track", "page", "screen", "identify", "group")
EMAIL = {"email": "a@b.example"}
# What one action of several for a type asks for.
_SPECIAL: tuple[Mapping[str, Any], ...] = (
    {},
    {"event": "Order Completed"},
    {"traits": EMAIL | {"phone": "+493023125014"}},
)
# How long the texts may be that make an event large; of one length not every size can be made.
_LENGTHS = {"customerio": (900, 850)}


def event_of(kind: str, time: datetime = NOW, message_id: str = "m-1", **more: Any) -> Event:
    event = {
        "type": kind, "event": "E", "name": "N", "userId": "user-1", "groupId": "group-1",
        "messageId": message_id, "timestamp": time.isoformat(), "traits": {"plan": "pro"} | EMAIL,
        "properties": {"a": 1},
        "context": {"page": {"url": "https://example.com"}, "traits": EMAIL},
    }  # fmt: skip
    return parse(dumps(event | more))


@cache
def _job_with(name: str, options: ReplayOptions) -> Job:
    destination = find(name)
    settings = settings_for(destination, KEY)
    return Job(destination=destination, settings=settings, reveals_keys=True, replay=options)


def job_of(name: str, **options: Any) -> Job:
    return _job_with(name, ReplayOptions(now=NOW, is_fixed=True, tells_all=True, **options))


def event_for(name: str, action: str, time: datetime = NOW, **more: Any) -> Event:
    """Return an event that this action takes."""
    kind, special = _taken_by(name, action)
    return event_of(kind, time, **{**special, **more})


@cache
def _taken_by(name: str, action: str) -> tuple[str, Mapping[str, Any]]:
    job = job_of(name, older="send")
    for kind in TYPES:
        for special in _SPECIAL:
            found = map_event(event_of(kind, **special), job)
            if isinstance(found, Mapped) and found.action == action:
                return kind, special
    raise AssertionError(f"no event for {name}: {action}")


def sized(name: str, action: str, size: int, time: datetime = NOW) -> Decision:
    """Return what becomes of an event with a payload of this many bytes."""
    for most in _LENGTHS.get(name, (90_000, 80_000)):
        length = 0
        for _ in range(9):
            event = _padded(name, action, [*_parts(length, most)], time)
            found = map_event(event, _without_limits(name))
            assert isinstance(found, Mapped)
            if len(found.body) == size:
                return map_event(event, job_of(name))
            length += size - len(found.body)
    raise AssertionError(f"no event of {size} bytes for {name}: {action}")


@cache
def _without_limits(name: str) -> Job:
    job = job_of(name)
    plain = replace(job.destination, limits=replace(job.destination.limits, payload_bytes=None))
    return replace(job, destination=replace(plain, route_limits={}, max_bytes=lambda *_: None))


def _padded(name: str, action: str, sizes: list[int], time: datetime) -> Event:
    kind, special = _taken_by(name, action)
    pads = {f"pad{at:04}": "x" * size for at, size in enumerate(sizes)}
    where = "traits" if kind in ("identify", "group") else "properties"
    values = {"traits": {"plan": "pro", **EMAIL}, "properties": {}, **special}[where]
    return event_for(name, action, time, **{where: {**values, **pads}})


def _parts(length: int, most: int) -> Iterator[int]:
    yield from (most for _ in range(length // most))
    yield length % most


def request_of(job: Job, payloads: list[Mapped]) -> Request:
    """Return the request of payloads that may share one, with a token and the marks of old ones."""
    destination, first = job.destination, payloads[0]
    bodies = [one.body for one in payloads]
    fields = first.replayed.fields if first.replayed else {}
    if not fields:
        request = destination.request(first.request_key, bodies, job.settings)
    else:
        assert destination.marked_request
        request = destination.marked_request(first.request_key, bodies, job.settings, fields)
    return with_token(destination, request)


def problems_at_vendor(name: str, job: Job, *payloads: Mapped) -> list[str]:
    """Return what the sandbox's vendor says against one request with these payloads."""
    request = request_of(job, [*payloads])
    found = validate_request(call_of(request), VENDORS[name], script=Script())
    if isinstance(found, Accepted):
        return [item.problem for item in found.items if item.problem]
    return [found.problem]

"""The requests that a destination makes of events; no tests here."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from support.destination_file import job_of

from segcli.core.destination import Destination, Request
from segcli.core.event import Event, Rejected, parse
from segcli.core.exact_json import dumps
from segcli.core.outcome import Decision, Job, Mapped, map_event
from segcli.core.secret import Secret
from segcli.core.setting_value import is_table
from segcli.core.settings import Setting, SettingSources, describe, read_settings
from segcli.sandbox.faults import Script
from segcli.sandbox.vendors.file_tokens import ACCESS_TOKEN
from segcli.sandbox.vendors.vendor import Call

HOST = "https://host.example"


def value_of(row: Setting, key: str) -> str:
    """Return the key as the value of a setting; an address for one, and a table with the key."""
    if is_table(row.shapes):
        return f"*={key}"
    return key if row.takes(key) else HOST


def settings_for(destination: Destination[Any], key: str) -> Any:
    """Return settings with this key, and an endpoint that replaces the whole host."""
    known = describe(destination.name, destination.settings)
    keys = {row.name: value_of(row, key) for row in known if row.kind is Secret or row.required}
    sources = SettingSources(given=keys | {"endpoint": HOST}, env={}, table={})
    return read_settings(destination.name, destination.settings, sources)


def call_of(request: Request) -> Call:
    """Return a request to `HOST` as the sandbox gets it."""
    path, _, query = request.url.removeprefix(HOST).partition("?")
    return Call(
        method=request.method,
        path=unquote(path),
        raw_path=path,
        query=query,
        headers={name.lower().encode(): text.encode() for name, text in request.headers.items()},
        body=request.body,
        key=Script().key.encode(),
    )


def with_token(destination: Destination[Any], request: Request) -> Request:
    """Return a request with the sandbox's token, where the vendor wants one and it has none."""
    tokens = {"Authorization": f"Bearer {ACCESS_TOKEN}"} if destination.token else {}
    return replace(request, headers=tokens | dict(request.headers))


def track(**more: Any) -> Event:
    """Return a track event with other values."""
    return parse(dumps({"type": "track", "event": "E", "userId": "u1"} | more))


def outcome_in(destination: Destination[Any], event: Event, **given: str) -> Decision:
    """Return the outcome of an event that is sent."""
    return map_event(event, sending(destination, **given))


def rejection_of(destination: Destination[Any], **event: Any) -> str:
    """Return why an event is rejected; "" if it is not."""
    found = outcome_in(destination, track(**event))
    return str(found) if isinstance(found, Rejected) else ""


def posted(destination: Destination[Any], *events: Event, **given: str) -> list[Request]:
    """Return the requests of events, as few as their keys and the batch allow."""
    job = sending(destination, **given)
    return [request for request, _ in requests_of(job, events)]


def requests_of(job: Job, events: Iterable[Event]) -> Iterable[tuple[Request, list[bytes]]]:
    """Yield the requests of events, as few as their keys and the batch allow, with the payloads."""
    found: dict[str, list[bytes]] = {}
    for event in events:
        outcome = map_event(event, job)
        if isinstance(outcome, Mapped):
            found.setdefault(outcome.request_key, []).append(outcome.body)
    for key, bodies in found.items():
        most = job.destination.events_per_request(key, job.settings)
        for start in range(0, len(bodies), most):
            part = bodies[start : start + most]
            yield job.destination.request(key, part, job.settings), part


def sending(destination: Destination[Any], **given: str) -> Job:
    """Return a job whose payloads are made to be sent."""
    job = job_of(destination, **given)
    return Job(destination=destination, settings=job.settings, reveals_keys=True)

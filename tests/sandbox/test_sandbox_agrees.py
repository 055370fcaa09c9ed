"""The sandbox accepts the requests of every destination file: two implementations agree."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from support.bent_documents import bent_documents, taken
from support.samples import EXAMPLES, find

from segcli.core.destination import Destination, Request
from segcli.core.secret import Secret
from segcli.core.settings import Sources, describe, read_settings
from segcli.sandbox.faults import Script
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors.from_file import vendor_from_layout
from segcli.sandbox.vendors.vendor import Accepted, Call

HOST = "https://host.example"


def settings_of(destination: Destination[Any]) -> Any:
    """Return settings with the sandbox's key, and an endpoint that replaces the whole host."""
    known = describe(destination.name, destination.settings)
    keys = {
        row.name: Script().key if row.takes(Script().key) else HOST
        for row in known
        if row.kind is Secret or row.required
    }
    sources = Sources(given=keys | {"endpoint": HOST}, env={}, table={})
    return read_settings(destination.name, destination.settings, sources)


def call_of(request: Request) -> Call:
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


def check(destination: Destination[Any]) -> None:
    values = settings_of(destination)
    assert destination.layout
    # `{}` need not have the fields that an action requires.
    layout = replace(destination.layout, checks={})
    for route in layout.routes:
        count = min(3, destination.events_per_request(route, values))
        most = destination.bytes_per_payload(route, values)
        room = destination.bytes_per_request(route, values)
        if (most is not None and most < 2) or (room is not None and room < 3 * count - 1):
            continue
        request = destination.request(route, [b"{}"] * count, values)
        found = validate_request(call_of(request), vendor_from_layout(layout), script=Script())

        assert isinstance(found, Accepted), found
        assert [item.raw for item in found.items] == [b"{}"] * count


def test_sandbox_accepts_the_requests_of_the_examples() -> None:
    for name in EXAMPLES:
        check(find(name))


@settings(max_examples=200)
@given(document=bent_documents())
def test_sandbox_accepts_the_requests_of_any_description(document: dict[str, Any]) -> None:
    destination = taken(json.dumps(document), "acme.json")
    if destination:
        check(destination)

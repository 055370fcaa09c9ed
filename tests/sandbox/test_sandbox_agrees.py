"""The sandbox accepts the requests of every destination file: two implementations agree."""

import json
from dataclasses import replace
from itertools import groupby
from typing import Any

from hypothesis import given, settings
from support.destination_file import ACME, changed
from support.mutated_documents import mutated_documents, taken
from support.posted import HOST, call_of, requests_of, settings_for
from support.samples import EXAMPLES, find, good_events

from segcli.core.destination import Destination
from segcli.core.outcome import Job
from segcli.sandbox.faults import Script
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors.file_tokens import ACCESS_TOKEN, TOKEN_PATH
from segcli.sandbox.vendors.from_file import vendor_from_layout
from segcli.sandbox.vendors.vendor import Accepted

# More than any payload of the tests has.
MORE = 10**9
# One event of each kind and shape.
EVENTS = [
    one for _, (one, *_) in groupby(
        sorted(good_events(), key=lambda one: (one.data["type"], sorted(one.data))),
        key=lambda one: (one.data["type"], sorted(one.data)),
    )
]  # fmt: skip


def check(destination: Destination[Any]) -> None:
    values = settings_for(destination, Script().key)
    assert destination.layout
    layout = destination.layout
    vendor = vendor_from_layout(layout)
    headers: dict[str, str] = {}
    if destination.token:
        values = replace(values, token_url=HOST + TOKEN_PATH)
        call = call_of(destination.token.request(values, ""))
        assert isinstance(validate_request(call, vendor, script=Script()), Accepted)
        headers = {"Authorization": f"Bearer {ACCESS_TOKEN}"}
    job = Job(destination=destination, settings=values, reveals_keys=True)
    limits = [post.payload_bytes for _, post in layout.routes.values()]
    most = max((limit or MORE for limit in limits), default=MORE)
    for request, payloads in requests_of(job, EVENTS):
        sent = replace(request, headers={**request.headers, **headers})
        found = validate_request(call_of(sent), vendor, script=Script())

        assert isinstance(found, Accepted), found
        assert len(found.items) == len(payloads)
        if request.headers.get("Content-Type") == "application/json":
            assert [item.raw for item in found.items] == payloads
            assert all(len(item.raw) <= most for item in found.items)


def test_sandbox_accepts_the_requests_of_the_examples() -> None:
    for name in EXAMPLES:
        check(find(name))


@settings(max_examples=200)
@given(document=mutated_documents())
def test_sandbox_accepts_the_requests_of_any_description(document: dict[str, Any]) -> None:
    destination = taken(json.dumps(document), "acme.json")
    if destination:
        check(destination)


def test_a_value_in_an_address_may_be_empty_beside_other_text() -> None:
    for path in ("x{payload.none}", "{payload.none}x/{payload.id}", "{payload.id}{payload.none}"):
        changes = {"request.url": f"{HOST}/{path}", "actions.0.mapping": {"none": "", "id": "i"}}
        destination = taken(json.dumps(changed(ACME, changes)), "acme.json")
        assert destination
        check(destination)

"""The limits of an action's route: the bytes of a payload, and the rate of its requests."""

import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from support.destination_file import ACME, TRACK, acme, changed, job_of, mistakes_in
from support.fakes import write_events
from support.posted import HOST, call_of, sending
from support.resuming import Segcli
from support.samples import line_of
from support.tables import for_each

import segcli as api
from segcli.core.decision import Decision, Mapped
from segcli.core.destination import Limits
from segcli.core.exact_json import dumps
from segcli.core.outcome import outcome_of
from segcli.sandbox.faults import Script
from segcli.sandbox.validate import validate_request
from segcli.sandbox.vendors.from_file import vendor_from_layout
from segcli.sandbox.vendors.vendor import Accepted

USER = {
    "name": "User",
    "subscribe": 'type = "identify"',
    "mapping": {"name": {"@path": "$.userId"}},
    "route": "/users",
}
ROUTED: dict[str, Any] = {
    "request.url": f"{HOST}{{route}}",
    "actions.0": {
        "name": "Event",
        "subscribe": TRACK,
        "mapping": {"name": {"@path": "$.event"}},
        "route": "/events",
    },
    "actions.1": USER,
}


def routed(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes that make two routes, and further ones."""
    return deepcopy(ROUTED) | changes


def outcome(changes: dict[str, Any], **event: Any) -> Decision:
    return outcome_of(line_of(**event), job_of(acme(routed(changes))))


# --- bytes of a payload


@for_each(
    ("changes", "event", "user"),
    [
        ({}, None, None),
        ({"limits.payload_bytes": 20}, 20, 20),
        ({"actions.1.limits.payload_bytes": 20}, None, 20),
        ({"limits.payload_bytes": 20, "actions.1.limits.payload_bytes": 30}, 20, 30),
        ({"limits.payload_bytes": 30, "actions.1.limits.payload_bytes": 20}, 30, 20),
        ({"limits.payload_bytes": 20, "actions.1.limits.rate": 1}, 20, 20),
        ({"batch": {"events": 9, "bytes": 22}, "actions.1.limits.payload_bytes": 30}, 20, 20),
    ],
)
def test_limit_of_an_action_replaces_that_of_the_file(
    changes: dict[str, Any], event: int | None, user: int | None
) -> None:
    around = len('{"name":""}')
    for most, of in ((event, {"type": "track"}), (user, {"type": "identify"})):
        key = "event" if of["type"] == "track" else "userId"
        for size in (20, 21, 30, 31, 90):
            found = outcome(changes, **of, **{key: "x" * (size - around)})

            assert isinstance(found, Mapped) == (most is None or size <= most), (size, of)


def test_rejection_names_the_action_that_has_the_limit() -> None:
    changes = {"actions.1.limits.payload_bytes": 20, "limits.payload_bytes": 21}
    long = "x" * 40

    user, event = (
        outcome(changes, type=kind, userId=long, event=long) for kind in ("identify", "track")
    )
    assert str(user) == "larger than the 20 bytes that acme takes for User"
    assert str(event) == "larger than the 21 bytes that acme takes"


@for_each(("size", "is_taken"), [(20, True), (21, False)])
def test_sandbox_heeds_the_limit_of_the_route(size: int, is_taken: bool) -> None:
    destination = acme(routed({"actions.1.limits.payload_bytes": 20}))
    assert destination.layout
    body = dumps({"name": "x" * (size - len('{"name":""}'))})
    settings = sending(destination, api_key=Script().key).settings
    vendor = vendor_from_layout(destination.layout)

    def is_accepted(route: str) -> bool:
        request = destination.request(route, [body], settings)
        return isinstance(validate_request(call_of(request), vendor, script=Script()), Accepted)

    assert is_accepted("/users") is is_taken
    assert is_accepted("/events")


def test_check_finds_a_payload_that_is_too_large_for_its_action(tmp_path: Path) -> None:
    long = {"userId": "x" * 40, "event": "x" * 40}
    events = [long | {"type": kind} for kind in ("track", "identify")]
    path = write_events(tmp_path / "events.jsonl", events)
    changes = routed({"actions.1.limits.payload_bytes": 20})
    review = api.check(path, dest=acme(changes))
    found = [(group.key.code, group.lines) for group in review.groups if group.key.code < "SEG310"]

    assert found == [("SEG302", 1)]


# --- the rate of a route


def test_rate_of_an_action_is_that_of_its_route_and_stands_beside_that_of_the_file() -> None:
    destination = acme(routed({"limits.rate": 9, "actions.1.limits.rate": 5}))

    assert destination.limits.rate == 9
    assert destination.rates_of_routes() == {"/users": 5}
    assert destination.rates_of_routes(0.2) == {"/users": 1}
    assert acme(routed({})).rates_of_routes() == {}


def test_send_keeps_the_rate_of_a_route(segcli: Segcli, tmp_path: Path) -> None:
    """It can only be too fast: the time has a lower bound."""
    events = [{"type": "identify", "userId": f"u{number}"} for number in range(6)]
    path = write_events(tmp_path / "events.jsonl", events)
    file = tmp_path / "acme.json"
    file.write_bytes(dumps(changed(ACME, routed({"actions.1.limits.rate": 20}))))
    began = time.monotonic()
    sent = segcli("send", "--dest", file, "--sandbox", path)

    assert "6  delivered" in sent.err
    assert time.monotonic() - began >= 5 / 20 - 0.05


# --- the file, and what is shown of it


@for_each(
    ("changes", "said"),
    [
        ({"actions.1.limits.payload_bytes": 0}, ["actions[1].limits.payload_bytes: must be from 1 "
                                                 "to 1,000,000,000"]),
        ({"actions.1.limits.rat": 1}, ["actions[1].limits.rat: is not a key here. Did you mean "
                                       "rate?"]),
        ({"actions.2": USER | {"name": "Other", "limits": {"rate": 1}}},
         ["actions[2]: posts /users differently from an earlier action: give it its own route, "
          "such as /users#2"]),
    ],
)  # fmt: skip
def test_mistakes_in_the_limits_of_an_action(changes: dict[str, Any], said: list[str]) -> None:
    assert mistakes_in(changed(ACME, routed(changes))) == said


def test_destinations_shows_the_limits_of_each_action(segcli: Segcli, tmp_path: Path) -> None:
    path = tmp_path / "acme.json"
    changes = routed({"actions.1.limits": {"rate": 5, "payload_bytes": 20_000}})
    path.write_bytes(dumps(changed(ACME, changes)))
    rows = segcli("destinations", str(path)).out.splitlines()
    [user] = [row for row in rows if row.startswith("User ")]
    [event] = [row for row in rows if row.startswith("Event ")]

    assert "1 event a request, 20,000 bytes an event, 5 requests/s" in user
    assert "1 event a request   " in event
    actions = {action.name: action.limits for action in acme(changes).actions}
    assert actions == {"Event": Limits(), "User": Limits(payload_bytes=20_000, rate=5)}

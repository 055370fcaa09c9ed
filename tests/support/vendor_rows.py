"""What vendors of the catalog take and refuse, in rows for the tests of their rules; no tests here.

The rows are those of the tables in `tests/sandbox/test_catalog_vendors.py`.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from support.posted import HOST

from segcli.core.destination import Request
from segcli.sandbox.faults import Script

KEY = Script().key
NOW = int(time.time())
Post = Callable[[Any], Request]
Bound = tuple[str, Post, Any, str, Any, Any]
# Credentials of which the user is of no account.
BASIC = {"Content-Type": "application/json", "Authorization": "Basic bWU6c2FuZGJveA=="}


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
]  # fmt: skip

MOST: list[tuple[str, Post, Any, int]] = []

LARGEST: list[tuple[str, Post, Any, str, int, int]] = [
    ("customerio", to_customerio, CUSTOMERIO_EVENT, "attributes.pad.text", 20, 500_000),
    ("customerio", to_customerio, CUSTOMERIO_EVENT, "attributes.pad.text", 1, 32_000),
]

WHOLE: list[tuple[str, Request, int]] = [
    ("customerio", to_customerio([CUSTOMERIO_EVENT], Authorization="Basic bWU6bWU="), 401),
    ("customerio", to_customerio([CUSTOMERIO_EVENT], Authorization="Bearer sandbox"), 401),
    ("customerio", to_customerio([]), 400),
    ("customerio", to_customerio({}), 400),
]

WRONG: list[tuple[str, Post, Any, str, Any, bool]] = [
    ("customerio", to_customerio, CUSTOMERIO_EVENT, "name", "", True),
]

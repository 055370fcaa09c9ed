"""A vendor that a file describes, as a server: its methods, routes, key, and the shape of bodies.

It knows how requests look (`segcli.core.request_layout`) and nothing of the
mappings. What a setting fills may be anything here, except keys: those are the sandbox's own.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from segcli.core.item_replies import Items
from segcli.core.placeholder import OF_SETTINGS, ROUTE, Placeholder, Template, template_text
from segcli.core.request_layout import BatchLayout, PostLayout, RequestLayout
from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.direct_destination import message
from segcli.sandbox.vendors.rules import not_object, unknown_key
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
)

WRONG, WRONG_KEY = 400, 401


@dataclass(frozen=True, slots=True)
class TemplateMatcher:
    """The key that stands wherever one of the secret settings does; others may be anything."""

    key: str
    secrets: Collection[str]

    def text(self, wanted: Template, found: str, hole: str = ".*", *, encoded: bool = False) -> int:
        """Check a text; a setting fills what the pattern `hole` matches, maybe percent-encoded."""
        match = re.fullmatch(pattern(wanted, hole), found, re.DOTALL)
        if not match:
            return WRONG
        names = [part.name for part in wanted.parts if isinstance(part, Placeholder)]
        values = [unquote(value) if encoded else value for value in match.groups()]
        is_right = all(
            value == self.key
            for name, value in zip(names, values, strict=True)
            if name.removeprefix(OF_SETTINGS) in self.secrets
        )
        return 0 if is_right else WRONG_KEY

    def value(self, wanted: Any, found: JSON) -> int:
        """Check a JSON value, in which texts are templates."""
        if isinstance(wanted, Template):
            # A setting that is all there is may be a number, or true or false.
            is_whole = len(wanted.parts) == 1 and isinstance(wanted.parts[0], Placeholder)
            is_text = isinstance(found, str) or (is_whole and isinstance(found, int | float))
            return self.text(wanted, str(found)) if is_text else WRONG
        if isinstance(wanted, Mapping):
            if not isinstance(found, dict) or found.keys() != wanted.keys():
                return WRONG
            return max((self.value(wanted[key], found[key]) for key in wanted), default=0)
        if isinstance(wanted, list):
            if not isinstance(found, list) or len(found) != len(wanted):
                return WRONG
            return max(map(self.value, wanted, found), default=0)
        if isinstance(wanted, Decimal):
            is_number = isinstance(found, int | float)
            return 0 if is_number and float(found) == float(wanted) else WRONG
        return 0 if type(found) is type(wanted) and found == wanted else WRONG


def pattern(text: Template, hole: str = ".*") -> str:
    """Return the regular expression of what a template may become, with a group for each hole."""
    return "".join(re.escape(part) if isinstance(part, str) else f"({hole})" for part in text.parts)


_TOO_LARGE = 413
_SEGMENT, _PARAMETER = "[^/]+", "[^&]*"


def vendor_from_layout(layout: RequestLayout) -> Vendor:
    """Return the vendor that takes such requests, and answers for single events if it does."""
    paths = {template_text(path): path for path, _ in _posts(layout)}
    patterns = [(re.compile(pattern(path, _SEGMENT)), name) for name, path in paths.items()]

    def route_of(call: Call) -> str:
        found = (name for known, name in patterns if known.fullmatch(call.raw_path))
        return next(found, call.path)

    return Vendor(
        routes={name: _methods(layout, path) for name, path in paths.items()},
        error=message,
        admits=lambda call: _credential_status(layout, call) == 0,
        key_hint="the key is not where the file says that it stands, or is another one",
        json_only=False,
        route_of=route_of,
        by_item=some_failed(layout.items) if layout.items else None,
    )


def _methods(layout: RequestLayout, path: Template) -> Mapping[str, VendorRoute]:
    """Return how each method of a path is read; a body may be posted there in several ways."""
    posts: dict[str, list[PostLayout]] = {}
    for other, post in _posts(layout):
        if other == path:
            posts.setdefault(post.method, []).append(post)
    return {
        method: VendorRoute(_reader(layout, path, ways), all_taken(layout.items))
        for method, ways in posts.items()
    }


def _posts(layout: RequestLayout) -> Iterator[tuple[Template, PostLayout]]:
    """Yield the path of each route, and how it is posted."""
    for route, post in layout.routes.values():
        parts: list[str | Placeholder] = []
        for part in layout.address.path.parts:
            parts += route.parts if part == Placeholder(ROUTE) else (part,)
        yield Template(tuple(parts)), post


def _fit(layout: RequestLayout, call: Call) -> TemplateMatcher:
    return TemplateMatcher(call.key.decode(), layout.secrets)


def _credential_status(layout: RequestLayout, call: Call) -> int:
    """Check the header with the key, if there has to be one."""
    if layout.auth is None:
        return 0
    given = call.headers.get(layout.auth.header.lower().encode(), b"").decode("latin-1")
    scheme, _, credential = given.partition(" ")
    if layout.auth.scheme == "header":
        credential = given
    elif scheme.lower() != layout.auth.scheme:
        return WRONG_KEY
    elif layout.auth.scheme == "basic":
        try:
            credential = b64decode(credential, validate=True).decode()
        except ValueError:
            return WRONG_KEY
    return _fit(layout, call).text(layout.auth.value, credential)


def _reader(
    layout: RequestLayout, path: Template, ways: Sequence[PostLayout]
) -> Callable[[Call, JSON], RequestReading]:
    def read(call: Call, value: JSON) -> RequestReading:
        for status, problem in _envelope(layout, path, call):
            if status:
                return Refusal(status, problem)
        batch = _way(ways, value)
        reading = _items(layout, batch, call, value)
        return reading if isinstance(reading, Refusal) else _sized(reading, layout, batch, call)

    return read


def _way(ways: Sequence[PostLayout], value: JSON) -> BatchLayout | None:
    """Return the batch that a body means to be; None where it is an event alone."""
    batches = [post.batch for post in ways]
    if isinstance(value, list):
        bare = (batch for batch in batches if batch and not batch.under)
        return next(bare, batches[0])
    keys = value.keys() if isinstance(value, dict) else ()
    named = (batch for batch in batches if batch and batch.under in keys)
    return next(named, None if None in batches else batches[0])


def _envelope(layout: RequestLayout, path: Template, call: Call) -> Iterator[tuple[int, str]]:
    """Yield what is found of all that stands around the body: a status, and what it means."""
    fit = _fit(layout, call)
    yield fit.text(path, call.raw_path, _SEGMENT, encoded=True), "the path must hold the key"
    query = f"?{call.query}" if call.query else ""
    must_be = template_text(layout.address.query) or "empty"
    yield (
        fit.text(layout.address.query, query, _PARAMETER, encoded=True),
        f"the query must be {must_be}",
    )
    headers = {name.lower(): text for name, text in layout.headers.items()}
    for name, text in {"content-type": Template(("application/json",)), **headers}.items():
        given = call.headers.get(name.encode())
        status = WRONG if given is None else fit.text(text, given.decode("latin-1"))
        yield status, f"the header {name} must be {template_text(text)}"


def _items(
    layout: RequestLayout, batch: BatchLayout | None, call: Call, value: JSON
) -> RequestReading:
    if batch is None:
        problem = not_object(value, "the body")
        return Refusal(WRONG, problem) if problem else (ReceivedItem(value, call.body),)
    if batch.under:
        for status, problem in _wrapper(layout, batch, call, value):
            if status:
                return Refusal(status, problem)
    events, where = (value[batch.under], batch.under) if batch.under else (value, "the body")
    if not isinstance(events, list) or not 1 <= len(events) <= batch.events:
        return Refusal(WRONG, f"{where} must be an array of 1 to {batch.events:,} events")
    for place, event in enumerate(events):
        if problem := not_object(event, f"{where}[{place}]"):
            return Refusal(WRONG, problem)
    return tuple(map(ReceivedItem, events, elements(call.body, batch.under)))


def _wrapper(
    layout: RequestLayout, batch: BatchLayout, call: Call, value: JSON
) -> Iterator[tuple[int, str]]:
    """Yield what is found of the object around the events."""
    names = {*batch.extra, batch.under}
    problem = not_object(value, "the body") or unknown_key(value, names)
    yield WRONG if problem else 0, problem
    for name in names:
        yield 0 if name in value else WRONG, f"{name} is missing"
    for name, wanted in batch.extra.items():
        yield _fit(layout, call).value(wanted, value[name]), f"{name} must be what the file says"


def _sized(
    reading: tuple[ReceivedItem, ...], layout: RequestLayout, batch: BatchLayout | None, call: Call
) -> RequestReading:
    if batch and batch.bytes is not None and len(call.body) > batch.bytes:
        return Refusal(_TOO_LARGE, f"the body must have at most {batch.bytes:,} bytes")
    most = layout.payload_bytes
    if most is not None and any(len(item.raw) > most for item in reading):
        return Refusal(_TOO_LARGE, f"an event must have at most {most:,} bytes")
    return reading


_MULTI_STATUS = 207


def all_taken(items: Items | None) -> Callable[[Sequence[object]], bytes]:
    """Return the body of a good reply: where each event has a result, with all of them."""
    if items is None or items.index:
        return lambda _: b"{}"
    return lambda taken: _body(items, [_entry(items, place, 200) for place in range(len(taken))])


def some_failed(items: Items) -> Callable[[int, Mapping[int, int]], tuple[int, bytes]]:
    """Return status and body of a reply to so many events, some of which failed with a status."""

    def reply(count: int, failed: Mapping[int, int]) -> tuple[int, bytes]:
        places: Sequence[int] = [*failed] if items.index else range(count)
        entries = [_entry(items, place, failed.get(place, 200)) for place in places]
        is_usual = not items.replies or _MULTI_STATUS in items.replies
        return _MULTI_STATUS if is_usual else min(items.replies), _body(items, entries)

    return reply


def _entry(items: Items, place: int, status: int) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if items.index:
        _put(entry, items.index, place)
    if items.status:
        _put(entry, items.status, status)
    # What holds the status is a reason already.
    if items.reason and status != 200 and not f"{items.status}.".startswith(f"{items.reason}."):
        _put(entry, items.reason, "a fault of the sandbox's script")
    return entry


def _body(items: Items, entries: list[dict[str, Any]]) -> bytes:
    body: dict[str, Any] = {}
    if items.list:
        _put(body, items.list, entries)
    return json.dumps(body if items.list else entries).encode()


def _put(value: dict[str, Any], path: str, inner: Any) -> None:
    *way, last = path.split(".")
    for name in way:
        value = value.setdefault(name, {})
    value[last] = inner

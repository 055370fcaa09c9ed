"""The vendor of a destination file as a server: its methods, routes, key, and form of bodies.

It knows the layout of requests (`segcli.core.request_layout`) and the types of their fields, not
the mappings. It accepts any value of a setting, except keys: those must be the sandbox's key.
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
_TOO_LARGE = 413
_SEGMENT, _PARAMETER = "[^/]+", "[^&]*"
_MULTI_STATUS = 207


def vendor_from_layout(layout: RequestLayout) -> Vendor:
    """Return the vendor that accepts requests of this layout."""
    paths = {template_text(path): path for path, _ in _posts(layout)}
    patterns = [(re.compile(pattern(path, _SEGMENT)), name) for name, path in paths.items()]

    def route_of(call: Call) -> str:
        found = (name for known, name in patterns if known.fullmatch(call.raw_path))
        return next(found, call.path)

    return Vendor(
        routes={name: _methods(layout, path) for name, path in paths.items()},
        error=message,
        admits=lambda call: _credential_status(layout, call) == 0,
        key_hint="the key is not where the destination file says, or is a wrong one",
        json_only=False,
        route_of=route_of,
        by_item=some_failed(layout.items) if layout.items else None,
        key_paths=layout.key_paths,
    )


def all_taken(items: Items | None) -> Callable[[Sequence[object]], bytes]:
    """Return a `reply` for a good request, with the result of each event if there are any."""
    if items is None or items.index:
        return lambda _: b"{}"
    return lambda taken: _body(items, [_entry(items, place, 200) for place in range(len(taken))])


def some_failed(items: Items) -> Callable[[int, Mapping[int, int]], tuple[int, bytes]]:
    """Return a `by_item`: it makes the reply to a batch of which some events failed."""

    def reply(count: int, failed: Mapping[int, int]) -> tuple[int, bytes]:
        places: Sequence[int] = [*failed] if items.index else range(count)
        entries = [_entry(items, place, failed.get(place, 200)) for place in places]
        is_usual = not items.replies or _MULTI_STATUS in items.replies
        return _MULTI_STATUS if is_usual else min(items.replies), _body(items, entries)

    return reply


@dataclass(frozen=True, slots=True)
class TemplateMatcher:
    """Compares the parts of a request with templates; methods return 0 or the status of a refusal.

    key: the value that a secret setting must have; other settings may have any value.
    secrets: the names of the secret settings.
    """

    key: str
    secrets: Collection[str]

    def text(self, wanted: Template, found: str, hole: str = ".*", *, encoded: bool = False) -> int:
        """Check a text. The value of a setting must match `hole`, and may be percent-encoded."""
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
        """Check a JSON value, whose texts are templates."""
        if isinstance(wanted, Template):
            # A template that is only a setting may become a number or a boolean.
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
    """Return a regular expression for the results of a template, with a group for each setting."""
    return "".join(re.escape(part) if isinstance(part, str) else f"({hole})" for part in text.parts)


def _methods(layout: RequestLayout, path: Template) -> Mapping[str, VendorRoute]:
    """Return the methods of a path. Several actions may post there, each in its own way."""
    posts: dict[str, list[PostLayout]] = {}
    for other, post in _posts(layout):
        if other == path:
            posts.setdefault(post.method, []).append(post)
    return {
        method: VendorRoute(_reader(layout, path, same), all_taken(layout.items))
        for method, same in posts.items()
    }


def _posts(layout: RequestLayout) -> Iterator[tuple[Template, PostLayout]]:
    """Yield the path of each route and how a body is posted to it."""
    for route, post in layout.routes.values():
        parts: list[str | Placeholder] = []
        for part in layout.address.path.parts:
            parts += route.parts if part == Placeholder(ROUTE) else (part,)
        yield Template(tuple(parts)), post


def _matcher(layout: RequestLayout, call: Call) -> TemplateMatcher:
    return TemplateMatcher(call.key.decode(), layout.secrets)


def _credential_status(layout: RequestLayout, call: Call) -> int:
    """Check the header with the key, if there is one; return 0 or the status of a refusal."""
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
    return _matcher(layout, call).text(layout.auth.value, credential)


def _reader(
    layout: RequestLayout, path: Template, posts: Sequence[PostLayout]
) -> Callable[[Call, JSON], RequestReading]:
    checks = _checks_at(layout, path)

    def read(call: Call, value: JSON) -> RequestReading:
        for status, problem in _envelope(layout, path, call):
            if status:
                return Refusal(status, problem)
        batch = _batch_of(posts, value)
        reading = _items(layout, batch, call, value)
        if isinstance(reading, Refusal):
            return reading
        for place, item in enumerate(reading):
            if problem := _field_problem(item, checks):
                return Refusal(WRONG, f"event {place}: {problem}")
        return _sized(reading, layout, batch, call)

    return read


def _checks_at(layout: RequestLayout, path: Template) -> Sequence[Callable[[Any], str]]:
    """Return the checks of the payloads at a path; none if a route there takes any payload."""
    routes = [name for name, at in zip(layout.routes, _posts(layout), strict=True) if at[0] == path]
    if not all(name in layout.checks for name in routes):
        return ()
    return [check for name in routes for check in layout.checks[name]]


def _field_problem(item: ReceivedItem, checks: Sequence[Callable[[Any], str]]) -> str:
    """Return why a payload passes none of the checks; "" if it passes one, or there is none."""
    problems = [check(item.payload) for check in checks]
    return problems[0] if problems and all(problems) else ""


def _batch_of(posts: Sequence[PostLayout], value: JSON) -> BatchLayout | None:
    """Return the layout of the batch that a body seems to be; None for a single event."""
    batches = [post.batch for post in posts]
    if isinstance(value, list):
        bare = (batch for batch in batches if batch and not batch.under)
        return next(bare, batches[0])
    keys = value.keys() if isinstance(value, dict) else ()
    named = (batch for batch in batches if batch and batch.under in keys)
    return next(named, None if None in batches else batches[0])


def _envelope(layout: RequestLayout, path: Template, call: Call) -> Iterator[tuple[int, str]]:
    """Check path, query and headers; yield a status, 0 if good, and its problem for each."""
    matcher = _matcher(layout, call)
    yield matcher.text(path, call.raw_path, _SEGMENT, encoded=True), "the path must hold the key"
    query = f"?{call.query}" if call.query else ""
    must_be = template_text(layout.address.query) or "empty"
    yield (
        matcher.text(layout.address.query, query, _PARAMETER, encoded=True),
        f"the query must be {must_be}",
    )
    headers = {name.lower(): text for name, text in layout.headers.items()}
    for name, text in {"content-type": Template(("application/json",)), **headers}.items():
        given = call.headers.get(name.encode())
        status = WRONG if given is None else matcher.text(text, given.decode("latin-1"))
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
    """Check the object around the events; yield a status, 0 if good, and its problem."""
    names = {*batch.extra, batch.under}
    problem = not_object(value, "the body") or unknown_key(value, names)
    yield WRONG if problem else 0, problem
    for name in names:
        yield 0 if name in value else WRONG, f"{name} is missing"
    for name, wanted in batch.extra.items():
        yield (
            _matcher(layout, call).value(wanted, value[name]),
            f"{name} must be what the file says",
        )


def _sized(
    reading: tuple[ReceivedItem, ...], layout: RequestLayout, batch: BatchLayout | None, call: Call
) -> RequestReading:
    if batch and batch.bytes is not None and len(call.body) > batch.bytes:
        return Refusal(_TOO_LARGE, f"the body must have at most {batch.bytes:,} bytes")
    most = layout.payload_bytes
    if most is not None and any(len(item.raw) > most for item in reading):
        return Refusal(_TOO_LARGE, f"an event must have at most {most:,} bytes")
    return reading


def _entry(items: Items, place: int, status: int) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if items.index:
        _put(entry, items.index, place)
    if items.status:
        _put(entry, items.status, status)
    # The value that contains the status is the reason already.
    if items.reason and status != 200 and not f"{items.status}.".startswith(f"{items.reason}."):
        _put(entry, items.reason, "a fault of the sandbox's script")
    return entry


def _body(items: Items, entries: list[dict[str, Any]]) -> bytes:
    body: dict[str, Any] = {}
    if items.list:
        _put(body, items.list, entries)
    return json.dumps(body if items.list else entries).encode()


def _put(value: dict[str, Any], path: str, inner: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        value = value.setdefault(name, {})
    value[last] = inner

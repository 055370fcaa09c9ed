"""The vendor of a destination file as a server: its methods, routes, key, and form of bodies.

It knows the layout of requests (`segcli.core.request_layout`) and the types of their fields, not
the mappings. It accepts any value of a setting, except keys: those must be the sandbox's key.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from segcli.core.placeholder import ROUTE, Placeholder, Template, template_text
from segcli.core.request_layout import CONTENT_TYPES, PostLayout, RequestLayout
from segcli.local_server.http_reply import Refusal
from segcli.local_server.request_body import LARGEST_BODY, MAX_BODY
from segcli.sandbox.json_body import JSON
from segcli.sandbox.vendors.direct_destination import message
from segcli.sandbox.vendors.file_bodies import (
    Decoded,
    decoder,
    payload_path,
    post_of,
    received_items,
)
from segcli.sandbox.vendors.file_replies import all_taken, lost_with, some_failed
from segcli.sandbox.vendors.file_tokens import ACCESS_TOKEN, TOKEN_PATH, token_route
from segcli.sandbox.vendors.template_matcher import WRONG, WRONG_KEY, TemplateMatcher, pattern
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
)

_TOO_LARGE = 413
# A value in a path. It may be empty beside other text of its segment.
_SEGMENT, _PARAMETER = "[^/]+|(?<=[^/])|(?=[^/])", "[^&]*"


def vendor_from_layout(layout: RequestLayout) -> Vendor:
    """Return the vendor that accepts requests of this layout."""
    paths = {template_text(path): path for path, _ in _posts(layout)}
    patterns = [(re.compile(pattern(path, _SEGMENT)), name) for name, path in paths.items()]

    def route_of(call: Call) -> str:
        found = (name for known, name in patterns if known.fullmatch(call.raw_path))
        return next(found, call.path)

    routes = {name: _methods(layout, path) for name, path in paths.items()}
    if layout.oauth:
        routes[TOKEN_PATH] = {"POST": token_route(layout.oauth, layout.secrets)}
    return Vendor(
        routes=routes,
        error=message,
        admits=lambda call: _credential_status(layout, call) == 0,
        key_hint="the key is not where the destination file says, or is a wrong one",
        json_only=False,
        gzip=any(post.compression for _, post in _posts(layout)),
        most_body=_most_body(layout),
        route_of=route_of,
        by_item=some_failed(layout.items, layout.success) if layout.items else None,
        lost=lost_with(layout.items) if layout.items else None,
        key_paths=layout.key_paths,
    )


def _methods(layout: RequestLayout, path: Template) -> Mapping[str, VendorRoute]:
    """Return the methods of a path. Several actions may post there, each in its own way."""
    posts: dict[str, list[PostLayout]] = {}
    for other, post in _posts(layout):
        if other == path:
            posts.setdefault(post.method, []).append(post)
    return {
        method: VendorRoute(
            _reader(layout, path, same), all_taken(layout.items, layout.success), decoder(same)
        )
        for method, same in posts.items()
    }


def _posts(layout: RequestLayout) -> Iterator[tuple[Template, PostLayout]]:
    """Yield the path of each route and how a body is posted to it."""
    for route, post in layout.routes.values():
        parts: list[str | Placeholder] = []
        for part in layout.address.path.parts:
            parts += route.parts if part == Placeholder(ROUTE) else (part,)
        yield Template(tuple(parts)), post


def _most_body(layout: RequestLayout) -> int:
    """Return the most bytes of a body: the largest batch that the file allows, within reason."""
    batches = [post.batch for _, post in _posts(layout) if post.batch]
    largest = max((one.bytes for one in batches if one.bytes), default=0)
    return min(max(largest, MAX_BODY), LARGEST_BODY)


def _matcher(layout: RequestLayout, call: Call) -> TemplateMatcher:
    return TemplateMatcher(call.key.decode(), layout.secrets)


def _credential_status(layout: RequestLayout, call: Call) -> int:
    """Check the header with the key, if there is one; return 0 or the status of a refusal."""
    if layout.oauth:
        given = call.headers.get(b"authorization", b"").decode("latin-1")
        is_admitted = call.path == TOKEN_PATH or given == f"Bearer {ACCESS_TOKEN}"
        return 0 if is_admitted else WRONG_KEY
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

    def read(call: Call, decoded: Decoded) -> RequestReading:
        post = post_of(posts, decoded)
        matcher = TemplateMatcher(call.key.decode(), layout.secrets)
        for status, problem in _envelope(layout, path, post, call):
            if status:
                return Refusal(status, problem)
        reading = received_items(post, decoded, matcher)
        if isinstance(reading, Refusal):
            return reading
        for place, item in enumerate(reading):
            if problem := _field_problem(item, post, checks):
                return Refusal(WRONG, f"event {place}: {problem}")
        return _sized(reading, post, call)

    return read


def _checks_at(layout: RequestLayout, path: Template) -> Sequence[Callable[[Any], str]]:
    """Return the checks of the payloads at a path; none if a route there takes any payload."""
    routes = [name for name, at in zip(layout.routes, _posts(layout), strict=True) if at[0] == path]
    if not all(name in layout.checks for name in routes):
        return ()
    return [check for name in routes for check in layout.checks[name]]


def _field_problem(
    item: ReceivedItem, post: PostLayout, checks: Sequence[Callable[[Any], str]]
) -> str:
    """Return why a payload passes none of the checks; "" if it passes one, or there is none."""
    names = payload_path(post.shape)
    if names is None or post.body in ("form", "none"):
        return ""
    payload = item.payload
    for name in names:
        payload = payload[name]
    problems = [check(payload) for check in checks]
    return problems[0] if problems and all(problems) else ""


def _envelope(
    layout: RequestLayout, path: Template, post: PostLayout, call: Call
) -> Iterator[tuple[int, str]]:
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
    if post.body in CONTENT_TYPES:
        headers = {"content-type": Template((CONTENT_TYPES[post.body],)), **headers}
    for name, text in headers.items():
        given = call.headers.get(name.encode())
        status = WRONG if given is None else matcher.text(text, given.decode("latin-1"))
        yield status, f"the header {name} must be {template_text(text)}"
    packed = call.headers.get(b"content-encoding", b"").decode("latin-1")
    problem = f"the body must be compressed by {post.compression}"
    yield (
        0 if packed == post.compression else WRONG,
        problem if post.compression else ("the body must not be compressed"),
    )


def _sized(reading: tuple[ReceivedItem, ...], post: PostLayout, call: Call) -> RequestReading:
    batch = post.batch
    if batch and batch.bytes is not None and len(call.body) > batch.bytes:
        return Refusal(_TOO_LARGE, f"the body must have at most {batch.bytes:,} bytes")
    most = None if post.body == "form" else post.payload_bytes
    if most is not None and any(len(item.raw) > most for item in reading):
        return Refusal(_TOO_LARGE, f"an event must have at most {most:,} bytes")
    return reading

"""Builds requests as a destination file describes them."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from segcli.core.destination import Request
from segcli.core.exact_json import dumps
from segcli.core.placeholder import OF_SETTINGS, ROUTE, Placeholder, Template, text_of
from segcli.core.request_layout import (
    CONTENT_TYPES,
    Auth,
    PostLayout,
    RequestLayout,
    route_of_key,
    values_of_key,
)
from segcli.core.secret import Secret
from segcli.destination_file.written_body import compressed, written_form

Fill = Callable[[str], str]

# Values of a payload in which every field is absent.
_ABSENT: Mapping[str, Any] = {"": None}


_NO_MARKS: Mapping[str, Any] = {}


def request_of(
    layout: RequestLayout,
    key: str,
    bodies: Sequence[bytes],
    settings: Any,
    marks: Mapping[str, Any] = _NO_MARKS,
) -> Request:
    """Return the request that posts these JSON bodies, in this order; a pure function.

    `key` is a route, with the values of the payloads that the request takes, if there are any.
    `marks` are further fields of the object around the events, for old events.
    """
    values = {} if key in layout.routes else values_of_key(key)
    fill = filler(settings, values)
    post = layout.post_of(key)
    if marks:
        post = marked_post(post, marks)
    headers = {}
    if post.body in CONTENT_TYPES:
        headers["Content-Type"] = CONTENT_TYPES[post.body]
    for name, value in layout.headers.items():
        _set(headers, name, value.filled(fill))
    if layout.auth:
        _set(headers, layout.auth.header, _credential(layout.auth, fill))
    body = _body(post, bodies, settings, values)
    if post.compression:
        headers["Content-Encoding"] = post.compression
        body = compressed(body)
    return Request(request_url(layout, key, settings, fill), body, headers, post.method)


def marked_post(post: PostLayout, marks: Mapping[str, Any]) -> PostLayout:
    """Return how payloads are posted with further fields around the events."""
    if post.batch is None or not marks:
        return post
    return replace(post, batch=replace(post.batch, extra={**post.batch.extra, **marks}))


def address_of(layout: RequestLayout, settings: Any) -> str:
    """Return the address of requests, without path and query: the endpoint, or the file's url.

    It may contain a key.
    """
    endpoint: str = settings.endpoint
    return endpoint or layout.address.base.filled(filler(settings))


def request_url(layout: RequestLayout, key: str, settings: Any, fill: Fill | None = None) -> str:
    """Return the address of a request."""
    fill = fill or filler(settings, values_of_key(key))

    def encoded(name: str) -> str:
        if name == ROUTE:
            return _route(layout, key).filled(encoded)
        return quote(fill(name), safe="")

    base = address_of(layout, settings)
    path = layout.address.path.filled(encoded)
    if path.startswith("/"):
        base = base.rstrip("/")
    return base + path + layout.address.query.filled(encoded)


def filler(settings: Any, values: Mapping[str, Any] | None = None) -> Fill:
    """Return the function that gives the text of a placeholder by its name.

    values: the values of the payload, by their paths.
    """

    def fill(name: str) -> str:
        if values:
            path = Placeholder(name).payload_path
            if path is not None:
                return text_of(values[path]) or ""
        value = _value(settings, name)
        return str(value).lower() if isinstance(value, bool) else str(value)

    return fill


def secrets_in(layout: RequestLayout, settings: Any) -> Iterator[str]:
    """Yield the encoded form of Basic credentials, in which the key cannot be recognized."""
    auth = layout.auth
    if auth and auth.scheme == "basic":
        keys = layout.secrets.intersection(auth.value.settings)
        if any(_value(settings, name) for name in keys):
            yield _credential(auth, filler(settings)).removeprefix("Basic ")


def max_bytes_per_route(layout: RequestLayout) -> Callable[[str, Any], int | None]:
    """Return the function that gives the limit on a request's payloads and commas, in bytes.

    It is called for every event, so it caches the result for the settings of a run.
    """
    known: dict[str, tuple[Any, int | None]] = {}

    def max_bytes(key: str, settings: Any) -> int | None:
        if key not in layout.routes:
            return _max_bytes(layout, key, settings)
        found = known.get(key)
        if found is None or found[0] is not settings:
            found = known[key] = (settings, _max_bytes(layout, key, settings))
        return found[1]

    return max_bytes


def check_file_settings(layout: RequestLayout, settings: Any) -> str:
    """Return a message if a setting's value leaves no room for an event in a request, or ""."""
    for route, (_, post) in layout.routes.items():
        max_bytes = _max_bytes(layout, route, settings)
        if post.batch and max_bytes is not None and max_bytes < len(b"{}"):
            names = [name for name in _settings_in(post.batch.extra) if hasattr(settings, name)]
            longest = max(names, key=lambda name: len(dumps(_value(settings, name))), default="")
            limit = f"batch.bytes ({post.batch.bytes:,})"
            return f"{longest} is too long: it leaves no room for an event within {limit}"
    return ""


def least_frame(post: PostLayout) -> int:
    """Return the smallest size of a request without events, in bytes."""
    head, tail = _frame(post, None, _ABSENT)
    return len(head) + len(tail)


def _max_bytes(layout: RequestLayout, key: str, settings: Any) -> int | None:
    post = layout.post_of(key)
    if post.batch is None or post.batch.bytes is None:
        return None
    size = post.batch.bytes
    # The mark of an old event may come with the next one.
    post = marked_post(post, post.batch.marks)
    head, tail = _frame(post, settings, values_of_key(key))
    return size - len(head) - len(tail)


def _settings_in(value: Any) -> Iterator[str]:
    """Yield the settings that a field of a body uses."""
    if isinstance(value, Template):
        yield from value.settings
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _settings_in(inner)


def _value(settings: Any, name: str) -> Any:
    """Return a setting's value as JSON; an empty text without settings."""
    value = getattr(settings, name.removeprefix(OF_SETTINGS), "")
    return value.reveal() if isinstance(value, Secret) else value


def _route(layout: RequestLayout, key: str) -> Template:
    route = key if key in layout.routes else route_of_key(key)
    return layout.routes[route][0] if route in layout.routes else Template((route,))


def _credential(auth: Auth, fill: Fill) -> str:
    text = auth.value.filled(fill)
    match auth.scheme:
        case "bearer":
            return f"Bearer {text}"
        case "basic":
            return f"Basic {base64.b64encode(text.encode()).decode()}"
        case "header":
            return text


def _set(headers: dict[str, str], name: str, value: str) -> None:
    """Set a header, and remove one with the same name in other letter case."""
    for known in [known for known in headers if known.lower() == name.lower()]:
        del headers[known]
    headers[name] = value


def _body(
    post: PostLayout, bodies: Sequence[bytes], settings: Any, values: Mapping[str, Any]
) -> bytes:
    """Return the body that holds these payloads."""
    if post.body == "none":
        return b""
    if post.body == "ndjson":
        return b"\n".join(bodies) + b"\n"
    text = b",".join(bodies)
    if post.batch:
        head, tail = _frame(post, settings, values)
        text = head + text + tail
    if post.body == "form":
        return written_form(post.form, text, filler(settings))
    return text


def _frame(post: PostLayout, settings: Any, values: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the bytes before and after the events."""
    batch = post.batch
    if batch is None or post.body == "ndjson":
        return b"", b"\n" if batch else b""
    if not batch.under:
        return b"[", b"]"
    return _wrapped(batch.extra, batch.under.split("."), settings, values)


def _wrapped(
    extra: Mapping[str, Any], names: Sequence[str], settings: Any, values: Mapping[str, Any]
) -> tuple[bytes, bytes]:
    """Return what is before and after the events in objects: the array is in the innermost."""
    name, *rest = names
    fields = b"".join(
        dumps(key) + b":" + dumps(_filled(value, settings, values)) + b","
        for key, value in extra.items()
        if key != name and not (values and _is_left_out(value, values))
    )
    head, tail = b"[", b"]"
    if rest:
        head, tail = _wrapped(extra.get(name, {}), rest, settings, values)
    return b"{" + fields + dumps(name) + b":" + head, tail + b"}"


def _is_left_out(value: Any, values: Mapping[str, Any]) -> bool:
    """Return whether a field is a value of the payload that is absent."""
    path = value.only.payload_path if isinstance(value, Template) and value.only else None
    return path is not None and values.get(path) is None


def _filled(value: Any, settings: Any, values: Mapping[str, Any]) -> Any:
    """Return a field of a body with its placeholders filled in.

    A text that is only a placeholder becomes the value itself, such as `true` or 5.
    """
    if isinstance(value, Template):
        only = value.only
        if only is None:
            return value.filled(filler(settings, values))
        path = only.payload_path if values else None
        return _value(settings, only.name) if path is None else values.get(path)
    if isinstance(value, Mapping):
        return {
            key: _filled(inner, settings, values)
            for key, inner in value.items()
            if not (values and _is_left_out(inner, values))
        }
    if isinstance(value, list):
        return [_filled(inner, settings, values) for inner in value]
    return value

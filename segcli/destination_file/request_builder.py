"""Builds requests as a destination file describes them."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from segcli.core.destination import Request
from segcli.core.exact_json import dumps
from segcli.core.placeholder import OF_SETTINGS, ROUTE, Placeholder, Template
from segcli.core.request_layout import Auth, BatchLayout, RequestLayout
from segcli.core.secret import Secret

_Fill = Callable[[str], str]


def request_of(
    layout: RequestLayout, route: str, bodies: Sequence[bytes], settings: Any
) -> Request:
    """Return the request that posts these JSON bodies, in this order; a pure function."""
    fill = _filler(settings)
    post = layout.post_of(route)
    head, tail = _frame(post.batch, settings) if post.batch else (b"", b"")
    headers = {"Content-Type": "application/json"}
    for name, value in layout.headers.items():
        _set(headers, name, value.filled(fill))
    if layout.auth:
        _set(headers, layout.auth.header, _credential(layout.auth, fill))
    return Request(
        _url(layout, route, settings, fill), head + b",".join(bodies) + tail, headers, post.method
    )


def address_of(layout: RequestLayout, settings: Any) -> str:
    """Return the address of requests, without path and query: the endpoint, or the file's url.

    It may contain a key.
    """
    endpoint: str = settings.endpoint
    return endpoint or layout.address.base.filled(_filler(settings))


def secrets_in(layout: RequestLayout, settings: Any) -> Iterator[str]:
    """Yield the encoded form of Basic credentials, in which the key cannot be recognized."""
    auth = layout.auth
    if auth and auth.scheme == "basic":
        keys = layout.secrets.intersection(auth.value.settings)
        if any(_value(settings, name) for name in keys):
            yield _credential(auth, _filler(settings)).removeprefix("Basic ")


def max_bytes_per_route(layout: RequestLayout) -> Callable[[str, Any], int | None]:
    """Return the function that gives the limit on a request's payloads and commas, in bytes.

    It is called for every event, so it caches the result for the settings of a run.
    """
    known: dict[str, tuple[Any, int | None]] = {}

    def room(route: str, settings: Any) -> int | None:
        found = known.get(route)
        if found is None or found[0] is not settings:
            found = known[route] = (settings, _room(layout, route, settings))
        return found[1]

    return room


def check_file_settings(layout: RequestLayout, settings: Any) -> str:
    """Return a message if a setting's value leaves no room for an event in a request, or ""."""
    for route, (_, post) in layout.routes.items():
        room = _room(layout, route, settings)
        if post.batch and room is not None and room < len(b"{}"):
            names = [name for name in _settings_in(post.batch.extra) if hasattr(settings, name)]
            longest = max(names, key=lambda name: len(dumps(_value(settings, name))), default="")
            limit = f"batch.bytes ({post.batch.bytes:,})"
            return f"{longest} is too long: it leaves no room for an event within {limit}"
    return ""


def least_frame(batch: BatchLayout) -> int:
    """Return the smallest size of a request without events, in bytes."""
    head, tail = _frame(batch, None)
    return len(head) + len(tail)


def _room(layout: RequestLayout, route: str, settings: Any) -> int | None:
    batch = layout.post_of(route).batch
    if batch is None or batch.bytes is None:
        return None
    head, tail = _frame(batch, settings)
    return batch.bytes - len(head) - len(tail)


def _settings_in(value: Any) -> Iterator[str]:
    """Yield the settings that a field of a body uses."""
    if isinstance(value, Template):
        yield from value.settings
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _settings_in(inner)


def _filler(settings: Any) -> _Fill:
    def fill(name: str) -> str:
        value = _value(settings, name)
        return str(value).lower() if isinstance(value, bool) else str(value)

    return fill


def _value(settings: Any, name: str) -> Any:
    """Return a setting's value as JSON; an empty text without settings."""
    value = getattr(settings, name.removeprefix(OF_SETTINGS), "")
    return value.reveal() if isinstance(value, Secret) else value


def _url(layout: RequestLayout, route: str, settings: Any, fill: _Fill) -> str:
    def encoded(name: str) -> str:
        if name == ROUTE:
            return _route(layout, route).filled(encoded)
        return quote(fill(name), safe="")

    base = address_of(layout, settings)
    path = layout.address.path.filled(encoded)
    if path.startswith("/"):
        base = base.rstrip("/")
    return base + path + layout.address.query.filled(encoded)


def _route(layout: RequestLayout, route: str) -> Template:
    return layout.routes[route][0] if route in layout.routes else Template((route,))


def _credential(auth: Auth, fill: _Fill) -> str:
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


def _frame(batch: BatchLayout, settings: Any) -> tuple[bytes, bytes]:
    """Return the bytes before and after the events."""
    if not batch.under:
        return b"[", b"]"
    fields = b"".join(
        dumps(key) + b":" + dumps(_filled(value, settings)) + b","
        for key, value in batch.extra.items()
    )
    return b"{" + fields + dumps(batch.under) + b":[", b"]}"


def _filled(value: Any, settings: Any) -> Any:
    """Return a field of a body with its settings filled in.

    A text that is only a placeholder becomes the setting's own value, such as `true` or 5.
    """
    if isinstance(value, Template):
        only = value.parts[0] if len(value.parts) == 1 else ""
        return (
            _value(settings, only.name)
            if isinstance(only, Placeholder)
            else value.filled(_filler(settings))
        )
    if isinstance(value, Mapping):
        return {key: _filled(inner, settings) for key, inner in value.items()}
    return [_filled(inner, settings) for inner in value] if isinstance(value, list) else value

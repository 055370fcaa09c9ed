"""What a payload gives to its request: values in the address and headers, and the body.

All of it is checked when an event is mapped, so that a request can always be made of a payload.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from segcli.core.event import Rejected
from segcli.core.placeholder import (
    ROUTE,
    Placeholder,
    Template,
    payload_value,
)
from segcli.core.request_layout import (
    PostLayout,
    RequestLayout,
    request_key,
    written_values,
)
from segcli.destination_file.request_builder import address_of, filler, request_url
from segcli.destination_file.shape import Make, made_by, text_in

# A longer address or header is refused by most servers.
_MAX_LENGTH = 8_000
_LINE = re.compile(r"[!-~]([ -~]*[!-~])?")
_DOTS = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What the payloads of an action give to their requests.

    values: returns the values that the request takes beside the body, as `written_values`; "" for
        none. Raises Rejected.
    body: returns the JSON that is posted for a payload. Raises Rejected.
    omitted: the paths that the body does not have.
    """

    values: Callable[[dict[str, Any], Any], str]
    body: Callable[[dict[str, Any], Any], dict[str, Any]]
    omitted: Sequence[str] = ()


def outgoing_of(layout: RequestLayout, route: str, required: Set[str]) -> Outgoing | None:
    """Return what the payloads of a route give to their requests; None for the body as it is.

    required: the settings without which nothing is sent.
    """
    sent, post = layout.routes[route]
    taken = _Taken.of(layout, sent, post)
    is_plain = not (taken or post.omit or post.shape or post.form)
    if is_plain:
        return None
    return Outgoing(
        values=_values_of(layout, route, taken) if taken else _no_values,
        body=_body_of(post, required),
        omitted=post.omit,
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """The values of a payload that its request takes beside the body.

    address: the templates of the path, with the route in it, and of the query.
    headers: the headers, as templates.
    extra: templates beside the events of a batch.
    by: paths at which payloads of a batch must be equal.
    """

    address: Sequence[Template]
    headers: Mapping[str, Template]
    extra: Sequence[Template]
    by: Sequence[str]

    @classmethod
    def of(cls, layout: RequestLayout, sent: Template, post: PostLayout) -> "_Taken":
        """Return what the requests of a route take."""
        parts: list[str | Placeholder] = []
        for part in layout.address.path.parts:
            parts += sent.parts if part == Placeholder(ROUTE) else (part,)
        batch = post.batch
        return cls(
            [Template(tuple(parts)), layout.address.query],
            {name: text for name, text in layout.headers.items() if text.payload_paths},
            [text for text in _templates_in(batch.extra) if text.payload_paths] if batch else [],
            batch.by if batch else (),
        )

    def __bool__(self) -> bool:
        return bool(self.headers or self.extra or self.by or self.of_address)

    @property
    def of_address(self) -> list[str]:
        return [path for template in self.address for path in template.payload_paths]

    @property
    def as_text(self) -> Sequence[tuple[str, str]]:
        """The paths of values that must be texts, numbers or booleans, with where they stand."""
        headers = [
            (path, f"the header {name}")
            for name, template in self.headers.items()
            for path in template.payload_paths
        ]
        mixed = [template for template in self.extra if not template.only]
        extra = [(path, "the request") for template in mixed for path in template.payload_paths]
        return [*((path, "the address") for path in self.of_address), *headers, *extra]

    @property
    def as_value(self) -> Sequence[str]:
        """The paths of values that may be anything, or absent."""
        return [*(path for template in self.extra for path in template.payload_paths), *self.by]

    @property
    def segments(self) -> Sequence[Template]:
        """The segments of the path that hold a value of the payload."""
        return [one for one in _segments(self.address[0]) if one.payload_paths]


def _values_of(
    layout: RequestLayout, route: str, taken: _Taken
) -> Callable[[dict[str, Any], Any], str]:
    as_text, as_value, segments = taken.as_text, taken.as_value, taken.segments
    of_address = taken.of_address

    def values(payload: dict[str, Any], settings: Any) -> str:
        found = {path: payload_value(payload, path) for path in as_value}
        for path, where in as_text:
            text_in(payload, path, where)
            found[path] = payload_value(payload, path)
        for name, template in taken.headers.items():
            _check_header(name, template, found, settings)
        written = written_values(found)
        if of_address:
            _check_segments(segments, filler(settings, found))
            _check_address(layout, request_key(route, written), of_address[0], settings)
        return written

    return values


def _no_values(_payload: dict[str, Any], _settings: Any) -> str:
    return ""


def _body_of(
    post: PostLayout, required: Set[str]
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    omitted = [path.split(".") for path in post.omit]
    shape = post.shape
    last: tuple[Any, Make] | None = None
    needed = [
        path
        for template in post.form.values()
        if not template.only
        for path in template.payload_paths
    ]

    def body(payload: dict[str, Any], settings: Any) -> dict[str, Any]:
        nonlocal last
        rest: Any = payload
        for names in omitted:
            rest = without_path(rest, names)
        if shape is not None:
            # Called for every event: the result is kept for the settings that it had last.
            if last is None or last[0] is not settings:
                last = (settings, made_by(shape, settings, required))
            rest = last[1](payload, rest)
            if not isinstance(rest, dict):
                raise Rejected("", "is not an object after the table of its body is filled in")
        for path in needed:
            text_in(rest, path, "the form")
        posted: dict[str, Any] = rest
        return posted

    return body


def without_path(payload: Any, names: Sequence[str]) -> Any:
    """Return a payload without the value at a path; the payload itself stays as it is."""
    name, *rest = names
    if not isinstance(payload, dict) or name not in payload:
        return payload
    if rest:
        return payload | {name: without_path(payload[name], rest)}
    return {key: value for key, value in payload.items() if key != name}


def _check_header(name: str, template: Template, values: Mapping[str, Any], settings: Any) -> None:
    text = template.filled(filler(settings, values))
    path = template.payload_paths[0]
    if not _LINE.fullmatch(text):
        raise Rejected(path, f"must be printable ASCII on one line: the header {name} holds it")
    if len(text) > _MAX_LENGTH:
        raise Rejected(path, f"makes the header {name} longer than {_MAX_LENGTH:,} characters")


def _check_segments(segments: Sequence[Template], fill: Callable[[str], str]) -> None:
    for segment in segments:
        if segment.filled(fill) in _DOTS:
            path = segment.payload_paths[0]
            raise Rejected(path, "is empty, . or .. as a part of the path of the address")


def _check_address(layout: RequestLayout, key: str, first: str, settings: Any) -> None:
    """Raise Rejected if the values would lead somewhere else than the file says.

    first: the path of the first value in the address.
    """
    try:
        url = request_url(layout, key, settings)
        is_within = _is_within(url, _prefix(layout, settings))
    except ValueError:
        raise Rejected(first, "makes an address that no request can have") from None
    if len(url) > _MAX_LENGTH:
        raise Rejected(first, f"makes an address longer than {_MAX_LENGTH:,} characters")
    if not is_within:
        raise Rejected(first, "leads to another address than the file says")


def _prefix(layout: RequestLayout, settings: Any) -> str:
    """Return the beginning of all addresses: host and path up to the first value of a payload."""
    base = address_of(layout, settings).rstrip("/")
    first = layout.address.path.parts[:1]
    start = next((part for part in first if isinstance(part, str)), "")
    return base + start


def _is_within(url: str, prefix: str) -> bool:
    """Return whether an address has the host of another one, and begins like it."""
    one, other = urlsplit(url), urlsplit(prefix)
    return (one.scheme, one.netloc) == (other.scheme, other.netloc) and url.startswith(prefix)


def _segments(path: Template) -> Iterator[Template]:
    """Yield the segments of a path, as templates."""
    current: list[str | Placeholder] = []
    for part in path.parts:
        if isinstance(part, Placeholder):
            current.append(part)
            continue
        first, *others = part.split("/")
        current.append(first)
        for other in others:
            yield Template(tuple(current))
            current = [other]
    yield Template(tuple(current))


def _templates_in(value: Any) -> Iterator[Template]:
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _templates_in(inner)

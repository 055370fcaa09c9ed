"""The form of a vendor's requests, as values.

The request builder writes requests by them, and the sandbox reads requests by them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from segcli.core.exact_json import MAX_DEPTH, dumps, loads
from segcli.core.item_replies import Items
from segcli.core.placeholder import Template

BodyForm = Literal["json", "ndjson", "form", "none"]
CONTENT_TYPES: Mapping[BodyForm, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "form": "application/x-www-form-urlencoded",
}
# Stands between the route and the values in the key of a request: no route has a space.
_BETWEEN = " "


@dataclass(frozen=True, slots=True)
class AddressLayout:
    """The address of requests. Values in path and query are percent-encoded.

    base: scheme and host; the setting `endpoint` replaces it.
    path: the path.
    query: the query, with its `?`.
    """

    base: Template
    path: Template
    query: Template


@dataclass(frozen=True, slots=True)
class Auth:
    """The header with the key.

    scheme: `Bearer key`, `Basic base64(user:password)`, or the plain value.
    header: the name of the header.
    value: the key, or user and password.
    """

    scheme: Literal["bearer", "basic", "header"]
    header: str
    value: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """How access tokens are got, by RFC 6749. The header is `Authorization: Bearer token`.

    token: the address of tokens; the setting `token_url` replaces all of it.
    grant: the form of the grant.
    client_id, client_secret: who asks.
    refresh_token: what the tokens are got for, with the grant of that name.
    scope: what is asked for; empty for the vendor's default.
    credentials: whether the client is named in the body, or in a header with Basic credentials.
    """

    token: AddressLayout
    grant: Literal["client_credentials", "refresh_token"]
    client_id: Template
    client_secret: Template
    refresh_token: Template = field(default_factory=Template)
    scope: Template = field(default_factory=Template)
    credentials: Literal["body", "header"] = "body"


@dataclass(frozen=True, slots=True)
class Computed:
    """A part of a body that a mapping makes of the payload; the `mapping` is as it is written."""

    mapping: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLayout:
    """How events share a request: as an array, or as an array in an object.

    events: how many events may share a request.
    bytes: the limit of the body in bytes, before it is compressed, if any.
    under: the dotted path of the array in the object; empty if the body is the array.
    extra: further fields of the object; their texts are templates.
    by: the dotted paths of payloads at which the payloads of a request must be equal.
    item: what stands for each payload in the array, as the `shape` of a `PostLayout`; None for the
        payload itself.
    marks: fields that only requests of old events have, in place of those of `extra`.
    """

    events: int
    bytes: int | None = None
    under: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    by: Sequence[str] = ()
    item: Any = None
    marks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLayout:
    """How the payloads of a route are posted.

    method: the HTTP method.
    batch: how payloads share a request; None if each payload has a request of its own.
    body: how the body is written.
    form: the fields of a form, as templates; none for the fields of the payload.
    table: the body of a request for one payload, as a `shape`; None for the payload itself.
    omit: the dotted paths that are left out of the payload.
    compression: how the body is compressed; "" for not at all.
    payload_bytes: the limit of a payload in bytes.
    rate: how many requests a second the route takes.
    """

    method: str = "POST"
    batch: BatchLayout | None = None
    body: BodyForm = "json"
    form: Mapping[str, Template] = field(default_factory=dict)
    table: Any = None
    omit: Sequence[str] = ()
    compression: Literal["", "gzip"] = ""
    payload_bytes: int | None = None
    rate: float | None = None

    @property
    def shape(self) -> Any:
        """What is posted for a payload: an object; None for the payload itself.

        Its texts are templates, and a `Computed` stands for a value that is made of the payload;
        the whole shape may be one.
        """
        return self.batch.item if self.batch else self.table


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLayout:
    """The form of all requests of a vendor.

    address: where they go.
    usual: how the payloads of a route are posted, unless `routes` has the route.
    routes: the routes that are posted differently, as templates, by their text.
    headers: further headers.
    auth: the header with the key.
    oauth: how tokens are got that are the key.
    items: where replies have results for single events.
    success: fields of the body of a reply that means success.
    secrets: the names of the settings that are keys.
    checks: for routes whose payloads have types of fields, functions that return what is wrong
        with a payload, "" if nothing; a payload must pass one of them.
    key_paths: the paths in payloads that hold keys; `[]` stands for every item of a list.
    """

    address: AddressLayout
    usual: PostLayout = PostLayout()
    routes: Mapping[str, tuple[Template, PostLayout]] = field(default_factory=dict)
    headers: Mapping[str, Template] = field(default_factory=dict)
    auth: Auth | None = None
    oauth: OAuth | None = None
    items: Items | None = None
    success: Mapping[str, Any] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    checks: Mapping[str, Sequence[Callable[[Any], str]]] = field(
        default_factory=dict, compare=False
    )
    key_paths: frozenset[str] = frozenset()

    def post_of(self, route: str) -> PostLayout:
        """Return how a route is posted. It may be the key of a request."""
        if route not in self.routes and _BETWEEN in route:
            route = route.partition(_BETWEEN)[0]
        return self.routes[route][1] if route in self.routes else self.usual


def request_key(route: str, values: str) -> str:
    """Return the key of a request: payloads share a request only if their keys are equal.

    values: what the payload gives to the request beside the body, as `written_values` has it.
    """
    return f"{route}{_BETWEEN}{values}" if values else route


def route_of_key(key: str) -> str:
    """Return the route in the key of a request; it holds no value of a payload."""
    return key.partition(_BETWEEN)[0]


def values_of_key(key: str) -> dict[str, Any]:
    """Return the values of the payload in the key of a request, by their paths."""
    values = key.partition(_BETWEEN)[2]
    found: dict[str, Any] = loads(values.encode(), levels=2 * MAX_DEPTH) if values else {}
    return found


def written_values(values: Mapping[str, Any]) -> str:
    """Return values of a payload, by their paths, as a text: the same for equal values."""
    return dumps(values).decode()

"""The form of a vendor's requests, as values.

The request builder writes requests by them, and the sandbox reads requests by them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from segcli.core.item_replies import Items
from segcli.core.placeholder import Template


@dataclass(frozen=True, slots=True)
class AddressLayout:
    """The address of requests. The values of settings in path and query are percent-encoded.

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
class BatchLayout:
    """How events share a request: as an array, or as an array in an object.

    events: how many events may share a request.
    bytes: the limit of the body in bytes, if any.
    under: the key of the array in the object; empty if the body is the array.
    extra: further fields of the object; their texts are templates.
    """

    events: int
    bytes: int | None = None
    under: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PostLayout:
    """How the payloads of a route are posted.

    method: the HTTP method.
    batch: how payloads share a request; None if each payload is the body of its own request.
    """

    method: str = "POST"
    batch: BatchLayout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLayout:
    """The form of all requests of a vendor.

    address: where they go.
    usual: how the payloads of a route are posted, unless `routes` has the route.
    routes: the routes that are posted differently, as templates, by their text.
    headers: further headers.
    auth: the header with the key.
    items: where replies have results for single events.
    payload_bytes: the limit of a payload in bytes.
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
    items: Items | None = None
    payload_bytes: int | None = None
    secrets: frozenset[str] = frozenset()
    checks: Mapping[str, Sequence[Callable[[Any], str]]] = field(
        default_factory=dict, compare=False
    )
    key_paths: frozenset[str] = frozenset()

    def post_of(self, route: str) -> PostLayout:
        """Return how a route is posted."""
        return self.routes[route][1] if route in self.routes else self.usual

"""How the requests of a vendor look: values only.

By them requests are written, and by them the sandbox reads requests: neither knows the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from segcli.core.item_replies import Items
from segcli.core.placeholder import Template


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go. `base`, scheme and host, is what the setting `endpoint` replaces.

    `path` and `query` follow it, the query with its `?`; what settings put there is encoded.
    """

    base: Template
    path: Template
    query: Template


@dataclass(frozen=True, slots=True)
class Auth:
    """The header that holds the key: `Bearer key`, `Basic base64(user:password)`, or the value."""

    scheme: Literal["bearer", "basic", "header"]
    header: str
    value: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLayout:
    """How events share a request: as an array, alone or in an object under a key.

    `bytes` counts the whole body. `extra` are further fields of that object; their texts are
    templates.
    """

    events: int
    bytes: int | None = None
    under: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PostLayout:
    """How the payloads of a route are posted; without a batch, one a request and as it is."""

    method: str = "POST"
    batch: BatchLayout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLayout:
    """All that a request shows of a vendor.

    `routes` are templates by their text; any other route is posted as `usual` says. `secrets` are
    the settings that are keys, `items` says where replies tell of single events.
    """

    address: Address
    usual: PostLayout = PostLayout()
    routes: Mapping[str, tuple[Template, PostLayout]] = field(default_factory=dict)
    headers: Mapping[str, Template] = field(default_factory=dict)
    auth: Auth | None = None
    items: Items | None = None
    payload_bytes: int | None = None
    secrets: frozenset[str] = frozenset()

    def post_of(self, route: str) -> PostLayout:
        """Return how a route is posted."""
        return self.routes[route][1] if route in self.routes else self.usual

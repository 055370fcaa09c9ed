"""What a vendor is to the sandbox: its routes, its key, and pure functions that judge a body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON

ANYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request; `path` is what follows the vendor's name, header names are lower case.

    `raw_path` is that as it came, percent-encoded; `key` is the key that the sandbox wants to see,
    whether or not it is there.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    body: bytes
    raw_path: str = ""
    query: str = ""
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class ReceivedItem:
    """One event out of a request, and the bytes that it came in."""

    payload: JSON
    raw: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The events of a good request, and the vendor's reply to it."""

    items: tuple[ReceivedItem, ...]
    reply: bytes


RequestReading = tuple[ReceivedItem, ...] | Refusal


@dataclass(frozen=True, slots=True)
class VendorRoute:
    """How one method of one path is read and answered; `read` is None where no body comes."""

    read: Callable[[Call, JSON], RequestReading] | None
    reply: Callable[[tuple[ReceivedItem, ...]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor as a server: `routes` is path -> method -> Route, the path `*` takes all others.

    `header` carries the credential made of the key; with no header no key is asked for. `admits`
    looks for the key instead, `route_of` finds the path of a request among the routes.
    `gzip`: bodies may be packed. `home` is what the endpoint has behind the vendor's name;
    `reset_header` repeats the seconds of `Retry-After` on a 429. `by_item` answers a request of so
    many events, some of which failed with a status: it returns the reply's status and body.
    """

    routes: Mapping[str, Mapping[str, VendorRoute]]
    error: Callable[[int, str], dict[str, Any]]
    header: bytes = b""
    credential: Callable[[bytes], bytes] = bytes
    key_hint: str = ""
    key_optional: bool = False
    json_only: bool = True
    gzip: bool = False
    home: str = ""
    reset_header: bytes = b""
    admits: Callable[[Call], bool] | None = None
    route_of: Callable[[Call], str] = attrgetter("path")
    by_item: Callable[[int, Mapping[int, int]], tuple[int, bytes]] | None = None


def single(problem: Callable[[JSON], str]) -> Callable[[Call, JSON], RequestReading]:
    """Read a body that is one payload: 400 if there is a problem with it."""

    def read(call: Call, value: JSON) -> RequestReading:
        found = problem(value)
        return Refusal(400, found) if found else (ReceivedItem(value, call.body),)

    return read


def always(reply: bytes) -> Callable[[tuple[ReceivedItem, ...]], bytes]:
    """Answer every good request with the same bytes."""
    return lambda _items: reply

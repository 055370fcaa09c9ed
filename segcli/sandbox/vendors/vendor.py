"""The types of a vendor in the sandbox: its routes, its key, and functions that check a body."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.local_server.request_body import LARGEST_BODY, MAX_BODY
from segcli.sandbox.json_body import JSON

ANYWHERE = "*"
# The statuses of an event that fails: one that may succeed later, one that never does.
LATER, NEVER = 503, 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request.

    method: the HTTP method.
    path: the path after the vendor's name, decoded.
    headers: by name in lower case.
    body: the body.
    raw_path: the same path, percent-encoded as it came.
    query: the query string, without `?`.
    key: the key that the sandbox accepts; the request may have another.
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
    """An event of a request.

    payload: its JSON value.
    raw: its bytes as they came.
    problem: why it fails, in a request of which others may be taken; empty if it does not.
    """

    payload: JSON
    raw: bytes
    problem: str = ""

    @property
    def why(self) -> str:
        """Why it fails, for a reply; an event that a fault of the script fails has no problem."""
        return self.problem or "it failed"

    @property
    def field(self) -> str:
        """The field that its problem is about; "" without a problem."""
        return self.problem.partition(" ")[0]

    def has(self, name: str) -> bool:
        """Return whether it is an object with a field of this name; nothing else is checked."""
        return isinstance(self.payload, dict) and name in self.payload


@dataclass(frozen=True, slots=True)
class Accepted:
    """A good request.

    items: its events; of those with a problem the vendor's `by_item` speaks.
    reply: the body of the vendor's reply.
    """

    items: tuple[ReceivedItem, ...]
    reply: bytes


RequestReading = tuple[ReceivedItem, ...] | Refusal


@dataclass(frozen=True, slots=True)
class VendorRoute:
    """A method of a path.

    read: returns the events of a request, or why it is refused; None if there is no body.
    reply: returns the body of the reply.
    decode: returns what `read` gets of the body; None for its JSON. It raises ValueError.
    """

    read: Callable[[Call, JSON], RequestReading] | None
    reply: Callable[[tuple[ReceivedItem, ...]], bytes]
    decode: Callable[[Call], JSON] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor as a server.

    routes: by path, then by method; the path `*` stands for all others.
    error: returns the body of an error, from its status and problem.
    header: the header with the credential; without one, no key is needed.
    credential: returns the credential of a key.
    key_hint: what the reply to a wrong key says.
    key_optional: whether a request without the header is accepted.
    json_only: whether Content-Type must be application/json.
    gzip: whether a body may be compressed.
    most_body: the most bytes of a body, also when it is decompressed.
    home: the part of the endpoint after the vendor's name.
    reset_header: a header of a 429 that repeats the seconds of Retry-After.
    admits: checks the key of a request, instead of `header`.
    route_of: returns the path of a request in `routes`.
    by_item: returns status and body of a reply, from the events and the status of each that
        failed; None if the vendor has no results for single events.
    lost: returns the status of each event that is not taken when some fail; None if that are those
        only.
    key_paths: the paths in payloads that hold keys; `[]` stands for every item of a list.
    """

    routes: Mapping[str, Mapping[str, VendorRoute]]
    error: Callable[[int, str], dict[str, Any]]
    header: bytes = b""
    credential: Callable[[bytes], bytes] = bytes
    key_hint: str = ""
    key_optional: bool = False
    json_only: bool = True
    gzip: bool = False
    most_body: int = MAX_BODY
    home: str = ""
    reset_header: bytes = b""
    admits: Callable[[Call], bool] | None = None
    route_of: Callable[[Call], str] = attrgetter("path")
    by_item: Callable[[Sequence[ReceivedItem], Mapping[int, int]], tuple[int, bytes]] | None = None
    lost: Callable[[Sequence[ReceivedItem], Mapping[int, int]], Mapping[int, int]] | None = None
    key_paths: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raise ValueError for a body that would take too much memory."""
        if self.most_body > LARGEST_BODY:
            raise ValueError(f"a body may have at most {LARGEST_BODY:,} bytes")


def single(problem: Callable[[JSON], str]) -> Callable[[Call, JSON], RequestReading]:
    """Return a reader of a body that is one payload; it refuses one with a problem by 400."""

    def read(call: Call, value: JSON) -> RequestReading:
        found = problem(value)
        return Refusal(400, found) if found else (ReceivedItem(value, call.body),)

    return read


def read_list(
    values: JSON,
    raws: Sequence[bytes],
    problem: Callable[[JSON], str],
    *,
    most: int | None = None,
    most_bytes: int | None = None,
) -> RequestReading:
    """Return the events of a list, each with its problem; refuse what is no list of 1 to `most`.

    most_bytes: how large an event may be.
    """
    if not isinstance(values, list) or not values:
        return Refusal(400, "there must be a list of events that is not empty")
    if most is not None and len(values) > most:
        return Refusal(413, f"there must be at most {most:,} events")
    return tuple(
        ReceivedItem(value, raw, problem(value) or _too_large(raw, most_bytes))
        for value, raw in zip(values, raws, strict=True)
    )


def _too_large(raw: bytes, most: int | None) -> str:
    is_large = most is not None and len(raw) > most
    return f"the event must have at most {most:,} bytes" if is_large else ""


def whole_or_none(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> Mapping[int, int]:
    """Return a `lost` of all events: the vendor takes none of a request that has a wrong one."""
    return {place: failed.get(place, LATER) for place in range(len(items))}


def always(reply: bytes) -> Callable[[tuple[ReceivedItem, ...]], bytes]:
    """Return a `reply` that is the same for every good request."""
    return lambda _items: reply

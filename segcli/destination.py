"""A destination: a vendor as a value, and what crosses between it and the delivery."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from segcli.event import Event
from segcli.verdict import Reply, Verdict, by_status

S = TypeVar("S")


class Payload(msgspec.Struct, frozen=True):
    """What an event becomes: one JSON document and the route it is posted to.

    A `body` of bytes is JSON already and goes out as it is. `notes` say what of the event the
    mapping left out on purpose; the summary counts them.
    """

    route: str
    body: dict[str, Any] | bytes
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to go out. The headers hold the key, so they are not shown."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a vendor takes: payloads and bytes a request, bytes a payload, requests a second.

    `bytes` counts the payloads and the commas between them. None: no limit is known.
    """

    events: int = 1
    bytes: int | None = None
    payload_bytes: int | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the documented mapping, for people: where a value comes from and goes to.

    Paths are dotted; `*` stands for every key. `on` is the call type, empty for all.
    """

    source: str
    target: str
    note: str = ""
    on: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about an event that somebody should know: `field` (a dotted path) has `problem`."""

    field: str
    problem: str


def no_remarks(event: Event, settings: Any) -> Iterable[Remark]:  # noqa: ARG001  # the interface
    """Say nothing about any event."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination(Generic[S]):
    """A vendor: which events it takes, what they become, how they are posted.

    `payload` and `request` are pure; `payload` raises Rejected and nothing else. `reads` names the
    dotted paths within `context`, `traits` and `properties` that `payload` looks at; then it may
    ask the event for no more than these three, its type, name, ids, time and `raw`, and reading
    takes half the time. `together` says
    how many payloads of a route may share a request with these settings, where that is not
    `limits.events` for every route. `remarks` says for `segcli check` which values the mapping
    turns into something else.
    """

    name: str
    label: str
    settings: type[S]
    kinds: frozenset[str]
    payload: Callable[[Event, S], Payload]
    request: Callable[[str, Sequence[bytes], S], Request]
    verdict: Callable[[Reply], Verdict] = by_status
    limits: Limits = Limits()
    reads: Callable[[S], Iterable[str]] | None = None
    together: Callable[[str, S], int] | None = None
    remarks: Callable[[Event, S], Iterable[Remark]] = no_remarks
    fields: Sequence[Field] = ()
    about: str = ""

    def label_with(self, settings: S) -> str:
        """Return its name in the integrations object; a setting `label` replaces the default."""
        return getattr(settings, "label", "") or self.label

    def events_per_request(self, route: str, settings: S) -> int:
        """Return how many payloads of this route may share a request, at least one."""
        return self.together(route, settings) if self.together else self.limits.events

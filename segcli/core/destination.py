"""A destination: a vendor as a value, and what crosses between it and the delivery."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from segcli.core.event import Event
from segcli.core.reply import Reply, Verdict, by_status
from segcli.core.request_layout import RequestLayout

S = TypeVar("S")


class Payload(msgspec.Struct, frozen=True, gc=False):
    """What an event becomes: one JSON document and the route it is posted to.

    A `body` of bytes is JSON already and goes out as it is. `notes` say what of the event the
    mapping left out on purpose; the summary counts them. Where a value of the event, and not only
    its fields and their types, decides between several mappings, `mapped_by` names the one.
    """

    route: str
    body: dict[str, Any] | bytes
    notes: tuple[str, ...] = ()
    mapped_by: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to go out. The key may be anywhere in it, so it is not shown."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
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

    Paths are dotted; `*` stands for every key. `on` is the call type, or several with commas
    between; empty for all.
    """

    source: str
    target: str
    note: str = ""
    on: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One row of what is taken, for people: which events, where they are posted to, and how many.

    `events` is a query in FQL, `posted` a method and an address.
    """

    name: str
    events: str
    posted: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about an event that somebody should know: `field` (a dotted path) has `problem`."""

    field: str
    problem: str


def no_remarks(event: Event, settings: Any) -> Iterable[Remark]:  # noqa: ARG001  # the interface
    """Say nothing about any event."""
    return ()


def no_skip_reason(event: Event, settings: Any) -> str | None:  # noqa: ARG001  # the interface
    """Take every event of the right kind."""
    return None


def no_secrets(settings: Any) -> Iterable[str]:  # noqa: ARG001  # the interface
    """Name nothing: the settings that are keys are hidden without that."""
    return ()


def endpoint_of(settings: Any) -> str:
    """Return the setting `endpoint`, which is where most requests go."""
    endpoint: str = getattr(settings, "endpoint", "")
    return endpoint


def accept_settings(settings: Any) -> str:  # noqa: ARG001  # the interface
    """Find nothing wrong with any settings."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination(Generic[S]):
    """A vendor: which events it takes, what they become, and how they are posted.

    name: how it is named on the command line.
    label: its name in the integrations object; case matters.
    settings: a frozen dataclass; keys are `Secret`.
    types: the call types it takes; others are skipped.
    payload: maps an event. It is pure, and raises Rejected and nothing else.
    request: makes the request of one batch. It is pure.
    verdict: says what a reply means.
    limits: what one request and one payload may hold, and how many requests a second.
    reads: the dotted paths within `context`, `traits` and `properties` that `payload` looks at.
        With it `payload` may ask the event only for these, its type, name, ids, time and `raw`,
        and reading takes half the time.
    skip_reason: says why an event of these types is not for the destination; None if it is.
    max_events: how many payloads of a route may share a request, if that differs from `limits`.
    max_bytes: how many bytes of payloads of a route may share a request, if that differs.
    wanted_bytes: how many of them the user wants to share a request, if fewer; None: as many as
        may. Unlike `max_bytes` it makes no payload too large: a larger one has its own request.
    remarks: says for `segcli check` which values the mapping turns into something else. It is
        called once for all events with the same fields, types, route, notes and `mapped_by`.
    fields: the documented mapping, for people.
    actions: the documented actions, for people.
    about: one line that describes the vendor.
    revision: changes when events become something else; a run is resumed with the same one only.
    layout: how the requests look, for the sandbox.
    secrets: texts made of a key that must not be shown, such as credentials in a header.
    check_settings: says what is wrong with settings that are valid one by one; "" for nothing.
    address: where requests go, without their route. It is shown before anything is sent, and a
        key goes there over http only if that is allowed.
    """

    name: str
    label: str
    settings: type[S]
    types: frozenset[str]
    payload: Callable[[Event, S], Payload]
    request: Callable[[str, Sequence[bytes], S], Request]
    verdict: Callable[[Reply], Verdict] = by_status
    limits: Limits = Limits()
    reads: Callable[[S], Iterable[str]] | None = None
    skip_reason: Callable[[Event, S], str | None] = no_skip_reason
    max_events: Callable[[str, S], int] | None = None
    max_bytes: Callable[[str, S], int | None] | None = None
    wanted_bytes: Callable[[str, S], int | None] | None = None
    remarks: Callable[[Event, S], Iterable[Remark]] = no_remarks
    fields: Sequence[Field] = ()
    actions: Sequence[Action] = ()
    about: str = ""
    revision: str = ""
    layout: RequestLayout | None = None
    secrets: Callable[[S], Iterable[str]] = no_secrets
    check_settings: Callable[[S], str] = accept_settings
    address: Callable[[S], str] = endpoint_of

    def label_with(self, settings: S) -> str:
        """Return its name in the integrations object; a setting `label` replaces the default."""
        return getattr(settings, "label", "") or self.label

    def events_per_request(self, route: str, settings: S) -> int:
        """Return how many payloads of this route may share a request, at least one."""
        return self.max_events(route, settings) if self.max_events else self.limits.events

    def bytes_per_request(self, route: str, settings: S) -> int | None:
        """Return how many bytes of payloads, and of commas between them, share a request.

        A payload that is larger by itself has its own request.
        """
        wanted = self.wanted_bytes(route, settings) if self.wanted_bytes else None
        return _least(wanted, self._most_bytes(route, settings))

    def bytes_per_payload(self, route: str, settings: S) -> int | None:
        """Return how large a payload may be; one that no request may hold is too large."""
        return _least(self.limits.payload_bytes, self._most_bytes(route, settings))

    def _most_bytes(self, route: str, settings: S) -> int | None:
        return self.max_bytes(route, settings) if self.max_bytes else self.limits.bytes


def _least(*bounds: int | None) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)

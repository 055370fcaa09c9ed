"""A destination: a vendor as a value, and the values that it exchanges with delivery."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from segcli.core.event import Event, Rejected
from segcli.core.replay import Replay
from segcli.core.reply import Reply, Verdict, by_status
from segcli.core.request_layout import RequestLayout, route_of_key
from segcli.core.selection import any_time

_S = TypeVar("_S")


class Payload(msgspec.Struct, frozen=True, gc=False):
    """The result of mapping an event: a JSON document and the route to post it to.

    route: the route.
    body: the document; bytes are JSON already and are sent as they are.
    notes: what the mapping left out of the event on purpose; the summary counts them.
    mapped_by: the name of the mapping, if a value of the event (not only its fields and their
        types) decides between several mappings.
    action: the name of the destination's action; "" if it has only one.
    request_values: what its request takes from it beside the body, as a JSON object; "" for
        nothing. Payloads share a request only if these are equal.
    """

    route: str
    body: dict[str, Any] | bytes
    notes: tuple[str, ...] = ()
    mapped_by: str = ""
    action: str = ""
    request_values: str = ""


class Unmapped(msgspec.Struct, frozen=True):
    """Why an action that takes an event cannot map it.

    action: the name of the action.
    route: the route that its payload would have.
    rejected: what is wrong.
    """

    action: str
    route: str
    rejected: Rejected


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to be sent. The key may be anywhere in it, so `repr` hides all."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class TokenSource:
    """How a destination gets access tokens of OAuth.

    request: makes the request for a token with the settings of a run; the text is the refresh
        token that the vendor has sent last, "" for none. It is pure.
    setting: the setting to check if the vendor refuses.
    """

    request: Callable[[Any, str], Request]
    setting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a vendor; None means that no limit is known.

    events: payloads in a request.
    bytes: bytes in a request, of the payloads and the commas between them.
    payload_bytes: bytes of a payload.
    rate: requests a second.
    """

    events: int = 1
    bytes: int | None = None
    payload_bytes: int | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the documented mapping, for people.

    source: the dotted path in the event; `*` means every key.
    target: the dotted path in the payload.
    note: how the value changes.
    on: the call type, or several separated by commas; empty for all.
    """

    source: str
    target: str
    note: str = ""
    on: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the documented actions, for people.

    name: the name of the action.
    events: which events, as an FQL query.
    posted: where they are posted to, as a method and an address.
    limits: the limits of a request of its route, and of a payload if it differs.
    form: how the body is written, if not as JSON.
    """

    name: str
    events: str
    posted: str
    limits: Limits
    form: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on an event for `segcli check`.

    field: the dotted path of the field that has the problem; empty for the whole event.
    problem: what is wrong with it, without values of a single event.
    code: the code of the finding; "" for one that is not told apart from others of the
        destination.
    """

    field: str
    problem: str
    code: str = dataclasses.field(default="", compare=False)


def no_remarks(event: Event, settings: Any) -> Iterable[Remark]:  # noqa: ARG001  # the interface
    """Have no remarks on any event."""
    return ()


def no_skip_reason(event: Event, settings: Any) -> str | None:  # noqa: ARG001  # the interface
    """Skip no event of an accepted type."""
    return None


def no_secrets(settings: Any) -> Iterable[str]:  # noqa: ARG001  # the interface
    """Name no further secrets: settings of the type `Secret` are hidden anyway."""
    return ()


def no_advice(settings: Any) -> str:  # noqa: ARG001  # the interface
    """Return no advice."""
    return ""


def no_token_address(settings: Any) -> str:  # noqa: ARG001  # the interface
    """Return no address of tokens."""
    return ""


def endpoint_of(settings: Any) -> str:
    """Return the setting `endpoint`, which is where most requests go."""
    endpoint: str = getattr(settings, "endpoint", "")
    return endpoint


def accept_settings(settings: Any) -> str:  # noqa: ARG001  # the interface
    """Accept all settings."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination(Generic[_S]):
    """A vendor: which events it accepts, how they are mapped, and how they are posted.

    name: its name on the command line.
    label: its name in the integrations object; case matters.
    settings: a frozen dataclass; keys are `Secret`.
    types: the call types it accepts; others are skipped.
    payload: maps an event. It is pure, and raises Rejected and nothing else.
    payloads: maps an event for every action that takes it, in the order in which their requests are
        sent; empty if no action takes it, and only then `skip_reason` is asked. Each action has a
        name of its own, as in `actions`. It heeds `Event.actions`, is pure and raises nothing. None
        if the destination has one action; else `payload` is that of the first one.
    request: makes the request of one batch. It is pure.
    verdict: returns what a reply means for the batch.
    limits: the limits of a request and of a payload, and the rate of all requests together.
    route_limits: for routes with limits of their own the bytes of a payload, in place of those of
        `limits`, and the rate of their requests, beside that.
    reads: the dotted paths within `context`, `traits` and `properties` that `payload` reads. If
        given, `payload` may read only these, what it copies, and the event's type, name, ids,
        times and `raw`; then parsing takes half the time.
    copies: by call type, which of `context`, `traits` and `properties` `payload` puts into the
        payload as they are. It looks into them only at the paths that `reads` names, so `segcli
        check` need not probe the rest.
    carries: True for a time that `payload` can send. The next of `Event.times` replaces any other,
        and `--since` and `--until` compare with the one that is sent.
    skip_reason: returns why an event of these types is not for the destination; None if it is.
    max_events: how many payloads of a route may share a request, if that differs from `limits`.
    max_bytes: how many bytes of payloads of a route may share a request, if that differs.
    wanted_bytes: how many bytes of payloads the user wants in a request of a route; None for as
        many as it may hold. Unlike `max_bytes` it makes no payload too large: a larger payload
        has a request of its own.
    remarks: returns for `segcli check` which values the mapping changes. It is called once for
        all events with the same fields, types, route, notes and `mapped_by`. If `reads` or
        `copies` is given, it may look only at what `reads` names, at the event's own fields and at
        the traits.
    advice: returns what people should know before they send events with these settings, for the
        summary of `send` and for `check`; "" for nothing.
    fields: the documented mapping, for people.
    actions: the documented actions, for people.
    fans_out: an event goes to every action that takes it, and not to the first one only.
    about: one line that describes the vendor.
    revision: changes whenever events are mapped differently. A run can be resumed only with the
        same revision.
    layout: the form of the requests, for the sandbox.
    secrets: further texts that must not be shown, such as credentials made of a key.
    check_settings: returns what is wrong with settings that are valid one by one; "" if nothing.
    keys_in_payloads: payloads hold keys. Where payloads are shown, `payload` gets settings with
        `***` in place of each key.
    address: where requests go, without their route. It is shown before anything is sent, and a
        key is sent there over http only if that is allowed.
    token: how access tokens are got, for a vendor that needs them.
    token_address: where access tokens come from, "" for nowhere; it is shown and guarded like
        `address`.
    not_taken: of types that are not in `types`, why not and what to do instead.
    replay: what is known about the replay of old events; None if nothing is.
    action_replay: the same for each action that differs from `replay`, by its name.
    marked_request: makes the request of one batch with further fields in its body. It is required
        if a mark of `replay` is in the request.
    """

    name: str
    label: str
    settings: type[_S]
    types: frozenset[str]
    payload: Callable[[Event, _S], Payload]
    request: Callable[[str, Sequence[bytes], _S], Request]
    payloads: Callable[[Event, _S], Sequence[Payload | Unmapped]] | None = None
    verdict: Callable[[Reply], Verdict] = by_status
    limits: Limits = Limits()
    route_limits: Mapping[str, Limits] = field(default_factory=dict)
    reads: Callable[[_S], Iterable[str]] | None = None
    copies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    carries: Callable[[datetime], bool] = any_time
    skip_reason: Callable[[Event, _S], str | None] = no_skip_reason
    max_events: Callable[[str, _S], int] | None = None
    max_bytes: Callable[[str, _S], int | None] | None = None
    wanted_bytes: Callable[[str, _S], int | None] | None = None
    remarks: Callable[[Event, _S], Iterable[Remark]] = no_remarks
    advice: Callable[[_S], str] = no_advice
    fields: Sequence[Field] = ()
    actions: Sequence[Action] = ()
    fans_out: bool = False
    about: str = ""
    revision: str = ""
    layout: RequestLayout | None = None
    secrets: Callable[[_S], Iterable[str]] = no_secrets
    check_settings: Callable[[_S], str] = accept_settings
    keys_in_payloads: bool = False
    address: Callable[[_S], str] = endpoint_of
    token: TokenSource | None = None
    not_taken: Mapping[str, str] = field(default_factory=dict)
    token_address: Callable[[_S], str] = no_token_address
    replay: Replay | None = None
    action_replay: Mapping[str, Replay] = field(default_factory=dict)
    marked_request: Callable[[str, Sequence[bytes], _S, Mapping[str, Any]], Request] | None = None

    def all_replay_facts(self) -> Sequence[Replay]:
        """Return the facts about replays: of the destination, then those of actions."""
        return [one for one in (self.replay, *self.action_replay.values()) if one]

    def label_with(self, settings: _S) -> str:
        """Return its name in the integrations object; a setting `label` overrides it."""
        return getattr(settings, "label", "") or self.label

    def events_per_request(self, route: str, settings: _S) -> int:
        """Return how many payloads of this route may share a request, at least one."""
        return self.max_events(route, settings) if self.max_events else self.limits.events

    def bytes_per_request(self, route: str, settings: _S) -> int | None:
        """Return how many bytes of payloads and commas share a request; None for no limit.

        A payload that is larger has a request of its own.
        """
        wanted = self.wanted_bytes(route, settings) if self.wanted_bytes else None
        return _lowest(wanted, self._max_bytes(route, settings))

    def bytes_per_payload(self, route: str, settings: _S) -> int | None:
        """Return the limit of a payload in bytes, at most that of a request; None for no limit."""
        limits = self.limits
        if self.route_limits:
            limits = self.route_limits.get(route_of_key(route), limits)
        return _lowest(limits.payload_bytes, self._max_bytes(route, settings))

    def rates_of_routes(self, share: float = 1.0) -> Mapping[str, float]:
        """Return the requests a second of each route that has a rate of its own.

        share: the part of them that is asked for, as several runs may divide them.
        """
        found = {route: one.rate for route, one in self.route_limits.items()}
        return {route: rate * share for route, rate in found.items() if rate is not None}

    def _max_bytes(self, route: str, settings: _S) -> int | None:
        return self.max_bytes(route, settings) if self.max_bytes else self.limits.bytes


def _lowest(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)

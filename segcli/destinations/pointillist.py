"""Pointillist (later Genesys Journey Analytics): one event a request, labels and numbers.

The mapping follows the table that Segment publishes for its own mapping [doc]. The form of the
request is that of a public push script [code]. How Segment names the actor and its ids is not
known: `customer`, `userId` and `anonymousId` are assumptions [guess].
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.core.destination import Destination, Field, Payload, Remark, Request
from segcli.core.event import Event, Rejected, is_number
from segcli.core.replay import Evidence, Replay
from segcli.core.secret import Secret
from segcli.core.settings import setting
from segcli.destinations.flatten import add_labels, add_leaves, leaf_values, numeric_ids, value_kind

PROPERTIES_LEFT_OUT = "track properties not carried (--set properties=true adds them)"
_LEFT_OUT = (PROPERTIES_LEFT_OUT,)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a Pointillist account."""

    api_key: Secret = setting(Secret(), help="Pointillist's API Token", required=True)
    endpoint: str = setting("https://stream.pointillist.com", help="the address without /event")
    event_source: str = setting("segment", help="eventSource of every event")
    actor: str = setting("customer", help="the actor type that userId and anonymousId identify")
    properties: bool = setting(False, help="send track properties as numbers and labels")


def reads(settings: Settings) -> Iterable[str]:
    """Yield the fields that `payload` reads.

    Without the setting `properties`, it only reads whether there are any properties.
    """
    yield from ("traits", "context.traits")
    yield from ("context.location", "context.campaign", "context.device")
    if settings.properties:
        yield "properties"


def payload(event: Event, settings: Settings) -> Payload:
    """Map identify and track by Segment's table; rejects an event without any time.

    Numeric traits stay numbers on identify only [doc]. The last of equal labels wins, so the
    fields of the table win over properties.
    """
    time = event.time
    if time is None:
        raise Rejected("timestamp", "is required, or originalTimestamp, receivedAt, sentAt")
    is_track = event.type == "track"
    context = event.context or {}
    labels: dict[str, str] = {}
    numbers: dict[str, Any] = {}
    if not is_track:
        add_leaves(event.traits, "", labels, numbers)
    elif settings.properties:
        add_leaves(event.properties, "", labels, numbers)
    if is_track and "traits" in context:
        add_labels(context["traits"], "", labels)
    if "location" in context:
        add_labels(context["location"], "location.", labels)
    if "campaign" in context:
        add_labels(context["campaign"], "campaign.", labels)
    if "device" in context:
        add_labels(context["device"], "device.", labels)
    body = {
        "eventSource": settings.event_source,
        "eventType": event.name if is_track else "identify",
        "eventTime": time,
        "actors": {settings.actor: _ids(event)},
        "labels": labels,
        "numbers": numbers,
    }
    left_out = is_track and not settings.properties and event.properties
    return Payload("/event", body, _LEFT_OUT if left_out else ())


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:
    """Return the request with one event; the token is in the header `apiToken` [code]."""
    headers = {"apiToken": settings.api_key.reveal(), "Content-Type": "application/json"}
    return Request(settings.endpoint + route, bodies[0], headers)


def _ids(event: Event) -> dict[str, str]:
    user, anonymous = event.user_id, event.anonymous_id
    if user is None:
        return {"anonymousId": anonymous} if anonymous is not None else {}
    return {"userId": user} if anonymous is None else {"userId": user, "anonymousId": anonymous}


def remarks(event: Event, settings: Settings) -> Iterator[Remark]:
    """Yield a remark for each value that becomes text or flat [doc]."""
    yield from numeric_ids(event, ("userId", "anonymousId"))
    for path, values, takes_numbers in _sources(event, settings):
        for key, value in values.items():
            if isinstance(value, dict | list):
                problem = f"is {value_kind(value)} and {_becomes(value, takes_numbers)}"
                yield Remark(f"{path}.{key}", problem, "SEG312")
            elif _becomes_text(value, takes_numbers):
                problem = f"is {value_kind(value)} and becomes text"
                yield Remark(f"{path}.{key}", problem, "SEG312")


def _becomes(value: dict[str, Any] | list[Any], takes_numbers: bool) -> str:
    found = [leaf for _, leaf in leaf_values(value, "")]
    if not found:
        return "holds no value, so it is not sent"
    turned = {value_kind(leaf) for leaf in found if _becomes_text(leaf, takes_numbers)}
    texts = " and ".join(sorted(f"{kind.removeprefix('a ')}s" for kind in turned))
    return f"becomes flat, {texts} as text" if texts else "becomes flat"


def _becomes_text(leaf: object, takes_numbers: bool) -> bool:
    return isinstance(leaf, bool) or (is_number(leaf) and not takes_numbers)


def _sources(event: Event, settings: Settings) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield the objects that become labels: path, value, and whether numbers stay numbers."""
    if event.type == "identify":
        yield "traits", event.object("traits"), True
    else:
        yield "context.traits", event.object("context.traits"), False
    if event.type == "track" and settings.properties:
        yield "properties", event.object("properties"), True
    for path in ("context.location", "context.campaign", "context.device"):
        yield path, event.object(path), False


POINTILLIST = Destination(
    name="pointillist",
    label="Pointillist",
    settings=Settings,
    types=frozenset({"identify", "track"}),
    payload=payload,
    reads=reads,
    request=request,
    remarks=remarks,
    about="Journey analytics (later Genesys). One event a request.",
    # Nothing is published about old events, duplicates or messages.
    replay=Replay(
        checked="2026-11-30",
        time="eventTime",
        source=(Evidence("time", "code", "a public push script"),),
    ),
    fields=(
        Field("userId", "actors.customer.userId", "an Actor Identifier"),
        Field("anonymousId", "actors.customer.anonymousId", "an Actor Identifier"),
        Field("timestamp", "eventTime", "else originalTimestamp, receivedAt, sentAt; as written"),
        Field("event", "eventType", "on identify it is `identify`", on="track"),
        Field("traits.*", "labels.*", "text and booleans; nested keys are dotted", on="identify"),
        Field("traits.*", "numbers.*", "numbers", on="identify"),
        Field("context.traits.*", "labels.*", "everything as text", on="track"),
        Field("context.location.*", "labels.location.*", "wins over a trait of the same label"),
        Field("context.campaign.*", "labels.campaign.*", "wins over a trait of the same label"),
        Field("context.device.*", "labels.device.*", "wins over a trait of the same label"),
    ),
)

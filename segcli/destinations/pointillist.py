"""Pointillist (later Genesys Journey Analytics): one event a request, labels and numbers.

Segment itself maps this destination; its table [doc] says which field becomes what. The form of
the request is that of one public push script [code]. How Segment names the actor and its ids is
not known: `customer`, `userId` and `anonymousId` are our choice [guess].
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.destination import Destination, Field, Payload, Remark, Request
from segcli.destinations._shape import (
    kind_of,
    labels_of,
    leaves_of,
    numbers_of,
    text,
    without_empty,
)
from segcli.event import Event, Rejected, is_number
from segcli.secret import Secret
from segcli.settings import setting

PROPERTIES_LEFT_OUT = "track properties not carried (--set properties=true adds them)"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a Pointillist account needs to be known."""

    api_key: Secret = setting(Secret(), help="Pointillist's API Token", required=True)
    endpoint: str = setting("https://stream.pointillist.com", help="the address without /event")
    event_source: str = setting("segment", help="eventSource of every event")
    actor: str = setting("customer", help="the actor type that userId and anonymousId identify")
    properties: bool = setting(False, help="carry track properties as numbers and labels")


def payload(event: Event, settings: Settings) -> Payload:
    """Map identify and track by Segment's table; rejects an event without any time."""
    if event.time is None:
        raise Rejected("timestamp", "is required, or originalTimestamp, receivedAt, sentAt")
    body = {
        "eventSource": settings.event_source,
        "eventType": "identify" if event.type == "identify" else event.data["event"],
        "eventTime": event.time,
        "actors": {
            settings.actor: without_empty(
                {"userId": event.user_id, "anonymousId": event.anonymous_id}
            )
        },
        **(_of_identify(event) if event.type == "identify" else _of_track(event, settings)),
    }
    left_out = event.type == "track" and event.get("properties") and not settings.properties
    return Payload("/event", body, (PROPERTIES_LEFT_OUT,) if left_out else ())


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:
    """Post one event; the token goes in the header `apiToken` [code]."""
    headers = {"apiToken": settings.api_key.reveal(), "Content-Type": "application/json"}
    return Request(settings.endpoint + route, bodies[0], headers)


def _of_identify(event: Event) -> dict[str, Any]:
    """Numeric traits are numbers, the rest labels [doc]."""
    traits = event.object("traits")
    labels = {path: text(value) for path, value in leaves_of(traits) if not is_number(value)}
    return {"labels": labels | _context_labels(event), "numbers": numbers_of(traits)}


def _of_track(event: Event, settings: Settings) -> dict[str, Any]:
    """All traits are labels [doc]; properties stand behind whatever the table fills."""
    labels = labels_of(event.object("context.traits")) | _context_labels(event)
    if not settings.properties:
        return {"labels": labels, "numbers": {}}
    properties = event.object("properties")
    words = {path: text(value) for path, value in leaves_of(properties) if not is_number(value)}
    return {"labels": words | labels, "numbers": numbers_of(properties)}


def _context_labels(event: Event) -> dict[str, str]:
    return {
        **labels_of(event.object("context.location"), "location."),
        **labels_of(event.object("context.campaign"), "campaign."),
        **labels_of(event.object("context.device"), "device."),
    }


def remarks(event: Event, settings: Settings) -> Iterator[Remark]:
    """Name what becomes text or flat: on track every trait, elsewhere all but numbers [doc]."""
    for path, values, takes_numbers in _sources(event, settings):
        for key, value in values.items():
            if isinstance(value, dict | list) and value:
                yield Remark(f"{path}.{key}", f"is {kind_of(value)} and becomes flat")
            elif isinstance(value, bool) or (is_number(value) and not takes_numbers):
                yield Remark(f"{path}.{key}", f"is {kind_of(value)} and becomes text")


def _sources(event: Event, settings: Settings) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield the objects that labels come from, with their path and whether numbers stay such."""
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
    kinds=frozenset({"identify", "track"}),
    payload=payload,
    request=request,
    remarks=remarks,
    about="Journey analytics (later Genesys). One event a request.",
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

"""A plug-in destination for tests: batched, with its own setting and a result for each item."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from segcli import (
    Delivered,
    Destination,
    Event,
    Field,
    Limits,
    Partial,
    Payload,
    Rejected,
    Reply,
    Request,
    Secret,
    Verdict,
    by_status,
    setting,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an Acme account needs to be known."""

    api_key: Secret = setting(Secret(), help="Acme's key", required=True)  # a field
    endpoint: str = setting("https://api.acme.example", help="the address without /v1")
    region: str = setting("eu", help="where the data stays")


def payload(event: Event, settings: Settings) -> Payload:
    """Map a track; Acme wants a price."""
    price = event.require("properties.price", "is required by Acme")
    if isinstance(price, str):
        raise Rejected("properties.price", "is text")
    body = {
        "name": event.data["event"],
        "user": event.user,
        "time": event.time,
        "price": price,
        "data": event.object("properties"),
    }
    return Payload(f"/v1/{settings.region}", body, ("priced",))


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:
    """Post a batch."""
    headers = {"Authorization": f"Bearer {settings.api_key.reveal()}"}
    return Request(settings.endpoint + route, b"[" + b",".join(bodies) + b"]", headers)


def verdict(reply: Reply) -> Verdict:
    """Acme answers 207 with the items it refused."""
    if reply.status != 207:
        return by_status(reply)
    refused = json.loads(reply.body)["refused"]
    return Partial({int(place): why for place, why in refused.items()}) if refused else Delivered()


ACME = Destination(
    name="acme",
    label="Acme",
    settings=Settings,
    types=frozenset({"track"}),
    payload=payload,
    request=request,
    verdict=verdict,
    limits=Limits(events=100, bytes=1_000_000, payload_bytes=20_000, rate=10.0),
    about="What a test needs.",
    fields=(Field("event", "name"), Field("properties.*", "data.*", "as it is")),
)

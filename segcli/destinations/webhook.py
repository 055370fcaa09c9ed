"""Segment's Direct Destination contract: the event as it is, one HTTPS POST each [doc].

Every partner-owned destination of Segment's catalog takes this, and so may any service.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segcli.core.destination import Destination, Field, Payload, Request
from segcli.core.event import TYPES, Event
from segcli.core.secret import Secret
from segcli.core.settings import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the endpoint is, and the key it may ask for."""

    endpoint: str = setting("", help="the address that takes the events", required=True)
    api_key: Secret = setting(Secret(), help="sent as the Basic user name, if given")
    label: str = setting("", help="its name in the integrations object")


def reads(settings: object) -> Iterable[str]:  # noqa: ARG001  # part of the interface
    """Look at nothing: the event passes as it is."""
    return ()


def payload(event: Event, settings: object) -> Payload:  # noqa: ARG001  # part of the interface
    """Pass the event on, byte for byte."""
    return Payload("/", event.raw)


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:  # noqa: ARG001  # one route only
    """Post one event to the endpoint; the key is the Basic user name, without password [doc]."""
    return direct_request(settings.endpoint, bodies[0], settings.api_key)


def direct_request(endpoint: str, body: bytes, key: Secret) -> Request:
    """Make the request of the Direct Destination contract [doc]."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Basic {key.basic()}"
    return Request(endpoint, body, headers)


WEBHOOK = Destination(
    name="webhook",
    label="",
    settings=Settings,
    types=TYPES,
    payload=payload,
    reads=reads,
    request=request,
    about="Any endpoint that takes Segment's events as they are. One event a request.",
    fields=(Field("*", "*", "the event itself, byte for byte"),),
)

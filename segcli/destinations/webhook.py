"""Segment's Direct Destination contract: one HTTPS POST for each event, unchanged [doc].

Every partner-owned destination in Segment's catalog accepts this, and any other service may.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from segcli.core.destination import Destination, Field, Payload, Remark, Request
from segcli.core.event import TYPES, Event
from segcli.core.secret import Secret
from segcli.core.settings import setting
from segcli.destinations.flatten import write_key_remarks


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an endpoint."""

    endpoint: str = setting("", help="the address that takes the events", required=True)
    api_key: Secret = setting(Secret(), help="sent as the Basic user name, if given")
    label: str = setting("", help="its name in the integrations object")


def reads(settings: object) -> Iterable[str]:  # noqa: ARG001  # part of the interface
    """Return no fields: the event is passed on unchanged."""
    return ()


def payload(event: Event, settings: object) -> Payload:  # noqa: ARG001  # part of the interface
    """Pass the event on, byte for byte."""
    return Payload("/", event.raw)


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:  # noqa: ARG001  # one route only
    """Return the request with one event; the key is the Basic user name, without password [doc]."""
    return direct_request(settings.endpoint, bodies[0], settings.api_key)


def direct_request(endpoint: str, body: bytes, key: Secret) -> Request:
    """Return the request of the Direct Destination contract [doc]."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Basic {key.basic()}"
    return Request(endpoint, body, headers)


def remarks(event: Event, settings: object) -> Iterator[Remark]:  # noqa: ARG001  # the interface
    """Yield a remark on a write key, which passes through with the bytes."""
    yield from write_key_remarks(event)


WEBHOOK = Destination(
    name="webhook",
    label="",
    settings=Settings,
    types=TYPES,
    payload=payload,
    reads=reads,
    request=request,
    remarks=remarks,
    about="Any endpoint that takes Segment's events unchanged. One event a request.",
    fields=(Field("*", "*", "the event itself, byte for byte"),),
)

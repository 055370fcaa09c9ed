"""Plotline: a Direct Destination that takes identify and track [doc]; see `webhook`.

The address that Segment posts to is not public, so the endpoint has no default. The address of the
mobile SDK is a private interface and must not be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from segcli.core.destination import Destination, Field, Request
from segcli.core.replay import Evidence, Replay
from segcli.core.secret import Secret
from segcli.core.settings import setting
from segcli.destinations import webhook


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a Plotline account."""

    endpoint: str = setting(
        "",
        help="the address that takes Segment's events; it is not public: ask Plotline's support",
        required=True,
    )
    api_key: Secret = setting(Secret(), help="Plotline's API Key", required=True)


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:  # noqa: ARG001  # one route only
    """Return the request with one event, by the Direct Destination contract [doc]."""
    return webhook.direct_request(settings.endpoint, bodies[0], settings.api_key)


PLOTLINE = Destination(
    name="plotline",
    label="Plotline",
    settings=Settings,
    types=frozenset({"identify", "track"}),
    payload=webhook.payload,
    reads=webhook.reads,
    request=request,
    remarks=webhook.remarks,
    about="In-app engagement. The event unchanged, one a request.",
    # Nothing is published about old events, duplicates or messages.
    replay=Replay(
        checked="2026-11-30",
        time="timestamp",
        source=(Evidence("time", "doc", "Segment's Direct Destination contract"),),
    ),
    fields=(Field("*", "*", "the event itself, byte for byte"),),
)

"""Gist (getgist.com): contacts from identify, events from track.

Only identify updates a contact; a track needs an `email` to create one [doc]. Field names are
those of Gist's Ruby SDK [code]. Times in events are assumed to be unix seconds, and events to take
a `user_id`, as contacts do [guess].
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from segcli.core.destination import Destination, Field, Payload, Remark, Request
from segcli.core.event import Event, Rejected, time_field
from segcli.core.event_time import EPOCH
from segcli.core.replay import Evidence, Replay
from segcli.core.secret import Secret
from segcli.core.settings import setting
from segcli.destinations.flatten import (
    drop_empty,
    leaf_values,
    numeric_ids,
    text,
    unix_seconds,
    value_kind,
)

CONTACTS, CONTACT_BATCH, EVENTS = "/contacts", "/contacts/batch", "/events"
UNDATED = "sent without its time, which is before 1970: Gist takes none of these"
_UNDATED = (UNDATED,)
_HEAD, _TAIL = b'{"contacts":[', b"]}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a Gist workspace."""

    api_key: Secret = setting(Secret(), help="Gist's API Key", required=True)
    endpoint: str = setting("https://api.getgist.com", help="the address without /contacts")
    batch: int = setting(
        1,
        help="contacts a request, to /contacts/batch if over 1; Gist documents no limit, and "
        "processes a batch later, perhaps after the contact's next events",
        minimum=1,
        is_grouping=True,
    )
    batch_bytes: int = setting(
        0,
        help="bytes a request of several contacts, at most; 0: any number; a larger contact goes "
        "alone",
        minimum=0,
        is_grouping=True,
    )


def reads(settings: Settings) -> Iterable[str]:  # noqa: ARG001  # the interface
    """Return the fields that `payload` reads, beside the properties that it copies."""
    return ("traits", "properties.email", "context.ip", "context.userAgent", "context.traits")


def payload(event: Event, settings: Settings) -> Payload:
    """Map identify to a contact and track to an event; see `_contact` and `_event`."""
    if event.type == "identify":
        route = CONTACT_BATCH if settings.batch > 1 else CONTACTS
        return Payload(route, _contact(event))
    body = _event(event)
    is_undated = "occurred_at" not in body and event.time
    return Payload(EVENTS, body, _UNDATED if is_undated else ())


def carries(moment: datetime) -> bool:
    """Gist dates events by seconds since 1970: nothing earlier, such as Go's zero time."""
    return moment >= EPOCH


def request(route: str, bodies: Sequence[bytes], settings: Settings) -> Request:
    """Return the request with one contact or event, or with a batch of contacts."""
    headers = {
        "Authorization": f"Bearer {settings.api_key.reveal()}",
        "Content-Type": "application/json",
    }
    body = bodies[0]
    if route == CONTACT_BATCH:
        body = _HEAD + b",".join(bodies) + _TAIL
    return Request(settings.endpoint + route, body, headers)


def max_events(route: str, settings: Settings) -> int:
    """Return the largest batch: only contacts can share a request."""
    return settings.batch if route == CONTACT_BATCH else 1


def wanted_bytes(route: str, settings: Settings) -> int | None:
    """Return how many bytes of contacts share a request, without the rest of its body."""
    if route != CONTACT_BATCH or not settings.batch_bytes:
        return None
    return settings.batch_bytes - len(_HEAD + _TAIL)


def _contact(event: Event) -> dict[str, Any]:
    """Return a contact to create or update; userId and email are required [doc].

    Traits without a field of their own go to `custom_properties`.
    """
    rest = dict(event.traits or {})
    context = event.context or {}
    if event.user_id is None:
        raise Rejected("userId", "is required by Gist on identify")
    email = rest.pop("email", None)
    if email is None or email == "":
        raise Rejected("traits.email", "is required by Gist on identify")
    if not isinstance(email, str):
        raise Rejected("traits.email", "is not a string")
    return drop_empty(
        {
            "user_id": event.user_id,
            "email": email,
            "name": _name(rest),
            "phone": _take_text(rest, "phone"),
            "signed_up_at": _signed_up_at(rest),
            "last_seen_ip": _string(context.get("ip")),
            "last_seen_user_agent": _string(context.get("userAgent")),
            "custom_properties": _custom_properties(rest),
        }
    )


def _event(event: Event) -> dict[str, Any]:
    """Return an event to record; it has no traits, since it never updates a contact [doc]."""
    email = _email(event)
    if not email and not event.user_id:
        raise Rejected("userId", "is required by Gist on track, or an email")
    found = {
        "event_name": event.name,
        "email": email,
        "user_id": event.user_id,
        "properties": event.properties or {},
        "occurred_at": _occurred_at(event),
    }
    return {key: value for key, value in found.items() if value is not None}


def _occurred_at(event: Event) -> int | None:
    for _, moment in event.times():
        if carries(moment):
            return int(moment.timestamp() // 1)
    return None


def _email(event: Event) -> str | None:
    """Return the email of a track, from its properties or its context [doc]."""
    properties, context = event.properties or {}, event.context or {}
    traits = context.get("traits")
    further = traits.get("email") if isinstance(traits, dict) else None
    return _string(properties.get("email")) or _string(further)


def _name(rest: dict[str, Any]) -> str | None:
    """Remove and return the name, or else the first and last name."""
    if name := _take_text(rest, "name"):
        return name
    first = _take_text(rest, "firstName") or _take_text(rest, "first_name")
    last = _take_text(rest, "lastName") or _take_text(rest, "last_name")
    return " ".join(filter(None, (first, last))) or None


def _signed_up_at(rest: dict[str, Any]) -> int | None:
    for key in ("createdAt", "created_at"):
        seconds = unix_seconds(rest.get(key))
        if seconds is not None:
            del rest[key]
            return seconds
    return None


def _take_text(rest: dict[str, Any], key: str) -> str | None:
    """Remove and return a text or number as text; None for an empty one. Other types stay."""
    value = rest.get(key)
    if isinstance(value, bool | dict | list):
        return None
    rest.pop(key, None)
    return text(value) if value not in (None, "") else None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _custom_properties(rest: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten the remaining traits: nested keys dotted, lists of plain values joined [code]."""
    flat: dict[str, Any] = {}
    for key, value in rest.items():
        if value == []:
            continue
        if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
            flat[key] = ", ".join(text(item) for item in value if item is not None)
        else:
            flat.update(leaf_values(value, key))
    return flat


def remarks(event: Event, settings: Settings) -> Iterator[Remark]:  # noqa: ARG001  # the interface
    """Yield a remark for each trait that is not flat, and for a track without an email."""
    yield from numeric_ids(event, ("userId",))
    if event.type == "track":
        if not _email(event):
            yield Remark("properties.email", "is missing: Gist creates no contact from this event")
        if event.time and _occurred_at(event) is None:
            yield Remark(time_field(event), "is before 1970, so Gist is sent no time")
        return
    for path, value in event.object("traits").items():
        if isinstance(value, dict | list):
            yield Remark(
                f"traits.{path}", f"is {value_kind(value)} and {_becomes(value)}", "SEG312"
            )


def _becomes(value: dict[str, Any] | list[Any]) -> str:
    """Describe what `_custom_properties` makes of a trait that is not flat."""
    flat = _custom_properties({"": value})
    if not flat:
        return "holds no value, so it is not sent"
    return "becomes text" if "" in flat else "becomes flat properties"


GIST = Destination(
    name="gist",
    label="Gist",
    settings=Settings,
    types=frozenset({"identify", "track"}),
    payload=payload,
    reads=reads,
    copies={"track": frozenset({"properties"})},
    request=request,
    carries=carries,
    max_events=max_events,
    wanted_bytes=wanted_bytes,
    remarks=remarks,
    # Nothing is published about old events, duplicates or automations.
    replay=Replay(
        checked="2026-11-30",
        time="occurred_at",
        time_unit="seconds",
        profiles="last",
        source=(
            Evidence("time", "guess", "as in the rest of the API; the field is in Gist's Ruby SDK"),
            Evidence("profiles", "guess", "POST /contacts updates, and takes no time"),
        ),
    ),
    about="Messaging and CRM. One contact or event a request; optionally contacts in batches.",
    fields=(
        Field("userId", "user_id", "required on identify"),
        Field("traits.email", "email", "required", on="identify"),
        Field(
            "traits.name", "name", "else firstName lastName, first_name last_name", on="identify"
        ),
        Field("traits.phone", "phone", on="identify"),
        Field("traits.createdAt", "signed_up_at", "or created_at; as unix seconds", on="identify"),
        Field("context.ip", "last_seen_ip", on="identify"),
        Field("context.userAgent", "last_seen_user_agent", on="identify"),
        Field("traits.*", "custom_properties.*", "every other trait, flat", on="identify"),
        Field("event", "event_name", on="track"),
        Field("properties.email", "email", "else context.traits.email", on="track"),
        Field("context.traits.email", "email", "without properties.email", on="track"),
        Field("properties.*", "properties.*", "as it is", on="track"),
        Field(
            "timestamp",
            "occurred_at",
            "else originalTimestamp, receivedAt, sentAt; as unix seconds, from 1970 on",
            on="track",
        ),
    ),
)

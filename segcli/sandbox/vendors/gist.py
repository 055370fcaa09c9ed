"""Gist as a server: contacts alone or in batches, and events, which never update a contact."""

import json
from typing import Any
from zlib import crc32

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.credentials import bearer
from segcli.sandbox.vendors.rules import (
    SCALAR_TYPES,
    no_text,
    not_object,
    not_seconds,
    not_text,
    unknown_key,
    wrong,
    wrong_types,
    wrong_values,
)
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
    single,
)

_UNAUTHORIZED = 401

# [code] the fields of a contact in Gist's Ruby SDK.
_CONTACT_TYPES: dict[str, type] = {
    "name": str,
    "phone": str,
    "last_seen_ip": str,
    "last_seen_user_agent": str,
    "unsubscribed_from_emails": bool,
    "tags": list,
}
_IDS = ("user_id", "email")
_CONTACT = frozenset({*_IDS, *_CONTACT_TYPES, "signed_up_at", "custom_properties"})
# [code] the Ruby SDK's spec, but `user_id`, which is a [guess] by analogy with contacts.
_EVENT = frozenset({*_IDS, "event_name", "properties", "occurred_at"})


def _contact_problem(contact: JSON) -> str:
    """Return the first problem of a contact, or "".

    It needs `user_id` or `email` [third party]; the fields and their types are known [code].
    Custom properties are flat. Only strings and integers were seen [code]; this vendor also takes
    other numbers and booleans.
    """
    return (
        not_object(contact, "the contact")
        or unknown_key(contact, _CONTACT)
        or _id_problem(contact)
        or wrong_types(contact, _CONTACT_TYPES)
        or _tags_problem(contact.get("tags", []))
        or not_seconds(contact, "signed_up_at")
        or wrong_values(contact.get("custom_properties", {}), "custom_properties", SCALAR_TYPES)
    )


def _event_problem(event: JSON) -> str:
    """Return the first problem of an event, or "".

    Only identify updates contacts [doc], so a contact's field in an event is wrong. The unit of
    `occurred_at` is a [guess]: unix seconds, like all other times of Gist.
    """
    return (
        not_object(event, "the event")
        or _contact_field(event)
        or unknown_key(event, _EVENT)
        or no_text(event, "event_name")
        or _id_problem(event)
        or wrong_types(event, {"properties": dict})
        or not_seconds(event, "occurred_at")
    )


def _contact_field(event: dict[str, Any]) -> str:
    for name in event:
        if name in _CONTACT and name not in _EVENT:
            return f"{name} belongs to a contact: an event must not update one"
    return ""


def _id_problem(thing: dict[str, Any]) -> str:
    given = [name for name in _IDS if name in thing]
    for name in given:
        if problem := not_text(thing[name], name):
            return problem
    return "" if given else "user_id or email is required"


def _tags_problem(tags: list[Any]) -> str:
    for index, tag in enumerate(tags):
        if type(tag) is not str:
            return wrong(f"tags[{index}]", "a string", tag)
    return ""


def _contacts(call: Call, value: JSON) -> RequestReading:
    """Read a batch, `{"contacts": [...]}` [code]; one wrong contact refuses all of it [guess]."""
    problem = (
        not_object(value, "the body")
        or unknown_key(value, frozenset({"contacts"}))
        or wrong_types({"contacts": value.get("contacts")}, {"contacts": list})
    )
    if problem:
        return Refusal(400, problem)
    items = tuple(map(ReceivedItem, value["contacts"], elements(call.body, "contacts")))
    for index, item in enumerate(items):
        if problem := _contact_problem(item.payload):
            return Refusal(400, f"contacts[{index}]: {problem}")
    return items or Refusal(400, "contacts must not be empty")


def _stored(contact: dict[str, Any]) -> dict[str, Any]:
    """Return a contact in a reply; the same person always has the same id."""
    person = {name: contact[name] for name in _IDS if name in contact}
    return {"id": crc32(repr(next(iter(person.values()))).encode()), **person}


def _contact_reply(items: tuple[ReceivedItem, ...]) -> bytes:
    return json.dumps({"contact": _stored(items[0].payload)}).encode()


def _contacts_reply(items: tuple[ReceivedItem, ...]) -> bytes:
    """Return the reply to a batch [guess]: status and form are not documented."""
    return json.dumps({"contacts": [_stored(item.payload) for item in items]}).encode()


def _event_reply(items: tuple[ReceivedItem, ...]) -> bytes:
    """Return the reply to an event [guess], by analogy with contacts."""
    return json.dumps({"event": {"event_name": items[0].payload["event_name"]}}).encode()


def _error(status: int, problem: str) -> dict[str, Any]:
    """Return the body of an error in Gist's form [code]; the code of a 401 is a [guess]."""
    code = {"code": "unauthorized"} if status == _UNAUTHORIZED else {}
    return {"errors": [{"message": problem, **code}]}


GIST = Vendor(
    routes={
        "/contacts": {
            "GET": VendorRoute(None, always(b'{"contacts":[]}')),
            "POST": VendorRoute(single(_contact_problem), _contact_reply),
        },
        "/contacts/batch": {"POST": VendorRoute(_contacts, _contacts_reply)},
        "/events": {"POST": VendorRoute(single(_event_problem), _event_reply)},
    },
    error=_error,
    header=b"authorization",
    credential=bearer,
    key_hint="Authorization must be Bearer <key>",
)

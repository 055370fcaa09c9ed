"""HubSpot as a server: custom events and contacts, in batches.

Rules from its public API descriptions [doc]. Events may be backdated, and no oldest time is stated.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.credentials import bearer
from segcli.sandbox.vendors.rules import (
    TEXT_TYPES,
    below_field,
    no_text,
    not_list_under,
    not_object,
    not_one_of,
    not_time,
    unknown_key,
    wrong_values,
)
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
    read_list,
)

# [third party] How many of a request are taken.
_MOST_EVENTS, _MOST_CONTACTS = 500, 100
_EVENT = frozenset({"eventName", "occurredAt", "email", "utk", "objectId", "properties", "uuid"})
_CONTACT = frozenset({"id", "idProperty", "properties", "objectWriteTraceId"})
# pe<HubID>_<name> [doc]; a rehearsal has names of its own, so their characters only.
_NAME = re.compile("[a-z][a-z0-9_-]*")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def _events(call: Call, value: JSON) -> RequestReading:
    """Read events; one that is wrong refuses all: no results for single ones are described."""
    if problem := not_list_under(value, "inputs"):
        return Refusal(400, problem)
    if problem := next(filter(None, map(_event_problem, value["inputs"])), ""):
        return Refusal(400, problem)
    return read_list(
        value["inputs"], elements(call.body, "inputs"), lambda _: "", most=_MOST_EVENTS
    )


def _event_problem(event: JSON) -> str:
    if problem := (
        not_object(event, "the event")
        or unknown_key(event, _EVENT)
        or no_text(event, "eventName", "uuid")
        or not_one_of(event, "email", "utk", "objectId")
        or not_time(event.get("occurredAt"), "occurredAt")
        or wrong_values(event.get("properties", {}), "properties", TEXT_TYPES)
    ):
        return problem
    if not _NAME.fullmatch(event["eventName"]):
        return "eventName must be small letters, digits, _ and -"
    return "" if _UUID.fullmatch(event["uuid"]) else "uuid must be a UUID"


def _contacts(call: Call, value: JSON) -> RequestReading:
    """Read contacts; the others are taken if some are wrong."""
    if problem := not_list_under(value, "inputs"):
        return Refusal(400, problem)
    return read_list(
        value["inputs"], elements(call.body, "inputs"), _contact_problem, most=_MOST_CONTACTS
    )


def _contact_problem(contact: JSON) -> str:
    return (
        not_object(contact, "the contact")
        or unknown_key(contact, _CONTACT)
        or no_text(contact, "id", "idProperty")
        or ("" if contact["idProperty"] == "email" else "idProperty must be email")
        or ("" if "@" in contact["id"] else "id must be an email address")
        or below_field("properties", not_object(contact.get("properties"), "properties"))
    )


def _some_failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    """Return a 207 that names contacts by their ids; a 400 for events, of which none is named."""
    if not _are_contacts(items):
        return 400, json.dumps(_error(400, "an event failed")).encode()
    errors = [_failed_contact(items[place]) for place in failed]
    return 207, json.dumps({"results": [], "errors": errors, "numErrors": len(errors)}).encode()


def _failed_contact(item: ReceivedItem) -> dict[str, Any]:
    name = item.payload.get("id", "") if isinstance(item.payload, dict) else ""
    return {"category": "VALIDATION_ERROR", "message": item.why, "context": {"ids": [name]}}


def _lost(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> Mapping[int, int]:
    """Return what is not taken: contacts of an id that failed; none of the events."""
    if not _are_contacts(items):
        return {place: failed.get(place, 400) for place in range(len(items))}
    bad = {_failed_contact(items[place])["context"]["ids"][0] for place in failed}
    ids = [_failed_contact(item)["context"]["ids"][0] for item in items]
    return {place: 422 for place, one in enumerate(ids) if one in bad}


def _are_contacts(items: Sequence[ReceivedItem]) -> bool:
    return any(item.has("idProperty") for item in items)


def _error(_status: int, problem: str) -> dict[str, Any]:
    return {"category": "VALIDATION_ERROR", "correlationId": "sandbox", "message": problem}


HUBSPOT = Vendor(
    routes={
        "/events/v3/send/batch": {"POST": VendorRoute(_events, always(b""))},
        "/crm/v3/objects/contacts/batch/upsert": {
            "POST": VendorRoute(_contacts, always(b'{"status":"COMPLETE","results":[]}'))
        },
    },
    error=_error,
    header=b"authorization",
    credential=bearer,
    key_hint="Authorization must be Bearer <access token>",
    by_item=_some_failed,
    lost=_lost,
)

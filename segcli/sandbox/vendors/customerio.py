"""Customer.io as a server: people and objects by the Track API v2, in batches.

Rules from its documentation [doc]: the Track API v2 of docs.customer.io. No age is refused: what is
old is stored, and starts no campaign.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.credentials import basic_password
from segcli.sandbox.vendors.rules import (
    below_field,
    no_text,
    not_list_under,
    not_object,
    not_one_of,
    not_seconds,
    too_many_bytes,
    unknown_key,
    wrong,
    wrong_types,
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

_MOST_BYTES = 500_000
_ITEM_BYTES = 32_000
_NAME_BYTES = 100
_VALUE_BYTES = 1_000
_MOST_ATTRIBUTES = 300
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
_IDS = ("id", "email", "cio_id", "anonymous_id")
_EVENTS = frozenset({"event", "page", "screen"})
_PERSON = frozenset(
    {"type", "action", "identifiers", "name", "id", "timestamp", "attributes", "cio_relationships"}
)
_OBJECT = frozenset(
    {"type", "action", "identifiers", "attributes", "cio_relationships", "created_at", "timestamp"}
)
_RELATIONSHIP = frozenset({"identifiers", "relationship_attributes"})


def _batch(call: Call, value: JSON) -> RequestReading:
    """Read a batch; the others are taken if some of it are wrong."""
    if len(call.body) > _MOST_BYTES:
        return Refusal(413, f"the body must have at most {_MOST_BYTES:,} bytes")
    if problem := not_list_under(value, "batch"):
        return Refusal(400, problem)
    raws = elements(call.body, "batch")
    return read_list(value["batch"], raws, _item_problem, most_bytes=_ITEM_BYTES)


def _item_problem(item: JSON) -> str:
    if problem := not_object(item, "the item") or no_text(item, "type", "action"):
        return problem
    if item["type"] == "person":
        return _person_problem(item)
    return _object_problem(item) if item["type"] == "object" else "type must be person or object"


def _person_problem(item: dict[str, Any]) -> str:
    if item["action"] != "identify" and item["action"] not in _EVENTS:
        return "action must be identify, event, page or screen"
    return (
        unknown_key(item, _PERSON)
        or _identifiers_problem(item.get("identifiers"))
        or not_seconds(item, "timestamp")
        or _attributes_problem(item.get("attributes", {}))
        or (_event_problem(item) if item["action"] in _EVENTS else "")
    )


def _event_problem(item: dict[str, Any]) -> str:
    """Return a problem of an event. The name of a page is its address, of any length [guess]."""
    if problem := no_text(item, "name") or wrong_types(item, {"id": str}):
        return problem
    if "id" in item and not _ULID.fullmatch(item["id"]):
        return "id must be a ULID"
    return "" if item["action"] == "page" else too_many_bytes(item["name"], "name", _NAME_BYTES)


def _object_problem(item: dict[str, Any]) -> str:
    if item["action"] != "identify":
        return "action of an object must be identify"
    identifiers: Any = item.get("identifiers")
    return (
        unknown_key(item, _OBJECT)
        or not_object(identifiers, "identifiers")
        or below_field("identifiers", no_text(identifiers, "object_type_id", "object_id"))
        or not_seconds(item, "created_at")
        or _attributes_problem(item.get("attributes", {}))
        or _relationships_problem(item.get("cio_relationships", []))
    )


def _relationships_problem(relationships: JSON) -> str:
    if type(relationships) is not list:
        return wrong("cio_relationships", "an array", relationships)
    for one in relationships:
        problem = not_object(one, "cio_relationships[]") or unknown_key(one, _RELATIONSHIP)
        if problem or (problem := _identifiers_problem(one.get("identifiers"))):
            return problem
    return ""


def _identifiers_problem(identifiers: JSON) -> str:
    return not_object(identifiers, "identifiers") or below_field(
        "identifiers", not_one_of(identifiers, *_IDS) or _several(identifiers)
    )


def _several(identifiers: dict[str, Any]) -> str:
    return f"{' or '.join(_IDS)} must stand alone" if len(identifiers) > 1 else ""


def _attributes_problem(attributes: JSON) -> str:
    if problem := not_object(attributes, "attributes"):
        return problem
    if len(attributes) > _MOST_ATTRIBUTES:
        return f"attributes must be at most {_MOST_ATTRIBUTES}"
    for name, value in attributes.items():
        if problem := too_many_bytes(value, f"attributes.{name}", _VALUE_BYTES):
            return problem
    return ""


def _some_failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    """Return a 207 with the items that failed."""
    errors = [_error_of(place, items[place]) for place in failed]
    return 207, json.dumps({"errors": errors}).encode()


def _error_of(place: int, item: ReceivedItem) -> dict[str, Any]:
    return {"batch_index": place, "reason": "invalid", "field": item.field, "message": item.why}


def _error(_status: int, problem: str) -> dict[str, Any]:
    """Return the body of an error [guess]: that of a whole request is not described."""
    return {"meta": {"error": problem}}


CUSTOMERIO = Vendor(
    routes={"/api/v2/batch": {"POST": VendorRoute(_batch, always(b"{}"))}},
    error=_error,
    header=b"authorization",
    key_hint='Authorization must be Basic base64("<site id>:<API key>")',
    admits=lambda call: basic_password(call.headers.get(b"authorization", b"")) == call.key,
    by_item=_some_failed,
)

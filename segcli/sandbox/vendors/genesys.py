"""Genesys Cloud as a server: external events of Journey Management, and access tokens.

Rules from its SDK [doc] and its help [doc]. Nothing is said of the oldest time.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements, parse_form
from segcli.sandbox.vendors.credentials import basic_password
from segcli.sandbox.vendors.file_tokens import ACCESS_TOKEN, TOKEN_PATH
from segcli.sandbox.vendors.rules import (
    SCALAR_TYPES,
    below_field,
    no_text,
    not_list_under,
    not_object,
    not_time,
    unknown_key,
    wrong,
    wrong_values,
)
from segcli.sandbox.vendors.vendor import (
    LATER,
    NEVER,
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
    read_list,
)

_MOST_ATTRIBUTES = 50
_EVENT = frozenset({"id", "dateCreated", "identifiers", "attributes"})
_ID = frozenset({"value", "externalSourceId"})
_PATH = re.compile("/api/v2/journey/externalevents/configurations/[^/]+/events")
_EVENTS_ROUTE = "/events"


def _events(call: Call, value: JSON) -> RequestReading:
    """Read events; the others are taken if some are wrong."""
    if problem := not_list_under(value, "entities"):
        return Refusal(400, problem)
    return read_list(value["entities"], elements(call.body, "entities"), _event_problem)


def _event_problem(event: JSON) -> str:
    return (
        not_object(event, "the event")
        or unknown_key(event, _EVENT)
        or no_text(event, "id")
        or not_time(event.get("dateCreated"), "dateCreated")
        or below_field("identifiers", _identifiers_problem(event.get("identifiers")))
        or _attributes_problem(event.get("attributes", {}))
    )


def _identifiers_problem(identifiers: JSON) -> str:
    ids = identifiers.get("externalIds") if isinstance(identifiers, dict) else None
    if type(ids) is not list or not ids:
        return wrong("externalIds", "an array that is not empty", ids)
    for one in ids:
        problem = not_object(one, "externalIds[]") or unknown_key(one, _ID)
        if problem or (problem := no_text(one, "value", "externalSourceId")):
            return problem
    return ""


def _attributes_problem(attributes: JSON) -> str:
    if problem := wrong_values(attributes, "attributes", SCALAR_TYPES):
        return problem
    is_large = len(attributes) > _MOST_ATTRIBUTES
    return f"attributes must be at most {_MOST_ATTRIBUTES}" if is_large else ""


def _some_failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    """Return a reply of partial success."""
    entries = [_unprocessed(items[place], place, status) for place, status in failed.items()]
    return 200, json.dumps({"unprocessedEntities": entries}).encode()


def _unprocessed(item: ReceivedItem, place: int, status: int) -> dict[str, Any]:
    return {
        "event": item.payload,
        "originalRequestIndex": place,
        "isRetryable": status == LATER,
        "errorMessage": item.why,
        "statusCode": status if status == LATER else min(status, NEVER),
    }


def _token(call: Call, fields: JSON) -> RequestReading:
    if fields.get("grant_type") != "client_credentials":
        return Refusal(400, "grant_type must be client_credentials")
    given = basic_password(call.headers.get(b"authorization", b""))
    return () if given == call.key else Refusal(401, "the secret of the client is wrong")


def _form(call: Call) -> JSON:
    return parse_form(call.body)


def _admits(call: Call) -> bool:
    token = f"Bearer {ACCESS_TOKEN}".encode()
    return call.path == TOKEN_PATH or call.headers.get(b"authorization") == token


def _route(call: Call) -> str:
    return _EVENTS_ROUTE if _PATH.fullmatch(call.path) else call.path


def _error(status: int, problem: str) -> dict[str, Any]:
    return {"message": problem, "code": "bad.request", "status": status, "contextId": "sandbox"}


_TOKEN = json.dumps({"access_token": ACCESS_TOKEN, "token_type": "bearer", "expires_in": 86_399})
GENESYS = Vendor(
    routes={
        _EVENTS_ROUTE: {"POST": VendorRoute(_events, always(b'{"unprocessedEntities":[]}'))},
        TOKEN_PATH: {"POST": VendorRoute(_token, always(_TOKEN.encode()), _form)},
    },
    error=_error,
    key_hint="Authorization must be Bearer <access token>",
    json_only=False,
    admits=_admits,
    route_of=_route,
    by_item=_some_failed,
)

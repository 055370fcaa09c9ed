"""Iterable as a server: events and users in bulk.

Rules from the texts of its API [doc] as generated clients carry them, and from public code [code].
Items that fail are named by email, user id or event name, in a 200.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.rules import (
    no_text,
    not_list_under,
    not_object,
    not_one_of,
    not_seconds,
    unknown_key,
    wrong_types,
)
from segcli.sandbox.vendors.vendor import (
    NEVER,
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    read_list,
)

# [code] The bounds of a request.
_MOST_ITEMS = 1_001
_MOST_BYTES = 4 * 1024 * 1024
_EVENT = frozenset(
    {
        *("email", "userId", "eventName", "id", "createdAt", "dataFields"),
        *("campaignId", "templateId"),
    }
)
_USER = frozenset({"email", "userId", "dataFields", "mergeNestedObjects", "preferUserId"})


def _list(name: str, problem: Callable[[JSON], str], call: Call, value: JSON) -> RequestReading:
    """Read a list. A wrong form refuses all [guess]; an invalid address its own items only."""
    if len(call.body) > _MOST_BYTES:
        return Refusal(413, f"the body must have at most {_MOST_BYTES:,} bytes")
    found = not_list_under(value, name) or next(filter(None, map(problem, value[name])), "")
    if found:
        return Refusal(400, found)
    return read_list(value[name], elements(call.body, name), _address_problem, most=_MOST_ITEMS)


def _address_problem(item: JSON) -> str:
    """Return a problem of an email without @, by which the item is named in the reply."""
    return "" if "@" in item.get("email", "@") else "email is not an address"


def _event_problem(event: JSON) -> str:
    return (
        not_object(event, "the event")
        or unknown_key(event, _EVENT)
        or no_text(event, "eventName")
        or not_one_of(event, "email", "userId")
        or wrong_types(event, {"id": str, "dataFields": dict, "campaignId": int, "templateId": int})
        or not_seconds(event, "createdAt")
    )


def _user_problem(user: JSON) -> str:
    return (
        not_object(user, "the user")
        or unknown_key(user, _USER)
        or not_one_of(user, "email", "userId")
        or wrong_types(user, {"dataFields": dict, "mergeNestedObjects": bool, "preferUserId": bool})
    )


def _ids_of(item: ReceivedItem) -> tuple[str, Any]:
    """Return the list that an item is named in when it fails, and what it has there."""
    payload = item.payload if isinstance(item.payload, dict) else {}
    if payload.get("email"):
        return "invalidEmails", payload["email"]
    return "invalidUserIds", payload.get("userId", "")


def _taken(items: Sequence[ReceivedItem]) -> bytes:
    return _reply(len(items), {})


def _reply(taken: int, failed: Mapping[str, list[Any]]) -> bytes:
    return json.dumps({
        "successCount": taken,
        "failCount": sum(map(len, failed.values())),
        "invalidEmails": failed.get("invalidEmails", []),
        "invalidUserIds": failed.get("invalidUserIds", []),
        "disallowedEventNames": [],
        "failedUpdates": {"notFoundEmails": [], "notFoundUserIds": [], **failed},
    }).encode()  # fmt: skip


def _some_failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    names: dict[str, list[Any]] = {}
    for place in failed:
        name, value = _ids_of(items[place])
        names.setdefault(name, []).append(value)
    return 200, _reply(len(items) - len(failed), names)


def _lost(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> Mapping[int, int]:
    """Return the items that are not taken: all of a user who is named."""
    bad = {_ids_of(items[place]) for place in failed}
    return {place: NEVER for place, item in enumerate(items) if _ids_of(item) in bad}


def _error(_status: int, problem: str) -> dict[str, Any]:
    return {"code": "BadParams", "msg": problem, "params": None}


ITERABLE = Vendor(
    routes={
        "/api/events/trackBulk": {
            "POST": VendorRoute(partial(_list, "events", _event_problem), _taken)
        },
        "/api/users/bulkUpdate": {
            "POST": VendorRoute(partial(_list, "users", _user_problem), _taken)
        },
    },
    error=_error,
    header=b"api-key",
    key_hint="Api-Key must be the key",
    by_item=_some_failed,
    lost=_lost,
)

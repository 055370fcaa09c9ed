"""Braze as a server: /users/track, with attributes, events and purchases.

Rules from its documentation [doc]: the pages post_user_track, api_limits and event_object. The
others of a request are taken if some are wrong.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.credentials import bearer
from segcli.sandbox.vendors.rules import (
    json_size,
    no_text,
    not_object,
    not_time,
    too_long,
    unknown_key,
    wrong_numbers,
    wrong_types,
)
from segcli.sandbox.vendors.vendor import (
    NEVER,
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    always,
    read_list,
)

_MOST = 75
_LONGEST = 255
_PROPERTIES_BYTES = 50_000
_IDS = frozenset({"external_id", "user_alias", "braze_id", "email", "phone"})
_ID_TYPES: dict[str, type] = {
    **dict.fromkeys(("external_id", "braze_id", "email", "phone"), str),
    "user_alias": dict,
    "_update_existing_only": bool,
}
_EVENT = _IDS | {"app_id", "name", "time", "properties", "_update_existing_only"}
_PURCHASE = _IDS | {
    *("app_id", "product_id", "currency", "price", "quantity", "time", "properties"),
    "_update_existing_only",
}
# "M", "F", "O" (other), "N" (not applicable), "P" (prefer not to say), or null.
_GENDERS = frozenset({"M", "F", "O", "N", "P"})


def _track(call: Call, value: JSON) -> RequestReading:
    if problem := (
        not_object(value, "the body")
        or unknown_key(value, _PROBLEMS.keys())
        or wrong_types(value, dict.fromkeys(_PROBLEMS, list))
    ):
        return Refusal(400, problem)
    if sum(map(len, value.values())) > _MOST:
        return Refusal(400, f"there must be at most {_MOST} objects in all")
    readings = [
        read_list(value[name], elements(call.body, name), problem)
        for name, problem in _PROBLEMS.items()
        if value.get(name)
    ]
    if not readings:
        return Refusal(400, "attributes, events or purchases are required")
    return tuple(chain.from_iterable(r for r in readings if not isinstance(r, Refusal)))


def _event_problem(event: JSON) -> str:
    return (
        not_object(event, "event")
        or unknown_key(event, _EVENT)
        or _user_problem(event)
        or no_text(event, "name", "time")
        or too_long(event["name"], "name", _LONGEST)
        or not_time(event["time"], "time")
        or _properties_problem(event.get("properties"))
    )


def _purchase_problem(purchase: JSON) -> str:
    return (
        not_object(purchase, "purchase")
        or unknown_key(purchase, _PURCHASE)
        or _user_problem(purchase)
        or no_text(purchase, "product_id", "currency", "time")
        or wrong_numbers(purchase, ("price", "quantity"))
        or not_time(purchase["time"], "time")
        or _properties_problem(purchase.get("properties"))
    )


def _attributes_problem(attributes: JSON) -> str:
    if problem := not_object(attributes, "attributes") or _user_problem(attributes):
        return problem
    if attributes.get("gender") not in {None, *_GENDERS}:
        return f"gender must be one of {', '.join(sorted(_GENDERS))}"
    found = (_named_problem(name, value) for name, value in attributes.items())
    return next(filter(None, found), "")


def _user_problem(thing: dict[str, Any]) -> str:
    given = [name for name in _IDS if thing.get(name)]
    problem = wrong_types({name: thing[name] for name in thing if thing[name] is not None},
                          _ID_TYPES)  # fmt: skip
    if problem:
        return problem
    return "" if given else "external_id, user_alias, braze_id, email or phone is required"


def _properties_problem(properties: JSON) -> str:
    if properties is None:
        return ""
    if problem := not_object(properties, "properties"):
        return problem
    if json_size(properties) > _PROPERTIES_BYTES:
        return f"properties must have at most {_PROPERTIES_BYTES:,} bytes"
    found = (_named_problem(name, value) for name, value in properties.items())
    return next(filter(None, found), "")


def _named_problem(name: str, value: JSON) -> str:
    """Return the problem of a property or attribute."""
    if not name or name.startswith("$"):
        return "properties must have names that do not begin with $"
    return too_long(name, "properties", _LONGEST) or too_long(value, "properties", _LONGEST)


_PROBLEMS: Mapping[str, Callable[[JSON], str]] = {
    "attributes": _attributes_problem,
    "events": _event_problem,
    "purchases": _purchase_problem,
}


def _some_failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    """Return the reply that names what was not taken: 201, or 400 if that is all."""
    kinds = [_kind_of(item) for item in items]
    errors = [
        {
            "type": items[place].why,
            "input_array": kinds[place],
            "index": place - kinds.index(kinds[place]),
        }
        for place in failed
    ]
    is_all = len(failed) == len(items) and NEVER in failed.values()
    message = errors[0]["type"] if is_all else "success"
    return 400 if is_all else 201, json.dumps({"message": message, "errors": errors}).encode()


def _kind_of(item: ReceivedItem) -> str:
    """Return the list that an object stands in: they come in the order of the lists."""
    if item.has("product_id"):
        return "purchases"
    return "events" if item.has("name") else "attributes"


def _error(_status: int, problem: str) -> dict[str, Any]:
    return {"message": problem, "errors": []}


BRAZE = Vendor(
    routes={"/users/track": {"POST": VendorRoute(_track, always(b'{"message":"success"}'))}},
    error=_error,
    header=b"authorization",
    credential=bearer,
    key_hint="Authorization must be Bearer <key>",
    by_item=_some_failed,
)

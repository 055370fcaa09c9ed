"""Mixpanel as a server: events by the import API in strict mode, profiles and groups.

Rules from its documentation [doc]: docs.mixpanel.com/reference/import-events, and the API
description in the repository mixpanel/docs.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from segcli.local_server.http_reply import Refusal
from segcli.sandbox.json_body import JSON, elements
from segcli.sandbox.vendors.credentials import basic
from segcli.sandbox.vendors.rules import (
    no_text,
    not_between,
    not_object,
    not_text,
    too_deep,
    unknown_key,
    wrong,
)
from segcli.sandbox.vendors.vendor import (
    Call,
    ReceivedItem,
    RequestReading,
    Vendor,
    VendorRoute,
    read_list,
    whole_or_none,
)

_MOST_EVENTS = 2_000
# An example of a 413 names this size; the text says 10 MB.
_MOST_BYTES = 2_097_152
_EVENT_BYTES = 1_000_000
# "Fewer than 255".
_MOST_PROPERTIES = 254
_LEVELS = 3
# 1971-01-01, in seconds; and how far in the future a time may be.
_OLDEST, _AHEAD = 31_536_000, 3_600
# A time below it is in seconds.
_MILLISECONDS = 10_000_000_000
_INSERT_ID = re.compile(r"[A-Za-z0-9-]{1,36}")
# Some of those that the documentation lists.
_NOBODY = frozenset({"anonymous", "null", "0"})
_OPERATIONS = frozenset({"$set", "$set_once", "$union", "$append", "$remove", "$unset", "$delete"})
_PROFILE = _OPERATIONS | {"$token", "$distinct_id", "$ip", "$ignore_time"}
_GROUP = _OPERATIONS | {"$token", "$group_key", "$group_id"}
# The most profiles or groups of a request [third party].
_MOST_PROFILES = 2_000


def _events(call: Call, value: JSON) -> RequestReading:
    """Read events. The others are taken if some are wrong."""
    if "strict=1" not in call.query.split("&"):
        return Refusal(400, "without strict=1 wrong events would be dropped silently")
    if len(call.body) > _MOST_BYTES:
        return Refusal(413, f"the body must have at most {_MOST_BYTES:,} bytes")
    if not isinstance(value, list):
        return Refusal(400, "the body must be an array")
    raws = elements(call.body)
    return read_list(value, raws, _event_problem, most=_MOST_EVENTS, most_bytes=_EVENT_BYTES)


def _event_problem(event: JSON) -> str:
    if problem := (
        not_object(event, "event")
        or unknown_key(event, frozenset({"event", "properties"}))
        or no_text(event, "event")
        or not_object(event.get("properties"), "properties")
    ):
        return problem
    properties = event["properties"]
    if len(properties) > _MOST_PROPERTIES:
        return "properties must be fewer than 255"
    return (
        _time_problem(properties.get("time"))
        or _user_problem(properties.get("distinct_id"))
        or _insert_id_problem(properties.get("$insert_id"))
        or too_deep(list(properties.values()), "properties", _LEVELS + 1)
    )


def _time_problem(time: JSON) -> str:
    if type(time) is not int:
        return wrong("properties.time", "an integer", time)
    seconds = time if time < _MILLISECONDS else time / 1000
    return not_between(seconds, "properties.time", oldest=_OLDEST, ahead=_AHEAD)


def _user_problem(user: JSON) -> str:
    if type(user) is not str:
        return wrong("properties.distinct_id", "a string", user)
    return "properties.distinct_id is a placeholder" if user.lower() in _NOBODY else ""


def _insert_id_problem(insert_id: JSON) -> str:
    if type(insert_id) is not str:
        return wrong("properties.$insert_id", "a string", insert_id)
    fits = _INSERT_ID.fullmatch(insert_id)
    return "" if fits else "properties.$insert_id must be 1 to 36 letters, digits and -"


def _records(problem: Callable[[JSON], str], call: Call, value: JSON) -> RequestReading:
    """Read profiles or groups. The answer to wrong ones is a 200 too, told by its status."""
    if call.headers.get(b"content-encoding"):
        return Refusal(400, "the body must not be compressed")
    if "verbose=1" not in call.query.split("&"):
        return Refusal(400, "without verbose=1 the reply does not say what was wrong")
    if not isinstance(value, list):
        return Refusal(400, "the body must be an array")

    def with_key(record: JSON) -> str:
        found = problem(record)
        is_ours = found or record.get("$token") == call.key.decode()
        return found or ("" if is_ours else "$token must be the token of the project")

    return read_list(value, elements(call.body), with_key, most=_MOST_PROFILES)


def _record_problem(record: JSON, *, known: frozenset[str], ids: Sequence[str]) -> str:
    if problem := (
        not_object(record, "the record")
        or unknown_key(record, known)
        or no_text(record, "$token", *ids)
        or ("$ip" in record and not_text(record["$ip"], "$ip"))
    ):
        return problem
    given = [name for name in record if name in _OPERATIONS]
    if not given:
        return "an operation such as $set is missing"
    return not_object(record["$set"], "$set") if "$set" in given else ""


_profile_problem = partial(_record_problem, known=_PROFILE, ids=("$distinct_id",))
_group_problem = partial(_record_problem, known=_GROUP, ids=("$group_key", "$group_id"))


def _is_events(items: Sequence[ReceivedItem]) -> bool:
    return not any(item.has("$token") for item in items)


def _imported(items: Sequence[ReceivedItem]) -> bytes:
    reply = {"code": 200, "num_records_imported": len(items), "status": "OK"}
    return json.dumps(reply).encode()


def _stored(_items: Sequence[ReceivedItem]) -> bytes:
    return b'{"error":null,"status":1}'


def _some_failed(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
    """Return the reply that names the events that failed; one of profiles names none."""
    if not _is_events(items):
        reason = next(items[place].why for place in failed)
        return 200, json.dumps({"error": reason, "status": 0}).encode()
    records = [_failed_record(place, items[place]) for place in failed]
    reply = {
        "code": 400,
        "error": "some data points in the request failed validation",
        "failed_records": records,
        "num_records_imported": len(items) - len(failed),
        "status": "Bad Request",
    }
    return 400, json.dumps(reply).encode()


def _failed_record(place: int, item: ReceivedItem) -> dict[str, Any]:
    properties = item.payload.get("properties") if isinstance(item.payload, dict) else None
    insert_id = properties.get("$insert_id") if isinstance(properties, dict) else None
    return {"index": place, "$insert_id": insert_id, "field": item.field, "message": item.why}


def _lost(items: Sequence[ReceivedItem], failed: Mapping[int, int]) -> Mapping[int, int]:
    """Return the events that are not taken; none of the profiles of a request are [guess]."""
    return failed if _is_events(items) else whole_or_none(items, failed)


def _error(status: int, problem: str) -> dict[str, Any]:
    return {"code": status, "error": problem, "status": "Bad Request"}


MIXPANEL = Vendor(
    routes={
        "/import": {"POST": VendorRoute(_events, _imported)},
        "/engage": {"POST": VendorRoute(partial(_records, _profile_problem), _stored)},
        "/groups": {"POST": VendorRoute(partial(_records, _group_problem), _stored)},
    },
    error=_error,
    header=b"authorization",
    credential=basic,
    key_hint='Authorization must be Basic base64("<token>:")',
    gzip=True,
    by_item=_some_failed,
    lost=_lost,
    key_paths=frozenset({"$token"}),
)

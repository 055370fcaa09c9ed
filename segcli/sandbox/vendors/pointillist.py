"""Pointillist as a server: one event a request; every label is a string."""

from typing import Any

from segcli.sandbox.json_body import JSON
from segcli.sandbox.vendors.rules import (
    NUMBER_TYPES,
    TEXT_TYPES,
    no_text,
    not_object,
    not_text,
    not_time,
    unknown_key,
    wrong_values,
)
from segcli.sandbox.vendors.vendor import Vendor, VendorRoute, always, single

# [code] the public push script sends these and no others.
_FIELDS = frozenset(
    {"eventSource", "eventType", "eventTime", "actors", "labels", "numbers", "location"}
)


def _event_problem(event: JSON) -> str:
    """Return the first problem of an event, or "".

    The fields are those of the public push script [code]. Labels and numbers are required even if
    they are empty, because that script sends them. `location` is optional, and was only seen
    empty. Numbers must be JSON numbers, which is our choice: the script's example has a numeric
    string.
    """
    return (
        not_object(event, "the body")
        or unknown_key(event, _FIELDS)
        or no_text(event, "eventSource", "eventType", "eventTime")
        or not_time(event["eventTime"], "eventTime")
        or _actors_problem(event.get("actors"))
        or wrong_values(event.get("labels"), "labels", TEXT_TYPES)
        or wrong_values(event.get("numbers"), "numbers", NUMBER_TYPES)
        or wrong_values(event.get("location", {}), "location", ())
    )


def _actors_problem(actors: JSON) -> str:
    """Return a problem unless there is an actor, and each actor has an id that is a string.

    `actors` is {type: {id name: id}} [code].
    """
    if problem := not_object(actors, "actors"):
        return problem
    for kind, ids in actors.items():
        if problem := _ids_problem(ids, f"actors.{kind}"):
            return problem
    return "" if actors else "actors needs at least one actor with an id"


def _ids_problem(ids: JSON, name: str) -> str:
    if problem := not_object(ids, name):
        return problem
    for key, value in ids.items():
        if problem := not_text(value, f"{name}.{key}"):
            return problem
    return "" if ids else f"{name} needs at least one id"


def _error(_status: int, problem: str) -> dict[str, Any]:
    """Return the body of an error [guess]: replies are not documented."""
    return {"message": problem}


POINTILLIST = Vendor(
    routes={"/event": {"POST": VendorRoute(single(_event_problem), always(b"{}"))}},
    error=_error,
    header=b"apitoken",
    key_hint="apiToken must be the API token",
)

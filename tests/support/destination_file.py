"""Shared by the tests of destination files: an example description, and ways to change it."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from support.samples import KEY

from segcli.core.destination import Destination, Request
from segcli.core.outcome import Job
from segcli.core.settings import SettingSources, read_settings
from segcli.destination_file import destination_from_text
from segcli.destinations import BUILT_IN
from segcli.errors import DestinationError

GONE = object()
TRACK = 'type = "track"'
ACME: dict[str, Any] = {
    "name": "acme",
    "settings": {"api_key": {"secret": True, "required": True}},
    "request": {
        "url": "https://api.acme.example/v1/track",
        "auth": {"bearer": "{settings.api_key}"},
    },
    "actions": [{"subscribe": TRACK, "mapping": {"name": {"@path": "$.event"}}}],
}
TOKEN_URL = "https://auth.acme.example/oauth/token"
# The changes that make it get access tokens.
CLIENT: dict[str, Any] = {
    "settings.api_key": GONE,
    "settings.client_id": {"required": True},
    "settings.client_secret": {"secret": True, "required": True},
    "request.auth": {
        "oauth": {
            "token_url": TOKEN_URL,
            "client_id": "{settings.client_id}",
            "client_secret": "{settings.client_secret}",
        }
    },
}


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description with other values at dotted paths; what is `GONE` is taken away."""
    found: dict[str, Any] = copy.deepcopy(dict(document))
    for path, value in changes.items():
        *way, last = path.split(".")
        at: Any = found
        for name in way:
            at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
        if value is GONE:
            del at[last]
        elif isinstance(at, list) and int(last) == len(at):
            at.append(value)
        elif isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value
    return found


def with_oauth(**more: Any) -> dict[str, Any]:
    """Return the changes to a description that make it get access tokens."""
    table = CLIENT["request.auth"]["oauth"] | more
    table = {name: value for name, value in table.items() if value is not GONE}
    return CLIENT | {"request.auth": {"oauth": table}}


def no_files(name: str) -> str:
    raise ValueError(f"{name} does not exist")


def acme(changes: Mapping[str, Any] | None = None) -> Destination[Any]:
    """Return the destination of a bent description; raises DestinationError."""
    return destination_from_text(
        json.dumps(changed(ACME, changes or {})), "acme.json", no_files, taken=BUILT_IN
    )


def mistakes_in(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a description, without the name of its file."""
    try:
        destination_from_text(json.dumps(document), "acme.json", no_files, taken=BUILT_IN)
    except DestinationError as error:
        lines = error.message.split("\nacme.json: ")
        first, others = lines[0], lines[1:]
        found = [first.removeprefix("acme.json: "), *others]
        return found[1:] if first.startswith("acme.json has ") else found
    return []


def job_of(destination: Destination[Any], **given: str) -> Job:
    """Return the job of mapping for a destination, with a key."""
    keys = {"api_key": KEY} if "api_key" in destination.settings.__annotations__ else {}
    sources = SettingSources(given=keys | given, env={}, table={})
    return Job(
        destination=destination,
        settings=read_settings(destination.name, destination.settings, sources),
    )


def request_of(destination: Destination[Any], *bodies: bytes, **given: str) -> Request:
    """Return the request that posts these bodies to the first action's route."""
    job = job_of(destination, **given)
    route = next(iter(destination.layout.routes)) if destination.layout else "/"
    return destination.request(route, bodies or [b"{}"], job.settings)

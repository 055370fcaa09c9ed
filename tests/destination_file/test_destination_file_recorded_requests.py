"""Requests are those that Segment's own code was recorded to send: from event to bytes.

Mapping, fields and settings of each action are read from the recorded definitions; the tables
`request` and `batch` are in `support.recorded_actions`.
"""

import json
import re
from collections import Counter
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import pytest
from support.destination_file import no_files
from support.recorded import cases
from support.recorded_actions import TABLES

from segcli.core.destination import Request
from segcli.core.event import Event
from segcli.core.exact_json import dumps
from segcli.core.outcome import Job, Mapped, map_event
from segcli.core.settings import SettingSources, read_settings
from segcli.destination_file import destination_from_text

CASES = cases("action_requests.jsonl")
pytestmark = pytest.mark.skipif(not CASES, reason="nothing is recorded here")

# Destinations of which nearly all recorded requests are made, without code.
EXPRESSED = {
    *("adjust", "attentive", "canny-functions", "customerio", "facebook-conversions-api"),
    *("google-analytics-4", "june", "klaviyo", "launchdarkly", "loops", "posthog"),
    *("reddit-conversions-api", "sendgrid", "twilio", "userpilot"),
}
DATES = "dates in the profile are rewritten as 2026-02-03 04:05:06 +00:00, under any key"
LISTS = "lists of objects are joined to one text"
# Recorded lines whose request is another one here, with the reason.
DIFFERENCES = {
    "rq328": "without a timestamp Segment's code takes the time at which it runs",
    **dict.fromkeys(("rq96", "rq104", "rq112", "rq117", "rq121"), DATES),
    **dict.fromkeys(("rq150", "rq157", "rq161"), LISTS),
    **dict.fromkeys(("rq583", "rq591"), 'a null becomes the text "null" where values are texts'),
    "rq188": "an event without a user is not sent before the contact is looked for",
}
SEVERAL = "several requests for an event, of which each needs the reply to the one before"
# Actions that nothing is written for, with the reason.
NOT_EXPRESSED = {
    "amplitude": "the user agent is taken apart",
    "mixpanel": "the user agent is taken apart",
    "attribution": "the path is made of the first letter of a field",
    "braze/ecommerce": "refused: an event without products",
    "braze/createAlias": "refused: an event without an alias",
    "braze/trackPurchase": "fields of the payload are copied into each item of a list",
    "fullstory": "names of fields end in the type of their value",
    "heap-cloud": SEVERAL,
    "hubspot/customEvent": SEVERAL,
    "hubspot/upsertContact": SEVERAL,
    "intercom/groupIdentifyContact": SEVERAL,
    "intercom/identifyContact": SEVERAL,
    "klaviyo/addProfileToList": "refused: an audience without a list",
    "klaviyo/removeProfileFromList": "refused: an audience without a list",
    "customerio/deleteRelationship": "refused: a relationship without an object",
    "customerio/reportContentEvent": "refused: an event without content",
    "podscribe": "parameters of the query are left out where a value is absent",
    "webhook": "the body is signed",
}
TOKEN = "SET_access_token"


@cache
def definitions() -> dict[str, Any]:
    return {one["id"]: one for one in cases("action_definitions.jsonl")}


def table_of(action: str) -> Any:
    """Return what is written for an action: for this definition of it, or for all."""
    return TABLES.get(action) or TABLES.get(action.partition("#")[0])


@cache
def job_of_action(action: str) -> Job:
    """Return the job that sends the payloads of a recorded definition."""
    definition, table = definitions()[action], table_of(action)
    values = {_snake(name): value for name, value in definition["settings"].items()}
    used = set(re.findall(r'\{settings\.(\w+)\}|"@setting": "(\w+)"', json.dumps(table)))
    names = {one or other for one, other in used}
    secret = set(re.findall(r"settings\.(\w+)", json.dumps(table["request"].get("auth", {}))))
    settings = {
        name: {"secret": True, "required": True} if name in secret else {"default": values[name]}
        for name in names
    }
    own = {"subscribe": definition["subscribe"], "mapping": definition["mapping"]}
    fields = {"fields": definition["fields"]} if definition["fields"] else {}
    document = {"name": "acme", "settings": settings, **table, "actions": [own | fields]}
    destination = destination_from_text(dumps(document).decode(), "acme.json", no_files, taken=())
    given = {name: str(values.get(name, f"SET_{name}")) for name in secret}
    sources = SettingSources(given=given, env={}, table={})
    read = read_settings(destination.name, destination.settings, sources)
    return Job(destination=destination, settings=read, reveals_keys=True)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def requests_here(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the requests that are made of a recorded event, in the form in which they are."""
    job = job_of_action(case["fields_ref"])
    outcome = map_event(Event(b"", case["event"]), job)
    if not isinstance(outcome, Mapped):
        return []
    request = job.destination.request(outcome.request_key, [outcome.body], job.settings)
    return [recorded_form(request, has_token=job.destination.token is not None)]


def recorded_form(request: Request, *, has_token: bool) -> dict[str, Any]:
    headers = {name.lower(): text for name, text in request.headers.items()}
    body: Any = request.body.decode()
    if headers.get("content-type") != "application/x-www-form-urlencoded":
        body = json.loads(body)
    if has_token:
        headers["authorization"] = f"Bearer {TOKEN}"
    return {"method": request.method, "url": request.url, "headers": headers, "body": body}


def is_equal(here: Any, recorded: Any) -> bool:
    """Compare two values; `$any` stands for every value, and a form may be encoded differently."""
    if recorded == "$any":
        return True
    if isinstance(here, dict) and isinstance(recorded, dict):
        return here.keys() == recorded.keys() and all(
            is_equal(here[name], recorded[name]) for name in here
        )
    if isinstance(here, list) and isinstance(recorded, list):
        return len(here) == len(recorded) and all(map(is_equal, here, recorded))
    if isinstance(here, bool) or isinstance(recorded, bool):
        return here is recorded
    return bool(here == recorded)


def comparable(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without what its transport sets, and a form as its fields."""
    headers = {name: text for name, text in request["headers"].items()
               if name not in {"accept", "content-length", "user-agent"}}  # fmt: skip
    kind = headers.get("content-type", "").partition(";")[0]
    body = request.get("body")
    if kind == "application/x-www-form-urlencoded":
        body = parse_qsl(body, keep_blank_values=True)
    return {**request, "headers": headers | {"content-type": kind}, "body": body}


def is_as_recorded(case: dict[str, Any]) -> bool:
    here, recorded = requests_here(case), case.get("requests", [])
    return len(here) == len(recorded) and all(
        is_equal(comparable(one), comparable(other))
        for one, other in zip(here, recorded, strict=True)
    )


def write_events() -> list[dict[str, Any]]:
    """Return the recorded lines with requests of the actions that something is written for."""
    return [case for case in CASES if case.get("requests") and table_of(case["fields_ref"])]


def test_requests_are_the_recorded_ones_but_for_differences_that_are_known() -> None:
    differing = {case["id"] for case in write_events() if not is_as_recorded(case)}

    assert differing == DIFFERENCES.keys()


def test_nearly_all_requests_of_many_destinations_are_made_without_code() -> None:
    found: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    for case in CASES:
        found[case["destination"]] += len(case.get("requests", ()))
    for case in write_events():
        equal[case["destination"]] += is_as_recorded(case)
    complete = {name for name in found if equal[name] >= 0.95 * found[name]}

    assert complete == EXPRESSED
    assert sum(equal[name] for name in complete) >= 0.99 * sum(found[name] for name in complete)
    assert sum(equal.values()) >= 350


def test_each_action_without_tables_has_its_reason() -> None:
    without = {one for one in definitions() if not table_of(one)}
    explained = {
        one for one in without
        if {one.partition("#")[0], one.partition("/")[0]} & NOT_EXPRESSED.keys()
    }  # fmt: skip

    assert without == explained

"""What replies mean for a destination file: statuses, and lists of single events."""

import json
from typing import Any

from support.destination_file import acme
from support.tables import for_each

from segcli import Delivered, Partial, Refused, Reply, Retry, Stop, Verdict, by_status

MEANINGS = {
    "delivered": [409],
    "retry": [404, 501],
    "refuse": [503],
    "split": [422],
    "stop": [402],
}


def verdict(reply: dict[str, Any], status: int, body: Any = None, **headers: str) -> Verdict:
    said = b"" if body is None else json.dumps(body).encode()
    return acme({"reply": reply}).verdict(Reply(status, headers, said))


@for_each(
    ("status", "means"),
    [
        (409, Delivered()),
        (404, Retry("HTTP 404", 7.0)),
        (501, Retry("HTTP 501", 7.0)),
        (503, Refused("HTTP 503")),
        (422, Refused("HTTP 422", splits=True)),
        (402, Stop("HTTP 402")),
    ],
)
def test_a_status_has_the_verdict_of_the_file(status: int, means: Verdict) -> None:
    assert verdict(MEANINGS, status, **{"retry-after": "7"}) == means


@for_each("status", [200, 204, 302, 400, 403, 408, 410, 413, 429, 500, 502])
def test_other_status_means_the_same_as_for_every_destination(status: int) -> None:
    assert verdict(MEANINGS, status) == by_status(Reply(status))


def test_wrong_key_names_the_setting_of_the_key() -> None:
    changes = {
        "settings.token": {"secret": True, "required": True},
        "settings.site": {"required": True},
        "request.auth": {"basic": "{settings.site}:{settings.token}"},
        "settings.api_key": {"secret": True, "required": True},
        "request.headers": {"X": "{settings.api_key}"},
    }
    found = acme(changes).verdict(Reply(401))

    assert found == Stop("HTTP 401", setting="token")
    assert acme().verdict(Reply(401)) == Stop("HTTP 401", setting="api_key")


ITEMS = {
    "list": "result.errors",
    "index": "at",
    "status": "code",
    "reason": "message",
    "delivered": ["duplicate"],
    "retry": ["throttled"],
}


def test_item_results_are_read_as_the_file_says() -> None:
    entries = [
        {"at": 0, "code": "throttled"},
        {"at": 1, "code": "duplicate"},
        {"at": 2, "code": "bad_email", "message": "is no email"},
    ]

    assert verdict({"items": ITEMS}, 207, {"result": {"errors": entries}}) == Partial(
        {2: "bad_email: is no email"}, frozenset({0})
    )
    assert verdict({"items": ITEMS}, 200, {"result": {}}) == Delivered()


def test_other_status_is_judged_by_the_file_first() -> None:
    reply = {"items": ITEMS, "retry": [409]}

    assert verdict(reply, 409) == Retry("HTTP 409")
    assert verdict(reply, 401) == Stop("HTTP 401", setting="api_key")


def test_success_status_redefined_by_the_file_is_not_read_for_item_results() -> None:
    reply = {"items": {"list": "errs", "index": "i"}, "retry": [202], "stop": [203]}

    assert verdict(reply, 202, {}) == Retry("HTTP 202")
    assert verdict(reply, 203, {"errs": [{"i": 1}]}) == Stop('HTTP 203: {"errs": [{"i": 1}]}')
    assert verdict(reply, 207, {"errs": [{"i": 1}]}) == Partial({1: "{}"})
    assert verdict(reply, 200) == Delivered()


def test_error_reply_can_have_item_results() -> None:
    reply = {"items": {"list": "failed", "index": "i", "replies": [400]}}

    assert verdict(reply, 400, {"failed": [{"i": 3}]}) == Partial({3: "{}"})
    assert verdict(reply, 400, {"error": "x"}) == Refused('HTTP 400: {"error": "x"}', splits=True)
    assert verdict(reply, 200, {"failed": [{"i": 3}]}) == Delivered()

"""The requests of a destination file: address, headers, key, and bodies."""

import base64
from typing import Any

import pytest
from support.destination_file import acme, job_of, request_of
from support.samples import KEY
from support.tables import for_each

from segcli.errors import SettingsError


def test_event_without_a_batch_is_posted_unchanged() -> None:
    request = request_of(acme(), b'{"name":"x"}')

    assert (request.method, request.url) == ("POST", "https://api.acme.example/v1/track")
    assert request.body == b'{"name":"x"}'
    assert request.headers == {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {KEY}",
    }


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@for_each(
    ("auth", "header", "value"),
    [
        ({"bearer": "{settings.api_key}"}, "Authorization", f"Bearer {KEY}"),
        ({"basic": "{settings.api_key}:"}, "Authorization", basic(KEY, "")),
        ({"basic": "api:{settings.api_key}"}, "Authorization", basic("api", KEY)),
        ({"header": "X-Key", "key": "{settings.api_key}"}, "X-Key", KEY),
        (
            {"header": "Authorization", "key": "Key {settings.api_key}"},
            "Authorization",
            f"Key {KEY}",
        ),
    ],
)
def test_key_is_sent_in_the_configured_header(
    auth: dict[str, str], header: str, value: str
) -> None:
    headers = request_of(acme({"request.auth": auth})).headers

    assert headers == {"Content-Type": "application/json", header: value}


def test_headers_of_the_file_win_in_any_case() -> None:
    changes = {
        "request.headers": {
            "content-type": "application/vnd.acme+json",
            "X-Region": "{settings.r}",
        },
        "settings.r": {"default": "eu"},
    }
    headers = request_of(acme(changes), r="us").headers

    assert headers["content-type"] == "application/vnd.acme+json"
    assert "Content-Type" not in headers
    assert headers["X-Region"] == "us"


def test_setting_is_percent_encoded_in_path_and_query_but_not_in_the_host() -> None:
    url = (
        "https://{settings.region}.acme.example/p/{settings.project}{route}?key={settings.project}"
    )
    changes = {
        "request.url": url,
        "settings.region": {"default": "eu"},
        "settings.project": {"required": True},
        "actions.0.route": "/x/{settings.project}/events#a",
    }
    destination = acme(changes)

    assert request_of(destination, project="a/b?c#d e%é").url == (
        "https://eu.acme.example/p/a%2Fb%3Fc%23d%20e%25%C3%A9/x/a%2Fb%3Fc%23d%20e%25%C3%A9/events"
        "?key=a%2Fb%3Fc%23d%20e%25%C3%A9"
    )


def test_endpoint_replaces_scheme_and_host_of_the_url() -> None:
    there = "http://127.0.0.1:8765/acme/"
    hook = {"settings.hook": {"type": "address", "secret": True, "required": True}}
    changes: dict[str, dict[str, Any]] = {
        "http://127.0.0.1:8765/acme/v1/track": {},
        "http://127.0.0.1:8765/acme/x?a=1": {"request.url": "https://eu.acme.example/x?a=1"},
        "http://127.0.0.1:8765/acme/y": {
            "request.url": "{settings.endpoint}/y",
            "settings.endpoint": {"default": "https://eu.acme.example/"},
        },
        "http://127.0.0.1:8765/acme": {"request.url": "{settings.hook}", **hook},
    }
    for url, change in changes.items():
        given = {"hook": "https://hooks.example/T/B"} if "settings.hook" in change else {}
        assert request_of(acme(change), endpoint=there, **given).url == url

    default = acme(changes["http://127.0.0.1:8765/acme/y"])
    assert request_of(default).url == "https://eu.acme.example/y"
    whole = acme({"request.url": "{settings.hook}", **hook})
    assert request_of(whole, hook="https://hooks.example/T/B/").url == "https://hooks.example/T/B/"


BATCHES: dict[str, tuple[dict[str, Any], bytes]] = {
    "array": ({"events": 2}, b'[{"a":1},{"b":2}]'),
    "object": ({"events": 2, "under": "batch"}, b'{"batch":[{"a":1},{"b":2}]}'),
    "fields": (
        {
            "events": 2,
            "under": "e",
            "with": {
                "key": "{settings.api_key}",
                "on": "{settings.on}",
                "n": "{settings.n}",
                "text": "n={settings.n}",
                "deep": [{"x": "{{}}"}, 1.5, None],
            },
        },
        f'{{"key":"{KEY}","on":false,"n":7,"text":"n=7","deep":[{{"x":"{{}}"}},1.5,null],'
        '"e":[{"a":1},{"b":2}]}'.encode(),
    ),
}  # fmt: skip
MORE = {"settings.on": {"default": False}, "settings.n": {"default": 7}}


@pytest.mark.parametrize("how", BATCHES)
def test_batch_is_an_array_or_an_object_with_an_array(how: str) -> None:
    batch, body = BATCHES[how]
    destination = acme({"batch": batch} | (MORE if how == "fields" else {}))

    assert request_of(destination, b'{"a":1}', b'{"b":2}').body == body
    assert destination.events_per_request("/", job_of(destination).settings) == 2


@pytest.mark.parametrize("how", BATCHES)
def test_batch_bytes_limit_the_whole_request(how: str) -> None:
    batch, body = BATCHES[how]
    more = MORE if how == "fields" else {}
    destination = acme({"batch": batch | {"bytes": len(body)}} | more)
    settings = job_of(destination).settings

    room = destination.bytes_per_request("/", settings)
    assert room == len(b'{"a":1},{"b":2}')
    longer = job_of(destination, api_key=KEY + "longer").settings
    shorter = destination.bytes_per_request("/", longer)
    assert shorter == (room - 6 if how == "fields" else room)


def test_each_action_may_have_its_own_method_route_and_batch() -> None:
    changes = {
        "request.url": "https://api.acme.example{route}",
        "batch": {"events": 50},
        "actions.0.route": "/t",
        "actions.1": {
            "subscribe": 'type = "identify"', "mapping": {}, "route": "/u#1", "method": "PUT",
            "batch": {"events": 5, "under": "users"},
        },
        "actions.2": {
            "subscribe": 'type = "group"', "mapping": {}, "route": "/u#2",
        },
    }  # fmt: skip
    destination = acme(changes)
    settings = job_of(destination).settings
    found = {
        route: destination.request(route, [b"{}"], settings) for route in ("/t", "/u#1", "/u#2")
    }

    assert [(one.method, one.url[24:], one.body) for one in found.values()] == [
        ("POST", "/t", b"[{}]"),
        ("PUT", "/u", b'{"users":[{}]}'),
        ("POST", "/u", b"[{}]"),
    ]
    assert [destination.events_per_request(route, settings) for route in found] == [50, 5, 50]
    assert [(one.posted, one.limits.events) for one in destination.actions] == [
        ("POST https://api.acme.example/t", 50),
        ("PUT https://api.acme.example/u", 5),
        ("POST https://api.acme.example/u", 50),
    ]


# --- settings that would make another request


@for_each(
    ("setting", "value", "words"),
    [
        ("region", "eu.evil.example/", "a part of a host name"),
        ("region", "a b", "a part of a host name"),
        ("project", "..", "a part of a path, not . or .."),
        ("header", "x\r\nX-Evil: 1", "printable ASCII on one line"),
        ("header", "naïve", "printable ASCII on one line"),
        ("header", " x", "printable ASCII on one line"),
        ("hook", "hooks.example/T", "an address such as https://host/path"),
        ("hook", "ftp://hooks.example/T", "an address such as https://host/path"),
    ],
)
def test_setting_that_would_change_the_request_target_is_an_error(
    setting: str, value: str, words: str
) -> None:

    url = "https://{settings.region}.acme.example/{settings.project}"
    changes: dict[str, Any] = {
        "settings.region": {"default": "eu"},
        "settings.project": {"default": "p"},
        "settings.header": {"default": "h"},
        "request.url": url,
        "request.headers": {"X-Header": "{settings.header}"},
    }
    if setting == "hook":
        changes = {
            "settings.hook": {"type": "address", "secret": True, "required": True},
            "request.url": "{settings.hook}",
        }
    with pytest.raises(SettingsError) as error:
        job_of(acme(changes), **{setting: value})
    assert f"acme: {setting} must be {words}" in error.value.message
    assert (value in error.value.message) == (setting != "hook" and "\r" not in value)


@for_each("after", ["/x", "?k=v", "/x{route}?k=v"])
@for_each("end", ["/base?tok=T0P", "?tok=T0P", "/base#T0P"])
def test_address_setting_followed_by_a_path_or_query_must_have_no_query(
    end: str, after: str
) -> None:
    hook = {"settings.hook": {"type": "address", "required": True}}
    changes = hook | {"request.url": "{settings.hook}" + after}
    if "{route}" in after:
        changes |= {"actions.0.route": "/t"}
    for name in ("hook", "endpoint"):
        with pytest.raises(SettingsError) as error:
            job_of(acme(changes), **{name: f"http://h.example{end}"})
        words = f"acme: {name} must be an address such as https://host/path, without ? and #"
        assert error.value.message.startswith(words)
        assert "tok=T0P" not in error.value.message
    whole = acme(hook | {"request.url": "{settings.hook}"})
    assert request_of(whole, hook=f"http://h.example{end}").url == f"http://h.example{end}"


def test_key_too_long_for_batch_bytes_is_a_settings_error() -> None:
    with_key = {"a": [{"key": "{settings.api_key}"}], "n": "{settings.n}"}
    batch = {"events": 5, "bytes": 60, "under": "batch", "with": with_key}
    destination = acme({"batch": batch, "settings.n": {"default": 7}})
    frame = len(request_of(destination, b"", api_key="k").body) - 1

    fits, long = "k" * (58 - frame), "k" * (59 - frame)
    assert destination.check_settings(job_of(destination, api_key=fits).settings) == ""
    assert destination.check_settings(job_of(destination, api_key=long).settings) == (
        "api_key is too long: it leaves no room for an event within batch.bytes (60)"
    )
    assert acme().check_settings(job_of(acme()).settings) == ""

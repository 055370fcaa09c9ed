"""A key is never shown: not printed, in a traceback, in an error, or in a vendor's echo."""

import base64
import copy
import dataclasses
import html
import json
import pickle
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from support.samples import KEY
from support.tables import for_each

from segcli import Secret
from segcli.core import exact_json
from segcli.core.redaction import Redactor
from segcli.core.secret import display_url, hidden
from segcli.core.settings import SettingSources, read_settings, secrets_of, setting
from segcli.destinations import BUILT_IN, named_destination
from segcli.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings with a key and an address."""

    api_key: Secret = setting(Secret(), help="Acme's key", required=True)
    endpoint: str = setting("", help="where Acme is")


@cache
def redactor_of(key: str, user: str) -> Redactor:
    return Redactor(Secret(key).forms([user]))


def error_of(**given: str) -> str:
    """Return everything that is printed about the error that these settings raise."""
    with pytest.raises(SettingsError) as caught:
        read_settings("acme", Settings, SettingSources(given=given, env={}, table={}))
    return "".join(traceback.format_exception(caught.value)) + caught.value.hint


SHOWN: dict[str, Callable[[Any], str]] = {
    "str": str,
    "repr": repr,
    "format": "{}".format,
    "percent": lambda value: f"{value!s} {value!r} {value}",
    "a list": lambda value: str([value]),
    "a dictionary": lambda value: str({"key": value}),
    "an exception": lambda value: "".join(traceback.format_exception(ValueError(value))),
    "a copy": lambda value: repr(copy.deepcopy(value)),
    "a pickled copy": lambda value: repr(pickle.loads(pickle.dumps(value))),
}


@for_each("how", SHOWN)
@for_each("value", [Secret(KEY), Settings(api_key=Secret(KEY))])
def test_key_is_not_shown_in_any_representation(how: str, value: Any) -> None:
    shown = SHOWN[how](value)

    assert KEY not in shown
    assert "***" in shown


def test_key_is_not_shown_in_asdict_of_its_settings() -> None:
    assert KEY not in str(dataclasses.asdict(Settings(api_key=Secret(KEY))))


def test_key_is_not_shown_in_a_traceback_with_locals() -> None:
    def crash(settings: Settings, key: Secret) -> None:
        raise RuntimeError(settings, key)

    with pytest.raises(RuntimeError) as caught:
        crash(Settings(api_key=Secret(KEY)), Secret(KEY))

    shown = "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    assert "settings = " in shown
    assert KEY not in shown


@for_each("name", BUILT_IN)
def test_key_is_not_shown_in_the_repr_of_a_request(name: str) -> None:
    destination = named_destination(name)
    given = {"api_key": KEY, "endpoint": "https://vendor.example"}
    settings = read_settings(
        name, destination.settings, SettingSources(given=given, env={}, table={})
    )

    request = destination.request("/", [b"{}"], settings)

    assert any(KEY in text or Secret(KEY).basic() in text for text in request.headers.values())
    assert KEY not in repr(request)
    assert Secret(KEY).basic() not in repr(request)


@pytest.mark.parametrize("rest", ["\x07", "ü", f"\n{KEY}"])
def test_invalid_key_is_refused_without_being_shown(rest: str) -> None:
    assert KEY not in error_of(api_key=KEY + rest)


def test_invalid_endpoint_is_refused_without_being_shown() -> None:
    assert KEY not in error_of(endpoint=f"ftp://me:{KEY}@acme.example")


def test_a_key_cannot_be_written_as_json() -> None:
    with pytest.raises(TypeError) as caught:
        exact_json.dumps({"key": Secret(KEY)})

    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_echoed_key_is_hidden() -> None:
    settings = Settings(api_key=Secret(KEY))
    echo = f"bad key {KEY}, header Basic {Secret(KEY).basic()}"

    assert hidden(echo, secrets_of(settings)) == "bad key ***, header Basic ***"
    assert hidden(echo, secrets_of(Settings())) == echo


def test_an_empty_key_is_false_and_shows_as_empty() -> None:
    assert not Secret()
    assert (str(Secret()), repr(Secret())) == ("", "Secret('')")
    assert Secret(KEY)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/path", "https://host/path"),
        (f"https://me:{KEY}@host:81/path?key={KEY}#{KEY}", "https://host:81/path?…"),
        (f"https://[{KEY}", "…"),
        ("", ""),
    ],
)
def test_address_is_shown_without_secrets(url: str, shown: str) -> None:
    assert display_url(url) == shown


def small(quoted: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda digits: digits[0].lower(), quoted)


def by_entities(key: str) -> str:
    return html.escape(key).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def without_marks(text: str) -> str:
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


HOOK = "https://hooks.example/services/T0HL/x9f2b61c0"


@for_each(
    "text",
    [
        "a key: {}",
        "Basic {basic}",
        "user and key: {pair}",
        '{{"body": "{json}"}}',
        r'{{"body": "\"{twice}\""}}',
        '{{"body": "{php}"}}',
        "/v1/{quoted}/events",
        "/v1/{quoted_small}/events",
        "/v1/{quoted_but_slashes}/events",
        "/v1/{quoted_but_slashes_small}/events",
        "key={base64}",
        "key={base64_bare}",
        "key={base64_of_addresses}",
        "key={base64_of_addresses_bare}",
        "<code>{html}</code>",
        "<code>{html_by_number}</code>",
        "<code>{html_with_quotes}</code>",
        '{{"body": "{go}"}}',
        '{{"body": "{by_number}"}}',
        '{{"body": "{by_number_great}"}}',
    ],
)
def test_key_is_hidden_in_every_form_of_requests_and_echoes(text: str) -> None:
    for key in ('k/9f "2b61\\c0', "k>?9f'&<+2b61", "9f/ÿ?2b61~~~", KEY, HOOK):
        by_number = "".join(f"\\u{ord(letter):04x}" for letter in key)
        quoted, quoted_but_slashes = quote(key, safe=""), quote(key)
        coded = base64.b64encode(key.encode()).decode()
        coded_of_addresses = base64.urlsafe_b64encode(key.encode()).decode()
        forms = {
            "basic": Secret(key).basic(),
            "pair": base64.b64encode(f"site:{key}".encode()).decode(),
            "json": json.dumps(key)[1:-1],
            "twice": json.dumps(json.dumps(key))[3:-3],
            "php": json.dumps(key)[1:-1].replace("/", "\\/"),
            "quoted": quoted,
            "quoted_small": small(quoted),
            "quoted_but_slashes": quoted_but_slashes,
            "quoted_but_slashes_small": small(quoted_but_slashes),
            "base64": coded,
            "base64_bare": coded.rstrip("="),
            "base64_of_addresses": coded_of_addresses,
            "base64_of_addresses_bare": coded_of_addresses.rstrip("="),
            "html": html.escape(key),
            "html_by_number": by_entities(key),
            "html_with_quotes": html.escape(key, quote=False),
            "go": without_marks(json.dumps(key)[1:-1]),
            "by_number": by_number,
            "by_number_great": by_number.upper().replace("U", "u"),
        }
        shown = redactor_of(key, "site").redact(text.format(key, **forms))

        assert shown == text.format("***", **dict.fromkeys(forms, "***"))
        assert "9f" not in shown
        assert "2b61" not in shown


def test_the_path_of_an_address_that_is_a_key_is_hidden_too() -> None:
    assert hidden("no route /services/T0HL/x9f2b61c0", Secret(HOOK).forms()) == "no route /***"
    assert hidden("no route /", Secret("https://hooks.example/").forms()) == "no route /"

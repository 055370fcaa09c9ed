"""Access tokens of OAuth in a destination file: the request for one, trust, and the sandbox."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from support.destination_file import (
    ACME,
    CLIENT,
    GONE,
    TOKEN_URL,
    acme,
    changed,
    job_of,
    mistakes_in,
    with_oauth,
)
from support.fakes import Answer, ReceivedRequest, report_in, tracks, write_events
from support.resuming import Segcli, Serve

from segcli.core import trust
from segcli.core.settings import Origin, Place
from segcli.errors import SettingsError, UsageError

GIVEN = {"client_id": "id of/acme", "client_secret": "the-secret-of-acme"}


REFRESHED = with_oauth(grant="refresh_token", refresh_token="{settings.refresh}") | {
    "settings.refresh": {"secret": True, "required": True}
}


def fields(changes: dict[str, Any], refresh: str = "", **given: str) -> dict[str, str]:
    destination = acme(changes)
    assert destination.token
    settings = job_of(destination, **(GIVEN | given)).settings
    return dict(parse_qsl(destination.token.request(settings, refresh).body.decode()))


def test_the_client_asks_for_a_token_in_a_form() -> None:
    destination = acme(with_oauth(scope="events profiles"))
    assert destination.token
    request = destination.token.request(job_of(destination, **GIVEN).settings, "")

    assert (request.method, request.url) == ("POST", TOKEN_URL)
    assert dict(parse_qsl(request.body.decode())) == {
        "grant_type": "client_credentials", "scope": "events profiles",
        "client_id": "id of/acme", "client_secret": "the-secret-of-acme",
    }  # fmt: skip
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_the_client_may_be_named_in_a_header() -> None:
    destination = acme(with_oauth(credentials="header"))
    assert destination.token
    job = job_of(destination, **GIVEN)
    request = destination.token.request(job.settings, "")
    basic = base64.b64encode(b"id%20of%2Facme:the-secret-of-acme").decode()

    assert request.headers["Authorization"] == f"Basic {basic}"
    assert request.body == b"grant_type=client_credentials"
    assert basic in job.secrets()


def test_a_refresh_token_is_used_until_the_vendor_sends_another() -> None:
    assert fields(REFRESHED, refresh="").get("grant_type") == "refresh_token"
    given = {"refresh": "the-refresh-token"}
    assert fields(REFRESHED, **given)["refresh_token"] == "the-refresh-token"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (with_oauth(token_url=GONE), ["request.auth.oauth.token_url: is missing"]),
        (with_oauth(client_secret="s3cr3t"),
         ["request.auth.oauth.client_secret: holds a key that everyone with the file can read: "
          "declare a secret setting, and use it here"]),
        (with_oauth(grant="refresh_token"),
         ['request.auth.oauth.refresh_token: is missing: grant = "refresh_token" requires it']),
        (with_oauth(refresh_token="{settings.client_secret}"),
         ['request.auth.oauth.refresh_token: is used with grant = "refresh_token" only']),
        (with_oauth(token_url="https://auth.acme.example/{payload.id}"),
         ["request.auth.oauth.token_url: must not contain {payload.id}: this text is the same for "
          "all events"]),
        (with_oauth(token_url="https://a:b@auth.acme.example/"),
         ["request.auth.oauth.token_url: contains a user or a password: use request.auth"]),
        (CLIENT | {"settings.client_secret": {"required": True}},
         ["settings.client_secret.secret: must be true: request.auth uses it"]),
        (CLIENT | {"settings.token_url": {"default": TOKEN_URL, "type": "address"}},
         ["settings.token_url: is not used: write {settings.token_url} where it belongs",
          "settings.token_url: must be all of request.auth.oauth.token_url, or have another name"]),
        (CLIENT | {"request.auth": CLIENT["request.auth"] | {"bearer": "{settings.client_secret}"}},
         ["request.auth: must have bearer, basic, oauth, or header and key, such as bearer = "
          '"{settings.api_key}"']),
        (with_oauth(grant="password"),
         ["request.auth.oauth.grant: must be client_credentials or refresh_token"]),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_key(changes: dict[str, Any], said: list[str]) -> None:
    assert mistakes_in(changed(ACME, changes)) == said


def test_the_address_of_tokens_is_a_setting_of_its_own() -> None:
    destination = acme(CLIENT)
    elsewhere = job_of(destination, **GIVEN, endpoint="https://x.example")
    other = job_of(destination, **GIVEN, token_url="https://t.example/o")

    assert destination.token_address(elsewhere.settings) == TOKEN_URL
    assert destination.token_address(other.settings) == "https://t.example/o"
    regional = with_oauth(token_url="https://login.{settings.region}.acme.example/o?a=1") | {
        "settings.region": {"default": "eu"}
    }
    found = acme(regional).token_address(job_of(acme(regional), **GIVEN).settings)
    assert found == "https://login.eu.acme.example/o?a=1"


def test_the_line_about_where_events_go_names_the_address_of_tokens() -> None:
    line = trust.where_to(job_of(acme(CLIENT), **GIVEN))

    assert line.startswith("acme at https://api.acme.example (endpoint: default; token from ")
    assert f"token from {TOKEN_URL}: default; " in line
    assert GIVEN["client_secret"] not in line


def test_a_secret_goes_to_the_address_of_tokens_over_https_only() -> None:
    plain = job_of(acme(with_oauth(token_url="http://auth.acme.example/t")), **GIVEN)
    local = job_of(acme(with_oauth(token_url="http://127.0.0.1:1/t")), **GIVEN)

    with pytest.raises(UsageError) as error:
        trust.check_plain_http(plain, is_allowed=False)
    assert "the key would go to http://auth.acme.example/t unencrypted" in error.value.message
    trust.check_plain_http(plain, is_allowed=True)
    trust.check_plain_http(local, is_allowed=False)


def test_a_file_that_was_only_found_cannot_direct_a_secret_to_another_address() -> None:
    job = job_of(acme(CLIENT), **GIVEN, token_url="https://evil.example/t")
    found = Origin(Place.FOUND_CONFIG, "segcli.toml")
    secret = Origin(Place.ENVIRONMENT, "SEGCLI_ACME_CLIENT_SECRET")
    origins = {"token_url": found, "client_secret": secret}

    with pytest.raises(SettingsError) as error:
        trust.check_addresses(replace(job, origins=origins))
    assert "segcli.toml directs acme to evil.example (token_url)" in error.value.message


@pytest.mark.parametrize(
    "changes", [CLIENT, REFRESHED, with_oauth(credentials="header", scope="a")]
)
def test_the_sandbox_has_an_address_of_tokens_of_its_own(
    changes: dict[str, Any], segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    (tmp_path / "acme.json").write_text(
        json.dumps(changed(ACME, changes | {"batch": {"events": 5}}))
    )
    events = write_events(tmp_path / "events.jsonl", tracks(40, users=10))
    said = segcli("send", "--sandbox", "-d", "./acme.json", "--set", "client_id=me", "--report",
                  "report.json", "-vv", "--fault", "503:20%", "--seed", "7", events)  # fmt: skip

    assert said.code == 0, said.err
    assert report_in(tmp_path)["ledger"]["delivered"] == 40
    texts = [path.read_text() for path in tmp_path.iterdir() if path.is_file()]
    assert "token-of-the-sandbox" not in "".join((said.out, said.err, *texts))


@pytest.mark.parametrize(("fault", "code"), [("422:100%", 1), ("503:100%", 3)])
def test_a_fault_of_the_sandbox_that_refuses_is_for_events_not_for_tokens(
    fault: str, code: int, segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    (tmp_path / "acme.json").write_text(json.dumps(changed(ACME, CLIENT)))
    events = write_events(tmp_path / "events.jsonl", tracks(5, users=1))

    said = segcli("send", "--sandbox", "-d", "./acme.json", "--set", "client_id=me", "--report",
                  "report.json", "--retry-for", "200ms", "--fault", fault, events)  # fmt: skip

    assert said.code == code, said.err
    assert report_in(tmp_path)["ledger"]["refused"] == (5 if code == 1 else 0)


@pytest.mark.parametrize("status", [200, 400, 401, 503])
def test_neither_token_nor_secret_is_written_anywhere(
    status: int, segcli: Segcli, vendor: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.01)
    token, secret, refresh = "tok-5f2c8e1b9d", "sec-77aa01bc9e", "ref-c0ffee1234"

    def answers(got: ReceivedRequest) -> Answer:
        if got.path != "/token":
            return Answer(status, body=json.dumps({"echo": got.headers["Authorization"]}).encode())
        body = {"access_token": token, "refresh_token": refresh, "expires_in": "3600"}
        assert secret in got.body.decode()
        return Answer(body=json.dumps(body).encode())

    at = vendor(answers)
    (tmp_path / "acme.json").write_text(json.dumps(changed(ACME, CLIENT)))
    monkeypatch.setenv("SEGCLI_ACME_CLIENT_SECRET", secret)
    events = write_events(tmp_path / "events.jsonl", tracks(3, users=1))
    said = segcli("send", "-d", "./acme.json", "--set", "client_id=me", "--endpoint", at.url,
                  "--set", f"token_url={at.url}/token", "--report", "report.json", "-vv",
                  "--journal", "the.journal", "--retry-for", "0s", events)  # fmt: skip

    assert said.code == {200: 0, 400: 1, 401: 3, 503: 3}[status], said.err
    assert sum(got.path == "/token" for got in at.got) == (2 if status == 401 else 1)
    texts = [path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*.*")
             if path.is_file()]  # fmt: skip
    everything = "".join((said.out, said.err, *texts))
    assert [text for text in (token, secret, refresh) if text in everything] == []

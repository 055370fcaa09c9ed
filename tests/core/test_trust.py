"""A run first prints the address it sends to; a key is sent only to an address its owner set."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.destination_file import ACME, acme, changed
from support.fakes import Answer, tracks, write_events
from support.resuming import Segcli, Serve
from support.samples import EXAMPLES, KEY, Run, find
from support.tables import for_each

from segcli.core.outcome import Job
from segcli.core.settings import Origin, Place, SettingSources, describe, origins, read_settings
from segcli.core.trust import check_plain_http, is_this_machine, where_to
from segcli.errors import UsageError

ALLOW = ("--config", "segcli.toml")


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return write_events(tmp_path / "events.jsonl", tracks(2))


def job(destination: Any, **sources: Any) -> Job:
    """Return a job whose settings come from these sources."""
    found = SettingSources(**({"given": {}, "env": {}, "table": {}} | sources))
    values = read_settings(destination.name, destination.settings, found)
    known = origins(destination.name, destination.settings, found)
    return Job(destination=destination, settings=values, origins=known)


# --- an address from a found file


def found_settings(folder: Path, dest: str, **settings: str) -> None:
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "segcli.toml").write_text("\n".join((f"[{dest}]", *lines)))


def test_found_config_cannot_redirect_a_key_from_another_source(
    segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = vendor(lambda _: Answer())
    (tmp_path / "key.txt").write_text(KEY)
    found_settings(tmp_path, "gist", endpoint=at.url, api_key="of-the-file")
    host = at.url.removeprefix("http://")
    for options, origin in (
        (["--set", f"api_key={KEY}"], "--set"),
        (["--api-key-file", "key.txt"], "--api-key-file"),
        ([], "SEGCLI_GIST_API_KEY"),
    ):
        if not options:
            monkeypatch.setenv("SEGCLI_GIST_API_KEY", KEY)
        said = segcli("send", "-d", "gist", *options, events)
        assert said.code == 2
        assert f"segcli.toml directs gist to {host} (endpoint)" in said.err
        assert f"but the key comes from {origin}\n" in said.err
        assert "--config segcli.toml, or export SEGCLI_CONFIG=segcli.toml" in said.err
        assert KEY not in said.err
    assert at.got == []


def test_named_config_may_redirect_a_key(
    segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = vendor(lambda _: Answer())
    found_settings(tmp_path, "gist", endpoint=at.url)
    monkeypatch.setenv("SEGCLI_GIST_API_KEY", KEY)
    by_option = segcli("send", "-d", "gist", *ALLOW, events)
    monkeypatch.setenv("SEGCLI_CONFIG", "segcli.toml")
    by_variable = segcli("send", "-d", "gist", events)

    assert (by_option.code, by_variable.code) == (0, 0)
    assert len(at.got) == 4
    assert "(endpoint: segcli.toml; key: SEGCLI_GIST_API_KEY)" in by_variable.err


def test_config_option_overrides_the_config_variable(
    segcli: Segcli, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_settings(tmp_path, "pointillist", actor="of-the-option")
    monkeypatch.setenv("SEGCLI_CONFIG", "nowhere.toml")

    assert segcli("transform", events).code == 2
    assert "of-the-option" in segcli("transform", *ALLOW, events).out


def test_found_config_with_both_address_and_key_is_used(
    segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    found_settings(tmp_path, "gist", endpoint=at.url, api_key=KEY)
    said = segcli("send", "-d", "gist", events)

    assert said.code == 0
    assert f"gist at {at.url} (endpoint: segcli.toml; key: segcli.toml)" in said.err


def test_address_without_a_key_needs_a_named_config(
    segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    found_settings(tmp_path, "webhook", endpoint=at.url)
    refused = segcli("send", "-d", "webhook", events)
    named = segcli("send", "-d", "webhook", *ALLOW, events)

    assert (refused.code, named.code) == (2, 0)
    assert "but no key is in the same file" in refused.err
    assert f"webhook at {at.url} (endpoint: segcli.toml; no key)" in named.err


KEYS = {
    "settings.other_key": {"secret": True, "required": True},
    "request.headers": {"X-Other": "{settings.other_key}"},
}


@pytest.mark.parametrize(
    ("changes", "setting", "host"),
    [
        ({}, ("endpoint", "https://evil.example"), "evil.example"),
        (
            {"settings.host": {"default": "api"}, "request.url": "https://{settings.host}.acme.io"},
            ("host", "evil"),
            "evil.acme.io",
        ),
        (
            {
                "settings.site": {"type": "address", "required": True},
                "request.url": "{settings.site}/v1",
            },
            ("site", "https://evil.example/in"),
            "evil.example",
        ),
        (
            {
                "settings.hook": {"type": "address", "secret": True, "required": True},
                "request.url": "{settings.hook}",
            },
            ("hook", f"https://evil.example/{KEY}"),
            "evil.example",
        ),
    ],
    ids=["endpoint", "part of the host", "address", "secret address"],
)
def test_redirect_rule_covers_every_setting_of_an_address(
    changes: dict[str, Any],
    setting: tuple[str, str],
    host: str,
    segcli: Segcli,
    events: Path,
    tmp_path: Path,
) -> None:
    name, value = setting
    (tmp_path / "acme.json").write_text(json.dumps(changed(ACME, KEYS | changes)))
    found_settings(tmp_path, "acme", api_key="of-the-file", **{name: value})
    said = segcli("send", "-d", "./acme.json", "--set", "other_key=one-of-two", events)

    assert said.code == 2
    assert f"segcli.toml directs acme to {host} ({name}), but the key comes from --set" in said.err
    assert KEY not in said.err


def test_engage_follows_the_redirect_rule(
    segcli: Segcli, vendor: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = vendor(lambda _: Answer())
    found_settings(tmp_path, "gist", endpoint=at.url)
    monkeypatch.setenv("SEGCLI_GIST_API_KEY", KEY)
    (tmp_path / "members.csv").write_text("userId,email\nu1,ada@example.com\n")
    sync = ("engage", "audience", "Big", "members.csv", "-d", "gist", "--state", "s")
    refused, dry = segcli(*sync), segcli(*sync, "--dry-run")
    assert (refused.code, dry.code, at.got) == (2, 0, [])
    assert "segcli.toml directs gist to" in refused.err

    named = segcli(*sync, *ALLOW)
    assert named.code == 0
    first = f"Sending changes from 1 file to gist at {at.url} (endpoint: segcli.toml; key: "
    assert first in named.err


@pytest.mark.parametrize("command", ["transform", "check", "send --dry-run", "send --sandbox"])
def test_commands_that_send_nothing_ignore_the_redirect_rule(
    command: str, segcli: Segcli, events: Path, tmp_path: Path
) -> None:
    found_settings(tmp_path, "gist", endpoint="https://evil.example")
    said = segcli(*command.split(), "-d", "gist", "--set", f"api_key={KEY}", events)

    assert said.code in {0, 1}
    assert "evil" not in said.err


# --- the line printed first


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["events.jsonl"], "1 file"),
        (["events.jsonl", "b.jsonl", "c.jsonl"], "3 files"),
        (["-"], "stdin"),
        (["-", "b.jsonl"], "stdin and 1 file"),
        ([], "stdin"),
    ],
)
def test_first_line_says_what_is_sent_where(
    files: list[str], says: str, run_segcli: Run, vendor: Serve, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    for number, name in enumerate(("events.jsonl", "b.jsonl", "c.jsonl")):
        write_events(tmp_path / name, tracks(number))
    env = {"SEGCLI_GIST_API_KEY": KEY}
    done = run_segcli("send", "-d", "gist", "--endpoint", at.url, *files, env=env)

    assert done.returncode == 0
    first, *_ = done.stderr.decode().splitlines()
    assert first == (
        f"Sending {says} to gist at {at.url} (endpoint: --endpoint; key: SEGCLI_GIST_API_KEY)"
    )


def test_quiet_send_prints_only_the_destination_line(
    segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    (tmp_path / "members.csv").write_text("userId,email\nu1,ada@example.com\n")
    to = ("-q", "--endpoint", at.url)
    sent = segcli("send", "-d", "webhook", *to, events)
    gist = ("-d", "gist", "--set", "api_key=k", "--state", "s")
    synced = segcli("engage", "audience", "Big", "members.csv", *gist, *to)

    place = f"{at.url} (endpoint: --endpoint"
    assert (sent.code, sent.out) == (0, "")
    assert sent.err == f"Sending 1 file to webhook at {place}; no key)\n"
    assert (synced.code, synced.out) == (0, "")
    assert synced.err == f"Sending changes from 1 file to gist at {place}; key: --set)\n"


def test_sandbox_run_says_that_nothing_leaves_unless_quiet(segcli: Segcli, events: Path) -> None:
    said = segcli("send", "-d", "webhook", "--sandbox", events)
    quiet = segcli("send", "-q", "-d", "webhook", "--sandbox", events)

    first = said.err.splitlines()[0]
    assert re.fullmatch(
        r"Sending 1 file to webhook in a sandbox at http://127.0.0.1:\d+: "
        r"nothing leaves this machine\.",
        first,
    )
    assert quiet.err == ""


GIST, SLACK, WEBHOOK = find("gist"), find("slack"), find("webhook")
BASE = {"settings.host": {"default": "eu"}, "request.url": "https://{settings.host}.acme.io/v1"}
SECRET_HOST = {"request.url": "https://{settings.api_key}.acme.io/v1"}


@for_each(
    ("destination", "sources", "says"),
    [
        (
            GIST,
            {"env": {"SEGCLI_GIST_API_KEY": KEY}},
            "gist at https://api.getgist.com (endpoint: default; key: SEGCLI_GIST_API_KEY)",
        ),
        (
            GIST,
            {"given": {"api_key": KEY}, "options": {"api_key": "--api-key-file"}},
            "gist at https://api.getgist.com (endpoint: default; key: --api-key-file)",
        ),
        (
            WEBHOOK,
            {"table": {"endpoint": f"https://u:{KEY}@h.example/in?key={KEY}"}, "config": "a.toml"},
            "webhook at https://h.example/in?… (endpoint: a.toml; no key)",
        ),
        (
            SLACK,
            {"env": {"SEGCLI_SLACK_WEBHOOK": f"https://hooks.slack.com/services/{KEY}"}},
            "slack at https://hooks.slack.com (webhook: SEGCLI_SLACK_WEBHOOK)",
        ),
        (
            acme(BASE),
            {"given": {"host": "us", "api_key": KEY}},
            "acme at https://us.acme.io (host: --set; key: --set)",
        ),
        (
            acme(SECRET_HOST),
            {"given": {"api_key": "abcd8f2b61c0"}},
            "acme at https://***.acme.io (api_key: --set)",
        ),
        (
            acme(KEYS),
            {"given": {"api_key": KEY}, "env": {"SEGCLI_ACME_OTHER_KEY": "another"}},
            "acme at https://api.acme.example (endpoint: default; api_key: --set; "
            "other_key: SEGCLI_ACME_OTHER_KEY)",
        ),
    ],
)  # fmt: skip
def test_destination_line_names_the_sources_but_no_key_and_no_query(
    destination: Any, sources: dict[str, Any], says: str
) -> None:
    assert where_to(job(destination, **sources)) == says


def test_destinations_command_shows_the_source_of_each_setting(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = segcli("destinations", "gist").out
    found_settings(tmp_path, "gist", batch="5", endpoint="https://h.example")
    monkeypatch.setenv("SEGCLI_GIST_API_KEY", KEY)
    said = segcli("destinations", "gist").out

    assert "set now by" not in plain
    assert said.count("SEGCLI_GIST_API_KEY") == 2
    assert said.count("segcli.toml") == 2
    assert KEY not in said


# --- a key over http


@for_each(
    ("host", "expected"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.9.8.7", True), ("::1", True),
        ("evil.example", False), ("127.0.0.1.evil.example", False), ("localhost.evil", False),
        ("evil.localhost", False), ("0.0.0.0", False), ("10.0.0.1", False), ("::2", False),
        ("2130706433", False), ("", False),
    ],
)  # fmt: skip
def test_localhost_and_loopback_addresses_are_this_machine(host: str, expected: bool) -> None:
    assert is_this_machine(host) is expected


@for_each(
    ("endpoint", "key", "refused"),
    [
        ("http://evil.example", KEY, True),
        ("http://127.0.0.1@evil.example/", KEY, True),
        (f"http://u:{KEY}@evil.example/", "", True),
        (f"http://evil.example/?token={KEY}", "", True),
        ("http://u:p@evil.example/", "", True),
        ("http://u@evil.example/", "", True),
        ("http://evil.example/?k=1", "", True),
        ("http://evil.example/in", "", False),
        ("https://evil.example", KEY, False),
        ("http://localhost:8765/in", KEY, False),
        ("http://[::1]:8765/in", KEY, False),
        (f"http://evil.example:1@127.0.0.1:8765/?token={KEY}", KEY, False),
    ],
)
def test_key_leaves_this_machine_only_over_https_unless_allowed(
    endpoint: str, key: str, refused: bool
) -> None:
    one = job(WEBHOOK, given={"endpoint": endpoint, "api_key": key})
    check_plain_http(one, is_allowed=True)
    if not refused:
        check_plain_http(one, is_allowed=False)
        return
    with pytest.raises(UsageError) as error:
        check_plain_http(one, is_allowed=False)
    assert KEY not in error.value.message
    assert "--allow-http" in error.value.hint


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({"request.url": "http://acme.io/v1"}, {}),
        (BASE | {"request.url": "http://{settings.host}.acme.io/v1"}, {}),
        (
            {
                "settings.hook": {"type": "address", "secret": True, "required": True},
                "request.url": "{settings.hook}",
            },
            {"hook": "http://acme.io/v1"},
        ),
    ],
)
def test_https_rule_covers_the_address_in_a_destination_file(
    changes: dict[str, Any], given: dict[str, str]
) -> None:
    one = job(acme(changes), given={"api_key": KEY} | given)

    with pytest.raises(UsageError, match="unencrypted"):
        check_plain_http(one, is_allowed=False)


def test_send_and_engage_follow_the_https_rule(
    segcli: Segcli, events: Path, tmp_path: Path
) -> None:
    (tmp_path / "members.csv").write_text("userId,email\nu1,ada@example.com\n")
    to = ("-d", "gist", "--endpoint", "http://h.invalid", "--set", f"api_key={KEY}")
    engage = ("engage", "audience", "Big", "members.csv", "--state", "s")
    for command in (("send", events), engage):
        refused = segcli(*command, *to)
        allowed = segcli(*command, *to, "--allow-http", "--retry-for", "0s")
        assert (refused.code, allowed.code) == (2, 3)
        assert "the key would go to http://h.invalid unencrypted" in refused.err


# --- the settings files


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("pipe", "segcli.toml is not a regular file"),
        ("folder", "segcli.toml is a folder, not a file"),
        ("large", "segcli.toml is larger than 1,048,576 bytes"),
        ("binary", "segcli.toml is not UTF-8 text"),
        ("deep", "segcli.toml: nested deeper than 50 levels"),
        ("dotted", "segcli.toml: nested deeper than 50 levels"),
    ],
)
def test_found_config_must_be_a_small_regular_toml_file(
    kind: str, says: str, run_segcli: Run, tmp_path: Path
) -> None:
    place = tmp_path / "segcli.toml"
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "large":
            place.write_bytes(b"#" * 1_100_000)
        case "binary":
            place.write_bytes(b"\xff\xfe")
        case "deep":
            place.write_text("a = " + "[" * 100_000)
        case "dotted":
            place.write_text(".".join("a" * 300_000) + " = 1")
    done = run_segcli("transform")

    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_config_and_key_file_may_be_named_pipes(
    vendor: Serve, events: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    at = vendor(lambda _: Answer())
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m segcli send -d webhook {events} --api-key-file "
         f"<(echo {KEY}; echo comment) --config <(echo '[webhook]'; echo 'endpoint=\"{at.url}\"')"],
        cwd=tmp_path,
        env=clean_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert len(at.got) == 2
    assert "key: --api-key-file)" in done.stderr


def test_key_file_has_a_maximum_size(segcli: Segcli, events: Path) -> None:
    said = segcli("send", "-d", "gist", "--api-key-file", "/dev/zero", events)

    assert said.code == 2
    assert "--api-key-file /dev/zero is larger than 65,536 bytes\nWrite the key into" in said.err


def test_a_key_file_without_a_key_is_named_with_what_to_do(
    segcli: Segcli, events: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text(" \nkey\n")
    said = segcli("send", "-d", "gist", "--api-key-file", "empty", events)

    assert said.code == 2
    assert said.err == (
        "Error: --api-key-file empty: the first line is empty\n"
        "Write the key into the first line of the file, or name another: --api-key-file PATH\n"
    )


def test_origin_of_a_setting_is_the_source_of_its_value() -> None:
    sources = {
        "given": {"api_key": KEY},
        "env": {"SEGCLI_GIST_API_KEY": "other", "SEGCLI_GIST_BATCH": "7"},
        "table": {"api_key": "third", "batch": 9, "endpoint": "https://h.example"},
        "is_found": True,
    }
    one = job(GIST, **sources)

    assert (one.settings.api_key.reveal(), one.settings.batch) == (KEY, 7)
    assert one.origins == {
        "api_key": Origin(Place.OPTION, "--set"),
        "endpoint": Origin(Place.FOUND_CONFIG, "segcli.toml"),
        "batch": Origin(Place.ENVIRONMENT, "SEGCLI_GIST_BATCH"),
        "batch_bytes": Origin(Place.DEFAULT, "default"),
    }
    assert job(GIST, table={"batch": 9}).origins["batch"].place is Place.NAMED_CONFIG
    assert job(GIST).origins["batch"].place is Place.DEFAULT


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_destinations_mark_their_address_settings(name: str) -> None:
    rows = [row.name for row in describe(name, find(name).settings) if row.is_address]

    further = {"slack": ["webhook", "endpoint"], "crm": ["endpoint", "token_url"]}
    assert rows == further.get(name, ["endpoint"])

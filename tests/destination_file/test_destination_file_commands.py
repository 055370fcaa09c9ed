"""A destination file works like any other destination in every command."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.fakes import Answer, tracks, write_events
from support.resuming import Segcli, Serve
from support.samples import EXAMPLES, SAMPLES


def test_destinations_command_shows_settings_actions_and_mapping_of_a_file(segcli: Segcli) -> None:
    said = segcli("destinations", EXAMPLES["crm"]).out

    for part in (
        "takes identify, track; in the integrations object it is CRM",
        "100 requests/s",
        "SEGCLI_CRM_CLIENT_SECRET",
        'type = "identify" and userId != null',
        "1 event a request",
        "PUT {settings.endpoint}/v2/contacts/{payload.id}",
        "traits.address.city",
    ):
        assert part in said


def test_required_setting_without_help_is_shown_without_a_loose_semicolon(
    acme: Callable[..., Path], segcli: Segcli
) -> None:
    key = {"secret": True, "required": True}
    with_help, without = (
        segcli("destinations", acme({"settings.api_key": {**key, **more}})).out
        for more in ({"help": "of your account"}, {})
    )

    assert "required to send; of your account\n" in with_help
    assert "required to send\n" in without


def test_check_reports_fields_that_the_mapping_of_a_file_does_not_carry(segcli: Segcli) -> None:
    said = segcli("check", "-d", EXAMPLES["slack"], "--fail-on-uncovered", "properties.coupon",
                  SAMPLES / "checkout.jsonl")  # fmt: skip

    assert said.code == 1
    assert "properties.coupon is not carried by slack" in said.out
    assert "properties.order_id" not in said.out
    assert "slack would get 6 requests, at least 6.0 s" in said.out


def test_check_warns_about_an_event_that_the_second_of_two_actions_does_not_get(
    acme: Callable[..., Path], segcli: Segcli, tmp_path: Path
) -> None:
    both = {"name": "All", "subscribe": 'type != "page"', "mapping": {}}
    path = acme({"actions.1": both, "fan_out": False})
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    said = segcli("check", "-d", path, events)

    assert "warning: is taken by actions[0], so not by All, which comes later" in said.out
    assert "1  note: taken by actions[0], not by All" in segcli("transform", "-d", path, events).err


def test_engage_syncs_an_audience_to_a_destination_file(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "members.csv").write_text("userId,email\nu1,ada@example.com\nu2,bob@example.com\n")
    said = segcli("engage", "audience", "Big Spenders", "members.csv", "--sandbox", "--state", "s",
                  "-d", EXAMPLES["crm"])  # fmt: skip
    other = segcli("engage", "audience", "Big Spenders", "members.csv", "--sandbox", "--state", "s",
                   "-d", EXAMPLES["slack"])  # fmt: skip

    assert (said.code, "2  delivered" in said.err) == (0, True)
    assert other.code == 2
    assert "slack takes no identify, so it cannot be synced" in other.err


def test_item_faults_need_a_destination_with_item_results(segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    for dest in ("gist", EXAMPLES["slack"]):
        said = segcli("send", "--sandbox", "--fault", "item:5%", "--seed", "7", "-d", dest, events)
        assert said.code == 2
        assert "does not answer for single events" in said.err


def test_sandbox_command_serves_a_destination_file(
    acme: Callable[..., Path], spawn: Callable[..., Any], segcli: Segcli, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(5))
    process = spawn("sandbox", "--port", "0", "--key", "of-mine", "-d", acme())
    said = iter(process.stdout.readline, "")
    to = next(line.split()[1:] for line in said if "acme" in line)
    wrong = segcli(*to, "--set", "api_key=wrong", events)
    right = segcli(*to, "--set", "api_key=of-mine", "--restart", events)

    assert (wrong.code, right.code) == (3, 0)
    assert "Check api_key. Set it with: export SEGCLI_ACME_API_KEY=…" in wrong.err


def test_hint_names_the_file_as_typed(segcli: Segcli, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    said = segcli("send", "-d", EXAMPLES["slack"], "--set", "wbhook=x", events)

    assert said.code == 2
    assert "Did you mean webhook? It has: webhook, endpoint. " in said.err
    assert f"See: segcli destinations {EXAMPLES['slack']}\n" in said.err


def test_segcli_toml_can_have_a_table_for_a_destination_file(
    acme: Callable[..., Path], segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    (tmp_path / "segcli.toml").write_text(
        f"[acme]\napi_key = 'in-the-table'\nendpoint = '{at.url}'\n[segment-eu]\nregion = 'eu'\n"
    )
    assert segcli("send", "-d", acme(), write_events(tmp_path / "e.jsonl", tracks(1))).code == 0
    assert at.got[0].headers["Authorization"] == "Bearer in-the-table"
    assert at.got[0].path == "/v1/track"


def test_engage_forget_accepts_the_path_of_a_destination_file(
    acme: Callable[..., Path], segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    (tmp_path / "members.csv").write_text("userId,email\nu1,ada@example.com\n")
    path = acme({"actions.0.subscribe": 'type = "identify"'})
    to = ("--endpoint", at.url, "--set", "api_key=any", "--state", "s", "-d", path)
    assert segcli("engage", "audience", "Big", "members.csv", *to).code == 0
    other = segcli("engage", "forget", "Big", "--state", "s", "-d", EXAMPLES["slack"])
    said = segcli("engage", "forget", "Big", "--state", "s", "-d", path)

    assert (other.code, said.code) == (2, 0)
    assert said.err + said.out == "Forgot Big at 1 destination.\n"


def test_too_long_key_stops_the_run_before_reading(
    acme: Callable[..., Path], segcli: Segcli, tmp_path: Path
) -> None:
    path = acme({"batch": {"events": 5, "bytes": 60, "under": "batch",
                           "with": {"key": "{settings.api_key}"}}})  # fmt: skip
    events = write_events(tmp_path / "events.jsonl", tracks(2))
    said = segcli("send", "-d", path, "--set", f"api_key={'k' * 60}", events)

    assert said.code == 2
    assert (
        "acme: api_key is too long: it leaves no room for an event within batch.bytes (60)"
        in said.err
    )
    assert list(tmp_path.glob("*.ndjson")) == []


def test_api_key_file_sets_the_only_secret_under_any_name(
    acme: Callable[..., Path], segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    at = vendor(lambda _: Answer())
    (tmp_path / "k.txt").write_text("of-the-file\n")
    secret = {"secret": True, "required": True}
    changes = {"settings": {"token": secret}, "request.auth": {"bearer": "{settings.token}"}}
    events = write_events(tmp_path / "events.jsonl", tracks(1))
    words = ("--api-key-file", "k.txt", "--endpoint", at.url, events)
    said = segcli("send", "-d", acme(changes), *words)
    changes |= {"settings.other": secret, "request.headers": {"X-Key": "{settings.other}"}}
    two = segcli("send", "-d", acme(changes), *words)

    assert said.code == 0
    assert at.got[0].headers["Authorization"] == "Bearer of-the-file"
    assert two.code == 2
    assert "--api-key-file: acme has several keys: token, other\n" in two.err
    assert "export SEGCLI_ACME_OTHER=…" in two.err


def test_sandbox_prints_the_key_variables_of_a_destination_file(
    acme: Callable[..., Path], spawn: Callable[..., Any]
) -> None:
    secret = {"secret": True, "required": True}
    changes = {"settings": {"token": secret}, "request.auth": {"bearer": "{settings.token}"}}
    path, slack = acme(changes), EXAMPLES["slack"]
    process = spawn("sandbox", "--port", "0", "--key", "of-mine", "-d", path, "-d", slack)
    said = iter(process.stdout.readline, "")

    assert f"For {path}: export SEGCLI_ACME_TOKEN=of-mine\n" in said
    assert next(said).startswith(f"For {slack}: export SEGCLI_SLACK_WEBHOOK=http")

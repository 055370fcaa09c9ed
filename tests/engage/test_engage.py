"""`segcli engage` sends changes of an audience or of values to a destination."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.engage import csv, engage, received_changes, trait
from support.fakes import PATIENCE, CommandResult, report_in

from segcli.cli import progress
from segcli.destinations import BUILT_IN
from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]
TRUE = {"pointillist": "true"}
FALSE = {"pointillist": "false"}


@pytest.mark.parametrize("name", BUILT_IN)
def test_first_sync_sends_all_members_and_later_syncs_send_changes(
    name: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url = at.endpoint(name)
    true, false = TRUE.get(name, True), FALSE.get(name, False)

    first = segcli(*engage(name, url, csv(tmp_path / "m", ["u1", "u2", "u3"])))
    assert (first.code, first.out) == (0, "")
    assert sorted(received_changes(at)) == [("u1", true), ("u2", true), ("u3", true)]

    later = segcli(*engage(name, url, csv(tmp_path / "m", ["u4", "u3", "u2"])))
    assert "big_spenders: 3 known; 1 to update, 1 to remove." in later.err
    assert sorted(received_changes(at)) == [("u1", false), ("u4", true)]

    again = segcli(*engage(name, url, csv(tmp_path / "m", ["u2", "u3", "u4"])))
    assert (again.code, received_changes(at)) == (0, [])
    assert report_in(tmp_path)["ledger"] == {
        "delivered": 0,
        "refused": 0,
        "rejected": 0,
        "skipped": 0,
        "unsent": 0,
    }


@pytest.mark.parametrize("name", ["pointillist", "plotline", "gist"])
def test_computed_trait_is_sent_only_if_its_value_changed(
    name: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url, file = at.endpoint(name), tmp_path / "v.csv"
    head = "value,userId,email\n"

    file.write_text(f"{head}12.50,u1,u1@x.org\n7,u2,u2@x.org\ngold,u3,u3@x.org\n,u4,u4@x.org\n")
    assert segcli(*trait(name, url, file)).code == 0
    assert dict(received_changes(at, "lifetime_value")) == {"u1": 12.5, "u2": 7, "u3": "gold"}

    file.write_text(f"{head}12.5,u1,u1@x.org\n8,u2,u2@x.org\n")
    assert segcli(*trait(name, url, file)).code == 0
    assert received_changes(at, "lifetime_value") == [("u2", 8)]


def test_every_digit_of_a_value_reaches_the_vendor(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    digits = "12345678901234567890.12345678901234567890"
    at = start_sandbox(keep=tmp_path / "kept")
    file = tmp_path / "v.csv"
    file.write_text(f"userId,value\nu1,{digits}\n")

    assert segcli(*trait("plotline", at.endpoint("plotline"), file)).code == 0
    assert f'"lifetime_value":{digits}' in (tmp_path / "kept").read_text()


def test_user_missing_from_the_values_gets_null_only_with_removed_null(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url, file = at.endpoint("plotline"), tmp_path / "v.csv"
    file.write_text("userId,value\nu1,5\nu2,7\n")
    segcli(*trait("plotline", url, file))
    assert len(received_changes(at, "lifetime_value")) == 2

    file.write_text("userId,value\nu2,7\n")
    segcli(*trait("plotline", url, file))
    assert received_changes(at, "lifetime_value") == []
    segcli(*trait("plotline", url, file, "--removed", "null"))
    assert received_changes(at, "lifetime_value") == [("u1", None)]


def test_change_is_sent_as_the_identify_event_of_segment(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = tmp_path / "m.ndjson"
    file.write_text('{"userId": 7, "anonymousId": "a7", "email": "ada@example.com"}\n')
    segcli(*engage("plotline", at.endpoint("plotline"), file))
    [event] = [received.payload for received in at.app.accepted]

    assert event.pop("messageId").startswith("segcli-")
    assert event.pop("timestamp").endswith("Z")
    personas = event["context"].pop("personas")
    assert event == {
        "type": "identify",
        "userId": "7",
        "anonymousId": "a7",
        "traits": {"big_spenders": True, "email": "ada@example.com"},
        "context": {},
        "integrations": {"All": False, "Plotline": True},
    }
    assert personas["computation_class"] == "audience"
    assert personas["computation_key"] == "big_spenders"
    assert personas["computation_id"].startswith("aud_")
    assert personas["namespace"] == personas["space_id"]
    assert personas["space_id"].startswith("spa_")


def test_members_with_only_an_anonymous_id_are_sent_if_supported(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = tmp_path / "m.csv"
    file.write_text("anonymousId\na1\na2\n")
    for name, value in (("pointillist", "true"), ("plotline", True)):
        assert segcli(*engage(name, at.endpoint(name), file)).code == 0
        assert sorted(received_changes(at)) == [("a1", value), ("a2", value)]
    gist = segcli(*engage("gist", at.endpoint("gist"), file))

    assert gist.code == 1
    assert "userId is required by Gist on identify" in gist.err
    assert received_changes(at) == []


def test_members_can_be_read_from_stdin(
    spawn: Callable[..., object], start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    csv(tmp_path / "m.csv", ["u1", "u2"])
    with (tmp_path / "m.csv").open() as stdin:
        process = spawn(*engage("gist", at.endpoint("gist"), "-"), stdin=stdin)
        _, err = process.communicate(timeout=PATIENCE)  # type: ignore[attr-defined]

    assert "big_spenders: 0 known; 2 to update, 0 to remove." in err
    assert sorted(received_changes(at)) == [("u1", True), ("u2", True)]


def test_other_columns_are_sent_as_traits_only_with_traits_option(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url, file = at.endpoint("plotline"), tmp_path / "m.csv"
    file.write_text("userId,plan,big_spenders\nu1,pro,no\n")
    segcli(*engage("plotline", url, file))
    segcli(*engage("plotline", url, file, "--with-traits", "--key", "other"))
    segcli(*engage("plotline", url, file, "--with-traits", "--state", "another"))

    assert [received.payload["traits"] for received in at.app.accepted] == [
        {"big_spenders": True},
        {"plan": "pro", "big_spenders": "no", "other": True},
        {"plan": "pro", "big_spenders": True},
    ]


def test_sync_to_the_sandbox_does_not_count_as_sync_to_the_vendor(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1", "u2"])
    sandbox = ["--dest", "gist", "--sandbox", "--state", "state.sqlite"]
    rehearsed = segcli("engage", "audience", "Big Spenders", file, *sandbox)
    segcli(*engage("gist", at.endpoint("gist"), file))
    again = segcli("engage", "audience", "Big Spenders", file, *sandbox)

    assert "2  delivered" in rehearsed.err
    assert len(received_changes(at)) == 2
    assert "big_spenders: 2 known; 0 to update, 0 to remove." in again.err


def test_gist_receives_a_sync_in_batches(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", range(100))
    to = engage("gist", at.endpoint("gist"), file, "--set", "batch=25", "--concurrency", 1)

    assert segcli(*to).code == 0
    assert len(received_changes(at)) == 100
    assert at.app.counts()["totals"]["requests"] == 4
    assert segcli(*to).code == 0
    assert received_changes(at) == []


def test_sync_delivers_all_members_despite_vendor_faults(segcli: Segcli, tmp_path: Path) -> None:
    to = ["--dest", "gist", "--sandbox", "--state", "state.sqlite", "--report", "report.json"]
    faults = ["--fault", "503:10%", "--fault", "reset:10%", "--seed", "7"]
    file = csv(tmp_path / "m.csv", range(100))
    said = segcli("engage", "audience", "Big", file, *to, *faults, "--concurrency", 50)

    assert said.code == 0
    assert report_in(tmp_path)["ledger"]["delivered"] == 100
    assert report_in(tmp_path)["retries"] > 0


def test_progress_of_a_sync_shows_no_share(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events are many times as long as the list."""
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.01)
    at = start_sandbox(latency=0.1)
    file = csv(tmp_path / "m.csv", range(50))
    said = segcli(*engage("gist", at.endpoint("gist"), file))

    assert "50 read: " in said.err
    assert "%" not in said.err

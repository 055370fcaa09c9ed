"""`segcli engage --dry-run` prints what a sync would send, and changes nothing."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.engage import STATE, csv, engage, events, received_changes, trait
from support.fakes import CommandResult, report_in

from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of every file in a folder, except the report."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_dry_run_prints_identify_events_and_creates_no_state(
    segcli: Segcli, tmp_path: Path
) -> None:
    file = csv(tmp_path / "m.csv", ["u1", "u2"])
    before = contents(tmp_path)
    said = segcli(*engage("gist", "http://127.0.0.1:9", file, "--dry-run"))

    assert said.code == 0
    assert [(event["userId"], event["traits"]) for event in events(said.out)] == [
        ("u1", {"big_spenders": True, "email": "u1@example.com"}),
        ("u2", {"big_spenders": True, "email": "u2@example.com"}),
    ]
    assert "big_spenders: 0 known; 2 to update, 0 to remove." in said.err
    assert contents(tmp_path) == before


def test_dry_run_prints_exactly_what_the_sync_then_sends(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url = at.endpoint("plotline")
    segcli(*engage("plotline", url, csv(tmp_path / "m.csv", ["u1", "u2", "u3"])))
    at.app.accepted.clear()
    later = engage("plotline", url, csv(tmp_path / "m.csv", ["u2", "u3", "u4"]))
    before = contents(tmp_path)
    printed = events(segcli(*later, "--dry-run").out)

    assert contents(tmp_path) == before
    segcli(*later)
    sent = [received.payload for received in at.app.accepted]
    for event in (*printed, *sent):
        del event["timestamp"]
    assert sorted(map(str, printed)) == sorted(map(str, sent))
    assert len(printed) == 2


@pytest.mark.parametrize("name", ["pointillist", "plotline", "gist", "webhook"])
def test_dry_run_output_transformed_matches_what_the_sync_sends(
    name: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    to = engage(name, at.endpoint(name), csv(tmp_path / "m.csv", ["u1", "u2"]))
    (tmp_path / "events.ndjson").write_text(segcli(*to, "--dry-run").out)
    transformed = segcli("transform", "--dest", name, "events.ndjson")
    segcli(*to)
    sent = [received.payload for received in at.app.accepted]
    found = events(transformed.out)

    assert transformed.code == 0
    for payload in (*found, *sent):
        for clock in ("timestamp", "eventTime"):
            payload.pop(clock, None)
    assert sorted(map(str, found)) == sorted(map(str, sent))
    assert len(found) == 2


def test_dry_run_prints_the_same_event_after_a_refused_sync(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox(poison="u1@example.com")
    to = engage("plotline", at.endpoint("plotline"), csv(tmp_path / "m.csv", ["u1"]))
    [before] = events(segcli(*to, "--dry-run").out)
    assert segcli(*to).code == 1
    [after] = events(segcli(*to, "--dry-run").out)

    assert after["messageId"] == before["messageId"]


def test_dry_run_counts_rows_without_an_id_and_exits_1(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("userId\nu1\n\n,\n")
    (tmp_path / "n.csv").write_text("email,userId\nx,u1\ny,\n")
    to = engage("gist", "http://127.0.0.1:9", "n.csv", "--dry-run")
    said = segcli(*to)

    assert said.code == 1
    assert len(events(said.out)) == 1
    assert report_in(tmp_path)["ledger"] == {"mapped": 1, "rejected": 1, "skipped": 0}
    assert "1  has no userId or anonymousId" in said.err
    assert not list(tmp_path.glob("*.rejects*"))


def test_dry_run_needs_no_key_and_no_endpoint(segcli: Segcli, tmp_path: Path) -> None:
    file = csv(tmp_path / "m.csv", ["u1"])
    said = segcli("engage", "audience", "Big", file, "--dest", "plotline", "--dry-run")

    assert (said.code, len(events(said.out))) == (0, 1)
    assert list(tmp_path.iterdir()) == [file]


def test_dry_run_with_sandbox_uses_the_state_of_the_sandbox(segcli: Segcli, tmp_path: Path) -> None:
    file = csv(tmp_path / "m.csv", ["u1"])
    to = ["engage", "audience", "Big", file, "--dest", "gist", "--state", STATE]
    segcli(*to, "--sandbox")

    assert segcli(*to, "--sandbox", "--dry-run").out == ""
    assert len(events(segcli(*to, "--dry-run").out)) == 1


def test_dry_run_refuses_a_list_that_removes_too_many(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    url = at.endpoint("plotline")
    segcli(*engage("plotline", url, csv(tmp_path / "m.csv", range(10))))
    said = segcli(*engage("plotline", url, csv(tmp_path / "m.csv", []), "--dry-run"))

    assert (said.code, said.out) == (2, "")
    assert "would remove 10 of 10 known members" in said.err
    assert len(received_changes(at)) == 10


def test_dry_run_prints_a_trait_with_its_value(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("userId,value\nu1,1.10\n")
    said = segcli(*trait("gist", "http://127.0.0.1:9", "v.csv", "--dry-run"))

    assert [event["traits"] for event in events(said.out)] == [{"lifetime_value": 1.1}]
    assert '"computation_class":"trait"' in said.out

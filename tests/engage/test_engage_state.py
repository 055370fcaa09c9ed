"""The state of `segcli engage`: who may change it, what it lists, and that it never has a key."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from support.engage import STATE, csv, engage, received_changes, trait
from support.fakes import CommandResult, wait_until

from segcli.sandbox import Fault, SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]
KEY = "sk_live_8f2b61c0d9e74a53b1"
PASSWORD = "horse-battery-staple"


def test_key_is_in_neither_state_nor_output_nor_files(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox(key=KEY, poison="u2@example.com")
    url = f"{at.endpoint('plotline')}?token={PASSWORD}"
    file = csv(tmp_path / "m.csv", ["u1", "u2"])
    said = segcli(*engage("plotline", url, file, key=KEY))
    status = segcli("engage", "status", "--state", STATE)

    assert said.code == 1
    assert len(received_changes(at)) == 1
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != file]
    assert len(kept) >= 4, "state, lock, report and rejects"
    for secret in (KEY, PASSWORD, base64.b64encode(f"{KEY}:".encode()).decode()):
        assert secret not in said.out + said.err + status.out
        assert not [content for content in kept if secret.encode() in content]


def test_second_sync_and_forget_are_refused_during_a_sync(
    segcli: Segcli, spawn: Callable[..., object], start_sandbox: Start, tmp_path: Path
) -> None:
    slow = start_sandbox(faults=(Fault("timeout", 1.0),))
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1"])
    running = spawn(*engage("plotline", slow.endpoint("plotline"), file))
    wait_until(lambda: slow.app.counts()["totals"]["requests"] == 1)
    second = segcli(*engage("gist", at.endpoint("gist"), file))
    forgetting = segcli("engage", "forget", "Big Spenders", "--state", STATE)
    status = segcli("engage", "status", "--state", STATE)
    running.kill()  # type: ignore[attr-defined]
    running.communicate()  # type: ignore[attr-defined]

    for refused in (second, forgetting):
        assert refused.code == 2
        assert f"another segcli is changing the state {tmp_path / STATE}\n" in refused.err
    assert status.code == 0
    assert "never finished" in status.out
    assert received_changes(at) == []
    assert segcli(*engage("gist", at.endpoint("gist"), file)).code == 0


def test_default_state_is_in_the_user_state_folder(segcli: Segcli, tmp_path: Path) -> None:
    file = csv(tmp_path / "m.csv", ["u1"])
    to = ["engage", "audience", "Big", file, "--dest", "gist", "--sandbox"]
    assert segcli(*to).code == 0

    assert (tmp_path / "state" / "segcli" / "engage.sqlite").exists()
    assert "0 to update" in segcli(*to).err
    assert "gist (sandbox)" in segcli("engage", "status").out


def test_linked_state_is_the_same_state(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    (tmp_path / "link.sqlite").symlink_to(tmp_path / STATE)
    to = engage("gist", at.endpoint("gist"), csv(tmp_path / "m.csv", ["u1"]))
    segcli(*to)
    segcli(*to, "--state", "link.sqlite")

    assert len(received_changes(at)) == 1
    assert not (tmp_path / "link.sqlite.lock").exists()


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("folder", "File 'folder' is a directory."),
        ("m.csv", "--state m.csv is also an input"),
        ("old.csv", "old.csv is not a state of segcli: file is not a database"),
        ("m.csv/state", "m.csv/state cannot be used: "),
    ],
)
def test_unusable_state_is_an_error_before_sending(
    place: str, problem: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    (tmp_path / "folder").mkdir()
    file, old = csv(tmp_path / "m.csv", range(100)), csv(tmp_path / "old.csv", range(100))
    said = segcli(*engage("gist", at.endpoint("gist"), file, "--state", place))

    assert said.code == 2
    assert problem in said.err
    assert old.read_text().startswith("userId")
    assert "Traceback" not in said.err
    assert received_changes(at) == []
    assert file.read_text().startswith("userId")


# --- status and forget


def test_status_lists_audiences_and_traits_without_truncation(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox(poison="u3@example.com")
    name = "A rather long name of an audience that somebody thought up in a meeting"
    to = engage("plotline", at.endpoint("plotline"), csv(tmp_path / "m.csv", ["u1", "u2", "u3"]))
    to[2] = name
    segcli(*to)
    (tmp_path / "v.csv").write_text("userId,value\nu1,5\n")
    segcli(*trait("plotline", at.endpoint("plotline"), "v.csv"))
    said = segcli("engage", "status", "--state", STATE)
    head, first, second = [
        [cell.strip() for cell in line.split("   ") if cell.strip()]
        for line in said.out.splitlines()
    ]

    assert head == ["name", "kind", "property", "destination", "members", "pending", "last sync"]
    where = f"plotline at {at.endpoint('plotline')}"
    key = "a_rather_long_name_of_an_audience_that_somebody_thought_up_in_a_meeting"
    assert first[:-1] == [name, "audience", key, where, "2", "1"]
    assert second[:-1] == ["Lifetime Value", "trait", "lifetime_value", where, "1", "0"]
    assert first[-1].startswith("20")


def test_status_and_forget_create_no_state(segcli: Segcli, tmp_path: Path) -> None:
    status = segcli("engage", "status", "--state", STATE)
    forgetting = segcli("engage", "forget", "Big Spenders", "--state", STATE)

    assert status.code == 0
    assert len(status.out.splitlines()) == 1
    assert forgetting.code == 2
    assert "the state has no audience or trait 'Big Spenders'" in forgetting.err
    assert "See: segcli engage status" in forgetting.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Big Spenders", "big_spenders", "big spenders"])
def test_forgotten_audience_is_sent_again(
    name: str, segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    to = engage("gist", at.endpoint("gist"), csv(tmp_path / "m.csv", ["u1", "u2"]))
    segcli(*to)
    forgetting = segcli("engage", "forget", name, "--state", STATE)

    assert (forgetting.code, forgetting.out) == (0, f"Forgot {name} at 1 destination.\n")
    assert len(received_changes(at)) == 2, "forgetting sends nothing"
    segcli(*to)
    assert len(received_changes(at)) == 2


def test_forget_by_name_and_dest_forgets_one_destination_only(
    segcli: Segcli, start_sandbox: Start, tmp_path: Path
) -> None:
    at = start_sandbox()
    file = csv(tmp_path / "m.csv", ["u1"])
    for name in ("gist", "plotline"):
        segcli(*engage(name, at.endpoint(name), file, "--key", "vip"))
    forgetting = segcli("engage", "forget", "Big Spenders", "--state", STATE, "--dest", "gist")
    status = segcli("engage", "status", "--state", STATE)

    assert forgetting.code == 0
    assert "gist" not in status.out
    assert "plotline" in status.out

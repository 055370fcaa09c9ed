"""Output files are checked before anything is read: no output may damage another file."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.engage import STATE, csv, engage
from support.fakes import CommandResult, sending_to
from support.samples import line_of

Segcli = Callable[..., CommandResult]
EVENT = line_of(timestamp="2026-02-03")
NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize("command", ["transform", "check"])
@pytest.mark.parametrize("second", ["./kept", "link", "second name"])
def test_two_outputs_in_one_file_are_refused_under_any_name(
    segcli: Segcli, tmp_path: Path, command: str, second: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"{]\n")
    (tmp_path / "kept").write_bytes(b"")
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "second name").hardlink_to(tmp_path / "kept")

    said = segcli(command, "events.jsonl", "--rejects", "kept", "--report", second)

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        f"Error: --report {Path(second)} is also --rejects",
        "Name another file: --report PATH",
    ]
    assert (tmp_path / "kept").read_bytes() == b""


@pytest.mark.parametrize("command", ["transform", "check"])
def test_outputs_are_checked_before_any_input(segcli: Segcli, command: str) -> None:
    said = segcli(command, "missing.jsonl", "--rejects", "kept", "--report", "kept")

    assert said.err.startswith("Error: --report kept is also --rejects\n")


@pytest.mark.parametrize("first", ["transform", "check"])
@pytest.mark.parametrize("second", ["transform", "check"])
def test_report_may_replace_an_earlier_report(
    segcli: Segcli, tmp_path: Path, first: str, second: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT)
    segcli(first, "events.jsonl", "--report", "report.json")

    assert segcli(second, "events.jsonl", "--report", "report.json").code == 0


@pytest.mark.parametrize("command", ["transform", "check"])
def test_existing_report_that_cannot_be_read_is_refused(
    segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT)
    (tmp_path / "report.json").write_bytes(b"{}")
    opened = Path.open

    def refused(path: Path, *arguments: Any) -> Any:
        if path.name == "report.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", refused)

    said = segcli(command, "events.jsonl", "--report", "report.json")

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        "Error: --report report.json cannot be read: Permission denied",
        "Name another file: --report PATH",
    ]


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is not readable, not even by root."""
    folder = tmp_path / "closed"
    folder.mkdir()
    stat, access = os.stat, os.access

    def closed_stat(path: Any, **more: Any) -> os.stat_result:
        if Path(str(path)).parent.name == folder.name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return stat(path, **more)

    monkeypatch.setattr(os, "stat", closed_stat)

    def closed_access(path: Any, mode: int, **more: Any) -> bool:
        return Path(str(path)) != Path(folder.name) and access(path, mode, **more)

    monkeypatch.setattr(os, "access", closed_access)
    return folder


@pytest.mark.parametrize("command", ["transform", "check"])
@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--report", "--report closed/it cannot be read: Permission denied"),
        ("--rejects", "the rejects file closed/it cannot be written"),
    ],
)
def test_output_in_an_inaccessible_folder_is_refused(
    segcli: Segcli, closed: Path, command: str, option: str, problem: str
) -> None:
    (closed.parent / "events.jsonl").write_bytes(EVENT)

    said = segcli(command, "events.jsonl", option, f"{closed.name}/it")

    message, hint = said.err.splitlines()
    assert (said.code, said.out) == (2, "")
    assert message == f"Error: {problem}"
    assert hint.endswith(f": {option} PATH")


def test_rejects_in_the_journal_file_are_refused(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT)
    (tmp_path / "journal").write_bytes(b"")
    (tmp_path / "second name").hardlink_to(tmp_path / "journal")
    outputs = ["--journal", "journal", "--rejects", "second name"]

    said = segcli(*sending_to("webhook", NOWHERE), "events.jsonl", *outputs)

    assert said.code == 2
    assert said.err.startswith("Error: --rejects second name is also --journal\n")


@pytest.mark.parametrize("option", ["--rejects", "--report"])
def test_engage_state_is_refused_as_another_output(
    segcli: Segcli, tmp_path: Path, option: str
) -> None:
    csv(tmp_path / "m.csv", ["u1"])

    said = segcli(*engage("gist", NOWHERE, "m.csv", option, STATE))

    assert said.code == 2
    assert said.err.startswith(f"Error: {option} {STATE} is also --state\n")
    assert not (tmp_path / STATE).exists()


@pytest.mark.parametrize("option", ["--report", "--state"])
def test_default_rejects_of_engage_are_refused_as_another_output(
    segcli: Segcli, tmp_path: Path, option: str
) -> None:
    csv(tmp_path / "m.csv", ["u1"])

    said = segcli(*engage("gist", NOWHERE, "m.csv", option, "gist.rejects.ndjson"))

    assert said.code == 2
    assert "gist.rejects.ndjson is also --" in said.err
    assert os.listdir(tmp_path) == ["m.csv"]


@pytest.mark.parametrize("command", ["transform", "check", "send"])
@pytest.mark.parametrize(
    "content", [b'name = "acme"\n', b'{\n  "name": "acme"\n}\n', b"\x1f\x8b\x08"]
)
def test_rejects_are_not_appended_to_another_kind_of_file(
    segcli: Segcli, tmp_path: Path, command: str, content: bytes
) -> None:
    (tmp_path / "events.jsonl").write_bytes(EVENT)
    (tmp_path / "acme").write_bytes(content)
    to = ["--dest", "webhook", "--endpoint", NOWHERE] if command == "send" else []

    said = segcli(command, *to, "events.jsonl", "--rejects", "acme")

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        "Error: --rejects acme exists already, and is not a rejects file",
        "Name another file: --rejects PATH",
    ]
    assert (tmp_path / "acme").read_bytes() == content

"""Only the user may read files of events; pipes and devices are written to directly."""

import ast
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.engage import STATE, csv, engage
from support.fakes import PATIENCE, records, track, tracks, wait_until, write_events
from support.resuming import JOURNAL, LimitedVendor, Segcli, Serve, to_webhook
from support.samples import ROOT

from segcli.accounting.rejects import Rejects
from segcli.core.line import Line, Result
from segcli.errors import UsageError
from segcli.sandbox import SandboxServer

PACKAGE = ROOT / "segcli"
# The other places that open a file to write: journals (locked, and they grow in place), rejects
# files (a torn end is cut off), captures (an empty file that atomic_write has just made grows), and
# worker processes (pipes).
WRITERS = {
    "accounting/atomic_write.py",
    "accounting/rejects.py",
    "capture/event_file.py",
    "journal/locked_file.py",
    "parallel/worker_pool.py",
}
WRITING = {"write_bytes", "write_text", "rename", "renames", "replace", "mkstemp", "O_TRUNC"}
BAD = b"no JSON\n"


@pytest.fixture
def _no_mask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the only module that writes files


def writes(module: str) -> Iterator[str]:
    """Yield the calls of a module that write to a file or replace one."""
    if not any(word in module for word in (*WRITING, "open(", "FileIO")):
        return
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.Attribute) and node.attr in WRITING - {"replace"}:
            # What click's formatter writes is the text of a help.
            if ast.unparse(node.value) != "formatter":
                yield node.attr
            continue
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        of = getattr(getattr(node.func, "value", None), "id", "")
        is_path = isinstance(node.func, ast.Attribute) and len(node.args) == 1
        if name == "replace" and (of == "os" or (is_path and not node.keywords)):
            yield "replace"
        modes = [a.value for a in node.args if isinstance(a, ast.Constant)]
        modes += [
            k.value.value
            for k in node.keywords
            if k.arg == "mode" and isinstance(k.value, ast.Constant)
        ]
        if name in {"open", "FileIO"} and any(set("wax+") & set(str(m)) for m in modes):
            yield f"{name} to write"


def test_files_are_written_in_one_module_only() -> None:
    found = {
        str(file.relative_to(PACKAGE)): list(writes(file.read_text()))
        for file in PACKAGE.rglob("*.py")
    }

    assert {name for name, kinds in found.items() if kinds} <= WRITERS
    assert found["accounting/atomic_write.py"]


# --- the mode of new files


@pytest.mark.usefixtures("_no_mask")
def test_rejects_report_and_journal_of_send_are_private(
    segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=2)
    events = write_events(tmp_path / "events.jsonl", [b"no JSON", *tracks(5)])

    assert segcli(*to_webhook(vendor(limited_vendor).url, events)).code == 3

    for name in ("webhook.rejects.ndjson", "report.json", JOURNAL):
        assert mode(tmp_path / name) == 0o600, name


@pytest.mark.usefixtures("_no_mask")
@pytest.mark.parametrize("command", ["transform", "check"])
def test_files_of_a_preview_are_readable_by_the_user_only(
    segcli: Segcli, tmp_path: Path, command: str
) -> None:
    (tmp_path / "events.jsonl").write_bytes(BAD)
    segcli(command, "events.jsonl", "--rejects", "rejects", "--report", "report.json")

    assert (mode(tmp_path / "rejects"), mode(tmp_path / "report.json")) == (0o600, 0o600)


def test_existing_files_keep_their_mode_and_symlinks_are_kept(
    segcli: Segcli, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_bytes(BAD)
    for name in ("rejects", "report.json"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
        (tmp_path / f"to {name}").symlink_to(name)
    segcli("transform", "events.jsonl", "--rejects", "to rejects", "--report", "to report.json")

    assert (mode(tmp_path / "rejects"), mode(tmp_path / "report.json")) == (0o644, 0o644)
    assert (tmp_path / "to report.json").is_symlink()
    assert json.loads((tmp_path / "report.json").read_bytes())["read"] == 1


@pytest.mark.usefixtures("_no_mask")
def test_golden_file_follows_the_umask(segcli: Segcli, tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", [track()])
    segcli("check", "events.jsonl", "--expect", "golden", "--update")

    assert mode(tmp_path / "golden") == 0o666


@pytest.mark.usefixtures("_no_mask")
def test_engage_state_and_its_lock_are_private(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    csv(tmp_path / "m.csv", ["u1"])
    segcli(*engage("gist", start_sandbox().endpoint("gist"), "m.csv"))

    assert mode(tmp_path / STATE) == 0o600
    assert mode(tmp_path / f"{STATE}.lock") == 0o600


def test_engage_lock_is_not_created_through_a_symlink(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    csv(tmp_path / "m.csv", ["u1"])
    (tmp_path / f"{STATE}.lock").symlink_to("elsewhere")
    said = segcli(*engage("gist", start_sandbox().endpoint("gist"), "m.csv"))

    assert said.code == 2
    assert f"the state {tmp_path / STATE} cannot be used" in said.err
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.usefixtures("_no_mask")
def test_files_of_a_sandbox_are_readable_by_the_user_only(
    start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    start_sandbox(keep=tmp_path / "kept")

    assert mode(tmp_path / "kept") == 0o600


# --- the journal


@pytest.mark.parametrize("victim", ["input", "rejects"])
def test_file_named_like_the_journal_with_suffix_new_is_untouched(
    segcli: Segcli, vendor: Serve, tmp_path: Path, victim: str
) -> None:
    events = write_events(tmp_path / "events.new", [b"no JSON", *tracks(5)])
    before = events.read_bytes()
    rejects = tmp_path / "rejects"
    if victim == "rejects":
        events = events.rename(tmp_path / "events.jsonl")
        rejects = tmp_path / "events.new"
        rejects.write_bytes(b'{"kept":"before"}\n')
    limited_vendor = LimitedVendor(left=2)
    command = to_webhook(
        vendor(limited_vendor).url, events, "--journal", "events", "--rejects", rejects
    )
    segcli(*command)
    limited_vendor.accept_all()

    assert segcli(*command, "--resume").code == 1
    assert events.read_bytes() == before
    assert len(limited_vendor.taken) == 5
    kept = [row for row in records(rejects) if "line" in row]
    assert [row["line"] for row in kept] == [1]
    assert (len(records(rejects)) == 2) == (victim == "rejects")


def test_journal_through_a_symlink_is_continued_and_finally_deleted(
    segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=2)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / JOURNAL).symlink_to("elsewhere/real")
    events = write_events(tmp_path / "events.jsonl", tracks(5))
    command = to_webhook(vendor(limited_vendor).url, events)

    assert segcli(*command).code == 3
    assert (tmp_path / JOURNAL).is_symlink()
    assert os.listdir(tmp_path / "elsewhere") == ["real"]
    limited_vendor.accept_all()
    assert segcli(*command, "--resume").code == 0
    assert len(limited_vendor.taken) == 5
    assert (tmp_path / JOURNAL).is_symlink()
    assert os.listdir(tmp_path / "elsewhere") == []


def test_existing_journal_keeps_its_mode(segcli: Segcli, vendor: Serve, tmp_path: Path) -> None:
    (tmp_path / JOURNAL).touch()
    (tmp_path / JOURNAL).chmod(0o640)
    events = write_events(tmp_path / "events.jsonl", tracks(5))

    assert segcli(*to_webhook(vendor(LimitedVendor(left=2)).url, events)).code == 3
    assert mode(tmp_path / JOURNAL) == 0o640


# --- pipes and devices


def reading(pipe: Path) -> tuple[threading.Thread, list[bytes]]:
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    return reader, got


@pytest.mark.parametrize("command", ["transform", "check", "send"])
@pytest.mark.parametrize("events", [[], [b"no JSON"]], ids=["none", "one"])
def test_rejects_are_written_to_a_pipe_and_the_pipe_is_closed(
    segcli: Segcli, vendor: Serve, tmp_path: Path, command: str, events: list[bytes]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    write_events(tmp_path / "events.jsonl", [track(), *events])
    reader, got = reading(tmp_path / "pipe")
    to = ["-d", "webhook", "--endpoint", vendor(LimitedVendor()).url, "--journal", JOURNAL]
    said = segcli(command, *(to if command == "send" else []), "events.jsonl", "--rejects", "pipe")
    reader.join(PATIENCE)

    assert said.code == bool(events)
    assert [json.loads(line)["line"] for line in got[0].splitlines()] == [2] * len(events)


def test_rejects_are_written_to_a_device(segcli: Segcli, vendor: Serve, tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", [track(), b"no JSON"])
    command = to_webhook(vendor(LimitedVendor()).url, "events.jsonl")

    assert segcli(*command, "--rejects", "/dev/null").code == 1
    full = segcli(*command, "--rejects", "/dev/full", "--restart")
    assert full.code == 3
    assert "the rejects file /dev/full cannot be written: No space left" in full.err


def test_report_that_a_device_refuses_is_an_error(segcli: Segcli, tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", [track()])
    said = segcli("transform", "events.jsonl", "--report", "/dev/full")

    assert said.code == 3
    assert "the report /dev/full cannot be written: No space left on device" in said.err


def test_report_is_written_to_a_pipe(segcli: Segcli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write_events(tmp_path / "events.jsonl", [track()])
    reader, got = reading(tmp_path / "pipe")
    segcli("transform", "events.jsonl", "--report", "pipe")
    reader.join(PATIENCE)

    assert json.loads(got[0])["read"] == 1
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_rejects_to_a_closed_descriptor_are_an_error() -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        Rejects(Path("/dev/fd/987654"))


@pytest.mark.parametrize(
    ("option", "place"), [("--rejects", "/dev/stdout"), ("--report", "/proc/self/fd/1")]
)
def test_rejects_in_the_file_of_stdout_and_payloads_do_not_overwrite_each_other(
    tmp_path: Path, clean_environment: dict[str, str], option: str, place: str
) -> None:
    events = write_events(tmp_path / "events.jsonl", [track(1), b"no JSON", track(3)])
    to = ["transform", "-q", "-d", "webhook", "--jobs", "1", str(events), option, place]
    with (tmp_path / "out").open("wb") as out:
        out.write(b'"before"\n')
        out.flush()
        subprocess.run(
            [sys.executable, "-m", "segcli", *to],
            stdout=out,
            env=clean_environment,
            timeout=60,
            check=False,
        )

    content = (tmp_path / "out").read_text()
    decoder, found = json.JSONDecoder(), []
    while content := content.lstrip():
        value, end = decoder.raw_decode(content)
        content = content[end:]
        found.append(value)
    assert found[0] == "before"
    assert {row["messageId"] for row in found[1:] if "messageId" in row} == {"m1", "m3"}
    (other,) = [row for row in found[1:] if "messageId" not in row]
    assert other["line" if option == "--rejects" else "read"] in {2, 3}


def test_rejects_are_written_to_a_process_substitution(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    write_events(tmp_path / "events.jsonl", [track(), b"no JSON"])
    command = (
        f"{sys.executable} -m segcli transform -q events.jsonl "
        "--rejects >(cat > kept; touch done) --report >(cat > said) > out"
    )
    subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=clean_environment, timeout=60, check=False
    )
    wait_until(lambda: (tmp_path / "done").exists() and (tmp_path / "said").exists())

    assert [row["line"] for row in records(tmp_path / "kept")] == [2]


def test_rejects_are_appended_to_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b'{"half')
    rejects = Rejects(tmp_path / "kept")
    rejects.keep(Result([Line("events", 7, b"no JSON")], "rejected", "why"))
    rejects.close()

    assert (tmp_path / "kept").read_bytes().startswith(b'{"half\n{"file":"events"')

"""`segcli journals` lists unfinished runs; state is in the platform's state folder."""

import fcntl
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, tracks, write_events
from support.journals import delivered
from support.resuming import LimitedVendor
from support.shared_journals import begun, put

from segcli.cli.state_folder import state_folder
from segcli.journal.resume import Start

Segcli = Callable[..., CommandResult]
Serve = Callable[..., object]
KEY = "sk_live_8f2b61c0d9e74a53"
ALL = [f"m{number}" for number in range(12)]


@pytest.fixture
def stopped(segcli: Segcli, vendor: Callable[..., object], tmp_path: Path) -> LimitedVendor:
    """Send five of twelve events, then let the vendor go down."""
    write_events(tmp_path / "events.jsonl", tracks(12))
    limited_vendor = LimitedVendor(left=5)
    url = vendor(limited_vendor).url  # type: ignore[attr-defined]
    said = segcli("send", "-d", "webhook", "--endpoint", url, *("--concurrency", 1), "events.jsonl")
    assert said.code == 3
    return limited_vendor


@pytest.fixture
def all_is_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read all lines before the first request, not only what a busy machine has read by then."""

    async def read_all(items: Iterator[Any]) -> AsyncIterator[Any]:
        for item in tuple(items):
            yield item

    monkeypatch.setattr("segcli.delivery.pipeline.read_ahead", read_all)


def journals(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "state" / "segcli").glob("*.journal"))


# --- the list


def test_journals_says_that_no_run_is_unfinished(segcli: Segcli) -> None:
    assert segcli("journals") == CommandResult(0, "No run is unfinished.\n", "")


@pytest.mark.usefixtures("all_is_read_first", "stopped")
def test_stopped_run_is_listed_with_destination_source_and_progress(
    segcli: Segcli, tmp_path: Path
) -> None:
    (journal,) = journals(tmp_path)
    name, to, source, settled, resume = segcli("journals").out.splitlines()[:5]

    assert name.startswith(f"{journal.stem}   stopped 20")
    assert to.startswith("  to       webhook at http://127.0.0.1:")
    assert source == f"  from     {tmp_path}/events.jsonl"
    assert settled == "  settled  5 of 12 lines: 5 delivered"
    assert resume.startswith(f"  resume   cd {tmp_path} && segcli send -d webhook")
    assert resume.endswith(" events.jsonl --resume")


@pytest.mark.usefixtures("all_is_read_first")
@pytest.mark.parametrize(
    ("source", "settled"),
    [
        (["a.jsonl", "b.jsonl"], "3 of 12 lines: 3 delivered"),
        # A folder may have files that were not opened.
        (["folder"], "3 lines: 3 delivered; not all lines have been read"),
    ],
)
def test_number_of_lines_is_told_if_all_inputs_were_read(
    source: list[str],
    settled: str,
    segcli: Segcli,
    vendor: Callable[..., object],
    tmp_path: Path,
) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("a.jsonl", "b.jsonl", "folder/a.jsonl"):
        write_events(tmp_path / name, tracks(6))
    url = vendor(LimitedVendor(left=3)).url  # type: ignore[attr-defined]
    to = ["-d", "webhook", "--endpoint", url, "--concurrency", "1"]
    assert segcli("send", *to, *source).code == 3

    assert segcli("journals").out.splitlines()[3] == f"  settled  {settled}"


@pytest.mark.usefixtures("all_is_read_first")
def test_states_are_in_the_order_of_the_summary(
    segcli: Segcli, vendor: Callable[..., object], tmp_path: Path
) -> None:
    lines = [*tracks(2), {"type": "track"}, *tracks(6)]
    write_events(tmp_path / "events.jsonl", [{"type": "page", "userId": "u1"}, *lines])
    url = vendor(LimitedVendor(left=3)).url  # type: ignore[attr-defined]
    to = ["-d", "webhook", "--endpoint", url, "--type", "track", "--concurrency", "1"]
    assert segcli("send", *to, "events.jsonl").code == 3

    settled = segcli("journals").out.splitlines()[3]
    assert settled == "  settled  5 of 10 lines: 3 delivered, 1 rejected, 1 skipped"


def test_listed_resume_command_works_from_any_folder(
    stopped: LimitedVendor,
    segcli: Segcli,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    clean_environment: dict[str, str],
) -> None:
    [line] = [line for line in segcli("journals").out.splitlines() if "resume   " in line]
    stopped.accept_all()
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(
        ["bash", "-c", line.partition("resume   ")[2]],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=clean_environment | home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert sorted(stopped.taken) == sorted(ALL)
    assert journals(tmp_path) == []


def test_key_is_not_listed_and_not_in_the_journal(
    segcli: Segcli, vendor: Callable[..., object], tmp_path: Path
) -> None:
    write_events(tmp_path / "events.jsonl", tracks(12))
    url = vendor(LimitedVendor(left=2)).url  # type: ignore[attr-defined]
    to = ["-d", "plotline", "--set", f"api_key={KEY}", "--endpoint", url]
    assert segcli("send", *to, "events.jsonl").code == 3
    (journal,) = journals(tmp_path)
    out = segcli("journals").out

    assert KEY not in out
    assert KEY.encode() not in journal.read_bytes()
    assert "repeat the same --set values (hidden here)" in out


@pytest.mark.usefixtures("stopped")
def test_running_run_is_listed_without_a_resume_command(segcli: Segcli, tmp_path: Path) -> None:
    (journal,) = journals(tmp_path)
    with journal.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        out = segcli("journals").out
        refused = segcli("journals", "--remove", journal.stem)

    assert out.startswith(f"{journal.stem}   running\n")
    assert "--resume" not in out
    assert (refused.code, journal.exists()) == (2, True)
    assert "another segcli is running" in refused.err


def test_unreadable_journal_is_listed_with_the_reason(segcli: Segcli, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "segcli"
    folder.mkdir(parents=True)
    (folder / "gist-1.journal").write_bytes(b"a letter\n")
    (folder / "gist-2.journal").write_bytes(b"")
    out = segcli("journals").out

    assert "cannot be resumed: " in out
    assert "is not a segcli journal" in out
    assert "cannot be resumed: it holds nothing yet" in out


# --- removing one


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("suffix", ["", ".journal"])
def test_remove_option_deletes_the_journal(segcli: Segcli, tmp_path: Path, suffix: str) -> None:
    (journal,) = journals(tmp_path)
    said = segcli("journals", "--remove", journal.stem + suffix)

    assert (said.code, said.out) == (0, f"Removed {journal}\n")
    assert journals(tmp_path) == []
    assert segcli("journals").out == "No run is unfinished.\n"


@pytest.mark.parametrize("name", ["unknown", "", "../../events", "/etc/passwd"])
def test_remove_with_an_unknown_name_deletes_nothing(
    segcli: Segcli, tmp_path: Path, name: str
) -> None:
    write_events(tmp_path / "events.journal", tracks(1))
    said = segcli("journals", "--remove", name)

    assert (said.code, said.out) == (2, "")
    assert "there is no journal" in said.err
    assert (tmp_path / "events.journal").exists()


# --- the place


def test_state_folder_follows_the_platform_convention(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert state_folder() == Path("/var/state/segcli")

    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", ignored)
        assert state_folder() == tmp_path / ".local/state/segcli"


# --- a shared journal


def test_a_shared_journal_is_shown_and_not_taken_over(segcli: Segcli, tmp_path: Path) -> None:
    place = tmp_path / "job"
    assert segcli("journals", "--at", f"{place}/").out == f"There is no journal at {place}.\n"
    running = begun(place)
    put(running, delivered(1, 2))
    out = segcli("journals", "--at", place).out.splitlines()

    assert out[:4] == [
        str(place),
        "  to       webhook at https://acme.example",
        "  from     /a",
        "  settled  2 lines: 2 delivered; not all lines have been read",
    ]
    assert out[4].startswith(f"  attempt  has not ended: process {os.getpid()} on ")
    assert out[5] == "  resume   the same command with --resume"
    put(running, delivered(3))
    running.end(finished=False)
    assert "attempt" not in segcli("journals", "--at", place).out
    begun(place, Start.RESUME).end(finished=True)
    assert segcli("journals", "--at", place).out == "No run is unfinished.\n"
    assert "is no shared journal" in segcli("journals", "--at", "file").err
    assert "Type one of them" in segcli("journals", "--at", place, "--remove", "x").err

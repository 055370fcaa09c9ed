"""Full, read-only and missing file systems: found in time, and the run can resume."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fakes import records, track, write_events
from support.resuming import LimitedVendor, Segcli, Serve, duplicates, settled_lines, to_webhook
from support.small_disk import ALL, COUNT, filled, read_slowly, twenty_blocks


@pytest.fixture(autouse=True)
def _slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    read_slowly(monkeypatch)


@pytest.fixture
def command(limited_vendor: LimitedVendor, vendor: Serve, tmp_path: Path) -> list[str]:
    events = twenty_blocks(tmp_path / "events.jsonl")
    return [*to_webhook(vendor(limited_vendor).url, events), "--concurrency", "8"]


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small file system in memory with these options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, timeout=60, check=False)


def test_run_stopped_by_a_full_file_system_resumes_after_cleanup(
    mounted: Callable[[str], Path],
    command: list[str],
    limited_vendor: LimitedVendor,
    segcli: Segcli,
) -> None:
    disk = mounted("size=1m")
    ballast = filled(disk, leave=4 * 1024)
    at = ["--journal", disk / "a.journal"]
    said = segcli(*command, *at)
    assert said.code == 3
    assert "a.journal cannot be written: No space left on device" in said.err
    assert 0 < len(limited_vendor.taken) == len(settled_lines(disk / "a.journal")) < COUNT

    full = segcli(*command, *at, "--resume")
    assert full.code in (2, 3)
    ballast.unlink()
    assert segcli(*command, *at, "--resume").code == 0
    assert set(limited_vendor.taken) == ALL
    assert not duplicates(limited_vendor.taken)


def test_rejects_are_complete_after_a_full_file_system(
    mounted: Callable[[str], Path],
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
) -> None:
    lines = [track(number, note="POISON" * 200) for number in range(20)]
    command = to_webhook(vendor(limited_vendor).url, write_events(tmp_path / "events.jsonl", lines))
    disk = mounted("size=1m")
    ballast = filled(disk, leave=8 * 1024)
    at = ["--rejects", disk / "rejects"]
    said = segcli(*command, *at)
    assert said.code == 3
    assert f"the rejects file {disk}/rejects cannot be written: No space left" in said.err
    ballast.unlink()
    assert segcli(*command, *at, "--resume").code == 1
    assert [row["line"] for row in records(disk / "rejects")] == list(range(1, 21))


@pytest.mark.parametrize("option", ["--journal", "--rejects"])
def test_read_only_file_system_is_reported_before_sending(
    option: str,
    mounted: Callable[[str], Path],
    command: list[str],
    limited_vendor: LimitedVendor,
    segcli: Segcli,
) -> None:
    disk = mounted("size=1m,ro")
    said = segcli(*command, option, disk / "file")
    assert said.code == 3
    assert f"{disk}/file cannot be written" in said.err
    assert f"{option} PATH" in said.err
    assert not limited_vendor.taken


@pytest.mark.parametrize("option", ["--journal", "--rejects"])
def test_file_used_as_a_folder_is_reported_before_sending(
    option: str, command: list[str], limited_vendor: LimitedVendor, segcli: Segcli, tmp_path: Path
) -> None:
    said = segcli(*command, option, tmp_path / "events.jsonl" / "file")
    assert said.code == 2
    assert "events.jsonl/file" in said.err
    assert not limited_vendor.taken
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl"]

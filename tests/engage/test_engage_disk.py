"""A full or failing disk stops a sync: nothing is sent that the state cannot record."""

import os
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from support.engage import STATE, csv, engage, received_changes
from support.fakes import PATIENCE, CommandResult
from support.fork_server import ForkedProcess

from segcli.engage.state import EngageState
from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]
Start = Callable[..., SandboxServer]
Spawn = Callable[..., ForkedProcess]
IN_FLIGHT = 10
EVERYBODY = sorted((str(user), True) for user in range(300))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return csv(tmp_path / "m.csv", range(300))


def with_limit(spawn: Spawn, to: Sequence[object], file: Path) -> ForkedProcess:
    """Start a sync whose files may not grow beyond a size; it gets its list after that is set."""
    members = file.read_bytes()
    file.unlink()
    os.mkfifo(file)
    process = spawn(*to)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (150_000, 150_000))
    with suppress(BrokenPipeError):
        file.write_bytes(members)
    file.unlink()
    file.write_bytes(members)
    return process


def test_failing_state_stops_the_run_and_no_unrecorded_change_is_sent(
    segcli: Segcli, start_sandbox: Start, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = start_sandbox()
    to = engage("gist", at.endpoint("gist"), file)
    note, notes = EngageState.note, []

    def limit_file_size_later(state: EngageState, *given: object) -> None:
        notes.append(given)
        if len(notes) == 6:
            pages = state._db.execute("PRAGMA page_count").fetchone()[0]
            state._db.execute(f"PRAGMA max_page_count = {pages}")
        note(state, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(EngageState, "note", limit_file_size_later)
        stopped = segcli(*to)
    first = received_changes(at)

    assert stopped.code == 3
    assert "full" in stopped.err
    assert "Traceback" not in stopped.err
    assert 0 < len(first) < 300
    assert segcli(*to).code == 0
    second = received_changes(at)
    assert sorted({*first, *second}) == EVERYBODY
    assert len(first) + len(second) <= 300 + IN_FLIGHT, "at most what was in flight goes twice"


def test_next_sync_sends_the_rest_after_a_disk_failure(
    segcli: Segcli, spawn: Spawn, start_sandbox: Start, file: Path, tmp_path: Path
) -> None:
    at = start_sandbox()
    to = engage("gist", at.endpoint("gist"), file)
    process = with_limit(spawn, to, file)
    _, err = process.communicate(timeout=PATIENCE)
    first = received_changes(at)

    assert process.returncode == 3
    assert f"the state {tmp_path / STATE} cannot be used: disk I/O error" in err
    assert "Traceback" not in err
    assert 0 < len(first) < 300
    assert segcli(*to).code == 0
    second = received_changes(at)
    assert sorted({*first, *second}) == EVERYBODY
    assert len(first) + len(second) <= 300 + IN_FLIGHT


def test_nothing_is_sent_if_the_disk_has_no_space_for_the_list(
    segcli: Segcli, spawn: Spawn, start_sandbox: Start, file: Path
) -> None:
    at = start_sandbox()
    csv(file, range(20_000))
    to = engage("gist", at.endpoint("gist"), file)
    process = with_limit(spawn, to, file)
    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert "cannot be used: " in err
    assert "Traceback" not in err
    assert received_changes(at) == []
    csv(file, ["u1"])
    assert segcli(*to).code == 0
    assert received_changes(at) == [("u1", True)]

"""The state is one SQLite file: how it is created, checked, made durable, and queried."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.engage import AUDIENCE, TRAIT, audience, changes, difference, opened, sync, values

from segcli.engage.state import EngageState, Known, SyncKey
from segcli.errors import Stopped, UsageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def state(path: Path) -> Iterator[EngageState]:
    with opened(path) as state:
        yield state


def asked(path: Path, *questions: str) -> list[object]:
    """Return the single values that a database returns for these queries."""
    with closing(sqlite3.connect(path)) as db:
        return [db.execute(question).fetchone()[0] for question in questions]


# --- the file


def test_state_file_is_marked_as_segcli_state_and_private(path: Path, state: EngageState) -> None:
    sync(state, audience("u1"))

    assert asked(path, "PRAGMA application_id", "PRAGMA user_version") == [0x7367636C, 1]
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_state_is_kept_when_the_file_is_reopened(path: Path) -> None:
    with opened(path) as state:
        sync(state, audience("u1", "u2"))
    with opened(path) as state:
        assert sync(state, audience("u2", "u3")) == {"u3": "true", "u1": "false"}


def test_missing_parent_folders_are_created(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "yet.sqlite"
    with opened(path) as state:
        sync(state, audience("u1"))

    assert path.exists()


def test_special_sqlite_names_are_treated_as_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(Path(":memory:")) as state:
        sync(state, audience("u1"))
    with opened(Path(":memory:")) as state:
        assert sync(state, audience("u1")) == {}


def test_state_of_another_version_is_refused_and_unchanged(path: Path) -> None:
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")
    before = path.read_bytes()

    with pytest.raises(UsageError, match="it has version 2; this segcli supports 1") as caught:
        EngageState(path)
    assert str(path) in caught.value.message
    assert caught.value.hint == "Name another file: --state PATH"
    assert path.read_bytes() == before


def test_database_of_another_program_is_refused_and_unchanged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE orders (id)")
    before = path.read_bytes()

    with pytest.raises(UsageError, match="it belongs to another program"):
        EngageState(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_file_that_is_not_a_database_is_refused_and_unchanged(path: Path) -> None:
    path.write_bytes(b"userId,email\n" * 100)

    with pytest.raises(UsageError, match="is not a state of segcli: file is not a database"):
        EngageState(path)
    assert path.read_bytes() == b"userId,email\n" * 100


def test_state_path_where_no_file_can_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "state.sqlite"):
        with pytest.raises(UsageError, match="cannot be used"):
            EngageState(path)


# --- the disk


def test_notes_are_in_the_files_when_note_returns(
    path: Path, state: EngageState, tmp_path: Path
) -> None:
    found = difference(state, audience("u1", "u2"))
    state.note(found, [("sent", 1), ("delivered", 1)])
    # What a kill at this moment leaves behind.
    (tmp_path / "after").mkdir()
    for file in tmp_path.glob("state.sqlite*"):
        shutil.copy(file, tmp_path / "after")

    with opened(tmp_path / "after" / path.name) as survived:
        assert sync(survived, audience("u1", "u2")) == {"u2": "true"}


def test_state_uses_wal_with_full_synchronous_mode(state: EngageState) -> None:
    assert state._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert state._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_full_disk_stops_the_run_and_keeps_the_state(path: Path) -> None:
    with opened(path) as state:
        sync(state, audience("u1"))
        found = difference(state, audience(*(f"u{number}" for number in range(1000))))
        pages = state._db.execute("PRAGMA page_count").fetchone()[0]
        state._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(Stopped, match=r"state\.sqlite cannot be used: .*full"):
            state.note(found, [("sent", number) for number in range(1, 1000)])
        state._db.execute(f"PRAGMA max_page_count = {pages * 10}")
        state.note(found, [("sent", 1), ("delivered", 1)])
        left = changes(state, found)
    with opened(path) as state:
        assert len(left) == 998
        assert len(changes(state, difference(state, audience("u1", "u0", "u1000")))) == 1


def test_list_that_fails_while_read_stages_nothing(state: EngageState) -> None:
    def broken() -> Iterator[object]:
        yield from audience("u1", "u2")
        raise OSError("gone")

    state.stage(audience("u3"))
    with pytest.raises(OSError, match="gone"):
        state.stage(broken())  # type: ignore[arg-type]

    assert [one.user_id for one in changes(state, state.compare(AUDIENCE, removals=True))] == ["u3"]


def test_corrupt_state_file_stops_the_run(path: Path) -> None:
    with opened(path) as state:
        sync(state, audience(*(f"u{number}" for number in range(1000))))
    content = path.read_bytes()
    path.write_bytes(content[: 4096 * 3].ljust(len(content), b"\xff"))

    with (
        opened(path) as state,
        pytest.raises(Stopped, match="cannot be used: database disk image is malformed"),
    ):
        difference(state, audience("u1"))


# --- a dry run


def test_a_dry_run_computes_the_same_difference_and_writes_nothing(path: Path) -> None:
    with opened(path) as state:
        sync(state, audience("u1", "u2"))
        difference(state, audience("u1", "u2", "u5"))
    before = path.read_bytes()
    with opened(path, dry_run=True) as state:
        found = changes(state, difference(state, audience("u2", "u3")))
        other = changes(state, difference(state, values(u1="5"), TRAIT))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]

    with opened(path) as state:
        assert changes(state, difference(state, audience("u2", "u3"))) == found
        assert [change.value for change in other] == ["5"]


def test_a_dry_run_and_a_sync_do_not_block_each_other(path: Path) -> None:
    with opened(path) as state, closing(sqlite3.connect(path, isolation_level=None)) as writer:
        sync(state, audience("u1", "u2"))
        writer.execute("BEGIN IMMEDIATE")
        with opened(path, dry_run=True) as dry_run:
            found = difference(dry_run, audience("u2"))
            writer.execute("DELETE FROM told")
            writer.execute("COMMIT")
            assert [change.user_id for change in changes(dry_run, found)] == ["u1"]


# --- what people ask for


def test_known_lists_members_pending_changes_and_the_last_sync(state: EngageState) -> None:
    sync(state, audience("u1", "u2", "u3"))
    sync(state, audience("u1", "u2"))
    found = difference(state, audience("u1", "u2", "u4"))
    sync(state, values(u1="5", u2="null"), TRAIT)
    state.note_sync(found, "2026-02-03T10:11:12.000Z")

    assert state.known() == [
        Known(
            destination="acme",
            endpoint="",
            kind="audience",
            key="big",
            name="Big",
            members=2,
            last_sync="2026-02-03T10:11:12.000Z",
            pending=1,
        ),
        Known(
            destination="acme",
            endpoint="",
            kind="trait",
            key="ltv",
            name="LTV",
            members=1,
            last_sync="",
            pending=0,
        ),
    ]


def test_forgotten_audience_is_sent_again_and_others_stay_known(state: EngageState) -> None:
    other = SyncKey(destination="zeta", endpoint="", kind="audience", key="big", name="Big")
    for which in (AUDIENCE, other, TRAIT):
        sync(state, audience("u1"), which)

    assert state.forget("big", "zeta") == 1
    assert state.forget("zeta", None) == 0
    assert [known.destination for known in state.known()] == ["acme", "acme"]
    assert sync(state, audience("u1"), other) == {"u1": "true"}
    assert state.forget("Big", None) == 2
    assert sync(state, audience("u1")) == {"u1": "true"}
    assert sync(state, audience("u1"), TRAIT) == {}

"""The journal's file: one owner, reserved space, and marks that never move back."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import records
from support.journals import HEADER, delivered, opened, totals
from support.resuming import records_in
from support.small_disk import files_put_on_disk, no_space

from segcli.accounting.held_rejects import HeldRejects
from segcli.accounting.rejects import Rejects
from segcli.core.line import ActionFailure, Line, RefusalDetails, Result
from segcli.errors import Stopped, UsageError
from segcli.inputs import Input
from segcli.journal import checkpoint, locked_file
from segcli.journal import journal as module
from segcli.journal.checkpoint import Checkpoint, read_checkpoint
from segcli.journal.event_parts import SettledAction
from segcli.journal.journal import Journal
from segcli.journal.locked_file import InUseError, lock
from segcli.journal.resume import Start
from segcli.lines.fingerprint import Mark


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = opened(tmp_path / "a.journal")
    yield made
    made.close()


# --- one owner


def test_second_run_on_a_journal_is_refused(journal: Journal) -> None:
    with pytest.raises(UsageError, match="another segcli is running with") as caught:
        opened(journal.path)
    assert "--journal PATH" in caught.value.hint


def test_second_run_cannot_restart_a_journal_in_use(journal: Journal) -> None:
    journal.promise(1)
    journal.settle(delivered(1))
    with pytest.raises(UsageError, match="another segcli"):
        opened(journal.path, Start.RESTART)
    assert totals(journal.path) == {"delivered": 1}


def test_finished_run_leaves_no_lock(tmp_path: Path) -> None:
    opened(tmp_path / "a.journal").close()
    opened(tmp_path / "a.journal").close()


def test_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    program = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[2]); from support import journals; "
        "held = journals.opened(pathlib.Path(sys.argv[1])); print('locked', flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(path), str(Path(__file__).parents[1])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(UsageError, match="another segcli"):
            opened(path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    opened(path).close()


def test_removed_journal_can_be_created_again(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    for _ in range(2):
        journal = opened(path)
        assert path.exists()
        journal.remove()
        assert not path.exists()


@pytest.mark.parametrize("end", ["remove", "grow long"])
def test_run_with_a_moved_journal_does_not_touch_a_new_one(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_GROWTH", 500)
    path = tmp_path / "a.journal"
    first = opened(path)
    path.rename(tmp_path / "moved")
    second = opened(path)
    second.promise(1)
    second.settle(delivered(7))
    if end == "remove":
        first.remove()
    else:
        first.promise(100)
        for number in range(1, 101):
            first.settle(delivered(number))
        first.close()
        assert totals(tmp_path / "moved") == {"delivered": 100}

    assert totals(path) == {"delivered": 1}
    second.close()


@pytest.mark.parametrize("special", ["fifo", "device"])
def test_journal_must_be_a_regular_file(special: str, tmp_path: Path) -> None:
    path = tmp_path / special
    if special == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(os.devnull)
    with pytest.raises(UsageError, match="is not a regular file"):
        opened(path)
    assert path.is_fifo() or path.is_char_device()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_descriptor_is_closed_if_locking_fails(tmp_path: Path) -> None:
    held = opened(tmp_path / "held")
    os.mkfifo(tmp_path / "fifo")
    before = os.listdir("/proc/self/fd")
    for name, error in (("held", InUseError), ("fifo", UsageError)):
        with pytest.raises(error):
            lock(tmp_path / name)

    assert os.listdir("/proc/self/fd") == before
    held.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_descriptor_is_closed_if_the_file_was_replaced_before_locking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [False, False, True]
    monkeypatch.setattr(locked_file, "is_still_there", lambda *_: answers.pop(0))
    before = len(os.listdir("/proc/self/fd"))
    descriptor = lock(tmp_path / "a")

    assert len(os.listdir("/proc/self/fd")) == before + 1
    os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_descriptor_is_closed_if_syncing_the_folder_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locked_file, "sync_folder", no_space)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="No space left"):
        locked_file.replaced(tmp_path / "a", [b"{}\n"], 0)

    assert os.listdir("/proc/self/fd") == before


# --- reserved space


def test_space_is_reserved_once_for_many_lines(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(module, "reserve_space", lambda _file, _position, size: sizes.append(size))
    for number in range(1, 1001):
        journal.promise(1)
        journal.settle(delivered(number))

    assert len(sizes) == 1


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=50, unique=True), st.integers(0, 9999))
def test_reserved_space_is_enough_for_the_promised_lines(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], place: int
) -> None:
    journal = opened(tmp_path_factory.getbasetemp() / "room.journal", Start.RESTART)
    journal.promise(len(numbers))
    size = journal.path.stat().st_size
    for number in numbers:
        journal.settle(delivered(number, place=place))
    assert journal.path.stat().st_size == size
    journal.remove()


def test_marks_do_not_use_the_reserved_space_of_lines(journal: Journal) -> None:
    for number in range(1, 2000):
        journal.promise(1)
        journal.mark(number, Mark(10**12 + number, "f" * 32, is_open=True))
    size = journal.path.stat().st_size
    for number in range(1, 2000):
        journal.settle(delivered(number))
    assert journal.path.stat().st_size == size


def test_failed_reservation_stops_the_run(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", no_space)
    with pytest.raises(Stopped, match=r"a\.journal cannot be written: No space left on device"):
        journal.promise(1)


@pytest.mark.parametrize("lacking", ["the call", "the support of the file system"])
def test_space_is_reserved_by_writing_without_posix_fallocate(
    lacking: str, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    if lacking == "the call":
        monkeypatch.delattr(os, "posix_fallocate")
    else:
        monkeypatch.setattr(os, "posix_fallocate", unsupported)
    before = journal.path.stat().st_blocks
    journal.promise(10_000)
    assert (journal.path.stat().st_blocks - before) * 512 >= 10_000 * 128
    journal.settle(delivered(1))
    assert totals(journal.path) == {"delivered": 1}


# --- content


def test_mark_never_moves_back(journal: Journal) -> None:
    far = Mark(100, "ab", is_open=True)
    journal.mark(0, far)
    journal.mark(0, Mark(50, "cd"))
    journal.mark(0, Mark(100, "ab"))
    journal.promise(1)
    journal.settle(delivered(1))
    found = checkpoint.read_checkpoint(journal.path)
    assert found is not None
    assert found.marks == journal.past.marks == {0: far}


def test_no_line_is_settled_without_the_mark_of_the_bytes_read(journal: Journal) -> None:
    whole = journal.path.stat().st_size
    for to, number in ((10, 1), (30, 3)):
        journal.promise(2)
        journal.mark(0, Mark(to - 5, "ab"))
        journal.mark(0, Mark(to, "cd"))
        journal.settle(delivered(number))
    written = journal.path.read_bytes()
    for cut in range(whole, len(written.rstrip(b"\0")) + 1):
        journal.path.with_name("cut").write_bytes(written[:cut])
        found = checkpoint.read_checkpoint(journal.path.with_name("cut"))
        assert found is not None
        settled = list(found.settled[0].ranges()) if found.settled else []
        assert (settled, found.marks) in [
            ([], {}),
            ([(1, 1)], {0: Mark(10, "cd")}),
            ([(1, 1), (3, 3)], {0: Mark(30, "cd")}),
        ]
    assert settled == [(1, 1), (3, 3)]


TWO = [Input(name, 900, place, version="v1") for place, name in enumerate("ab")]
STEPS = st.sampled_from(["read", "read", "settle", "settle", "skip", "end", "resume"])


@pytest.mark.parametrize("grows_by", [300, 1_000_000])
@given(st.lists(st.tuples(STEPS, st.sampled_from([0, 1]), st.integers(0, 99)), max_size=40))
def test_no_line_is_settled_beyond_the_mark_of_its_input_over_all_runs(
    tmp_path_factory: pytest.TempPathFactory, grows_by: int, steps: list[tuple[str, int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "marks.journal"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MAX_GROWTH", grows_by)
        journal = Journal(path, Checkpoint(HEADER), TWO)
        read = [0, 0]
        for step, place, choice in steps:
            lines = range(1, read[place] + 1)
            is_open = [line for line in lines if not journal.past.is_settled(place, line)]
            match step:
                case "read":
                    read[place] += 3
                    journal.promise(3)
                    journal.mark(place, Mark(read[place] * 10, f"of {read[place]}"))
                case "settle" | "skip" if is_open:
                    line = delivered(is_open[choice % len(is_open)], place=place).lines
                    journal.settle(Result(line, "delivered" if step == "settle" else "skipped"))
                case "end":
                    journal.ended(place, read[place])
                case "resume":
                    journal.close()
                    journal = Journal(path, read_back(path), TWO)
                    # The run reads the input again from the beginning.
                    read = [0, 0]
        journal.close()
    for found in truncated_journals(path):
        for place, settled in found.settled.items():
            last = max(last for _, last in settled.ranges())
            assert found.marks[place].to >= last * 10
            assert found.marks[place].digest == f"of {found.marks[place].to // 10}"


def read_back(path: Path) -> Checkpoint:
    found = checkpoint.read_checkpoint(path)
    assert found is not None
    return found


def truncated_journals(path: Path) -> Iterator[Checkpoint]:
    """Yield the content of a journal that was cut after each of its records."""
    records = path.read_bytes().rstrip(b"\0").splitlines(keepends=True)
    cut = path.with_name("cut.journal")
    for count in range(1, len(records) + 1):
        cut.write_bytes(b"".join(records[:count]))
        yield read_back(cut)


def test_mark_moves_forward(journal: Journal) -> None:
    marks = [Mark(50, "cd"), Mark(100, "ab"), Mark(100, "ab", is_open=True), Mark(101, "ef")]
    for mark in marks:
        journal.mark(0, mark)
        assert journal.past.marks == {0: mark}


# --- actions and rejects


def _settled(state: str, *lines: tuple[int, str]) -> Result:
    """Return a result of lines of one input, each with its number and its action."""
    made = [Line("events", number, b"{}", 0, action) for number, action in lines]
    return Result(made, state)  # type: ignore[arg-type]  # one of the states


def test_a_row_of_lines_has_the_number_of_the_action_that_settled_them(journal: Journal) -> None:
    journal.promise(6)
    journal.settle(_settled("delivered", (1, "Track"), (2, "Page"), (3, "Track"), (4, "Track")))
    journal.settle(_settled("refused", (5, "Page")))
    journal.settle(_settled("skipped", (6, "")))

    rows = records_in(journal.path.read_bytes())
    assert [row for record in rows for row in record.get("actions", ())] == [
        [1, "Track"],
        [2, "Page"],
    ]
    assert [row for record in rows for row in record.get("lines", ())] == [
        [0, 1, 1, 1],
        [0, 3, 4, 1],
        [0, 2, 2, 2],
        [0, 5, 5, 2],
        [0, 6, 6],
    ]
    found = read_checkpoint(journal.path)
    assert found
    assert found.actions == {1: "Track", 2: "Page"}
    assert found.settled.are_all_to(0, 6)


def test_a_shortened_journal_keeps_the_actions_and_the_rejects(journal: Journal) -> None:
    held = HeldRejects()
    journal.begin(held, [])
    journal.promise(2)
    for result in (_settled("delivered", (1, "Track")), _settled("rejected", (2, "Page"))):
        if result.state == "rejected":
            held.keep(result)
        journal.settle(result)

    again = Checkpoint(HEADER)
    for record in list(journal.past.records())[1:]:
        again.apply(record)

    assert again.actions == {1: "Track", 2: "Page"}
    assert [record["line"] for record in held.records()] == [2]
    assert again.kept == journal.past.kept
    later = HeldRejects()
    later.restore(again.kept)
    assert later.records() == held.records()
    assert later.unsaved() == []


def test_rejects_of_a_journal_are_on_disk_before_it_says_that_a_file_has_them(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hold_a_reject(journal)
    rejects = Rejects(tmp_path / "rejects.ndjson")
    files = files_put_on_disk(monkeypatch)
    append = journal._append
    on_disk: list[int] = []

    def noted(record: Any, **more: Any) -> None:
        if "kept_elsewhere" in record:
            on_disk.extend(files)
        append(record, **more)

    monkeypatch.setattr(journal, "_append", noted)
    journal.begin(rejects, [])
    rejects.close()

    assert rejects.path.stat().st_ino in on_disk


def test_rejects_of_a_journal_go_to_the_file_once_though_the_run_was_killed_in_between(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hold_a_reject(journal)
    rejects = Rejects(tmp_path / "rejects.ndjson")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_append_unreserved", _killed)
        with pytest.raises(KeyboardInterrupt):
            journal.begin(rejects, [])
    rejects.close()
    assert len(records(rejects.path)) == 1
    journal.begin(Rejects(rejects.path), [])

    assert len(records(rejects.path)) == 1
    assert journal.past.kept == []


def _hold_a_reject(journal: Journal) -> None:
    held, rejected = HeldRejects(), _settled("rejected", (1, ""))
    journal.begin(held, [])
    journal.promise(1)
    held.keep(rejected)
    journal.settle(rejected)


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


FAILURE = ActionFailure(
    "Mail", "refused", "HTTP 400: no", 400, 2, "", RefusalDetails("https://a", ["{}"], "no", {})
)


def _settle_parts(journal: Journal) -> None:
    """Settle actions of lines 1 to 3, and line 3 as a whole."""
    journal.promise(3 + 6)
    journal.settle_actions(_settled("delivered", (1, "Track"), (2, "Track"), (3, "Track")))
    refused = _settled("refused", (2, "Mail"))
    journal.settle_actions(msgspec.structs.replace(refused, failures=[FAILURE]))
    journal.settle_actions(_settled("rejected", (3, "Mail")))
    whole = _settled("rejected", (3, ""))
    journal.settle(msgspec.structs.replace(whole, is_answered=True))


def _of_line(journal: Journal, number: int) -> list[SettledAction]:
    return list(journal.settled_actions(Line("events", number, b"{}", 0)))


@pytest.mark.parametrize("how", ["read again", "shortened"])
def test_a_journal_knows_which_actions_of_an_open_line_are_settled(
    tmp_path: Path, how: str
) -> None:
    journal = opened(tmp_path / "a.journal")
    _settle_parts(journal)
    journal.close()
    past = read_checkpoint(journal.path)
    assert past
    again = Journal(journal.path, past)
    if how == "shortened":
        again.close()
        past = read_checkpoint(journal.path)
        assert past
        again = Journal(journal.path, past)

    assert _of_line(again, 1) == [SettledAction("Track", "delivered", None)]
    first, second = _of_line(again, 2)
    assert first == SettledAction("Track", "delivered", None)
    assert msgspec.convert(second.failure, ActionFailure) == FAILURE
    assert _of_line(again, 3) == []
    assert [number for number in (1, 2, 3) if past.is_settled(0, number)] == [3]
    assert past.counts_by_action() == {
        ("Track", "delivered"): 3,
        ("Mail", "refused"): 1,
        ("Mail", "rejected"): 1,
    }
    assert again.earlier_answers == 1
    assert past.described() == "1 rejected, 2 in part"
    again.close()


def test_a_journal_with_nothing_but_parts_of_events_is_worth_resuming(tmp_path: Path) -> None:
    journal = opened(tmp_path / "a.journal")
    journal.promise(2)
    journal.settle_actions(_settled("delivered", (1, "Track")))
    journal.end(finished=False)

    past = read_checkpoint(journal.path)
    assert past
    assert past.is_worth_resuming
    assert past.described() == "1 in part"


def test_a_reject_that_the_disk_has_no_room_for_is_not_settled(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldRejects()
    journal.begin(held, [])
    journal.promise(1)
    long = Result([Line("events", 1, b"x" * 400_000)], "rejected", "is long")
    held.keep(long)
    monkeypatch.setattr(module, "reserve_space", no_space)

    with pytest.raises(Stopped, match="cannot be written"):
        journal.settle(long)
    found = read_checkpoint(journal.path)
    assert found
    assert not found.is_settled(0, 1)
    assert found.kept == []

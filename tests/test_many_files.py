"""A hundred thousand files cost little memory: of each a few numbers and its name are kept."""

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from resuming import Door, Serve, to_webhook
from sending import Said, track, written

from segcli.inputs import inputs

Segcli = Callable[..., Said]
FEW, MANY = 500, 4_500
BYTES_A_FILE = 200


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return a folder with few files and one with many; the first and the last have an event."""
    found = []
    for count in (FEW, MANY):
        folder = tmp_path_factory.mktemp("many") / "events"
        for part in range(5):
            (folder / f"{part}").mkdir(parents=True)
        for number in range(count):
            file = folder / f"{number * 5 // count}" / f"events-of-a-day-{number:08}.jsonl"
            file.write_bytes(b"\n")
        written(folder / "0" / "a.jsonl", [track(1)])
        written(folder / "4" / "z.jsonl", [track(2)])
        found.append(folder)
    return found


def peak_of(work: Callable[[], object]) -> int:
    """Return the most memory that the work takes, over what there was."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bytes_a_file(work: Callable[[Path], object], folders: list[Path]) -> float:
    few, many = folders
    work(few)  # What is loaded once counts for no file.
    return (peak_of(lambda: work(many)) - peak_of(lambda: work(few))) / (MANY - FEW)


@pytest.mark.parametrize(
    "command",
    [
        ("transform", "-d", "webhook", "--jobs", "1"),
        ("transform", "-d", "webhook", "--jobs", "1", "--since", "2026-01-01"),
        ("check", "-d", "webhook", "--jobs", "1"),
        ("check", "-d", "webhook", "--jobs", "1", "--format", "json"),
        ("transform", "-d", "webhook", "--jobs", "1", "--report", "report.json"),
    ],
    ids=" ".join,
)
def test_to_read_many_files_takes_little_memory_for_each(
    command: tuple[str, ...], folders: list[Path], segcli: Segcli
) -> None:
    def work(folder: Path) -> None:
        assert segcli(*command, folder).code == 0

    assert bytes_a_file(work, folders) < BYTES_A_FILE


def test_to_send_many_files_and_to_go_on_takes_little_memory_for_each(
    folders: list[Path], segcli: Segcli, vendor: Serve
) -> None:
    door = Door()
    command = to_webhook(vendor(door).url)

    def stop(folder: Path) -> None:
        door.left = 1
        assert segcli(*command, "--restart", folder).code == 3

    def go_on(folder: Path) -> None:
        door.left = 1
        assert segcli(*command, "--resume", folder).code == 0

    stop(folders[0])
    go_on(folders[0])
    few, many = ((peak_of(partial(stop, one)), peak_of(partial(go_on, one))) for one in folders)
    for before, after in zip(few, many, strict=True):
        assert (after - before) / (MANY - FEW) < BYTES_A_FILE


def test_to_list_many_objects_keeps_little_of_each(memory: Any) -> None:
    def kept(count: int) -> int:
        memory.pipe({f"/logs{count}/events-of-a-day-{n:08}.jsonl": b"\n" for n in range(count)})
        gc.collect()
        tracemalloc.start()
        try:
            found = inputs([f"memory://logs{count}"])
            gc.collect()
            return tracemalloc.get_traced_memory()[0] if len(found) == count else 0
        finally:
            tracemalloc.stop()

    kept(1)
    assert 0 < (kept(MANY) - kept(FEW)) / (MANY - FEW) < BYTES_A_FILE

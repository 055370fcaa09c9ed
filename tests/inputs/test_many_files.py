"""A hundred thousand files need little memory: a few numbers and a name for each."""

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, track, write_events
from support.resuming import LimitedVendor, Serve, to_webhook

from segcli.inputs import address, inputs

Segcli = Callable[..., CommandResult]
FEW, MANY = 10, 400
# For a run that reads them, one that settles them, and one that goes on after that.
BYTES_A_FILE, BYTES_A_SETTLED_FILE, BYTES_A_KNOWN_FILE = 100, 175, 250
FEW_OBJECTS, MANY_OBJECTS = 100, 500
# In the list, and while the list is made.
BYTES_AN_OBJECT, BYTES_A_LISTED_OBJECT = 150, 168
# What a run allocates at once hides as many bytes that files need. With little of that, a few
# hundred files show what each of them needs.
SMALL = {
    "segcli.inputs.compact_columns._NUMBER_PAGE": 128,
    "segcli.inputs.compact_columns._TEXT_PAGE": 8192,
    "segcli.journal.journal._RESERVE_STEP": 8192,
    "segcli.lines.read._BLOCK": 8192,
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allocate little at once."""
    for name, size in SMALL.items():
        monkeypatch.setattr(name, size)


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
        write_events(folder / "0" / "a.jsonl", [track(1)])
        write_events(folder / "4" / "z.jsonl", [track(2)])
        found.append(folder)
    return found


def peak_of(work: Callable[[], object]) -> int:
    """Return the most memory that the work uses, above the memory before."""
    gc.collect()
    before = gc.get_threshold()
    # As in a process of its own, so that garbage counts little.
    gc.set_threshold(700)
    tracemalloc.start()
    try:
        # Each trace counts the frames of the whole stack: that of a thread is short.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(work).result()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*before)


def is_little(
    folders: list[Path], bounds: tuple[float, ...], *steps: Callable[[Path], object]
) -> bool:
    """True if one of three measurements of each step is below the bytes for a file of that step.

    In one of them a table of the interpreter may grow by megabytes, but not in all three.
    """
    few, many = folders
    for step in steps:
        step(few)  # What is loaded once counts for no file.
    left = dict(zip(steps, bounds, strict=True))
    for _ in range(3):
        peaks: dict[Callable[[Path], object], list[int]] = {step: [] for step in left}
        for folder in (few, many):
            for step in steps:
                if step in left:
                    peaks[step].append(peak_of(partial(step, folder)))
                else:
                    step(folder)
        more = {step: with_many - with_few for step, (with_few, with_many) in peaks.items()}
        left = {step: left[step] for step in left if more[step] / (MANY - FEW) >= left[step]}
        if not left:
            return True
    return False


@pytest.mark.parametrize(
    "command",
    [
        # With a report, a run does all that it does without one.
        ("transform", "-d", "webhook", "--jobs", "1", "--report", "report.json"),
        ("transform", "-d", "webhook", "--jobs", "1", "--since", "2026-01-01"),
        ("check", "-d", "webhook", "--jobs", "1", "--report", "report.json"),
    ],
    ids=" ".join,
)
def test_reading_many_files_uses_little_memory_per_file(
    command: tuple[str, ...], folders: list[Path], segcli: Segcli
) -> None:
    def work(folder: Path) -> None:
        assert segcli(*command, folder).code == 0

    assert is_little(folders, (BYTES_A_FILE,), work)


def test_sending_and_resuming_many_files_uses_little_memory_per_file(
    folders: list[Path], segcli: Segcli, vendor: Serve
) -> None:
    limited_vendor = LimitedVendor()
    command = to_webhook(vendor(limited_vendor).url)

    def stop(folder: Path) -> None:
        limited_vendor.left = 1
        assert segcli(*command, "--restart", folder).code == 3

    def go_on(folder: Path) -> None:
        limited_vendor.left = 1
        assert segcli(*command, "--resume", folder).code == 0

    assert is_little(folders, (BYTES_A_SETTLED_FILE, BYTES_A_KNOWN_FILE), stop, go_on)


def test_list_of_many_objects_uses_little_memory_per_object(memory: Any) -> None:
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
    more = kept(MANY_OBJECTS) - kept(FEW_OBJECTS)
    assert 0 < more / (MANY_OBJECTS - FEW_OBJECTS) < BYTES_AN_OBJECT


class ListingStore:
    """A store like S3 that lists this many objects, in pages that it does not keep."""

    protocol = ("s3", "s3a")
    version_aware = False

    def __init__(self, count: int) -> None:
        self._count = count

    def split_path(self, path: str) -> tuple[str, str, None]:
        return (*path.split("/", 1), None)  # type: ignore[return-value]

    def call_s3(self, _method: str, **asked: Any) -> dict[str, Any]:
        first = int(asked.get("ContinuationToken", "0"))
        behind = min(first + asked["MaxKeys"], self._count)
        return {
            "Contents": [
                {"Key": f"{asked['Prefix']}events-of-a-day-{number:08}.gz", "Size": 900 + number,
                 "ETag": f'"{number:032x}"', "StorageClass": "STANDARD"}
                for number in range(first, behind)
            ],
            "IsTruncated": behind < self._count,
            "NextContinuationToken": str(behind),
        }  # fmt: skip

    def info(self, path: str) -> dict[str, Any]:
        return {"name": path, "type": "directory"}

    def invalidate_cache(self) -> None:
        """There is no cache."""


@pytest.mark.parametrize("path", ["bucket/logs", "bucket/logs/*.gz"])
def test_listing_many_s3_objects_uses_little_memory_per_object(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.inputs.address._PAGE", 100)

    def list_all(count: int) -> None:
        monkeypatch.setattr(address, "located", lambda _: (ListingStore(count), path))
        found = inputs([f"s3://{path}"])
        assert len(found) == count
        assert found[count - 1].title == f"s3://bucket/logs/events-of-a-day-{count - 1:08}.gz"

    list_all(1)
    peaks = [peak_of(partial(list_all, count)) for count in (FEW_OBJECTS, MANY_OBJECTS)]
    assert (peaks[1] - peaks[0]) / (MANY_OBJECTS - FEW_OBJECTS) < BYTES_A_LISTED_OBJECT

"""A hundred thousand files need little memory: a few numbers and a name for each."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, track, write_events
from support.resuming import LimitedVendor, Serve, to_webhook

from segcli.inputs import address, inputs

Segcli = Callable[..., CommandResult]
FEW, MANY = 10, 1_250
# What a run needs at its start hides the first hundred thousand bytes that files need: so this is
# little more than half of what a file may need.
BYTES_A_FILE = 115
OBJECTS = 2_500
BYTES_AN_OBJECT = 200


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


def bytes_a_file(folders: list[Path], *steps: Callable[[Path], object]) -> Iterator[float]:
    """Yield up to three measurements of the step that needs most. One of them has to be low enough.

    In one of them a table of the interpreter may grow by megabytes, but not in all three.
    """
    few, many = folders
    for step in steps:
        step(few)  # What is loaded once counts for no file.
    for _ in range(3):
        with_few = [peak_of(partial(step, few)) for step in steps]
        with_many = [peak_of(partial(step, many)) for step in steps]
        more = [after - before for before, after in zip(with_few, with_many, strict=True)]
        yield max(more) / (MANY - FEW)


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

    assert any(measured < BYTES_A_FILE for measured in bytes_a_file(folders, work))


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

    measurements = bytes_a_file(folders, stop, go_on)
    assert any(measured < BYTES_A_FILE for measured in measurements)


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
    assert 0 < (kept(OBJECTS) - kept(FEW)) / (OBJECTS - FEW) < BYTES_AN_OBJECT


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
    peaks = [peak_of(partial(list_all, count)) for count in (FEW, OBJECTS)]
    assert (peaks[1] - peaks[0]) / (OBJECTS - FEW) < BYTES_AN_OBJECT

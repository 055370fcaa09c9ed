"""Objects in a store are prefetched in order, in bounded memory."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.fakes import PATIENCE

from segcli.inputs import download, object_store
from segcli.inputs.download import ReadAhead
from segcli.inputs.input import Input
from segcli.inputs.object_store import Object
from segcli.inputs.stream import ReadError

MIB = 1024 * 1024


@dataclass(slots=True)
class Store:
    """A store whose objects contain the end of their name; the test controls its answers."""

    before: Callable[["Store", str, int], None] = lambda *_: None
    asked: list[tuple[str, int]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    protocol: str = "memory"
    version: str = "same"
    sizes: dict[str, int] = field(default_factory=dict)

    def cat_file(self, path: str, *, start: int, end: int) -> bytes:
        with self.lock:
            self.asked.append((path, start))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            self.before(self, path, start)
            return path[-1].encode() * (min(end, self.sizes[path]) - start)
        finally:
            with self.lock:
                self.under_way -= 1

    def info(self, path: str) -> dict[str, Any]:
        return {"name": path, "size": self.sizes[path], "ETag": self.version}

    def inputs(self, **sizes: int) -> list[Input]:
        self.sizes = sizes
        found = [
            Object(store=self, path=name, size=size, version=f"{size}-same", in_ranges=True)
            for name, size in sizes.items()
        ]
        return [Input(one.path, one.size, place, remote=one) for place, one in enumerate(found)]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_WAITS", (0.0,) * 3)


def content(ahead: ReadAhead, entry: Input, block: int = 100_000) -> bytes:
    assert entry.remote
    with ahead.stream(entry.remote) as stream:
        return b"".join(iter(lambda: stream.read1(block), b""))


def test_parts_are_delivered_in_order_for_any_response_times() -> None:
    turns = {
        start: threading.Event() for start in range(0, 4 * object_store.PART, object_store.PART)
    }
    backwards = list(turns)[::-1]

    def before(_: Store, path: str, start: int) -> None:
        if path == "a":
            place = backwards.index(start)
            if place:
                turns[backwards[place - 1]].wait(PATIENCE)
            turns[start].set()

    source = Store(before)
    entries = source.inputs(a=4 * object_store.PART, b=10)
    with closing(ReadAhead(entries)) as ahead:
        assert content(ahead, entries[0]) == b"a" * 4 * object_store.PART
        assert content(ahead, entries[1]) == b"b" * 10


def test_small_objects_are_prefetched_concurrently() -> None:
    all_under_way = threading.Barrier(16)
    source = Store(lambda *_: all_under_way.wait(PATIENCE))
    entries = source.inputs(**{f"{number:02}": 10 for number in range(32)})
    with closing(ReadAhead(entries)) as ahead:
        # The first 16 requests are answered only after all of them have come.
        found = [content(ahead, entry) for entry in entries]

    assert found == [entry.name[-1].encode() * 10 for entry in entries]
    assert source.most == 16


def test_prefetched_bytes_are_bounded() -> None:
    source = Store()
    entries = source.inputs(a=100 * MIB)
    with closing(ReadAhead(entries)) as ahead:
        assert entries[0].remote
        with ahead.stream(entries[0].remote) as stream:
            stream.read1(1)
            fetched = 1 + download._AHEAD // object_store.PART
            assert len(source.asked) <= fetched
            for _ in range(3):
                stream.read1(object_store.PART)
            assert len(source.asked) <= fetched + 3


def test_close_stops_fetching_and_retrying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_WAITS", (60.0,))
    waits = threading.Semaphore(0)
    monkeypatch.setattr(download, "_log_retry", lambda *_: waits.release())

    def down(*_: object) -> None:
        raise OSError("down")

    def close_while_both_wait() -> None:
        for _ in entries:
            waits.acquire(timeout=PATIENCE)
        ahead.close()

    source = Store(down)
    entries = source.inputs(a=10, b=10)
    ahead = ReadAhead(entries)
    began = time.monotonic()
    closing_it = threading.Thread(target=close_while_both_wait)
    closing_it.start()

    with pytest.raises(ReadError, match="down"):
        content(ahead, entries[0])
    closing_it.join()
    assert {path for path, _ in source.asked} == {"a", "b"}
    assert time.monotonic() - began < 60, "the wait of a minute was not ended"


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (OSError("reset"), 4),
        (TimeoutError(), 4),
        (RuntimeError("an unknown error of a library"), 4),
        (PermissionError("no"), 1),
        (FileNotFoundError(), 1),
    ],
    ids=repr,
)
def test_temporary_store_errors_are_retried_and_missing_objects_are_not(
    error: Exception, attempts: int
) -> None:
    def before(*_: object) -> None:
        raise error

    source = Store(before)
    entries = source.inputs(a=10)
    with closing(ReadAhead(entries)) as ahead, pytest.raises(ReadError) as raised:
        content(ahead, entries[0])

    assert len(source.asked) == attempts
    is_gone = isinstance(error, FileNotFoundError)
    said = "there is no such file" if is_gone else str(error) or type(error).__name__
    assert raised.value.strerror == said


def test_a_retried_download_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="segcli.inputs")

    def before(source: Store, _: str, start: int) -> None:
        if source.asked.count(("a", start)) < 3:
            raise OSError("reset")

    entries = Store(before).inputs(a=10)
    with closing(ReadAhead(entries)) as ahead:
        content(ahead, entries[0])

    retries = [row for row in caplog.records if row.__dict__.get("event") == "input_retry"]
    assert [row.__dict__["reason"] for row in retries] == ["reset", "reset"]


def test_part_fetched_after_retries_is_in_its_place() -> None:
    def before(source: Store, _: str, start: int) -> None:
        if source.asked.count(("a", start)) < 3:
            raise OSError("reset")

    source = Store(before)
    entries = source.inputs(a=3 * object_store.PART + 5)
    with closing(ReadAhead(entries)) as ahead:
        assert len(content(ahead, entries[0])) == 3 * object_store.PART + 5


@pytest.mark.parametrize("size", [9, 11, 12])
def test_object_of_a_changed_size_is_an_error(size: int) -> None:
    source = Store()
    entries = source.inputs(a=10)
    source.sizes["a"] = size
    with (
        closing(ReadAhead(entries)) as ahead,
        pytest.raises(ReadError, match="it has changed since it was checked"),
    ):
        content(ahead, entries[0])


def test_empty_object_is_not_requested() -> None:
    source = Store()
    entries = source.inputs(a=0, b=1)
    with closing(ReadAhead(entries)) as ahead:
        assert [content(ahead, entry) for entry in entries] == [b"", b"b"]

    assert source.asked == [("b", 0)]


def test_object_replaced_between_two_parts_is_an_error() -> None:
    def before(source: Store, _: str, start: int) -> None:
        if start:
            source.version = "another"

    source = Store(before)
    entries = source.inputs(a=2 * object_store.PART)
    with (
        closing(ReadAhead(entries)) as ahead,
        pytest.raises(ReadError, match="it has changed since it was checked"),
    ):
        content(ahead, entries[0])


def test_object_of_two_parts_is_read() -> None:
    source = Store()
    entries = source.inputs(a=2 * object_store.PART)
    with closing(ReadAhead(entries)) as ahead:
        assert len(content(ahead, entries[0])) == 2 * object_store.PART


HANGS = """
import os, signal, sys, threading
sys.path.insert(0, sys.argv[1])
from inputs.test_download import Store, content
from segcli.inputs.download import ReadAhead

def never(*_):
    print("asked", flush=True)
    threading.Event().wait()

entries = Store(never).inputs(a=10)
try:
    content(ReadAhead(entries), entries[0])
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("interrupted", flush=True)
"""


def test_hanging_store_does_not_keep_the_process_alive() -> None:
    command = [sys.executable, "-c", HANGS, str(Path(__file__).parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "asked\n"
            # Python loses an interrupt that comes just before its main thread begins to wait.
            until = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < until:
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
            assert process.returncode == 0
            assert process.stdout.read() == "interrupted\n"
        finally:
            process.kill()


def test_repr_of_an_object_shows_no_key() -> None:
    key = "sk_live_8f2b61c0d9e74a53"
    one = Object(
        store={"secret": key}, path=f"/a?key={key}", size=1, version="1-same", in_ranges=True
    )

    assert key not in repr(one)

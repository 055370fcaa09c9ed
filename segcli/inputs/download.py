"""Reading ahead: objects in stores are fetched by threads, some parts before they are asked for.

So the network and the CPU work at the same time, and many small files do not each cost a journey.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from segcli.inputs.input import Input
from segcli.inputs.object_store import PART, Object, Readable, changed, is_for_good, store_problem
from segcli.inputs.stream import ReadError, Stream

# What bounds the memory, and the requests under way at once.
_AHEAD = 8 * 1024 * 1024
_AT_ONCE = 16
# How long to wait before each further attempt, and how long there are any, in seconds. What a
# store's library tries again by itself comes on top.
_WAITS = (0.5, 1, 2, 4, 8, 16)
_PATIENCE = 60

WaitFor = Callable[[float], object]


class ReadAhead:
    """Fetches the objects among the inputs, in their order, as far as the bounds allow.

    The threads are daemons: a store that never answers does not keep the process alive.
    """

    def __init__(self, found: Sequence[Input]) -> None:
        self._closed = threading.Event()
        self._todo = (part for entry in found for part in _parts(entry, self._closed.wait))
        self._next = next(self._todo, None)
        self._under_way: deque[_Part] = deque()

    @contextmanager
    def stream(self, found: Object) -> Iterator[Stream]:
        """Open the next of the objects: its stored bytes. To read them raises ReadError."""
        if found.in_ranges:
            yield _Joined(self._parts_of(found))
        else:
            with closing(_FromBeginning(found, self._closed.wait)) as stream:
                yield stream

    def close(self) -> None:
        """Fetch nothing more."""
        self._closed.set()

    def _parts_of(self, found: Object) -> Iterator[bytes]:
        self._start()
        while self._under_way and self._under_way[0].object == found:
            part = self._under_way.popleft()
            self._start()
            yield part.content()

    def _start(self) -> None:
        """Begin to fetch what there is room for, at least one part."""
        held = sum(part.size for part in self._under_way)
        while self._next and (
            not self._under_way
            or (held + self._next.size <= _AHEAD and len(self._under_way) < _AT_ONCE)
        ):
            self._next.start()
            self._under_way.append(self._next)
            held += self._next.size
            self._next = next(self._todo, None)


class _Part:
    """A range of an object, fetched by a thread of its own."""

    def __init__(self, found: Object, start: int, stop: int, wait: WaitFor) -> None:
        self.object = found
        self.size = stop - start
        self._range = start, stop
        self._wait = wait
        self._done = threading.Event()
        self._content: bytes | BaseException | None = None

    def start(self) -> None:
        threading.Thread(target=self._fetch, name="segcli-fetch", daemon=True).start()

    def content(self) -> bytes:
        """Return the bytes once they are there; raises ReadError."""
        self._done.wait()
        if isinstance(self._content, bytes):
            return self._content
        raise self._content or AssertionError("a part is there, or an error")

    def _fetch(self) -> None:
        try:
            self._content = attempted(self._once, self.object, self._wait)
        except BaseException as error:  # raised again where the bytes are asked for
            self._content = error
        finally:
            self._done.set()

    def _once(self) -> bytes:
        start, stop = self._range
        content = self.object.range(start, stop)
        if stop == self.object.size and start:
            self.object.check_same()
        return content


class _Joined:
    """Parts, one after the other, as a stream."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.stored = 0
        self._parts = parts
        self._part = memoryview(b"")

    def read1(self, size: int, /) -> bytes:
        if not self._part:
            self._part = memoryview(next(self._parts, b""))
        block, self._part = bytes(self._part[:size]), self._part[size:]
        self.stored += len(block)
        return block


class _FromBeginning:
    """An object that can be read from its beginning only; so it is, again, where it breaks off."""

    def __init__(self, found: Object, wait: WaitFor) -> None:
        self.stored = 0
        self._object = found
        self._wait = wait
        self._file: Readable | None = None
        self._read = hashlib.blake2b()

    def read1(self, size: int, /) -> bytes:
        block = attempted(lambda: self._once(size), self._object, self._wait)
        self._read.update(block)
        self.stored += len(block)
        return block

    def _once(self, size: int) -> bytes:
        self._file = self._file or self._opened()
        try:
            return self._file.read(size)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        if self._file:
            self._file.close()
        self._file = None

    def _opened(self) -> Readable:
        """Open it behind what was read already, if that is still the same."""
        file = self._object.open()
        try:
            self._skip(file)
        except Exception:
            file.close()
            raise
        return file

    def _skip(self, file: Readable) -> None:
        again, left = hashlib.blake2b(), self.stored
        while left and (block := file.read(min(left, PART))):
            again.update(block)
            left -= len(block)
        if left or again.digest() != self._read.digest():
            raise changed()


def attempted(read: Callable[[], bytes], found: Object, wait: WaitFor) -> bytes:
    """Return what can be read, with further attempts where it fails; raises ReadError."""
    until = time.monotonic() + _PATIENCE
    waits = iter(_WAITS)
    while True:
        try:
            return read()
        except ReadError:
            raise
        except Exception as error:  # each store's library has its own, with no ancestor in common
            seconds = next(waits, None) if time.monotonic() < until else None
            if seconds is None or is_for_good(error) or wait(seconds):
                raise ReadError(
                    store_problem(error, found.path), "Try again once the store can be reached."
                ) from None


def _parts(entry: Input, wait: WaitFor) -> Iterator[_Part]:
    found = entry.remote
    if found is None or not found.in_ranges or not found.size:
        return
    for start in range(0, found.size, PART):
        yield _Part(found, start, min(start + PART, found.size), wait)

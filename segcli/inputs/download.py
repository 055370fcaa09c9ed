"""Read ahead: threads fetch parts of objects in stores before they are needed.

So the network and the CPU work at the same time, and many small objects do not each wait for a
round trip.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from segcli.inputs.input import Input
from segcli.inputs.object_store import PART, Object, Readable, changed, is_permanent, store_problem
from segcli.inputs.stream import ReadError, Stream
from segcli.logs import INFO, log_of

# The limits of memory, in bytes, and of requests at once.
_AHEAD = 8 * 1024 * 1024
_AT_ONCE = 16
# The waits before further attempts, and the time after which there are none, in seconds. The
# store's library may retry too.
_WAITS = (0.5, 1, 2, 4, 8, 16)
_RETRY_SECONDS = 60

WaitFor = Callable[[float], object]


class ReadAhead:
    """Fetches the objects among the inputs in order, as far ahead as the limits allow.

    The threads are daemons: a store that never answers does not keep the process alive.
    """

    def __init__(self, found: Sequence[Input]) -> None:
        self._closed = threading.Event()
        self._todo = (part for entry in found for part in _parts(entry, self._closed.wait))
        self._next = next(self._todo, None)
        self._started: deque[_Part] = deque()

    @contextmanager
    def stream(self, found: Object) -> Iterator[Stream]:
        """Open the next object as a stream of its stored bytes. Reading it raises ReadError."""
        if found.in_ranges:
            yield _JoinedParts(self._parts_of(found))
        else:
            with closing(_SequentialObject(found, self._closed.wait)) as stream:
                yield stream

    def close(self) -> None:
        """Fetch nothing more."""
        self._closed.set()

    def _parts_of(self, found: Object) -> Iterator[bytes]:
        self._start()
        while self._started and self._started[0].object == found:
            part = self._started.popleft()
            self._start()
            yield part.content()

    def _start(self) -> None:
        """Start to fetch as many parts as the limits allow, at least one."""
        held = sum(part.size for part in self._started)
        while self._next and (
            not self._started
            or (held + self._next.size <= _AHEAD and len(self._started) < _AT_ONCE)
        ):
            self._next.start()
            self._started.append(self._next)
            held += self._next.size
            self._next = next(self._todo, None)


class _Part:
    """A range of an object, fetched in its own thread."""

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
        """Wait for the bytes and return them. Raises ReadError."""
        self._done.wait()
        if isinstance(self._content, bytes):
            return self._content
        raise self._content or AssertionError("a part is there, or an error")

    def _fetch(self) -> None:
        try:
            self._content = read_with_retries(self._once, self.object, self._wait)
        except BaseException as error:  # raised again by `content`
            self._content = error
        finally:
            self._done.set()

    def _once(self) -> bytes:
        start, stop = self._range
        content = self.object.range(start, stop)
        if stop == self.object.size and start:
            self.object.check_same()
        return content


class _JoinedParts:
    """Parts in order, as one stream."""

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


class _SequentialObject:
    """An object that can be read only from its start: it is read again if the connection breaks."""

    def __init__(self, found: Object, wait: WaitFor) -> None:
        self.stored = 0
        self._object = found
        self._wait = wait
        self._file: Readable | None = None
        self._read = hashlib.blake2b()

    def read1(self, size: int, /) -> bytes:
        block = read_with_retries(lambda: self._once(size), self._object, self._wait)
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
        """Close the connection."""
        if self._file:
            self._file.close()
        self._file = None

    def _opened(self) -> Readable:
        """Open the object after the bytes that were read already, if they are still the same."""
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


def read_with_retries(read: Callable[[], bytes], found: Object, wait: WaitFor) -> bytes:
    """Return what `read` returns, with retries if it fails. Raises ReadError."""
    until = time.monotonic() + _RETRY_SECONDS
    waits = iter(_WAITS)
    while True:
        try:
            return read()
        except ReadError:
            raise
        except Exception as error:  # each library has its own classes, without a common base
            seconds = next(waits, None) if time.monotonic() < until else None
            if seconds is not None and not is_permanent(error):
                _log_retry(error, found, seconds)
            if seconds is None or is_permanent(error) or wait(seconds):
                raise ReadError(
                    store_problem(error, found.path), "Try again once the store can be reached."
                ) from None


def _log_retry(error: Exception, found: Object, seconds: float) -> None:
    if log := log_of("inputs", INFO):
        problem = store_problem(error, found.path)
        text = f"{problem}; tried again in {seconds:g} s"
        log.write(INFO, text, {"event": "input_retry", "reason": problem, "seconds": seconds})


def _parts(entry: Input, wait: WaitFor) -> Iterator[_Part]:
    found = entry.remote
    if found is None or not found.in_ranges or not found.size:
        return
    for start in range(0, found.size, PART):
        yield _Part(found, start, min(start + PART, found.size), wait)

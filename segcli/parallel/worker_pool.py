"""Worker processes: pieces of the input go to them, and what they become comes back in order.

Of a plain file a worker reads its pieces itself. Any other piece lies in memory that is shared, in
a slot of its own, and only where it lies goes through a pipe: handing one over never waits for a
worker. What it becomes is put in the same slot, so a worker can go on with its next piece before
anybody takes that. There are two slots for each: a slow reader of the output holds up everything,
and nobody waits in a circle.
"""

import os
import pickle
import signal
import warnings
from collections.abc import Sequence
from contextlib import suppress
from mmap import mmap
from typing import Any, Generic, NoReturn, TypeVar

from segcli.core.line import TooLong
from segcli.errors import Stopped
from segcli.lines.spans import LineBlock, Span
from segcli.parallel.work import Work, WorkItem, WorkResult
from segcli.parallel.worker import HEAD, Failure, Slots, encode_message, serve_work

A = TypeVar("A")

# One is being mapped and one waits.
_PIECES_EACH = 2


class Workers(Generic[A]):
    """So many processes that work on pieces of at most `largest` bytes.

    They are copies of this process (fork), so a plug-in's code and all settings are theirs too.
    They end when this process does, however it ends. Close them: what is still under way is lost.
    """

    def __init__(self, work: Work[A], count: int, largest: int) -> None:
        self._memory = mmap(-1, count * _PIECES_EACH * largest)
        self._slots = _slots(self._memory, largest)
        self._handed_over = 0
        self._taken = 0
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_start(work, self._slots, self._workers))
        except BaseException:
            self.close()
            raise

    @property
    def are_busy(self) -> bool:
        """Whether a portion has to be taken before another piece is handed over."""
        return self._handed_over - self._taken == len(self._slots)

    def takes(self, piece: WorkItem) -> bool:
        """Tell whether a piece can be handed over; what is too long or too large cannot."""
        match piece.data:
            case LineBlock() as text:
                return len(text) <= len(self._slots[0])
            case Span():
                return True
            case TooLong():
                return False

    def hand_over(self, piece: WorkItem) -> None:
        """Give a piece to the next worker; raises Stopped where that has died."""
        number = self._handed_over % len(self._slots)
        data = piece.data
        place = _put(data, self._slots[number]) if isinstance(data, LineBlock) else data
        self._worker(self._handed_over).send((number, place, piece.title, piece.first))
        self._handed_over += 1

    def take(self) -> WorkResult[A]:
        """Wait for what the piece that was handed over first has become.

        Raises WorkerFailed where working on it showed a bug, ReadError where it could not be read,
        Stopped where its worker has died.
        """
        slot = self._slots[self._taken % len(self._slots)]
        account, out = self._worker(self._taken).receive(slot)
        self._taken += 1
        if isinstance(account, Failure):
            raise account.error()
        return WorkResult(account, [out])

    def close(self) -> None:
        """End all workers, at once, and wait until they have gone."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()
        for slot in self._slots:
            slot.release()
        # A text that somebody still holds keeps its memory.
        with suppress(BufferError):
            self._memory.close()

    def _worker(self, turn: int) -> "_Worker":
        return self._workers[turn % len(self._workers)]


class _Worker:
    """A worker as this process sees it."""

    def __init__(self, pid: int, orders: int, results: int) -> None:
        self._pid = pid
        self._code: int | None = None
        self._orders = open(orders, "wb", buffering=0)  # noqa: SIM115  # closed by `end`
        self._results = open(results, "rb")  # noqa: SIM115

    def send(self, order: object) -> None:
        try:
            self._orders.write(encode_message(order))
        except BrokenPipeError:
            raise self._died() from None

    def receive(self, slot: memoryview) -> tuple[Any, bytes | memoryview]:
        """Return what it says of the piece in this slot, and what to print, maybe right there."""
        account, size = HEAD.unpack(self._read(HEAD.size))
        content = pickle.loads(self._read(account))
        return content, self._read(size) if size > len(slot) else slot[:size]

    def _read(self, size: int) -> bytes:
        found = self._results.read(size)
        if len(found) < size:
            raise self._died()
        return found

    def leave(self) -> None:
        """Close what this process has of it."""
        self._orders.close()
        self._results.close()

    def end(self) -> None:
        self.leave()
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._wait()

    def _wait(self) -> int:
        """Wait until it has gone; return its exit code, or minus the signal that killed it."""
        if self._code is None:
            try:
                self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            except ChildProcessError:  # whoever started us wants no word of children
                self._code = 0
        return self._code

    def _died(self) -> Stopped:
        code = self._wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return Stopped(
            f"a worker process {how}",
            "What it had under way is not printed. If memory is short: --jobs 1 takes least.",
        )


def _start(work: Work[A], slots: Slots, others: Sequence[_Worker]) -> _Worker:
    orders, orders_end = os.pipe()
    results, results_end = os.pipe()
    # An interrupt is for the first process; a worker must not hear one before it knows that.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if pid := _fork():
            os.close(orders)
            os.close(results_end)
            return _Worker(pid, orders_end, results)
        os.close(orders_end)
        os.close(results)
        _live(work, slots, (orders, results_end), others)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _fork() -> int:
    # Python warns of locks that other threads hold at this moment, which a copy would wait for.
    # A worker maps and does nothing else, and Python's own locks are made anew for it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _live(
    work: Work[A], slots: Slots, pipes: tuple[int, int], others: Sequence[_Worker]
) -> NoReturn:
    """Be a worker until nobody has orders any more."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for other in others:
            other.leave()
        with open(pipes[0], "rb") as orders, open(pipes[1], "wb") as results:
            serve_work(work, slots, orders, results)
        code = 0
    finally:
        # Whatever else this copy holds of the first process is not its to end.
        os._exit(code)


def _slots(memory: mmap, largest: int) -> Slots:
    whole = memoryview(memory)
    return [whole[start : start + largest] for start in range(0, len(memory), largest)]


def _put(text: LineBlock, slot: memoryview) -> int:
    """Put a text into a slot; return its size."""
    rest, read = text.parts()
    slot[: len(rest)], slot[len(rest) : len(text)] = rest, read
    return len(text)

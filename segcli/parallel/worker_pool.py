"""Worker processes: they get work items, and their results come back in order.

A worker reads the lines of a plain file itself. Other lines are put into a slot of shared memory.
Only the number of the slot goes through a pipe, so submitting an item never waits for a worker. The
output of an item is put into the same slot, so a worker can start its next item before the main
process receives the result. Each worker has two slots. A slow reader of the output slows down
everything, but processes never wait for each other in a circle.
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
from segcli.parallel.worker import HEAD, Slots, WorkFailure, encode_message, serve_work

_A = TypeVar("_A")

# One item is being processed and one waits.
_SLOTS_PER_WORKER = 2
# A terminal or a service manager sends these to all processes. If a worker ended first, the main
# process would report a dead worker rather than the signal.
_FOR_THE_MAIN_PROCESS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Workers(Generic[_A]):
    """A pool of worker processes. Results come in the order in which the items were submitted.

    The workers are forks of this process, so they have the code of plug-ins and all settings. They
    end when this process ends, even if it is killed.
    """

    def __init__(self, work: Work[_A], count: int, largest: int) -> None:
        """Start `count` workers for items of at most `largest` bytes. Call `close` at the end."""
        self._memory = mmap(-1, count * _SLOTS_PER_WORKER * largest)
        self._slots = _slots(self._memory, largest)
        self._submitted = 0
        self._received = 0
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_start(work, self._slots, self._workers))
        except BaseException:
            self.close()
            raise

    @property
    def are_full(self) -> bool:
        """True if a result must be received before the next item is submitted."""
        return self._submitted - self._received == len(self._slots)

    def accepts(self, item: WorkItem) -> bool:
        """True if an item can be submitted; False if it is too large for a slot."""
        match item.data:
            case LineBlock() as block:
                return len(block) <= len(self._slots[0])
            case Span():
                return True
            case TooLong():
                return False

    def submit(self, item: WorkItem) -> None:
        """Send an item to the next worker. Raises Stopped if that worker has died."""
        number = self._submitted % len(self._slots)
        data = item.data
        sent = _fill(self._slots[number], data) if isinstance(data, LineBlock) else data
        self._worker(self._submitted).send((number, sent, item.title, item.first))
        self._submitted += 1

    def receive(self) -> WorkResult[_A]:
        """Wait for the result of the oldest item that has none yet.

        Raises WorkerFailed for a bug in the work, ReadError if the lines could not be read, and
        Stopped if the worker has died.
        """
        slot = self._slots[self._received % len(self._slots)]
        account, out = self._worker(self._received).receive(slot)
        self._received += 1
        if isinstance(account, WorkFailure):
            raise account.error()
        return WorkResult(account, [out])

    def close(self) -> None:
        """Kill all workers and wait for their end. Results that were not received are lost."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()
        for slot in self._slots:
            slot.release()
        # The memory stays while the caller still holds an output in it.
        with suppress(BufferError):
            self._memory.close()

    def _worker(self, number: int) -> "_Worker":
        return self._workers[number % len(self._workers)]


class _Worker:
    """The main process's handle of one worker."""

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
        """Return the content of the next message and the output, which may lie in the slot."""
        content_size, size = HEAD.unpack(self._read(HEAD.size))
        content = pickle.loads(self._read(content_size))
        return content, self._read(size) if size > len(slot) else slot[:size]

    def close_pipes(self) -> None:
        """Close this process's ends of the pipes."""
        self._orders.close()
        self._results.close()

    def end(self) -> None:
        self.close_pipes()
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self._wait()

    def _read(self, size: int) -> bytes:
        data = self._results.read(size)
        if len(data) < size:
            raise self._died()
        return data

    def _wait(self) -> int:
        """Wait for its end; return its exit code, or minus the signal that killed it."""
        if self._code is None:
            try:
                self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            except ChildProcessError:  # our parent made us ignore SIGCHLD: no code is available
                self._code = 0
        return self._code

    def _died(self) -> Stopped:
        code = self._wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return Stopped(
            f"a worker process {how}",
            "The output is incomplete. If memory is short, use --jobs 1: it needs the least.",
        )


def _start(work: Work[_A], slots: Slots, others: Sequence[_Worker]) -> _Worker:
    orders, orders_end = os.pipe()
    results, results_end = os.pipe()
    # Block these signals until the worker has set them to be ignored.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_MAIN_PROCESS)
    try:
        if pid := _fork():
            os.close(orders)
            os.close(results_end)
            return _Worker(pid, orders_end, results)
        os.close(orders_end)
        os.close(results)
        _run_worker(work, slots, (orders, results_end), others)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fork() -> int:
    # Python warns about forks while other threads run: a lock that one holds stays locked in the
    # worker. A worker only maps events and needs no such lock, and Python resets its own locks.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _run_worker(
    work: Work[_A], slots: Slots, pipes: tuple[int, int], others: Sequence[_Worker]
) -> NoReturn:
    """Run a worker process until the main process closes its orders."""
    code = 1
    try:
        for number in _FOR_THE_MAIN_PROCESS:
            signal.signal(number, signal.SIG_IGN)
        for other in others:
            other.close_pipes()
        with open(pipes[0], "rb") as orders, open(pipes[1], "wb") as results:
            serve_work(work, slots, orders, results)
        code = 0
    finally:
        # Exit without cleanup: the other resources belong to the main process.
        os._exit(code)


def _slots(memory: mmap, largest: int) -> Slots:
    whole = memoryview(memory)
    return [whole[start : start + largest] for start in range(0, len(memory), largest)]


def _fill(slot: memoryview, block: LineBlock) -> int:
    """Copy lines into a slot; return their size."""
    rest, read = block.parts()
    slot[: len(rest)], slot[len(rest) : len(block)] = rest, read
    return len(block)

"""Worker processes: pieces of the input go to them, and what they become comes back in order.

A piece lies in memory that is shared, and only where it lies goes through a pipe, so handing one
over never waits for a worker. What it becomes comes through another pipe, and a worker whose pipe
is full waits: so a slow reader of the output holds up everything, and nobody waits in a circle.
"""

import dataclasses
import os
import pickle
import signal
import struct
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from mmap import mmap
from typing import BinaryIO, NoReturn

from segcli.delivery.blocks import Text
from segcli.delivery.portion import Map, Piece, Portion
from segcli.errors import Stopped

# One is being mapped and one waits.
_PIECES_EACH = 2
_HEAD = struct.Struct("=QQ")


class WorkerFailed(Exception):
    """A bug that showed in a worker; the text is its traceback there."""


class Workers:
    """So many processes that map pieces of at most `largest` bytes.

    They are copies of this process (fork), so a plug-in's code and all settings are theirs too.
    They end when this process does, however it ends. Close them: what is still under way is lost.
    """

    def __init__(self, work: Map, count: int, largest: int) -> None:
        self._largest = largest
        self._memory = mmap(-1, count * _PIECES_EACH * largest)
        self._handed_over = 0
        self._taken = 0
        self._workers: list[_Worker] = []
        try:
            for _ in range(count):
                self._workers.append(_start(work, self._memory, self._workers))
        except BaseException:
            self.close()
            raise

    @property
    def are_busy(self) -> bool:
        """Whether a portion has to be taken before another piece is handed over."""
        return self._handed_over - self._taken == len(self._workers) * _PIECES_EACH

    def takes(self, piece: Piece) -> bool:
        """Tell whether a piece can be handed over; what is too long or too large cannot."""
        return isinstance(piece.data, Text) and len(piece.data) <= self._largest

    def hand_over(self, piece: Piece) -> None:
        """Give a piece to the next worker; raises Stopped where that has died."""
        assert isinstance(piece.data, Text)
        rest, read = piece.data.parts()
        count = len(self._workers)
        start = self._handed_over % (count * _PIECES_EACH) * self._largest
        middle = start + len(rest)
        end = middle + len(read)
        self._memory[start:middle], self._memory[middle:end] = rest, read
        self._workers[self._handed_over % count].send((start, end, piece.title, piece.first))
        self._handed_over += 1

    def take(self) -> Portion:
        """Wait for what the piece that was handed over first has become.

        Raises WorkerFailed where mapping it showed a bug, Stopped where its worker has died.
        """
        worker = self._workers[self._taken % len(self._workers)]
        self._taken += 1
        return worker.receive()

    def close(self) -> None:
        """End all workers, at once, and wait until they have gone."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()
        self._memory.close()


class _Worker:
    """A worker as this process sees it."""

    def __init__(self, pid: int, orders: int, results: int) -> None:
        self._pid = pid
        self._code: int | None = None
        self._orders = open(orders, "wb", buffering=0)  # noqa: SIM115  # closed by `end`
        self._results = open(results, "rb")  # noqa: SIM115

    def send(self, order: tuple[int, int, str, int]) -> None:
        try:
            self._orders.write(_packed(order))
        except BrokenPipeError:
            raise self._died() from None

    def receive(self) -> Portion:
        head = self._results.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise self._died()
        size, size_of_out = _HEAD.unpack(head)
        account, out = self._results.read(size), self._results.read(size_of_out)
        if len(account) < size or len(out) < size_of_out:
            raise self._died()
        content = pickle.loads(account)
        if isinstance(content, str):
            raise WorkerFailed(content)
        portion: Portion = dataclasses.replace(content, out=out)
        return portion

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


def _start(work: Map, memory: mmap, others: Sequence[_Worker]) -> _Worker:
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
        _live(work, memory, (orders, results_end), others)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _fork() -> int:
    # Python warns of locks that other threads hold at this moment, which a copy would wait for.
    # A worker maps and does nothing else, and Python's own locks are made anew for it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _live(work: Map, memory: mmap, pipes: tuple[int, int], others: Sequence[_Worker]) -> NoReturn:
    """Be a worker until nobody has orders any more."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for other in others:
            other.leave()
        with open(pipes[0], "rb") as orders, open(pipes[1], "wb") as results:
            _serve(work, memory, orders, results)
        code = 0
    finally:
        # Whatever else this copy holds of the first process is not its to end.
        os._exit(code)


def _serve(work: Map, memory: mmap, orders: BinaryIO, results: BinaryIO) -> None:
    while len(head := orders.read(_HEAD.size)) == _HEAD.size:
        start, end, title, first = pickle.loads(orders.read(_HEAD.unpack(head)[0]))
        try:
            text = Text(b"", memory[start:end], end - start)
            portion = work(Piece(text, title, first))
        except BaseException:  # a bug, whatever it is: the first process says so
            results.write(_packed(traceback.format_exc()))
        else:
            results.write(_packed(dataclasses.replace(portion, out=b""), len(portion.out)))
            results.write(portion.out)
        results.flush()


def _packed(content: object, follows: int = 0) -> bytes:
    text = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return _HEAD.pack(len(text), follows) + text

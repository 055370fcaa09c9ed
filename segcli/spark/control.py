"""How the driver and the tasks of a run talk: why to halt, the rate of each, who runs now."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from segcli.shared_journal.folder_store import FolderStore
from segcli.shared_journal.store import LogStore, StoreProblem

HALT = "halt"
_RATE, _TASK, _ENDED = "rate-", "task-", "ended-"
# Seconds between two looks: a listing of a store costs money, that of a folder nothing.
_EVERY, _EVERY_IN_FOLDER = 5.0, 0.5
# For so many looks a slot that is free counts as used: another task begins there.
_PATIENCE = 6


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the objects of a run has found.

    halts: whether the run has to end.
    rate: the latest rate of each task, in requests a second; None if there is none.
    running, ended: how many tasks of the wave run, and how many have sent their bucket.
    """

    halts: bool
    rate: float | None
    running: int
    ended: int


class Control:
    """The objects of one run. A store that cannot be reached changes nothing for now."""

    def __init__(self, store: LogStore) -> None:
        self.every = _EVERY_IN_FOLDER if isinstance(store, FolderStore) else _EVERY
        self._store = store

    def halt(self, reason: str) -> None:
        """Let all tasks of the run end; the first reason counts. Raises StoreProblem."""
        self._store.create(HALT, reason.encode())

    def reason_to_halt(self) -> str:
        """Return why the run has to end; empty if it need not."""
        with suppress(StoreProblem):
            return (self._store.read(HALT) or b"").decode()
        return ""

    @contextmanager
    def running(self, bucket: int) -> Iterator[None]:
        """Say during a block that a bucket is sent."""
        name = f"{_TASK}{bucket:05}"
        with suppress(StoreProblem):
            self._store.create(name, b"")
        try:
            yield
            self.ended(bucket)
        finally:
            with suppress(StoreProblem):
                self._store.remove([name])

    def ended(self, bucket: int) -> None:
        """Say that a bucket of the wave is sent."""
        with suppress(StoreProblem):
            self._store.create(f"{_ENDED}{bucket:05}", b"")

    def begin_wave(self) -> None:
        """Forget the rates and the buckets of the wave before. Raises StoreProblem."""
        past = [name for name in self._store.names() if name.startswith((_RATE, _ENDED))]
        self._store.remove(past)

    def look(self) -> Look:
        """Return what the objects say now. Raises StoreProblem."""
        names = self._store.names()
        rates = sorted(name for name in names if name.startswith(_RATE))
        return Look(
            halts=HALT in names,
            rate=float(rates[-1].split("-")[2]) if rates else None,
            running=sum(name.startswith(_TASK) for name in names),
            ended=sum(name.startswith(_ENDED) for name in names),
        )

    def set_rate(self, number: int, rate: float) -> None:
        """Tell all tasks their rate, in requests a second; the largest number counts."""
        self._store.create(f"{_RATE}{number:08}-{rate:.6f}", b"")


class TaskWatch:
    """Looks for what the driver says while a task runs, in a thread of its own."""

    def __init__(
        self,
        control: Control,
        *,
        on_halt: Callable[[str], object],
        on_rate: Callable[[float], object],
    ) -> None:
        self._control = control
        self._on_halt, self._on_rate = on_halt, on_rate
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="segcli-watch", daemon=True)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch during a block."""
        self._thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._thread.join()

    def _run(self) -> None:
        while True:
            with suppress(StoreProblem):
                found = self._control.look()
                if found.rate is not None:
                    self._on_rate(found.rate)
                if found.halts and (reason := self._control.reason_to_halt()):
                    self._on_halt(reason)
                    return
            if self._is_over.wait(self._control.every):
                return


class RateDivision:
    """Divides a rate among the tasks that run, in a thread of the driver.

    A slot that a task has left counts for the task that follows, and so does a lost one for its
    repetition. The last tasks of a wave share the whole rate: nothing follows them.
    """

    def __init__(self, control: Control, rate: float, *, tasks: int, buckets: int) -> None:
        """Begin with an equal share for this many tasks."""
        self._control = control
        self._rate = rate
        self._tasks = max(1, tasks)
        self._buckets = buckets
        self._number = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="segcli-rate", daemon=True)

    @contextmanager
    def dividing(self) -> Iterator[None]:
        """Divide during a block."""
        self._tell(self._tasks)
        self._thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._thread.join()

    def _run(self) -> None:
        ran = deque([self._tasks] * _PATIENCE, maxlen=_PATIENCE)
        while not self._is_over.wait(self._control.every):
            with suppress(StoreProblem):
                found = self._control.look()
                # Before the first task begins, files are read.
                if found.running:
                    ran.append(found.running)
                tasks = max(1, min(max(ran), self._buckets - found.ended))
                if tasks != self._tasks:
                    self._tell(tasks)

    def _tell(self, tasks: int) -> None:
        self._tasks = tasks
        self._number += 1
        with suppress(StoreProblem):
            self._control.set_rate(self._number, self._rate / tasks)

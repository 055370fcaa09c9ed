"""How the driver and the tasks of a run talk: why to halt, the rate of each, who runs now."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from segcli.shared_journal.folder_store import FolderStore
from segcli.shared_journal.store import LogStore, StoreProblem

HALT = "halt"
_RATE, _TASK = "rate-", "task-"
# Seconds between two looks: a listing of a store costs money, that of a folder nothing.
_EVERY, _EVERY_IN_FOLDER = 5.0, 0.5


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
        finally:
            with suppress(StoreProblem):
                self._store.remove([name])

    def look(self) -> tuple[bool, float | None, int]:
        """Return whether to halt, the latest rate of each task, and how many tasks run."""
        names = self._store.names()
        rates = sorted(name for name in names if name.startswith(_RATE))
        rate = float(rates[-1].split("-")[2]) if rates else None
        return HALT in names, rate, sum(name.startswith(_TASK) for name in names)

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
                halts, rate, _ = self._control.look()
                if rate is not None:
                    self._on_rate(rate)
                if halts and (reason := self._control.reason_to_halt()):
                    self._on_halt(reason)
                    return
            if self._is_over.wait(self._control.every):
                return


class RateDivision:
    """Divides a rate among the tasks that run, in a thread of the driver.

    A task that is lost counts until its bucket is sent again: the sum is never above the rate.
    """

    def __init__(self, control: Control, rate: float, tasks: int) -> None:
        """Begin with an equal share for this many tasks."""
        self._control = control
        self._rate = rate
        self._tasks = max(1, tasks)
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
        before = self._tasks
        while not self._is_over.wait(self._control.every):
            with suppress(StoreProblem):
                running = self._control.look()[2]
                # One that ends is mostly followed by another: look twice before giving more.
                if running > self._tasks or 0 < running == before < self._tasks:
                    self._tell(running)
                before = running

    def _tell(self, tasks: int) -> None:
        self._tasks = tasks
        self._number += 1
        with suppress(StoreProblem):
            self._control.set_rate(self._number, self._rate / tasks)

"""Deadlines: whatever takes longer than it may is cut off, by one timer for all."""

import asyncio
from contextvars import ContextVar

# A task asks once which it is: until Python 3.12 that takes a while.
_THIS: ContextVar[asyncio.Task[object] | None] = ContextVar("_THIS", default=None)


class Deadlines:
    """Gives each task `seconds` for what it does next.

    `asyncio.timeout` sets a timer each time, which took a twentieth of a request. Since all have
    equally long, one for whoever began first will do.
    """

    def __init__(self, seconds: float) -> None:
        # Until Python 3.12 to ask which loop is running takes a system call.
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._due: dict[asyncio.Task[object], float] = {}
        self._passed: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Task[object]:
        """Cancel this task unless it says in time that it is `over`; returns it."""
        task = _THIS.get()
        if task is None:
            task = asyncio.current_task()
            assert task is not None
            _THIS.set(task)
        self._due[task] = due = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._cut_off)
        return task

    def over(self, task: asyncio.Task[object]) -> None:
        """Let the task take its time again."""
        self._due.pop(task, None)

    def has_passed(self, task: asyncio.Task[object]) -> bool:
        """Tell, once, whether the task was cancelled for this alone, and so may go on."""
        if task not in self._passed:
            return False
        self._passed.remove(task)
        return task.uncancel() == 0

    def close(self) -> None:
        """Cut off nothing more."""
        if self._timer:
            self._timer.cancel()

    def _cut_off(self) -> None:
        now = self._loop.time()
        self._timer = None
        # Whoever began later is due later, and stands behind.
        while self._due:
            task, due = next(iter(self._due.items()))
            if due > now:
                self._timer = self._loop.call_at(due, self._cut_off)
                break
            del self._due[task]
            self._passed.add(task)
            task.cancel()

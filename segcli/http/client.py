"""The interface to the network: post a request over a transport, get a Reply or a NoReply."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.address import parse_address
from segcli.http.failure import Failure, TransportError
from segcli.http.reply_reader import ReplyReader


@dataclass(frozen=True, slots=True)
class NoReply:
    """The vendor sent no status.

    reason: why.
    final: True if the same request will fail again until something is changed.
    closed: True if the vendor closed the connection instead of replying.
    setting: the setting to change, if it is final.
    after: how long the vendor asks to wait, in seconds.
    """

    reason: str
    final: bool = False
    closed: bool = False
    setting: str = "endpoint"
    after: float | None = None


Post = Callable[[Request], Awaitable[Reply | NoReply]]


class Transport(Protocol):
    """Sends requests, any number at once, over connections that it keeps alive.

    It opens as many connections as there are requests at once. It uses the proxies of its
    `Network`, follows no redirect, keeps no cookie and never sends a request twice.
    """

    async def post(self, request: Request) -> Reply | NoReply:
        """Send a request once and read the reply.

        Once the status has come, the result is a Reply; its `broken` says what is wrong with the
        rest.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


# Sends one request and reads the reply with the reader. Raises TransportError.
SendRequest = Callable[[Request, ReplyReader], Awaitable[Reply]]


class Exchanges:
    """The parts that all transports share: the deadline of a request, and the text of a failure.

    `timeout` (seconds) is for a request and its reply together.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._deadlines = Deadlines(timeout)

    async def run(self, exchange: SendRequest, request: Request) -> Reply | NoReply:
        """Return what an exchange returns, or why it failed."""
        reader = ReplyReader()
        task = self._deadlines.begin(reader)
        try:
            return await exchange(request, reader)
        except asyncio.CancelledError:
            if not self._deadlines.has_passed(task):
                raise
            late = reader.broken_off(f"not complete within {self._timeout:g} s")
            return late or NoReply(f"no answer within {self._timeout:g} s")
        except TransportError as error:
            return _broken_reply(error, reader) or _no_reply(error, request)
        except UnicodeError as error:
            return NoReply(f"{Failure.ADDRESS.value}: {error}", final=True)
        finally:
            self._deadlines.end(task)

    def close(self) -> None:
        """Stop watching deadlines."""
        self._deadlines.close()


def _broken_reply(error: TransportError, reader: ReplyReader) -> Reply | None:
    """Return the part of a reply that came before it broke off; None if no status came."""
    detail = error.detail
    if error.failure is Failure.NOT_WHOLE:
        return reader.broken_off(detail or error.failure.value)
    return reader.broken_off(f"{error.failure.value}: {detail}" if detail else error.failure.value)


def _no_reply(error: TransportError, request: Request) -> NoReply:
    reason, detail = error.failure.value, error.detail
    if error.failure is Failure.CONNECT:
        reason += f" to {parse_address(request.url).authority}"
    is_closed = error.failure in {Failure.CLOSED, Failure.RESET}
    return NoReply(f"{reason}: {detail}" if detail else reason, error.is_final, is_closed)


# Caches the current task: before Python 3.12, `asyncio.current_task` is slow.
_CURRENT: ContextVar[asyncio.Task[object] | None] = ContextVar("_CURRENT", default=None)
# How many iterations of the event loop read what has come by the deadline of a request. A short
# reply needs two; each one reads up to 256 KB, or 64 KB over httpx. Few, because a reply without
# end takes time in each.
_LAST_READS = 10


class Deadlines:
    """Limits each request to `seconds`.

    A status that has come in time counts, also if this process did not run meanwhile: without it
    the request would be sent again. So before a request that awaits its status is cancelled, the
    event loop reads what is there. One that is not sent yet is cancelled at once.

    `asyncio.timeout` sets a timer for each request, which took 5 % of the time of a request. All
    limits are equal, so one timer for the oldest request is enough.
    """

    def __init__(self, seconds: float) -> None:
        # Kept, because before Python 3.12 `get_running_loop` needs a system call.
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._open: dict[asyncio.Task[object], tuple[float, ReplyReader]] = {}
        # Requests that are overdue, and how often the event loop still reads for each.
        self._overdue: dict[asyncio.Task[object], int] = {}
        self._passed: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, reader: ReplyReader) -> asyncio.Task[object]:
        """Cancel this task unless it calls `end` in time; return the task."""
        task = _CURRENT.get()
        if task is None:
            task = asyncio.current_task()
            assert task is not None
            _CURRENT.set(task)
        due = self._loop.time() + self._seconds
        self._open[task] = due, reader
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._look_for_overdue)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """End the deadline of a task."""
        if self._open.pop(task, None) is None:
            self._overdue.pop(task, None)

    def has_passed(self, task: asyncio.Task[object]) -> bool:
        """True if only the deadline cancelled the task, which may then continue. Call it once."""
        if task not in self._passed:
            return False
        self._passed.remove(task)
        return task.uncancel() == 0

    def close(self) -> None:
        """Cancel no more tasks."""
        self._overdue.clear()
        if self._timer:
            self._timer.cancel()

    def _look_for_overdue(self) -> None:
        now = self._loop.time()
        self._timer = None
        was_reading = bool(self._overdue)
        # The dict is in the order of the deadlines.
        while self._open:
            task, (due, reader) = next(iter(self._open.items()))
            if due > now:
                self._timer = self._loop.call_at(due, self._look_for_overdue)
                break
            del self._open[task]
            self._overdue[task] = _LAST_READS if reader.awaits_status else 0
        if not was_reading:
            self._cancel_overdue()

    def _cancel_overdue(self) -> None:
        """Cancel the overdue tasks for which the event loop has read; let it read for the others.

        Each call is in an iteration of the event loop of its own, which begins with reads.
        """
        for task, reads in list(self._overdue.items()):
            if reads:
                self._overdue[task] -= 1
            else:
                del self._overdue[task]
                self._passed.add(task)
                task.cancel()
        if self._overdue:
            self._loop.call_soon(self._cancel_overdue)

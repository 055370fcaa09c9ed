"""Posters: processes that post, where one is the limit; everything else stays in the first.

Order, pace, retries, the ledger and its record know nothing of them: to whoever posts it is all
one whether a request goes out from here or from another process.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import count

from segcli.delivery.http.client import NoReply, Post
from segcli.delivery.http.frames import Frames
from segcli.destination import Request
from segcli.errors import Stopped
from segcli.verdict import Reply


class PosterFailed(Exception):
    """A bug that showed in another process; the text is its traceback there."""


@asynccontextmanager
async def posting_from(processes: int, transport: str, *, timeout: float) -> AsyncIterator[Post]:
    """Yield what posts requests from so many processes, each over connections of its own.

    `timeout` and `transport` are as for `posting`. The processes end with this one, however it
    ends, and what they had under way is cut off. Raises Stopped from a post once all have died.
    """
    with ExitStack() as stack:
        posters = []
        for _ in range(processes):
            ours = stack.enter_context(_process(transport, timeout))
            posters.append(await _Poster.connected(ours))

        async def post(request: Request) -> Reply | NoReply:
            alive = [poster for poster in posters if poster.is_alive]
            if not alive:
                raise Stopped("all processes that send have died", "Send with --workers 1.")
            return await min(alive, key=len).post(request)

        try:
            yield post
        finally:
            for poster in posters:
                poster.close()


class _Poster:
    """Another process, as this one sees it; its length is that of what it has under way."""

    def __init__(self) -> None:
        self.is_alive = True
        self._frames = Frames(self._got, self._lost)
        self._numbers = count()
        self._under_way: dict[int, asyncio.Future[Reply | NoReply]] = {}

    @classmethod
    async def connected(cls, ours: socket.socket) -> "_Poster":
        poster = cls()
        await asyncio.get_running_loop().create_connection(lambda: poster._frames, sock=ours)
        return poster

    def __len__(self) -> int:
        return len(self._under_way)

    async def post(self, request: Request) -> Reply | NoReply:
        number = next(self._numbers)
        answer: asyncio.Future[Reply | NoReply] = asyncio.get_running_loop().create_future()
        self._under_way[number] = answer
        headers = tuple(request.headers.items())
        self._frames.send((number, request.method, request.url, headers, request.body))
        return await answer

    def close(self) -> None:
        self._frames.close()

    def _got(self, value: tuple[int, Reply | NoReply | str]) -> None:
        number, reply = value
        answer = self._under_way.pop(number)
        if answer.done():
            return
        if isinstance(reply, str):
            answer.set_exception(PosterFailed(reply))
        else:
            answer.set_result(reply)

    def _lost(self) -> None:
        """Nobody knows whether what it had under way was taken; it is sent again."""
        self.is_alive = False
        for answer in self._under_way.values():
            if not answer.done():
                answer.set_result(NoReply("the process that sent it has died"))
        self._under_way.clear()


@contextmanager
def _process(transport: str, timeout: float) -> Iterator[socket.socket]:
    """Start a process; yield this end of the connection to it, at whose end the process ends."""
    ours, theirs = socket.socketpair()
    words = [str(theirs.fileno()), transport, str(timeout)]
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "segcli.delivery.http.poster", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            # Ctrl-C is for the first process.
            process_group=0,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    with process:
        try:
            yield ours
        finally:
            ours.close()
            process.kill()

"""A process that posts what another one hands it: `python -m segcli.delivery.http.poster FD …`.

It has no terminal, no files and no say in anything: it ends when the other one does.
"""

import asyncio
import os
import signal
import socket
import sys
import traceback
from collections.abc import Mapping

from segcli.delivery.http.client import NoReply, Post, posting
from segcli.delivery.http.frames import Frames
from segcli.destination import Request
from segcli.verdict import Reply


def main() -> None:
    """Post until the other end of the connection has gone."""
    descriptor, transport, timeout = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=int(descriptor)) as connection:
        asyncio.run(_serve(connection, transport, float(timeout)))


async def _serve(connection: socket.socket, transport: str, timeout: float) -> None:
    async with posting(transport, timeout=timeout) as post:
        tasks: set[asyncio.Task[None]] = set()

        def got(value: tuple[int, str, str, Mapping[str, str], bytes]) -> None:
            number, method, url, headers, body = value
            request = Request(url, body, dict(headers), method)
            task = asyncio.create_task(_answer(number, request, post, frames))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        # What is under way is cut off with the connection, as if this were the first process.
        frames = Frames(got, lambda: os._exit(0))
        await asyncio.get_running_loop().create_connection(lambda: frames, sock=connection)
        await asyncio.Event().wait()


async def _answer(number: int, request: Request, post: Post, frames: Frames) -> None:
    answer: Reply | NoReply | str
    try:
        answer = await post(request)
    except Exception:  # a bug, whatever it is: the first process says so
        answer = traceback.format_exc()
    frames.send((number, answer))


if __name__ == "__main__":
    main()

"""A raw socket server, for replies that no HTTP server sends."""

import asyncio
import os
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from support.fakes import returned_in, wait_until

from segcli.core.destination import Request
from segcli.core.reply import Reply
from segcli.http.client import NoReply, Post
from segcli.http.network import network_from
from segcli.http.transports import open_client

# Seconds for a reply, on a machine that is busy with other things.
TIMEOUT = 60.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Talk = Callable[["Call"], None]


@dataclass(slots=True)
class SocketServer:
    """Where the server listens, and the requests it got, each as it came, in order.

    silent: set once the client has read the last that a call will say.
    """

    port: int
    host: str = "127.0.0.1"
    scheme: str = "http"
    got: list[bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    silent: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/"

    def line(self, number: int = -1) -> bytes:
        """Return the first line of a request."""
        return self.got[number].split(b"\r\n")[0]

    def headers(self, number: int = -1) -> dict[str, str]:
        """Return the headers of a request, their names as they were written."""
        head = self.got[number].partition(b"\r\n\r\n")[0].decode("latin-1")
        return dict(line.split(": ", 1) for line in head.split("\r\n")[1:])


@dataclass(slots=True)
class Call:
    """One connection, as the server sees it; `last` is the request that it has read last."""

    socket: socket.socket
    wire: SocketServer
    last: bytes = b""

    def read(self) -> bool:
        """Read a request; False where the client has gone."""
        text = b""
        while (missing := _missing(text)) != 0:
            block = self.socket.recv(missing or 65536)
            if not block:
                return False
            text += block
        self.wire.got.append(text)
        self.last = text
        return True

    def say(self, text: bytes) -> None:
        self.socket.sendall(text)

    def answer(self, text: bytes = OK) -> None:
        """Answer every request like this, as long as there are any."""
        while self.read():
            self.say(text)

    def hold(self) -> None:
        """Say nothing more until the client closes the connection."""
        self.await_read()
        self.wire.silent.set()
        self.await_end()

    def await_end(self) -> None:
        """Wait until the client closes the connection."""
        if not self.socket.recv(1):
            self.wire.ended.set()

    def await_read(self) -> None:
        """Wait until the client has read all that was said: a reset takes the rest with it."""
        wait_until(lambda: not _is_under_way(self.socket))

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def _is_under_way(connection: socket.socket) -> bool:
    """Return whether what was sent to a process of this machine waits there, or still here."""
    here, there = connection.getsockname()[1], connection.getpeername()[1]
    table = "tcp6" if connection.family == socket.AF_INET6 else "tcp"
    for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        local, remote, _, queues = line.split()[1:5]
        ports = tuple(int(end.rpartition(":")[2], 16) for end in (local, remote))
        to_send, to_read = (int(size, 16) for size in queues.split(":"))
        if (ports == (here, there) and to_send) or (ports == (there, here) and to_read):
            return True
    return False


def _missing(text: bytes) -> int | None:
    """Return how many bytes of a request are missing; None where only its end will tell."""
    head, found, body = text.partition(b"\r\n\r\n")
    if not found:
        return None
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return int(line.split()[1]) - len(body)
    return 0


@contextmanager
def socket_server(
    talk: Talk, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[SocketServer]:
    """Listen on a free port; `talk` has each connection to itself, which is closed behind it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        wire = SocketServer(listening.getsockname()[1], host, "https" if context else "http")
        calls: list[socket.socket] = []

        def serve(connection: socket.socket) -> None:
            with suppress(OSError):
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                    calls.append(connection)
                with connection:
                    talk(Call(connection, wire))

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    calls.append(connection)
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield wire
        listening.shutdown(socket.SHUT_RDWR)
        # Otherwise it could accept a connection of the next server, which may have its descriptor.
        accepting.join()
        for call in calls:
            with suppress(OSError):
                call.shutdown(socket.SHUT_RDWR)


def replies_to(
    transport: str, *requests: Request | str, timeout: float = TIMEOUT
) -> list[Reply | NoReply]:
    """Post requests, one after the other, over the same connections; an address is one with {}."""

    async def story(post: Post) -> list[Reply | NoReply]:
        return [await post(_request(one)) for one in requests]

    return over(transport, story, timeout=timeout)


def over(
    transport: str,
    story: Callable[[Post], Coroutine[Any, Any, Any]],
    *,
    timeout: float = TIMEOUT,
    silent: Sequence[SocketServer] = (),
) -> Any:
    """Return what a story returns.

    Once all of these servers are silent, the clock jumps to what is due next: the story waits for
    nothing else.
    """

    async def whole() -> Any:
        network = network_from(os.environ)
        async with open_client(transport, timeout=timeout, network=network) as post:
            return await story(post)

    with asyncio.Runner(loop_factory=partial(_LoopUntilSilence, silent)) as runner:
        return returned_in(runner, whole())


def pass_time(seconds: float) -> None:
    """Move the clock of the running story on, as if its process had not run meanwhile."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, _LoopUntilSilence)
    loop.pass_time(seconds)


class _ClockUntilSilence(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    def __init__(self, servers: Sequence[SocketServer]) -> None:
        super().__init__()
        self.jumped = 0.0
        self._servers = servers

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not (self._servers and timeout):
            found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
            return found
        # Only now has the loop done all that follows from what it has read.
        if all(server.silent.is_set() for server in self._servers):
            self.jumped += timeout
            return super().select(0)
        return super().select(min(timeout, 0.005))


class _LoopUntilSilence(asyncio.SelectorEventLoop):
    def __init__(self, servers: Sequence[SocketServer]) -> None:
        self._clock = _ClockUntilSilence(servers)
        super().__init__(self._clock)

    def time(self) -> float:
        return super().time() + self._clock.jumped

    def pass_time(self, seconds: float) -> None:
        self._clock.jumped += seconds


def _request(one: Request | str) -> Request:
    return Request(one, b"{}") if isinstance(one, str) else one

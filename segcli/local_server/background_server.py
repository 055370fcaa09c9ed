"""Runs an ASGI app on a real port, in a thread."""

import asyncio
import os
import signal
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from segcli.local_server.http_reply import Receive, Scope, Send

if TYPE_CHECKING:
    import uvicorn

App = Callable[[Scope, Receive, Send], Awaitable[None]]
# The signals that stop a server in the foreground.
STOPS = frozenset({signal.SIGINT, signal.SIGTERM})

# Seconds. The connection of a client that pauses between batches must stay open.
_KEEP_ALIVE = 75
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def make_server(app: App) -> "uvicorn.Server":
    """Return a uvicorn server that logs nothing."""
    import uvicorn  # noqa: PLC0415 - slow to import, and only servers need it

    config = uvicorn.Config(
        app,
        interface="asgi3",
        # h11 limits the size of headers. uvicorn would prefer another parser if one is installed.
        http="h11",
        lifespan="off",
        ws="none",
        workers=1,
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
    )
    return uvicorn.Server(config)


def why_not_listening(error: OSError) -> str:
    """Return why nothing can listen on a port, without the address that Python adds."""
    return os.strerror(error.errno) if error.errno else str(error)


@contextmanager
def serving(server: "uvicorn.Server", listeners: Sequence[socket.socket]) -> Iterator[None]:
    """Run a server in a thread during the block.

    It accepts connections when the block starts. When the block ends, it cuts them and ends the
    thread.
    """
    up: Future[Callable[[], object]] = Future()
    thread = threading.Thread(target=_run, args=(server, listeners, up), daemon=True)
    thread.start()
    stop = up.result()
    try:
        yield
    finally:
        stop()
        thread.join()


@contextmanager
def signals_held() -> Iterator[Callable[[], object]]:
    """Block the signals of `STOPS`, and yield a function that waits for one.

    Only the main thread may call this.
    """
    # Wait for the signal itself: an exception from a handler can be lost in a destructor.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield lambda: signal.sigwait(STOPS)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def listener_at(port: int, host: str) -> socket.socket:
    """Listen on a port; 0 means a free port. Raises OSError if it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=2048)
    # asyncio turns Nagle's algorithm off only on sockets that are marked as TCP. With it, every
    # reply takes the 40 ms of a delayed ACK.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())


def url_of(listener: socket.socket) -> str:
    """Return the address of a listener."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def reset_connection(server: "uvicorn.Server", scope: Scope) -> None:
    """Close the connection of a request, so that the client sees a reset."""
    for connection in server.server_state.connections:
        if getattr(connection, "scope", None) is scope:
            _reset(connection.transport)
            return


def _reset(transport: Any) -> None:
    # Without lingering, the client sees a reset and not the end of the stream.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def _run(
    server: "uvicorn.Server",
    listeners: Sequence[socket.socket],
    up: "Future[Callable[[], object]]",
) -> None:
    # The main thread receives them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        asyncio.run(_lifetime(server, listeners, up))
    except BaseException as failure:
        if up.done():
            raise
        up.set_exception(failure)


async def _lifetime(
    server: "uvicorn.Server",
    listeners: Sequence[socket.socket],
    up: "Future[Callable[[], object]]",
) -> None:
    """Serve until the stop function is called. uvicorn's own stop waits for clients and a timer."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(server.serve(sockets=list(listeners)))
    while not server.started and not serving.done():
        await asyncio.sleep(0)
    if serving.done():
        await serving
    up.set_result(lambda: loop.call_soon_threadsafe(stop.set))
    await stop.wait()
    serving.cancel()
    await asyncio.wait([serving])
    for each in server.servers:
        each.close()
    for connection in tuple(server.server_state.connections):
        connection.transport.abort()
    # Let the loop run once, so that it closes the connections.
    await asyncio.sleep(0)

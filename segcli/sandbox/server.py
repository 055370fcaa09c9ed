"""Runs the sandbox on a real port: resets, timeouts and lost clients need real connections."""

import asyncio
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segcli.sandbox.app import Sandbox, Scope
from segcli.sandbox.faults import Script
from segcli.sandbox.guard import guard_of

if TYPE_CHECKING:
    import uvicorn

# Seconds. The connection of a client that pauses between batches must stay open.
_KEEP_ALIVE = 75
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


@dataclass(frozen=True, slots=True)
class SandboxServer:
    """A running sandbox.

    url: the address where it accepts connections
    app: the ASGI app
    """

    url: str
    app: Sandbox

    def endpoint(self, vendor: str) -> str:
        """Return the setting `endpoint` that sends the payloads of a destination here."""
        return f"{self.url}/{vendor}{self.app.vendor(vendor).home}"


@contextmanager
def running(script: Script, port: int = 0, *, host: str = "127.0.0.1") -> Iterator[SandboxServer]:
    """Run a sandbox in a thread during the block. Port 0 means a free port.

    It accepts connections when the block starts. When the block ends, it cuts them and ends the
    thread. Raises OSError if the port is in use or `script.keep` cannot be written.
    """
    app = Sandbox(script)
    server = _server(app)
    up: Future[Callable[[], object]] = Future()
    with _listener(port, host) as listener:
        app.guard = guard_of(host, listener.getsockname()[1], script.allow_origin)
        thread = threading.Thread(target=_run, args=(server, listener, up), daemon=True)
        thread.start()
        stop = up.result()
        try:
            yield SandboxServer(_url(listener), app)
        finally:
            stop()
            thread.join()


def serve_sandbox(
    script: Script,
    started: Callable[[SandboxServer], object],
    *,
    port: int = 0,
    host: str = "127.0.0.1",
) -> None:
    """Run a sandbox in the foreground until Ctrl-C or SIGTERM, then return.

    It calls `started` once, when it accepts connections. Only the main thread may call this.
    """
    stops = {signal.SIGINT, signal.SIGTERM}
    # Wait for the signal itself: an exception from a handler can be lost in a destructor.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        with running(script, port, host=host) as sandbox:
            started(sandbox)
            signal.sigwait(stops)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listener(port: int, host: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.create_server((host, port), family=family, backlog=2048)
    # asyncio turns Nagle's algorithm off only on sockets that are marked as TCP. With it, every
    # reply takes the 40 ms of a delayed ACK.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: Sandbox) -> "uvicorn.Server":
    """Return a uvicorn server that logs nothing, and let the app reset its connections."""
    import uvicorn  # noqa: PLC0415 - slow to import, and only the sandbox needs it

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
    server = uvicorn.Server(config)

    def sever(scope: Scope) -> None:
        for connection in server.server_state.connections:
            if getattr(connection, "scope", None) is scope:
                _reset(connection.transport)
                return

    app.sever = sever
    return server


def _reset(transport: Any) -> None:
    """Close without lingering, so that the client sees a reset and not the end of the stream."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def _run(
    server: "uvicorn.Server", listener: socket.socket, up: "Future[Callable[[], object]]"
) -> None:
    try:
        asyncio.run(_lifetime(server, listener, up))
    except BaseException as failure:
        if up.done():
            raise
        up.set_exception(failure)


async def _lifetime(
    server: "uvicorn.Server", listener: socket.socket, up: "Future[Callable[[], object]]"
) -> None:
    """Serve until the stop function is called. uvicorn's own stop waits for clients and a timer."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
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

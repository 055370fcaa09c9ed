"""Runs the sandbox on a real port: resets, timeouts and lost clients need real connections."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from segcli.local_server.background_server import (
    listener_at,
    make_server,
    reset_connection,
    serving,
    signals_held,
    url_of,
)
from segcli.local_server.guard import guard_of
from segcli.sandbox.app import Sandbox
from segcli.sandbox.faults import Script


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
    server = make_server(app)
    app.sever = partial(reset_connection, server)
    with listener_at(port, host) as listener:
        app.guard = guard_of(host, listener.getsockname()[1], script.allow_origin)
        with serving(server, [listener]):
            yield SandboxServer(url_of(listener), app)


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
    with signals_held() as wait, running(script, port, host=host) as sandbox:
        started(sandbox)
        wait()

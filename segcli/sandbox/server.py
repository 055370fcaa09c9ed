"""The sandbox on a real port, since resets, timeouts and dying clients need a real connection."""

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
    """A sandbox that accepts connections at `url`."""

    url: str
    app: Sandbox

    def endpoint(self, vendor: str) -> str:
        """Return the endpoint setting that sends a destination's payloads here."""
        return f"{self.url}/{vendor}{self.app.vendor(vendor).home}"


@contextmanager
def running(script: Script, port: int = 0, *, host: str = "127.0.0.1") -> Iterator[SandboxServer]:
    """Run a sandbox in a thread; port 0 takes a free one.

    Connections are accepted from the first moment on. At the end they are cut at once and the
    thread is gone. Raises OSError if the port is taken or `script.keep` cannot be written.
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

    `started` is called once, with connections accepted. Only for the main thread.
    """
    with signals_held() as wait, running(script, port, host=host) as standin:
        started(standin)
        wait()

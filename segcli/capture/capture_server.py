"""The capture on a real port of the loopback, by both of its addresses."""

import errno
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from segcli.capture.app import Capture
from segcli.local_server.background_server import listener_at, make_server, serving, url_of
from segcli.local_server.guard import Guard, own_hosts

_HOST = "127.0.0.1"
_HOST_6 = "::1"
# How often to look for a port that is free at both addresses.
_TRIES = 20
# Seconds. How often to look whether requests have ended.
_MOMENT = 0.02


@dataclass(frozen=True, slots=True)
class CaptureServer:
    """A capture that accepts connections at `url`."""

    url: str
    app: Capture


@contextmanager
def listening(port: int) -> Iterator[Sequence[socket.socket]]:
    """Listen at a port of 127.0.0.1 and of ::1, if this machine has that; 0 takes a free one.

    Browsers and Node take `localhost` for either. Raises OSError if the port is taken.
    """
    listeners = _listeners(port)
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.close()


@contextmanager
def capturing(
    listeners: Sequence[socket.socket],
    write: Callable[[bytes], object],
    *,
    hosts: Iterable[str] = (),
    failed: Callable[[], object] = lambda: None,
) -> Iterator[CaptureServer]:
    """Run a capture in a thread; `hosts` are further names that requests may have for it.

    `write` gets whole lines, in that thread. Where it raises, `failed` is called, once.
    """
    port = listeners[0].getsockname()[1]
    guard = Guard(server="the capture", hosts=_all_hosts(hosts, port), any_origin=True)
    app = Capture(write, guard, failed)
    with serving(make_server(app), listeners):
        yield CaptureServer(url_of(listeners[0]), app)


def wait_until_quiet(app: Capture, settle: float, signals: "SimpleQueue[int]") -> int | None:
    """Wait until no request is open and none came for so many seconds, beginning now.

    Returns at once with the signal that ended the wait; None where none did.
    """
    began = time.monotonic()
    while True:
        left = max(began, app.last) + settle - time.monotonic()
        if app.open == 0 and left <= 0:
            return None
        with suppress(Empty):
            return signals.get(timeout=max(left, _MOMENT))


def _listeners(port: int) -> list[socket.socket]:
    for _ in range(_TRIES if port == 0 else 1):
        first = listener_at(port, _HOST)
        try:
            return [first, listener_at(first.getsockname()[1], _HOST_6)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [first]  # no IPv6 on this machine
            first.close()
            taken = error
    raise taken


def _all_hosts(names: Iterable[str], port: int) -> frozenset[bytes]:
    """Return what Host may be. A proxy in front of the capture has a port of its own, or none."""
    lower = {name.lower() for name in names}
    return own_hosts(lower, port) | {name.encode() for name in lower}

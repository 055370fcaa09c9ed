"""Runs the capture on a port of both loopback addresses."""

import errno
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from segcli.capture.app import Capture
from segcli.capture.user_command import LONGEST_WAIT
from segcli.local_server.background_server import listener_at, make_server, serving, url_of
from segcli.local_server.guard import LOOPBACK, Guard, own_hosts

_HOST = "127.0.0.1"
_HOST_6 = "::1"
# How many ports to try until one is free at both addresses.
_TRIES = 20
# Seconds between two checks whether open requests have ended.
_MOMENT = 0.02
# After this many seconds of waiting for open requests only, `still_open` is called.
_PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class CaptureServer:
    """A running capture.

    url: the address where it accepts connections.
    app: the ASGI app.
    """

    url: str
    app: Capture


@contextmanager
def listening(port: int) -> Iterator[Sequence[socket.socket]]:
    """Listen on a port of 127.0.0.1, and of ::1 if there is IPv6. Port 0 means a free port.

    `localhost` can mean both addresses. Raises OSError if the port is in use.
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
    """Run a capture in a thread during the block. `hosts` are more allowed values of Host.

    It calls `write` with whole lines, in its thread. If `write` raises, it calls `failed` once.
    """
    port = listeners[0].getsockname()[1]
    guard = Guard(
        server="the capture",
        hosts=_all_hosts(hosts, port),
        any_origin=True,
        hint="; to allow this one, start it with --host NAME",
    )
    app = Capture(write, guard, failed)
    with serving(make_server(app), listeners):
        yield CaptureServer(url_of(listeners[0]), app)


def wait_until_quiet(
    app: Capture,
    settle: float,
    signals: "SimpleQueue[int]",
    still_open: Callable[[int], object] = lambda _: None,
) -> int | None:
    """Wait until no request is open, and no request arrived for `settle` seconds from now on.

    If an open request makes that long, it calls `still_open` once, with the number of open ones.
    Returns None; or at once the number of a signal that arrived.
    """
    began = time.monotonic()
    has_told = False
    while True:
        left = max(began, app.last) + settle - time.monotonic()
        if app.open == 0 and left <= 0:
            return None
        if app.open and left < -_PATIENCE and not has_told:
            has_told = True
            still_open(app.open)
        with suppress(Empty):
            return signals.get(timeout=min(max(left, _MOMENT), LONGEST_WAIT))


def _listeners(port: int) -> list[socket.socket]:
    for _ in range(_TRIES if port == 0 else 1):
        first = listener_at(port, _HOST)
        try:
            return [first, listener_at(first.getsockname()[1], _HOST_6)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [first]  # this machine has no IPv6
            first.close()
            taken = error
    raise taken


def _all_hosts(names: Iterable[str], port: int) -> frozenset[bytes]:
    """Return the allowed values of Host: each name with its own port, or without one.

    A proxy may leave out the port. A name that has a port has no other.
    """
    lower = {name.lower() for name in names}
    without_port = {name for name in lower if ":" not in name}
    return own_hosts(without_port, port) | {name.encode() for name in {*LOOPBACK, *lower}}

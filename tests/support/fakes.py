"""Shared by the tests of sending: events, jobs, a simulated clock, and an HTTP vendor."""

import asyncio
import json
import selectors
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from support.fork_server import ForkedProcess
from support.samples import job_for

from segcli.core.line import Line
from segcli.core.outcome import Job, Mapped
from segcli.delivery.batch import Bounds, QueuedPayload, item_of
from segcli.sandbox import DEFAULT_KEY

T = TypeVar("T")

KEY = DEFAULT_KEY
# Seconds for what should happen at once, on a machine that is busy with other things.
PATIENCE = 120
ONE_EVENT = Bounds(1)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit code and the outputs of a command."""

    code: int
    out: str
    err: str


# --- events


def track(number: int = 1, user: str = "u1", **more: Any) -> dict[str, Any]:
    """Return an event that every destination takes; its messageId is its number."""
    return {
        "type": "track",
        "event": "Tested",
        "userId": user,
        "messageId": f"m{number}",
        "timestamp": "2026-02-03T10:11:12.000Z",
        **more,
    }


def tracks(count: int, users: int = 3) -> list[dict[str, Any]]:
    return [track(number, f"u{number % users}") for number in range(count)]


def write_events(path: Path, events: Iterable[Mapping[str, Any] | bytes]) -> Path:
    """Write events, or lines as they are, to a file."""
    lines = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in events)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def records(path: Path) -> list[dict[str, Any]]:
    """Read a rejects file; none where there is no file."""
    text = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in text.split(b"\n") if line]


def report_in(folder: Path) -> dict[str, Any]:
    """Return the report that the options of `sending_to` asked for."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
    return found


def adds_up(folder: Path) -> bool:
    """Return whether that report accounts for every line that was read."""
    report = report_in(folder)
    return bool(sum(report["ledger"].values()) == report["read"])


def sending_to(name: str, endpoint: str) -> list[str]:
    """Return the beginning of a command line that sends there, with the sandbox's key."""
    to = ["--endpoint", endpoint, "--set", f"api_key={KEY}", "--retry-for", "20s"]
    return ["send", "--dest", name, *to, "--report", "report.json"]


def wait_until(happened: Callable[[], bool], *, moving: Callable[[], object] = bool) -> None:
    """Return when it has happened.

    Fails when `moving` has returned the same for PATIENCE: slow progress is no failure.
    """
    pause, before, until = threading.Event(), moving(), time.monotonic() + PATIENCE
    while not happened():
        if moving() != before:
            before, until = moving(), time.monotonic() + PATIENCE
        assert time.monotonic() < until, "it did not happen"
        pause.wait(0.005)


def send_signal(process: "ForkedProcess | subprocess.Popen[str]", number: signal.Signals) -> None:
    """Send a signal and return when the process has received it: the next one is another one."""
    process.send_signal(number)
    status = Path(f"/proc/{process.pid}/status")
    wait_until(lambda: not _is_pending(status.read_text(), number))


def _is_pending(status: str, number: signal.Signals) -> bool:
    masks = [line.split()[1] for line in status.splitlines() if line.startswith(("Sig", "Shd"))]
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks[1:3])


def job_to(name: str, endpoint: str, **given: str) -> Job:
    return job_for(name, **{"endpoint": endpoint, "api_key": KEY, **given})


def item(
    body: bytes, *, user: str = "u", route: str = "/", number: int = 1, bounds: Bounds = ONE_EVENT
) -> QueuedPayload:
    return item_of(Line("events", number, body), Mapped(route, body, user), bounds)


# --- a clock without waits

# How often the loop may run its tasks before its clock moves on.
_MOST_ROUNDS = 100_000


class _Jumping(selectors.SelectSelector):
    """Does not wait for the next thing that is due: its clock jumps there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        self._rounds = 0 if timeout > 0 else self._rounds + 1
        assert self._rounds < _MOST_ROUNDS, "a task looks again and again, and the clock stands"
        self.now += max(0.0, timeout)
        return super().select(0)


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a clock of its own, which starts at 1000 and on which waits cost nothing.

    A story that hangs fails at once, and one in which a task does not wait fails in some seconds.
    """
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return returned_in(runner, story)


def returned_in(runner: asyncio.Runner, story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result.

    In some versions of Python a runner formats its task twice, with the result that it holds: for
    a reply of some megabytes that takes longer than the story.
    """
    found: list[T] = []

    async def whole() -> None:
        found.append(await story)

    runner.run(whole())
    return found[0]


def clock() -> float:
    """Return the time of the running story."""
    return asyncio.get_running_loop().time()


# --- a vendor of one's own, for what the sandbox does not say


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request that a vendor received."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; a `length` beyond the body's is a reply cut short, status 0 is none."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Vendor:
    """A server at `url`, and what it got."""

    url: str
    got: list[ReceivedRequest]


class HttpServer(ThreadingHTTPServer):
    """A server to which many may connect at once.

    By default five connections wait to be accepted; the next one is tried again after a second.
    """

    request_queue_size = 128


@contextmanager
def vendor_server(
    answers: Callable[[ReceivedRequest], Answer], context: ssl.SSLContext | None = None
) -> Iterator[Vendor]:
    """Serve on a free port, with TLS if asked; `answers` gets one request at a time.

    A connection stays open for the next request, unless a reply is cut short or there is none.
    """
    got: list[ReceivedRequest] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A reply is sent as a whole: its second packet would wait for the receipt of the first.
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = ReceivedRequest(self.path, dict(self.headers.items()), body)
            with lock:
                got.append(request)
                answer = answers(request)
            self.close_connection |= not answer.status or answer.length is not None
            if not answer.status:
                return
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            length = len(answer.body) if answer.length is None else answer.length
            self.send_header("content-length", str(length))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HttpServer(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Vendor(
                f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}", got
            )
        finally:
            server.shutdown()
            thread.join()


def replies(*answers: Answer) -> Callable[[ReceivedRequest], Answer]:
    """Give these answers, one after the other, and then 200 for ever."""
    left = list(answers)
    return lambda _got: left.pop(0) if left else Answer()


def closed_port() -> int:
    """Return a port on which no server listens, and that no other process gets meanwhile."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    _CLOSED_PORTS.append(held)
    port: int = held.getsockname()[1]
    return port


# They are taken, and nothing listens: connections are refused until this process ends.
_CLOSED_PORTS: list[socket.socket] = []

"""Runs `segcli` as a process that is forked from one that has imported it already.

The process has its own streams, folder and environment. It takes a tenth of the CPU time: most of
a short run is the start and the end of Python, and the imports. What Python does with PYTHONPATH,
PYTHONIOENCODING, PYTHONUNBUFFERED and closed outputs when it starts, a forked process does too.
Tests of imports, of Python's other options and of signals during the start start Python itself.

A run is a connection to the server: the client sends the request and the three streams, and gets
the process id and then the exit code.
"""

import atexit
import gc
import io
import marshal
import os
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from runpy import run_module
from types import TracebackType
from typing import IO, Any, NoReturn

TIMEOUT = 120
# Arguments, working folder, environment, the name of the machine unless it is its own, values of
# constants by their module and name, the outputs that are closed, and whether it is a run of
# `python -m segcli`.
Request = tuple[list[str], str, dict[str, str], str, dict[str, Any], list[int], bool]
# An output of a run that is closed.
CLOSED = -1
# Python reads some of the variables that begin like this only when it starts.
_OF_PYTHON = ("PYTHON", "LC_", "LANG")
# Those that a forked process takes on.
_TAKEN_ON = ("PYTHONPATH", "PYTHONIOENCODING", "PYTHONUNBUFFERED")
# What a folder on PYTHONPATH may replace, or add, only before a process is forked.
_IMPORTED_BEFORE = ("segcli", "sitecustomize.py")
# A command imports these where it uses them.
_IMPORTED_LATE = (
    *("segcli.http.aiohttp_transport", "segcli.http.httpx_transport", "segcli.sandbox"),
    *("segcli.sandbox.vendors.from_file", "segcli.delivery.pipeline", "segcli.destination_file"),
    *("segcli.destinations.pointillist", "segcli.destinations.plotline"),
    *("segcli.destinations.gist", "segcli.destinations.segment", "segcli.destinations.webhook"),
    *("segcli.cli.summary", "segcli.cli.progress", "segcli.cli.metrics_file"),
    *(
        "segcli.mapping.liquid.engine",
        "segcli.cli.formats.text",
        "segcli.cli.formats.json",
        "segcli.parallel.worker_pool",
    ),
    *("rich.console", "rich.table", "rich.progress", "click._textwrap", "uvicorn"),
    *("uvicorn.protocols.http.h11_impl", "uvicorn.lifespan.off"),
    *("importlib.metadata", "importlib.resources.readers", "zipfile"),
)
# The command `segcli` of a shell. A signal for it is a signal for the run.
_COMMAND = """\
#!{python} -IS
import os, sys

import _signal, _socket, array, marshal

environment = dict(os.environ)
of_python = {{name for name in environment if name.startswith({prefixes})}} - {{*{taken_on}}}
folders = environment.get("PYTHONPATH", "").split(os.pathsep)
if {{name: environment[name] for name in of_python}} != {of_python} or any(
    os.path.exists(folder + "/" + name) for folder in folders for name in {imported_before}
):
    os.execv({python!r}, [{python!r}, "-m", "segcli", *sys.argv[1:]])
request = marshal.dumps((sys.argv[1:], os.getcwd(), environment, "", {{}}, [], False))
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({address!r})
streams = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
server.sendmsg([len(request).to_bytes(4, "big")], [streams])
server.sendall(request)
pid = int.from_bytes(server.recv(4), "big")
for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM):
    _signal.signal(number, lambda number, _: os.kill(pid, number))
code = int.from_bytes(server.recv(4), "big", signed=True)
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a run; an output that is not given is read.

    stdin: its bytes, or a descriptor.
    stdout, stderr: descriptors, or CLOSED.
    """

    stdin: bytes | int = b""
    stdout: int | None = None
    stderr: int | None = None


def can_be_forked(own: Mapping[str, str]) -> bool:
    """Return whether a run with these variables of its own needs no start of Python."""
    folders = own.get("PYTHONPATH", "").split(os.pathsep)
    return not (
        any(_needs_a_start(name) for name in own)
        or any(
            os.path.exists(f"{folder}/{name}") for folder in folders for name in _IMPORTED_BEFORE
        )
    )


def _needs_a_start(name: str) -> bool:
    return name.startswith(_OF_PYTHON) and name not in _TAKEN_ON


class ForkServer:
    """A process that forks a run of segcli for each request."""

    def __init__(self, folder: Path, *, is_module: bool = False) -> None:
        self._folder = folder
        self._is_module = is_module
        # The folder that a shell has on its path to run a forked `segcli`.
        self.commands = folder / "bin"

    def for_module(self) -> "ForkServer":
        """Return a server whose runs are `python -m segcli`: their folder is on the import path."""
        return ForkServer(self._folder, is_module=True)

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], streams: Streams
    ) -> subprocess.CompletedProcess[bytes]:
        """Run segcli in this folder and environment; both outputs are bytes.

        Raises TimeoutExpired after TIMEOUT seconds, and ends the run.
        """
        with ThreadPoolExecutor(3) as threads:
            out, err = (_Output(threads, given) for given in (streams.stdout, streams.stderr))
            given = [_input(threads, streams.stdin), out.descriptor, err.descriptor]
            outputs = {1: streams.stdout, 2: streams.stderr}
            closed = [number for number, output in outputs.items() if output == CLOSED]
            request = ([*arguments], str(cwd), dict(env), "", {}, closed, self._is_module)
            connection, pid = self._started(request, given)
            try:
                code = _exit_code(connection, arguments, TIMEOUT)
            except subprocess.TimeoutExpired:
                os.kill(pid, 9)
                raise
            finally:
                connection.close()
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())

    def start(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: Any = None,
        host: str = "",
        constants: Mapping[str, Any] | None = None,
    ) -> "ForkedProcess":
        """Start segcli in this folder and environment; its outputs are pipes of text.

        stdin: as for Popen: a file, `subprocess.PIPE`, or None for no input.
        host: the name that the run takes for that of its machine.
        constants: values that constants of segcli have in the run, by their module and name.
        """
        reading, writing = _input_pipe(stdin)
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        own = (host, dict(constants or {}), [], self._is_module)
        request = ([*arguments], str(cwd), dict(env), *own)
        connection, pid = self._started(request, [reading, out_end, err_end])
        return ForkedProcess(arguments, pid, connection, (writing, open(out), open(err)))

    def _started(self, request: Request, streams: Sequence[int]) -> tuple[socket.socket, int]:
        """Return the connection of a new run and its process id; the streams are closed here."""
        text = marshal.dumps(request)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT)
        connection.connect(str(self._folder / "socket"))
        socket.send_fds(connection, [len(text).to_bytes(4)], streams)
        for stream in streams:
            os.close(stream)
        connection.sendall(text)
        return connection, int.from_bytes(_received(connection))


class ForkedProcess:
    """A run that was started: what tests use of Popen."""

    def __init__(
        self,
        arguments: Sequence[str],
        pid: int,
        connection: socket.socket,
        pipes: tuple[IO[str] | None, IO[str], IO[str]],
    ) -> None:
        self.args = arguments
        self.pid = pid
        self.returncode: int | None = None
        self.stdin, self.stdout, self.stderr = pipes
        self._connection = connection

    def __enter__(self) -> "ForkedProcess":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe:
                _close(pipe)
        self.wait()

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = _exit_code(self._connection, self.args, timeout)
            self._connection.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Close stdin, and return what was printed once the run has ended."""
        if self.stdin:
            _close(self.stdin)
        with ThreadPoolExecutor(2) as threads:
            out, err = (threads.submit(_rest_of, pipe) for pipe in (self.stdout, self.stderr))
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            texts = out.result(), err.result()
        self.stdout.close()
        self.stderr.close()
        return texts

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(9)


@contextmanager
def fork_server(environment: Mapping[str, str], cwd: Path | None = None) -> Iterator[ForkServer]:
    """Start the process that forks, in a folder if that is given; it ends with the block."""
    # Short: the address of a socket has little room.
    folder = Path(tempfile.mkdtemp(prefix="segcli-fork-"))
    address = str(folder / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            pass_fds=[listener.fileno()],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
    server = ForkServer(folder)
    _write_command(server.commands, address, environment)
    with process:
        yield server
        assert process.stdin
        process.stdin.close()
    shutil.rmtree(folder)


def _write_command(folder: Path, address: str, environment: Mapping[str, str]) -> None:
    folder.mkdir()
    of_python = {name: environment[name] for name in environment if _needs_a_start(name)}
    command = folder / "segcli"
    command.write_text(
        _COMMAND.format(
            python=sys.executable,
            prefixes=_OF_PYTHON,
            taken_on=_TAKEN_ON,
            imported_before=_IMPORTED_BEFORE,
            of_python=of_python,
            address=address,
        )
    )
    command.chmod(0o755)


def _exit_code(connection: socket.socket, arguments: Sequence[str], timeout: float | None) -> int:
    connection.settimeout(timeout)
    try:
        return int.from_bytes(_received(connection), signed=True)
    except (TimeoutError, BlockingIOError):
        raise subprocess.TimeoutExpired(arguments, timeout or 0) from None


def _received(connection: socket.socket) -> bytes:
    number = connection.recv(4)
    assert len(number) == 4, "the server has ended"
    return number


def _input(threads: ThreadPoolExecutor, stdin: bytes | int) -> int:
    """Return a descriptor of the stdin of a run: a pipe with these bytes, or a given one."""
    if isinstance(stdin, int):
        return os.dup(stdin)
    reading, writing = os.pipe()
    threads.submit(_write_all, writing, stdin)
    return reading


def _input_pipe(stdin: Any) -> tuple[int, IO[str] | None]:
    """Return a descriptor to read stdin from, and the other end if stdin is a new pipe."""
    if stdin is None:
        return os.open(os.devnull, os.O_RDONLY), None
    if stdin != subprocess.PIPE:
        return os.dup(stdin.fileno()), None
    reading, writing = os.pipe()
    return reading, open(writing, "w")


class _Output:
    """An output of a run: a pipe that is read, unless a descriptor is given."""

    def __init__(self, threads: ThreadPoolExecutor, given: int | None) -> None:
        if given is not None:
            is_closed = given == CLOSED
            self.descriptor = os.open(os.devnull, os.O_WRONLY) if is_closed else os.dup(given)
            self.read = bytes
            return
        reading, self.descriptor = os.pipe()
        self.read = threads.submit(_read_all, reading).result


def _write_all(stream: int, text: bytes) -> None:
    # A run may end before it has read all.
    with open(stream, "wb", buffering=0) as file, suppress(BrokenPipeError):
        while text:
            text = text[file.write(text) :]


def _read_all(stream: int) -> bytes:
    with open(stream, "rb") as file:
        return file.read()


def _close(pipe: IO[str]) -> None:
    # A run may end before it has read all.
    with suppress(BrokenPipeError):
        pipe.close()


def _rest_of(pipe: IO[str]) -> str:
    return "" if pipe.closed else pipe.read()


# --- in the server


def _serve(listener: socket.socket) -> None:
    """Fork a run for each connection until stdin ends. A forked process does not return."""
    for name in _modules():
        import_module(name)
    # Its first call reads how wide characters are.
    import_module("rich.cells").cell_len("\u2026")
    # Otherwise the first collection in each process copies every page of memory.
    gc.collect()
    gc.freeze()
    # Unlike one of epoll, this selector has no descriptor that a run would have too.
    waiting = selectors.PollSelector()
    waiting.register(listener, selectors.EVENT_READ, partial(_accept, listener, waiting))
    waiting.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                return
            key.data()


def _accept(listener: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Fork the run of a new connection."""
    connection, _ = listener.accept()
    request, streams = _received_request(connection)
    if request is None:
        _close_all([connection, *streams])
        return
    pid = os.fork()
    if pid == 0:
        _close_all([connection, *(key.fileobj for key in waiting.get_map().values())])
        is_module = _become(request, streams)
        _run_and_exit(is_module)
    _close_all(streams)
    with suppress(ConnectionError):
        connection.sendall(pid.to_bytes(4))
    ended = os.pidfd_open(pid)
    waiting.register(ended, selectors.EVENT_READ, partial(_tell, pid, ended, connection, waiting))


def _received_request(connection: socket.socket) -> tuple[Request | None, list[int]]:
    """Return the request of a client and its streams; None if the client ends before it is sent."""
    with suppress(ConnectionError):
        head, streams, _, _ = socket.recv_fds(connection, 4, 3)
        size = int.from_bytes(head)
        text = connection.recv(size, socket.MSG_WAITALL) if size else b""
        return (marshal.loads(text) if size and len(text) == size else None), streams
    return None, []


def _tell(pid: int, ended: int, connection: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Tell the client how its run has ended.

    The process id stays taken until the client knows the exit code, as that of a child does.
    """
    waiting.unregister(ended)
    os.close(ended)
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert found
    code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
    with suppress(ConnectionError):
        connection.sendall(code.to_bytes(4, signed=True))
    waiting.register(connection, selectors.EVENT_READ, partial(_forget, pid, connection, waiting))


def _forget(pid: int, connection: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Free the process id of a run whose client knows how it ended."""
    waiting.unregister(connection)
    connection.close()
    os.waitpid(pid, 0)


def _close_all(opened: Iterable[Any]) -> None:
    for one in opened:
        if isinstance(one, int):
            os.close(one)
        elif one is not sys.stdin:
            one.close()


def _run_and_exit(is_module: bool) -> NoReturn:
    """Run segcli and exit, without freeing what is in memory: that takes longer than the run."""
    try:
        if is_module:
            sys.path.insert(0, os.getcwd())
            run_module("segcli", run_name="__main__", alter_sys=True)
        else:
            import_module("segcli.__main__").run()
    except SystemExit as end:
        atexit._run_exitfuncs()
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        os._exit(end.code if isinstance(end.code, int) else end.code is not None)
    raise AssertionError("segcli ends with SystemExit")


def _modules() -> Iterator[str]:
    from segcli.cli import COMMANDS

    yield from (f"segcli.cli.commands.{command}" for command in COMMANDS)
    yield from _IMPORTED_LATE


def _become(request: Request, streams: list[int]) -> bool:
    """Take on what a new process has from its parent; return whether it runs `python -m segcli`."""
    arguments, cwd, environment, host, constants, closed, is_module = request
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    _take_on(environment)
    for number in closed:
        # As Python does when it starts.
        for name in (("stdout", "stderr")[number - 1], ("__stdout__", "__stderr__")[number - 1]):
            setattr(sys, name, None)
        os.close(number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["segcli", *arguments]
    if host:
        socket.gethostname = lambda: host
    for place, value in constants.items():
        module, _, name = place.rpartition(".")
        assert hasattr(import_module(module), name), place
        setattr(import_module(module), name, value)
    return is_module


def _take_on(environment: Mapping[str, str]) -> None:
    """Do what Python does with its variables when it starts, where the server has others."""
    changed = {name for name in _TAKEN_ON if environment.get(name) != os.environ.get(name)}
    if "PYTHONPATH" in changed:
        sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    if changed - {"PYTHONPATH"}:
        encoding, _, errors = environment.get("PYTHONIOENCODING", "").partition(":")
        for name in ("stdin", "stdout", "stderr"):
            stream = getattr(sys, name)
            how = (encoding, errors or "strict") if encoding else (stream.encoding, stream.errors)
            new = _reopened(stream.fileno(), how, bool(environment.get("PYTHONUNBUFFERED")))
            setattr(sys, name, new)
            setattr(sys, f"__{name}__", new)


def _reopened(number: int, encoding: tuple[str, str], is_unbuffered: bool) -> IO[str]:
    """Return a new stream like one of Python's own, which gathers what it writes or does not."""
    if number == 0:
        return io.TextIOWrapper(open(0, "rb", closefd=False), *encoding)
    binary: Any = os.fdopen(number, "wb", 0 if is_unbuffered else -1, closefd=False)
    return io.TextIOWrapper(
        binary,
        encoding[0],
        encoding[1] if number == 1 else "backslashreplace",
        newline="\n",
        line_buffering=number == 2 and not is_unbuffered,
        write_through=is_unbuffered,
    )


if __name__ == "__main__":
    # The folder of this file is no part of what segcli imports from.
    del sys.path[0]
    _serve(socket.socket(fileno=int(sys.argv[1])))

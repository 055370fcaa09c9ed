"""Runs `segcli` as a process that is forked from one that has imported it already.

The process has its own streams, folder and environment. It takes a tenth of the CPU time: most of
a short run is the start and the end of Python, and the imports. Tests of imports, of Python's own
options, of signals and of closed streams start Python itself.
"""

import atexit
import gc
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

TIMEOUT = 60
# Of variables that begin like this, Python reads some only when it starts.
_OF_PYTHON = ("PYTHON", "LC_", "LANG")
# A command imports these where it uses them.
_IMPORTED_LATE = (
    *("segcli.http.aiohttp_transport", "segcli.http.httpx_transport", "segcli.sandbox"),
    *("rich.console", "rich.table", "rich.progress", "uvicorn"),
)


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a run; an output that is not given is read.

    stdin: its bytes, or a descriptor.
    stdout, stderr: descriptors.
    """

    stdin: bytes | int = b""
    stdout: int | None = None
    stderr: int | None = None


def can_be_forked(own: Iterable[str]) -> bool:
    """Return whether a run with these variables of its own needs no start of Python."""
    return not any(name.startswith(_OF_PYTHON) for name in own)


class ForkServer:
    """A process that forks a run of segcli for each request."""

    def __init__(self, server: "subprocess.Popen[bytes]", control: socket.socket) -> None:
        self._server = server
        self._control = control
        self._is_free = threading.Lock()

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], streams: Streams
    ) -> subprocess.CompletedProcess[bytes]:
        """Run segcli in this folder and environment; both outputs are bytes.

        Raises TimeoutExpired after TIMEOUT seconds, and ends the run.
        """
        request = {"arguments": arguments, "cwd": str(cwd), "env": dict(env)}
        with self._is_free, ThreadPoolExecutor(3) as threads:
            out, err = (_Output(threads, given) for given in (streams.stdout, streams.stderr))
            stdin = _input(threads, streams.stdin)
            pid = self._start(request, [stdin, out.descriptor, err.descriptor])
            code = self._ended(pid, arguments)
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())

    def _start(self, request: Mapping[str, object], streams: Sequence[int]) -> int:
        text = json.dumps(request).encode()
        self._control.settimeout(TIMEOUT)
        socket.send_fds(self._control, [len(text).to_bytes(4)], streams)
        for stream in streams:
            os.close(stream)
        self._control.sendall(text)
        return self._received()

    def _ended(self, pid: int, arguments: Sequence[str]) -> int:
        try:
            return self._received()
        except TimeoutError:
            os.kill(pid, 9)
            self._received()
            raise subprocess.TimeoutExpired(arguments, TIMEOUT) from None

    def _received(self) -> int:
        number = self._control.recv(4)
        assert len(number) == 4, f"the server has ended: {self._server.poll()}"
        return int.from_bytes(number, signed=True)


@contextmanager
def fork_server(environment: Mapping[str, str]) -> Iterator[ForkServer]:
    """Start the process that forks; it ends with the block."""
    here, there = socket.socketpair()
    with here:
        with there:
            server = subprocess.Popen(
                [sys.executable, __file__, str(there.fileno())],
                pass_fds=[there.fileno()],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        with server:
            yield ForkServer(server, here)
            here.close()


def _input(threads: ThreadPoolExecutor, stdin: bytes | int) -> int:
    """Return a descriptor of the stdin of a run: a pipe with these bytes, or a given one."""
    if isinstance(stdin, int):
        return os.dup(stdin)
    reading, writing = os.pipe()
    threads.submit(_write_all, writing, stdin)
    return reading


class _Output:
    """An output of a run: a pipe that is read, unless a descriptor is given."""

    def __init__(self, threads: ThreadPoolExecutor, given: int | None) -> None:
        if given is not None:
            self.descriptor, self.read = os.dup(given), bytes
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


# --- in the server


def _serve(control: socket.socket) -> None:
    """Fork a run for each request. The forked process does not return from here."""
    for name in _modules():
        import_module(name)
    # Otherwise the first collection in each process copies every page of memory.
    gc.collect()
    gc.freeze()
    while True:
        head, streams, _, _ = socket.recv_fds(control, 4, 3)
        if not head:
            return
        request = json.loads(control.recv(int.from_bytes(head), socket.MSG_WAITALL))
        pid = os.fork()
        if pid == 0:
            control.close()
            _become(request, streams)
            _run_and_exit()
        for stream in streams:
            os.close(stream)
        control.sendall(pid.to_bytes(4, signed=True))
        _, status = os.waitpid(pid, 0)
        control.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))


def _run_and_exit() -> NoReturn:
    """Run segcli and exit, without freeing what is in memory: that takes longer than the run."""
    try:
        import_module("segcli.__main__").run()
    except SystemExit as end:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(end.code if isinstance(end.code, int) else end.code is not None)
    raise AssertionError("segcli ends with SystemExit")


def _modules() -> Iterator[str]:
    from segcli.cli import COMMANDS

    yield from (f"segcli.cli.commands.{command}" for command in COMMANDS)
    yield from _IMPORTED_LATE


def _become(request: dict[str, object], streams: list[int]) -> None:
    """Take on what a new process has from its parent."""
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
        os.close(stream)
    environment = request["env"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(request["cwd"]))
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    sys.argv = ["segcli", *arguments]


if __name__ == "__main__":
    # The folder of this file is no part of what segcli imports from.
    del sys.path[0]
    _serve(socket.socket(fileno=int(sys.argv[1])))

"""Commands on a pseudo-terminal, and the text that users see there; no tests here."""

import fcntl
import io
import os
import re
import struct
import subprocess
import termios
from pathlib import Path

from support.fakes import PATIENCE

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    """A stream in memory that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def seen(text: str) -> str:
    """Return what a terminal shows of a text, without colours and movements."""
    return _ESCAPES.sub("", text)


def on_a_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command on a terminal of 40 lines and 100 columns; return all that it wrote there."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        parts = []
        while part := _read(master):
            parts.append(part)
        os.close(master)
        assert process.wait(PATIENCE) == 0
    return b"".join(parts).decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the last one who wrote to it is gone
        return b""

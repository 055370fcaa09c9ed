"""Read small files completely: settings, keys, destinations and their mappings.

There are three levels of trust. A key or a configuration that the user names may be anything, also
a pipe. A file that is found, and a destination's file, must be a regular file. A file that a
destination's file names must also be below its folder. Every read is limited. Each function raises
ValueError; its text follows the file's name in a message.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Opening a pipe or a device must not block and must not change anything.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read_named(path: Path, *, max_bytes: int) -> str:
    """Return the text of a file that the user names; also of a path such as `/dev/fd/63`."""
    with _as_problem(), path.open("rb") as file:
        return _text(file.read(max_bytes + 1), max_bytes)


def read_regular(path: Path, *, max_bytes: int) -> str:
    """Return the text of a file; anything else, such as a pipe, is refused without waiting."""
    with _as_problem():
        return _regular_text(os.open(path, _FILE), max_bytes)


def read_found(path: Path, *, max_bytes: int) -> str | None:
    """Return the text of a file that may be there; None if there is none."""
    with _as_problem():
        try:
            descriptor = os.open(path, _FILE)
        except FileNotFoundError:
            return None
        return _regular_text(descriptor, max_bytes)


def read_below(folder: Path, name: str, *, max_bytes: int) -> str:
    """Return the text of a file below a folder. The name may come from anybody.

    Links are followed within the folder only. Hidden files are refused: the folder may be a home
    folder with keys in hidden files. A change during the call cannot lead out of the folder.
    """
    if "\0" in name or PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise ValueError("must be a path below the folder of the destination's file, without ..")
    root = os.path.realpath(folder)
    real = Path(os.path.realpath(Path(root, name)))
    if not real.is_relative_to(root):
        raise ValueError("is a link that leads out of the folder of the destination's file")
    parts = real.relative_to(root).parts
    if any(map(_is_hidden, (*PurePath(name).parts, *parts))):
        raise ValueError("is hidden: choose a name that does not begin with a dot")
    with _as_problem():
        return _regular_text(_opened(root, parts), max_bytes)


def _is_hidden(part: str) -> bool:
    """True if a name begins with one dot. Folders of Kubernetes mounts begin with two."""
    return part.startswith(".") and not part.startswith("..")


def _opened(root: str, parts: Sequence[str]) -> int:
    """Open a path without links, part by part, so that a link created meanwhile is refused."""
    descriptor = os.open(root, _FOLDER)
    for place, part in enumerate(parts):
        flags = _FILE if place == len(parts) - 1 else _FOLDER
        try:
            inner = os.open(part, flags | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _regular_text(descriptor: int, max_bytes: int) -> str:
    """Read and close an open file, after checking that it is a regular file."""
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise ValueError("is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return _text(file.read(max_bytes + 1), max_bytes)
    finally:
        os.close(descriptor)


def _text(data: bytes, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise ValueError(f"is larger than {max_bytes:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is not UTF-8 text (line {line}): save it as UTF-8") from None


@contextmanager
def _as_problem() -> Iterator[None]:
    """Turn OSError into ValueError with a plain text."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError("does not exist") from None
    except IsADirectoryError:
        raise ValueError("is a folder, not a file") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None

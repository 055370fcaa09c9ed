"""Small files that are read whole: settings, keys, destinations and their mappings.

Three degrees of trust. A key or a configuration that the user names may be anything, a pipe too.
One that is merely found, and a destination's file, must be a regular file. One that a
destination's file names must also lie below its folder.
Every read is bounded, and each function raises ValueError with what is wrong, as the end of a
sentence that begins with the file's name.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Opening a pipe or a device must neither wait nor change anything.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def read_named(path: Path, *, max_bytes: int) -> str:
    """Return the text of a file that the user names, `/dev/fd/63` of a shell too."""
    with _as_problem(), path.open("rb") as file:
        return _text(file.read(max_bytes + 1), max_bytes)


def read_regular(path: Path, *, max_bytes: int) -> str:
    """Return the text of a file; anything else, such as a pipe, is refused without waiting."""
    with _as_problem():
        return _regular_text(os.open(path, _FILE), max_bytes)


def read_found(path: Path, *, max_bytes: int) -> str | None:
    """Return the text of a file that lies where it is looked for, None where there is none."""
    with _as_problem():
        try:
            descriptor = os.open(path, _FILE)
        except FileNotFoundError:
            return None
        return _regular_text(descriptor, max_bytes)


def read_below(folder: Path, name: str, *, max_bytes: int) -> str:
    """Return the text of a file below a folder, whoever gave the name.

    Links are followed within the folder only. Hidden files are refused: a folder may be somebody's
    home, with keys in them. Nothing that is changed meanwhile leads out of the folder.
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
    """Whether a name begins with a dot; with two begin the folders of Kubernetes' mounts."""
    return part.startswith(".") and not part.startswith("..")


def _opened(root: str, parts: Sequence[str]) -> int:
    """Open a path without links, name by name: a link that appears meanwhile is refused."""
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
    """Read and close what was opened, which may have become something else since it was named."""
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
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text: save it as UTF-8") from None


@contextmanager
def _as_problem() -> Iterator[None]:
    """Say in words why a file cannot be read."""
    try:
        yield
    except FileNotFoundError:
        raise ValueError("does not exist") from None
    except IsADirectoryError:
        raise ValueError("is a folder, not a file") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None

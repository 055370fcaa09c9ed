"""Files that are written anew: what they held stays until all of the new is on disk."""

import os
import secrets
import stat
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path


def rewrite(path: Path, content: bytes) -> None:
    """Give a file this content, whole or not at all; it keeps its owner and its permissions.

    A link stays one. What is no regular file, such as a pipe, is written to as it is. Raises
    OSError, also for a file that may not be written.
    """
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CLOEXEC), "wb") as old:
            status = os.fstat(old.fileno())
            if not stat.S_ISREG(status.st_mode):
                old.write(content)
                return
    except FileNotFoundError:
        status = None
    _replace(Path(os.path.realpath(path)), content, status)


def _replace(path: Path, content: bytes, before: os.stat_result | None) -> None:
    """Write a new file beside the old one, under a name that nobody has, and let it take over."""
    new = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        with new.open("xb") as file:
            if before:
                _make_alike(file, before)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _make_alike(file: BufferedWriter, before: os.stat_result) -> None:
    # Only root may give a file away, and some file systems know of no owners.
    with suppress(OSError):
        os.fchown(file.fileno(), before.st_uid, before.st_gid)
    os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))

"""The output file of a capture, with whole lines only."""

import errno
import fcntl
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from segcli.accounting.atomic_write import (
    is_stream,
    open_to_append,
    replace_file,
    rewrite,
    write_all,
)
from segcli.capture.stable import stabilized

_PIECE = 1024 * 1024


class EventFile:
    """A file of events, or a stream. Written events survive a kill of this process.

    path: the path of the file.
    """

    def __init__(self, path: Path) -> None:
        """Replace an old file with an empty one, or open a stream; raises OSError."""
        self.path = path
        self._size = 0
        self._is_stream = is_stream(path)
        if self._is_stream:
            self._file = open_to_append(path)
        else:
            self._file = FileIO(replace_file(path, lambda _: None, private=True), "r+")
            # If another program empties the file, this leaves no hole in it.
            fcntl.fcntl(self._file, fcntl.F_SETFL, os.O_APPEND)

    def write(self, lines: bytes) -> None:
        """Add whole lines; raises OSError.

        After an error a file has none of the lines. A stream may have received a part of them.
        """
        descriptor = self._file.fileno()
        before = 0 if self._is_stream else os.fstat(descriptor).st_size
        try:
            write_all(descriptor, lines)
        except OSError:
            if not self._is_stream:
                os.ftruncate(descriptor, before)
            raise
        self._size += len(lines)

    def check_is_whole(self) -> None:
        """Make sure that the path has all the lines; raises OSError if it cannot have them.

        The tests of an application often clear the folder of their results. A file that was
        removed is written again; one that was replaced or changed stays as it is.
        """
        if self._is_stream:
            return
        own = os.fstat(self._file.fileno())
        if own.st_size != self._size:
            raise OSError(errno.EIO, "another program has changed it, so events are missing")
        try:
            found = self.path.stat()
        except FileNotFoundError:
            rewrite(self.path, self._pieces(), private=True)
            return
        if not os.path.samestat(own, found):
            raise OSError(errno.EEXIST, "another program has replaced it")

    def stabilize(self) -> None:
        """Replace the lines with their `stabilized` form; raises OSError.

        The file is unchanged until the new lines are on disk. A stream cannot be replaced.
        """
        self._file.seek(0)
        lines = self._file.readall().splitlines()
        rewrite(self.path, (line + b"\n" for line in stabilized(lines)), private=True)

    def _pieces(self) -> Iterator[bytes]:
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()

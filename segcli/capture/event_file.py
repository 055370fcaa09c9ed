"""The file that captured events are written to, in whole lines."""

import os
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


class EventFile:
    """A file of events, or a stream: what is written is there even if this process is killed.

    path: where it is.
    """

    def __init__(self, path: Path) -> None:
        """Begin an empty file in the place of an old one, or open a stream; raises OSError."""
        self.path = path
        self._is_stream = is_stream(path)
        if self._is_stream:
            self._file = open_to_append(path)
        else:
            self._file = FileIO(replace_file(path, lambda _: None, private=True), "r+")

    def write(self, lines: bytes) -> None:
        """Add whole lines, all or none of them; raises OSError.

        A stream may have taken a part of what it does not take all of.
        """
        descriptor = self._file.fileno()
        before = 0 if self._is_stream else os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            write_all(descriptor, lines)
        except OSError:
            if not self._is_stream:
                os.ftruncate(descriptor, before)
            raise

    def stabilize(self) -> None:
        """Let `stabilized` lines take the place of those that were written; raises OSError.

        Until all of them are on disk, the file is as it was. Only for a file, not for a stream.
        """
        self._file.seek(0)
        lines = self._file.readall().splitlines()
        rewrite(self.path, (line + b"\n" for line in stabilized(lines)), private=True)

    def close(self) -> None:
        """Close it."""
        self._file.close()

"""The output file of a capture, with whole lines only."""

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
    """A file of events, or a stream. Written events survive a kill of this process.

    path: the path of the file
    """

    def __init__(self, path: Path) -> None:
        """Replace an old file with an empty one, or open a stream; raises OSError."""
        self.path = path
        self._is_stream = is_stream(path)
        if self._is_stream:
            self._file = open_to_append(path)
        else:
            self._file = FileIO(replace_file(path, lambda _: None, private=True), "r+")

    def write(self, lines: bytes) -> None:
        """Add whole lines; raises OSError.

        After an error a file has none of the lines. A stream may have received a part of them.
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
        """Replace the lines with their `stabilized` form; raises OSError.

        The file is unchanged until the new lines are on disk. A stream cannot be replaced.
        """
        self._file.seek(0)
        lines = self._file.readall().splitlines()
        rewrite(self.path, (line + b"\n" for line in stabilized(lines)), private=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

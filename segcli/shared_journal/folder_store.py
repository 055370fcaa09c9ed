"""A folder as a store: on a disk that several machines see."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from segcli.accounting.atomic_write import create_file
from segcli.journal.checkpoint import sync_folder
from segcli.shared_journal.store import StoreProblem


class FolderStore:
    """The files of a folder. The file system must have hard links, which are made exclusively."""

    is_proven = True

    def __init__(self, folder: Path) -> None:
        self.shown = str(folder)
        self._folder = folder

    def create(self, name: str, data: bytes) -> bool:
        """Create a file that is on disk when this returns; False if there is one."""
        with _problems():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_new = create_file(self._folder / name, data)
            if is_new:
                sync_folder(self._folder)
        return is_new

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is none."""
        with _problems():
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def names(self) -> list[str]:
        """Return the names of all files that are not hidden."""
        with _problems():
            try:
                return [name for name in os.listdir(self._folder) if not name.startswith(".")]
            except FileNotFoundError:
                return []

    def remove(self, names: Sequence[str]) -> None:
        """Remove files."""
        with _problems():
            for name in names:
                (self._folder / name).unlink(missing_ok=True)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreProblem(error.strerror or str(error), is_permanent=True) from error

"""Where a shared journal is: an address, or a folder."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier

from segcli.core.secret import display_address
from segcli.errors import UsageError
from segcli.inputs.input import is_address
from segcli.shared_journal.address_store import AddressStore
from segcli.shared_journal.folder_store import FolderStore
from segcli.shared_journal.store import LogStore, StoreProblem

PROBE = "probe-"
_FILE = "file://"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """The place of a shared journal.

    folder: the folder; None for an address.
    """

    _address: str = field(repr=False)
    folder: Path | None

    def __str__(self) -> str:
        """The place in the form that may be shown."""
        return str(self.folder or display_address(self._address).rstrip("/"))

    def store(self) -> LogStore:
        """Return the store. Raises InputError if fsspec does not support it."""
        return AddressStore(self._address) if self.folder is None else FolderStore(self.folder)


def shared_place(name: str) -> SharedPlace | None:
    """Return the place that a name stands for; None if it names a journal file.

    An address, an existing folder and a path that ends with `/` are places.
    """
    if name.lower().startswith(_FILE):
        name = f"{name[len(_FILE) :]}/"
    if is_address(name):
        return SharedPlace(name, None)
    if name.endswith("/") or os.path.isdir(name):
        return SharedPlace(name, Path(os.path.realpath(name)))
    return None


def check_conditional(store: LogStore) -> None:
    """Check that the store creates an object only once, by creating one twice.

    Without that, an older attempt could not be kept from sending. Raises UsageError if it does
    not, and StoreProblem.
    """
    name = f"{PROBE}{secrets.token_hex(16)}"
    with _removed(store, name):
        is_new = store.create(name, b"1") if store.is_proven else _is_created_once(store, name)
        first = store.read(name)
        if not is_new or store.create(name, b"2") or first is None or store.read(name) != first:
            raise UsageError(
                f"{store.shown} cannot hold a journal: its store replaces an object where it "
                "should refuse to (no conditional writes)",
                "Two machines could send the same events. Name a place in S3, Google Cloud "
                "Storage or Azure, a folder that several machines see, or a file on this machine.",
            )


def _is_created_once(store: LogStore, name: str) -> bool:
    """Create an object several times at once; True if just one of these succeeds."""
    ready = Barrier(_AT_ONCE)

    def create(number: int) -> bool:
        ready.wait()
        return store.create(name, b"%d" % number)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(create, range(_AT_ONCE))) == 1


@contextmanager
def _removed(store: LogStore, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        # It does no harm if it stays.
        with suppress(StoreProblem):
            store.remove([name])

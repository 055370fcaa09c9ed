"""Whether files and objects are still those that were listed before."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from segcli.errors import InputError
from segcli.inputs.input import Input
from segcli.inputs.input_list import local_version
from segcli.inputs.object_store import asking, object_version

_THREADS = 16


def check_same(entries: Sequence[Input]) -> None:
    """Raise InputError for the first one whose size or version has changed since it was listed."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for entry, version in zip(entries, pool.map(_version_now, entries), strict=True):
            if entry.version and version != entry.version:
                raise InputError(
                    f"{entry.title} has changed since the job began",
                    "An input must not change while it is read. Begin again when it is complete.",
                )


def _version_now(entry: Input) -> str:
    """Return the version of an input as it is now; empty if there is none."""
    if entry.remote:
        with asking(entry.name, entry.remote.path):
            return object_version(entry.remote.store.info(entry.remote.path))
    try:
        status = os.stat(entry.name)
    except OSError as error:
        raise InputError(f"{entry.title} cannot be read: {error.strerror}") from None
    return local_version(status.st_size, status.st_mtime_ns)

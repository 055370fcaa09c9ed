"""Looking at inputs before anything is read of them: what is no NDJSON is told by name."""

from collections.abc import Iterator, Sequence
from itertools import islice

from segcli.inputs.input import Input
from segcli.inputs.opening import is_enough, opened

_AT_ONCE = 16
_ASKED_AHEAD = 1000
# Enough for gzip; a Zstandard frame gives nothing before its first block is whole.
_LOOKED_AT = (16 * 1024, 256 * 1024)


def look_at(found: Sequence[Input]) -> None:
    """Raise InputError where a file that nobody has named cannot be read or is no NDJSON."""
    remote = False
    for entry in found:
        if entry.found_in and entry.remote:
            remote = True
        elif entry.found_in:
            look_at_one(entry)
    if remote:
        _look_at_all(entry for entry in found if entry.found_in and entry.remote)


def look_at_one(entry: Input) -> None:
    """Raise InputError where an input cannot be read or is no NDJSON."""
    if entry.remote is None:
        with opened(entry):
            return
    from segcli.inputs.store import asking  # noqa: PLC0415  # not needed for files on disk

    with asking(entry.name, entry.remote.path):
        for size in _LOOKED_AT:
            if is_enough(entry, entry.remote.start(size)):
                return


def _look_at_all(remote: Iterator[Input]) -> None:
    """Look at several at once: each costs a journey. What is waited for takes memory too."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # not for files on disk

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(remote, _ASKED_AHEAD)):
            for _ in pool.map(look_at_one, some):
                pass

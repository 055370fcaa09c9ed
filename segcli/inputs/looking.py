"""Looking at inputs before anything is read of them: what is no NDJSON is told by name."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from segcli.inputs.input import Input
from segcli.inputs.opening import is_enough, opened
from segcli.inputs.store import asking

_AT_ONCE = 16
# Enough for gzip; a Zstandard frame gives nothing before its first block is whole.
_LOOKED_AT = (16 * 1024, 256 * 1024)


def look_at(found: Sequence[Input]) -> None:
    """Raise InputError where a file that nobody has named cannot be read or is no NDJSON."""
    unnamed = [entry for entry in found if entry.found_in]
    for entry in unnamed:
        if not entry.remote:
            look_at_one(entry)
    if remote := [entry for entry in unnamed if entry.remote]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(look_at_one, remote):
                pass


def look_at_one(entry: Input) -> None:
    """Raise InputError where an input cannot be read or is no NDJSON."""
    if entry.remote is None:
        with opened(entry):
            return
    with asking(entry.name):
        for size in _LOOKED_AT:
            if is_enough(entry, entry.remote.start(size)):
                return

"""The manifest: which files a job reads, and which of them share a task. Opens no file."""

import os
import pickle
import zlib
from collections.abc import Iterator, Sequence

from segcli.errors import InputError
from segcli.inputs import Input, inputs
from segcli.inputs.decompress import is_named_as_compressed
from segcli.inputs.input import is_address

# Stored bytes. A task takes 0.15 s of CPU time more than its lines need, so small files share one;
# gzip cannot be split, so a file is never in two.
_LEAST, _USUAL, _MOST = 8 << 20, 64 << 20, 256 << 20
_MOST_FILES = 10_000
# Tasks for each slot, so that the last ones do not leave the other slots idle.
_TASKS_PER_SLOT = 4
# Plain lines count as if they were compressed.
_RATIO = 8


def job_files(names: Sequence[str]) -> Sequence[Input]:
    """Return the files of the job, in the order in which one machine reads them.

    Raises InputError for stdin, a pipe, and what cannot be listed.
    """
    if not names or "-" in names:
        raise InputError("stdin cannot be read on Spark", "Name a folder, files or an address.")
    # Executors have working folders of their own.
    found = inputs([name if is_address(name) else os.path.abspath(name) for name in names])
    for entry in found:
        if not entry.can_be_read_again:
            raise InputError(f"{entry.title} is no file, so it cannot be read on Spark")
    return found


def files_by_task(found: Sequence[Input], slots: int) -> list[Sequence[Input]]:
    """Return the files of each task: some that follow each other, 64 to 256 MB of gzip.

    A small job has smaller tasks, so that all slots work. The order of the files is kept.
    """
    most = _task_size(sum(map(_weight, found)), slots)
    tasks: list[Sequence[Input]] = []
    task: list[Input] = []
    size = 0
    for entry in found:
        if task and (size + _weight(entry) > most or len(task) == _MOST_FILES):
            tasks.append(task)
            task, size = [], 0
        task.append(entry)
        size += _weight(entry)
    return [*tasks, task] if task else tasks


def encoded_task(task: Sequence[Input]) -> bytes:
    """Return the files of a task as bytes, which go along with it."""
    return zlib.compress(pickle.dumps(list(task)), 1)


def decoded_task(task: bytes) -> list[Input]:
    """Return the files of a task."""
    found: list[Input] = pickle.loads(zlib.decompress(task))
    return found


def waves(found: Sequence[Input], *, least: int, most: int) -> Iterator[list[Input]]:
    """Yield the files of each wave: whole days, as many as make `least` bytes.

    A day of more than `most` bytes is split among several waves. Files that are in no day follow
    the day before them.
    """
    wave: list[Input] = []
    size, day = 0, None
    for entry in found:
        is_other_day = entry.day is not None and day is not None and entry.day != day
        if wave and ((is_other_day and size >= least) or size + _weight(entry) > most):
            yield wave
            wave, size = [], 0
        wave.append(entry)
        size += _weight(entry)
        day = entry.day if entry.day is not None else day
    if wave:
        yield wave


def _task_size(total: int, slots: int) -> int:
    """Return how much a task may hold, in bytes of gzip."""
    usual = min(_MOST, max(_USUAL, total // (_TASKS_PER_SLOT * slots)))
    return min(usual, max(_LEAST, total // slots + 1))


def _weight(entry: Input) -> int:
    size = entry.size or 0
    return size if is_named_as_compressed(entry.name) else size // _RATIO

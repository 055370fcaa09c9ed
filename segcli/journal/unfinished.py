"""The unfinished runs of a folder of journals."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from segcli.journal.checkpoint import Checkpoint, read_checkpoint
from segcli.journal.locked_file import is_locked, lock, remove

SUFFIX = ".journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun:
    """A run with a journal.

    path: the journal
    written: when it was last written, in seconds since 1970
    is_running: whether a process has it open
    checkpoint: what the run has settled; None if the journal cannot be read
    problem: why it cannot be read
    """

    path: Path
    written: float
    is_running: bool
    checkpoint: Checkpoint | None
    problem: str = ""


def unfinished_runs(folder: Path) -> Iterator[UnfinishedRun]:
    """Yield the runs with a journal in this folder, in order of the journals' names.

    A journal that ends meanwhile is left out. Raises OSError if the folder cannot be read.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            written, is_running = path.stat().st_mtime, is_locked(path)
            checkpoint, problem = read_checkpoint(path), "it holds nothing yet"
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            checkpoint, problem = None, str(error)
        yield UnfinishedRun(
            path=path,
            written=written,
            is_running=is_running,
            checkpoint=checkpoint,
            problem="" if checkpoint else problem,
        )


def forget_run(path: Path) -> None:
    """Remove a journal. Raises UsageError if a run has it open, and OSError."""
    descriptor = lock(path)
    try:
        remove(path, descriptor)
    finally:
        os.close(descriptor)

"""Writes the metrics of a run to a file, while it lasts and at its end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from segcli import __version__
from segcli.accounting.atomic_write import rewrite
from segcli.accounting.metrics import RunInfo, exposition
from segcli.errors import unwritable_at_start

if TYPE_CHECKING:
    from segcli.runs.run_result import RunResult

METRICS_EVERY = 15.0

_State = Literal["running", "finished", "stopped"]


@contextmanager
def metrics_written(path: Path | None, result: "RunResult") -> Iterator[list[str]]:
    """Write the metrics at the start, every 15 s during the block, and at its end.

    The file is replaced as a whole. It holds no events, so its mode follows the umask. Raises
    UsageError or OutputError if it cannot be written at the start. A failure later stops nothing;
    the list that is yielded has its message after the block.
    """
    problems: list[str] = []
    if path is None:
        yield problems
        return
    if error := _write(path, result, "running"):
        hint = "Name another file: --metrics PATH"
        raise unwritable_at_start(_described(path, error), hint, error)
    over = threading.Event()

    def write_now_and_then() -> None:
        while not over.wait(METRICS_EVERY):
            _write(path, result, "running")

    thread = threading.Thread(target=write_now_and_then, name="segcli-metrics", daemon=True)
    thread.start()
    state: _State = "stopped"
    try:
        yield problems
        state = "finished"
    finally:
        over.set()
        thread.join()
        if error := _write(path, result, state):
            problems.append(_described(path, error))


def _write(path: Path, result: "RunResult", state: _State) -> OSError | None:
    """Write the metrics; return the error, if there was one."""
    run = RunInfo(
        command=result.command,
        destination=result.job.destination.name,
        version=__version__,
        started=result.started,
    )
    try:
        rewrite(path, [b"".join(exposition(result.tally, run, state))])
    except OSError as error:
        return error
    return None


def _described(path: Path, error: OSError) -> str:
    return f"the metrics {path} cannot be written: {error.strerror}"

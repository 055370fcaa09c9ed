"""The state of a send on Spark, in a store that the driver and all executors see.

    run-00001                        each run of the job, and the number of the job that it works on
    run-00001-ended                  that it has ended
    job-00001                        the header of the job that run 1 began, and its files
    done-00001-00004                 the account of a wave that is complete
    control/00001/                   `halt`, the rate of each task, and what tasks tell of it
    waves/00001-00004/files/         what the tasks have read: an account of some files each
    waves/00001-00004/buckets/00012/ the log of a bucket: a shared journal

Every object is created only if there is none, and never changed.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from segcli.core.secret import display_address
from segcli.errors import OutputError, UsageError
from segcli.inputs.input import is_address
from segcli.shared_journal.place import check_conditional, shared_place
from segcli.shared_journal.store import LogStore, StoreProblem

_ENDED = "-ended"


@dataclass(frozen=True, slots=True)
class StatePlace:
    """The place of a state: an address, or the path of a folder."""

    name: str

    def __str__(self) -> str:
        """The place in the form that may be shown."""
        return display_address(self.name).rstrip("/")

    def store(self, *folders: str) -> LogStore:
        """Return the store of a folder of the state."""
        place = shared_place("/".join([self.name.rstrip("/"), *folders]) + "/")
        assert place, "a name that ends with / is a place"
        return place.store()

    def control(self, run: int) -> LogStore:
        """Return the store in which the driver and the tasks of a run talk to each other."""
        return self.store("control", f"{run:05}")

    def bucket(self, wave: str, bucket: int) -> LogStore:
        """Return the store of the log of a bucket."""
        return self.store("waves", wave, "buckets", f"{bucket:05}")

    def files(self, wave: str) -> LogStore:
        """Return the store of the accounts of files."""
        return self.store("waves", wave, "files")


def state_at(name: str) -> StatePlace:
    """Return the place of a state, by its whole path: executors have other working folders."""
    return StatePlace(name if is_address(name) else os.path.abspath(name))


@dataclass(frozen=True, slots=True)
class SparkRun:
    """A run that works on a job.

    number: its number.
    job: the number of the job, which is that of the run that began it.
    header: the header of the job.
    """

    number: int
    job: int
    header: Mapping[str, Any]

    def wave(self, number: int) -> str:
        """Return the name of a wave of the job."""
        return f"{self.job:05}-{number:05}"


def begin_job(place: StatePlace, header: Mapping[str, Any]) -> SparkRun:
    """Begin a job, and stop every earlier run. Raises OutputError and UsageError."""
    with store_errors(place):
        store = place.store()
        check_conditional(store)
        number = _new_run(store, 0)
        store.create(f"job-{number:05}", _packed(header))
        _stop_earlier(place, store, number)
    return SparkRun(number, number, header)


def resume_job(place: StatePlace, job: SparkRun) -> SparkRun:
    """Begin another run of a job, and stop every earlier one. Raises OutputError."""
    with store_errors(place):
        store = place.store()
        number = _new_run(store, job.job)
        _stop_earlier(place, store, number)
    return SparkRun(number, job.job, job.header)


def latest_job(place: StatePlace) -> SparkRun | None:
    """Return the last run of the last job; None if there is none. Raises OutputError."""
    with store_errors(place):
        store = place.store()
        runs = sorted(name for name in store.names() if _is_run(name))
        for name in reversed(runs):
            number = int(name.removeprefix("run-"))
            job = int(json.loads(store.read(name) or b"{}").get("job") or number)
            if header := store.read(f"job-{job:05}"):
                return SparkRun(number, job, json.loads(zlib.decompress(header)))
    return None


def is_running(place: StatePlace, run: SparkRun) -> bool:
    """Return whether a run has begun and has not said that it has ended."""
    with store_errors(place):
        return place.store().read(f"run-{run.number:05}{_ENDED}") is None


def end_run(place: StatePlace, run: SparkRun) -> None:
    """Say that a run has ended."""
    with store_errors(place):
        place.store().create(f"run-{run.number:05}{_ENDED}", b"")


def is_complete(place: StatePlace, run: SparkRun, waves: int) -> bool:
    """Return whether all waves of a job are complete."""
    return all(done is not None for done in done_waves(place, run, waves))


def done_waves(place: StatePlace, run: SparkRun, waves: int) -> Sequence[dict[str, Any] | None]:
    """Return the account of each wave that is complete; None for the others."""
    with store_errors(place):
        store = place.store()
        there = set(store.names())
        names = [f"done-{run.wave(number)}" for number in range(waves)]
        return [json.loads(store.read(name) or b"{}") if name in there else None for name in names]


def wave_is_done(place: StatePlace, run: SparkRun, wave: int, account: Mapping[str, Any]) -> None:
    """Record the account of a complete wave."""
    with store_errors(place):
        place.store().create(f"done-{run.wave(wave)}", json.dumps(account).encode())


@contextmanager
def store_errors(place: StatePlace) -> Iterator[None]:
    """Turn problems of the store into errors of the run."""
    try:
        yield
    except StoreProblem as problem:
        raise OutputError(
            f"the state {place} cannot be used: {problem}", "Name another place: --state PLACE"
        ) from None
    except ValueError as problem:
        raise UsageError(str(problem), "Name another place: --state PLACE") from None


def _new_run(store: LogStore, job: int) -> int:
    runs = [int(name.removeprefix("run-")) for name in store.names() if _is_run(name)]
    number = max(runs, default=0) + 1
    while not store.create(f"run-{number:05}", json.dumps({"job": job}).encode()):
        number += 1
    return number


def _stop_earlier(place: StatePlace, store: LogStore, number: int) -> None:
    """Let the tasks of earlier runs end; beside that, their logs are taken over."""
    there = set(store.names())
    for earlier in range(1, number):
        if f"run-{earlier:05}" in there and f"run-{earlier:05}{_ENDED}" not in there:
            place.control(earlier).create("halt", f"run {number} has taken over".encode())


def _is_run(name: str) -> bool:
    return name.startswith("run-") and not name.endswith(_ENDED)


def _packed(header: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(header).encode())

"""What the driver and the tasks of a run exchange: why to halt, the share and the use of each.

halt                           why the run has to end
rate-00000003                  the shares of all tasks; the largest number counts
task-00012-00000007-814-2.5    what a task reports of its share: report 7, 814 requests, 2.5 lost
ended-00012-1031               a bucket that is sent, and how many requests that took
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from segcli.delivery.rate import SharedRate
from segcli.shared_journal.folder_store import FolderStore
from segcli.shared_journal.store import LogStore, StoreProblem
from segcli.shared_journal.take_over import LEASE
from segcli.spark.rate_shares import MOST_FASTER, RateShares, Shares, TaskUse

HALT = "halt"
_RATE, _TASK, _ENDED = "rate-", "task-", "ended-"
# Seconds between two looks of a task: a listing of a store costs money, that of a folder nothing.
_EVERY, _EVERY_IN_FOLDER = 2.0, 0.25
# The driver looks less often, so that between two of its looks every task has looked.
_DRIVER_WAITS = 1.25
# A task reports at every second look.
_LOOKS_PER_REPORT = 2
# A task counts as lost after this many missing reports, if it must not send any more.
_MISSING = 3


@dataclass(frozen=True, slots=True)
class Share:
    """What one task may do.

    per_second: requests a second; None for no limit.
    in_flight: the most requests in flight.
    """

    per_second: float | None
    in_flight: int


@dataclass(frozen=True, slots=True)
class TaskShares:
    """The share of each task that runs, by its bucket, and that of one that begins."""

    tasks: Mapping[int, Share]
    others: Share

    def of(self, bucket: int) -> Share:
        """Return the share of a task."""
        return self.tasks.get(bucket, self.others)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the objects of a run has found.

    halts: whether the run has to end.
    rate: the number of the latest shares; 0 if there are none.
    running: what the tasks of the wave that send now have reported, by their buckets.
    ended: how many requests the buckets have taken that are sent.
    reports: the names of all reports of each bucket.
    """

    halts: bool
    rate: int
    running: Mapping[int, TaskUse]
    ended: Mapping[int, int]
    reports: Mapping[int, Sequence[str]]

    @property
    def sent(self) -> int:
        """The requests of the wave."""
        return sum(self.ended.values()) + sum(use.sent for use in self.running.values())


class Control:
    """The objects of one run. A store that cannot be reached changes nothing for now."""

    def __init__(self, store: LogStore) -> None:
        self.every = _EVERY_IN_FOLDER if isinstance(store, FolderStore) else _EVERY
        self._store = store

    @property
    def lost_after(self) -> float:
        """Seconds without a report after which a task is lost, and can send no more."""
        return max(_MISSING * _LOOKS_PER_REPORT * self.every, LEASE + self.every)

    def halt(self, reason: str) -> None:
        """Let all tasks of the run end; the first reason counts. Raises StoreProblem."""
        self._store.create(HALT, reason.encode())

    def reason_to_halt(self) -> str:
        """Return why the run has to end; empty if it need not."""
        with suppress(StoreProblem):
            return (self._store.read(HALT) or b"").decode()
        return ""

    def begin_wave(self) -> None:
        """Forget the shares and the buckets of the wave before. Raises StoreProblem."""
        kinds = (_RATE, _TASK, _ENDED)
        self._store.remove([name for name in self._store.names() if name.startswith(kinds)])

    def look(self) -> Look:
        """Return what the objects say now. Raises StoreProblem."""
        names = sorted(self._store.names())
        rates = [name for name in names if name.startswith(_RATE)]
        ended: dict[int, int] = {}
        reports: dict[int, list[str]] = {}
        for name in names:
            if name.startswith(_ENDED):
                bucket, sent = map(int, name.split("-")[1:])
                ended[bucket] = max(sent, ended.get(bucket, 0))
            elif name.startswith(_TASK):
                reports.setdefault(int(name.split("-")[1]), []).append(name)
        return Look(
            halts=HALT in names,
            rate=int(rates[-1].removeprefix(_RATE)) if rates else 0,
            running={b: _use_in(some[-1]) for b, some in reports.items() if b not in ended},
            ended=ended,
            reports=reports,
        )

    def report(self, bucket: int, use: TaskUse, before: Sequence[str]) -> str:
        """Write the report of a task in place of these; return its name. Raises StoreProblem."""
        name = f"{_TASK}{bucket:05}-{use.report:08}-{use.sent}-{use.lost:.1f}"
        self._store.create(name, b"")
        self._store.remove([one for one in before if one != name])
        return name

    def ended(self, bucket: int, sent: int = 0) -> None:
        """Say that a bucket of the wave is sent. Raises StoreProblem."""
        self._store.create(f"{_ENDED}{bucket:05}-{sent}", b"")

    def remove_reports(self, reports: Sequence[str]) -> None:
        """Remove the reports of a task that sends no more. Raises StoreProblem."""
        self._store.remove(reports)

    def write_shares(self, number: int, shares: TaskShares) -> None:
        """Write the shares that all tasks read; numbers begin with 1. Raises StoreProblem."""
        tasks = {bucket: [one.per_second, one.in_flight] for bucket, one in shares.tasks.items()}
        others = [shares.others.per_second, shares.others.in_flight]
        text = json.dumps({"tasks": tasks, "others": others})
        self._store.create(f"{_RATE}{number:08}", text.encode())
        # A task that has seen the one before may be about to read it.
        self._store.remove([f"{_RATE}{number - 2:08}"] if number > 2 else [])

    def shares(self, number: int) -> TaskShares | None:
        """Return the shares of this number; None if newer ones have replaced them."""
        text = self._store.read(f"{_RATE}{number:08}")
        if text is None:
            return None
        found = json.loads(text)
        tasks = {int(bucket): Share(*one) for bucket, one in found["tasks"].items()}
        return TaskShares(tasks, Share(*found["others"]))


def _use_in(name: str) -> TaskUse:
    _, _, report, sent, lost = name.split("-")
    return TaskUse(int(report), int(sent), float(lost))


class TaskWatch:
    """Looks for what the driver says while a task runs, in a thread of its own.

    rate: is given the share of the task. It keeps its first one if the driver writes none.
    """

    def __init__(
        self,
        control: Control,
        bucket: int,
        rate: SharedRate,
        *,
        on_halt: Callable[[str], object],
    ) -> None:
        self._control = control
        self._bucket = bucket
        self._rate = rate
        self._on_halt = on_halt
        self._looks = 0
        self._number = 0
        # The report of an attempt before this one, and what it had sent.
        self._base: TaskUse | None = None
        self._reports: Sequence[str] = ()
        self._is_sending = self._is_over = False
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="segcli-watch", daemon=True)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch during a block."""
        self._thread.start()
        try:
            yield
        finally:
            self._is_over = True
            self._wake.set()
            self._thread.join()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Tell the driver during a block that this task can send, and at its end that it has."""
        self._rate.begin(time.monotonic())
        self._looks, self._is_sending = 0, True
        self._wake.set()
        try:
            yield
            with suppress(StoreProblem):
                base = self._base.sent if self._base else 0
                self._control.ended(self._bucket, base + self._rate.sent)
        finally:
            with self._lock, suppress(StoreProblem):
                self._is_sending = False
                self._control.remove_reports(self._reports)

    def _run(self) -> None:
        while not self._is_over:
            with suppress(StoreProblem):
                found = self._control.look()
                self._take_share(found)
                if found.halts and (reason := self._control.reason_to_halt()):
                    self._on_halt(reason)
                    return
                with self._lock:
                    self._report(found)
            self._wake.wait(self._control.every)
            self._wake.clear()

    def _take_share(self, found: Look) -> None:
        if found.rate == self._number or not (shares := self._control.shares(found.rate)):
            return
        self._number = found.rate
        share = shares.of(self._bucket)
        self._rate.change(share.per_second, time.monotonic())
        self._rate.in_flight = share.in_flight

    def _report(self, found: Look) -> None:
        """Tell what this task and earlier attempts at its bucket have sent."""
        if self._base is None:
            self._reports = found.reports.get(self._bucket, ())
            last = [_use_in(name) for name in self._reports[-1:]]
            self._base = last[0] if last else TaskUse(0, found.ended.get(self._bucket, 0), 0.0)
        if self._is_sending:
            if self._looks % _LOOKS_PER_REPORT == 0:
                use = self._use(self._base)
                self._reports = [self._control.report(self._bucket, use, self._reports)]
            self._looks += 1

    def _use(self, base: TaskUse) -> TaskUse:
        number = base.report + 1 + self._looks // _LOOKS_PER_REPORT
        lost = base.lost + self._rate.lost(time.monotonic())
        return TaskUse(number, base.sent + self._rate.sent, lost)


class RateDivision:
    """Divides a rate and the requests in flight among the tasks, in a thread of the driver."""

    def __init__(
        self,
        control: Control,
        rate: float | None,
        *,
        concurrency: int,
        slots: int,
        buckets: int,
    ) -> None:
        """Begin with an equal share for each slot."""
        self._control = control
        self._rate = rate
        self._concurrency = concurrency
        self._slots, self._buckets = slots, buckets
        self._shares = RateShares(
            rate=rate or 1.0,
            slots=slots,
            lost_after=control.lost_after,
            most_faster=MOST_FASTER if rate else 0.0,
        )
        self._written: TaskShares | None = None
        self._number = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="segcli-rate", daemon=True)

    @contextmanager
    def dividing(self) -> Iterator[None]:
        """Divide during a block."""
        self._write(self._shares.begin())
        self._thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(self._control.every * _DRIVER_WAITS):
            with suppress(StoreProblem):
                found = self._control.look()
                left = self._buckets - len(found.ended)
                now = time.monotonic()
                self._write(self._shares.turn(found.running, left=left, sent=found.sent, now=now))

    def _write(self, shares: Shares) -> None:
        tasks = {bucket: self._share(one) for bucket, one in shares.tasks.items()}
        found = TaskShares(tasks, self._share(shares.others))
        if found != self._written:
            with suppress(StoreProblem):
                self._control.write_shares(self._number + 1, found)
                self._number, self._written = self._number + 1, found

    def _share(self, share: float) -> Share:
        """Return the share of a task; each has at least one request in flight."""
        whole = self._shares.rate * (1.0 + self._shares.most_faster)
        more = (self._concurrency - self._slots) * share / whole
        # A sum of shares may be a little more than the whole by rounding.
        return Share(share if self._rate else None, 1 + int(more + 1e-9))

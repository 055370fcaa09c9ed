"""Tasks that send at a shared rate, by a clock of their own; no tests here."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from segcli.delivery.rate import SharedRate
from segcli.spark.rate_shares import RateShares, Shares, TaskUse

_STEP = 0.005
_DRIVER_WAITS = 1.25
_LOOKS_PER_REPORT = 2


@dataclass
class _Task:
    bucket: int
    left: int
    ready_at: float
    look_at: float
    rate: SharedRate = field(default_factory=lambda: SharedRate(0.0))
    use: TaskUse | None = None
    looks: int = 0
    asleep_until: float = 0.0
    last_at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster on which tasks send one bucket each.

    rate: requests a second of all tasks together.
    slots: how many tasks run at once.
    every: seconds between two looks of a task.
    gap: seconds from the end of a task until the next one in its slot can send.
    fastest: the requests a second that one bucket can send at most, by its number.
    stalls: the part of its time that a task is stopped by something else, and for how long each.
    """

    rate: float
    slots: int
    every: float = 0.25
    gap: float = 0.8
    fastest: Sequence[float] = ()
    stalls: tuple[float, float] = (0.0, 0.0)


class Simulation:
    """Sends buckets; `times` are those of all requests."""

    def __init__(self, cluster: Cluster, buckets: Sequence[int], *, seed: int = 18) -> None:
        self.times: list[float] = []
        self._cluster = cluster
        self._chance = random.Random(seed)
        self._shares = RateShares(rate=cluster.rate, slots=cluster.slots, lost_after=6.0)
        self._told = self._shares.begin()
        self._waiting = list(enumerate(buckets))
        self._ended: dict[int, int] = {}
        self._sizes = buckets
        self._tasks = [self._begun(self._chance.random()) for _ in self._waiting[: cluster.slots]]
        self._run()

    def _begun(self, now: float) -> _Task:
        bucket, left = self._waiting.pop(0)
        ready_at = now + self._cluster.gap * self._chance.uniform(0.7, 1.3)
        return _Task(bucket, left, ready_at, now)

    def _run(self) -> None:
        now, driver_at = 0.0, 0.0
        while self._tasks:
            now += _STEP
            for task in [*self._tasks]:
                self._step(task, now)
            if now >= driver_at:
                driver_at += self._cluster.every * _DRIVER_WAITS
                self._turn(now)

    def _turn(self, now: float) -> None:
        found = {task.bucket: task.use for task in self._tasks if task.use}
        sent = sum(self._ended.values()) + sum(use.sent for use in found.values())
        left = len(self._sizes) - len(self._ended)
        self._told = self._shares.turn(found, left=left, sent=sent, now=now)

    def _step(self, task: _Task, now: float) -> None:
        is_ready = now >= task.ready_at
        if is_ready and task.ready_at:
            task.ready_at, task.look_at, task.looks = 0.0, now, 0
            task.rate.begin(now)
        if now >= task.look_at:
            self._look(task, now, is_ready=is_ready)
        if is_ready and self._is_awake(task, now):
            self._send(task, now)
        if not task.left:
            self._ended[task.bucket] = task.rate.sent
            self._tasks.remove(task)
            if self._waiting:
                self._tasks.append(self._begun(now))

    def _look(self, task: _Task, now: float, *, is_ready: bool) -> None:
        task.look_at += self._cluster.every
        task.rate.change(share_of(self._told, task.bucket), now)
        if is_ready:
            if task.looks % _LOOKS_PER_REPORT == 0:
                number = 1 + task.looks // _LOOKS_PER_REPORT
                task.use = TaskUse(number, task.rate.sent, task.rate.lost(now))
            task.looks += 1

    def _is_awake(self, task: _Task, now: float) -> bool:
        part, seconds = self._cluster.stalls
        if now < task.asleep_until:
            return False
        if part and self._chance.random() < part * _STEP / seconds:
            task.asleep_until = now + seconds
            return False
        return True

    def _send(self, task: _Task, now: float) -> None:
        limits = self._cluster.fastest
        while task.left and task.rate.due <= now:
            if limits and now - task.last_at < 1 / limits[task.bucket]:
                return
            task.rate.take(now)
            task.last_at = now
            task.left -= 1
            self.times.append(now)


def share_of(shares: Shares, bucket: int) -> float:
    """Return the share of a task."""
    return shares.tasks.get(bucket, shares.others)


@dataclass(frozen=True)
class Figures:
    """Requests a second: from the first to the last, in the last ten seconds, in any second.

    longest_pause: the most seconds without a request.
    """

    whole: float
    tail: float
    most: float
    longest_pause: float


def figures(times: Sequence[float]) -> Figures:
    """Return how regular requests were; the times are in order."""
    last = times[-1]
    whole = (len(times) - 1) / (last - times[0])
    tail_seconds = min(10.0, last - times[0])
    tail = sum(one > last - tail_seconds for one in times) / tail_seconds
    most, first = 0, 0
    for at, one in enumerate(times):
        while one - times[first] >= 1.0:
            first += 1
        most = max(most, at - first + 1)
    return Figures(whole, tail, most, max(b - a for a, b in pairwise(times)))

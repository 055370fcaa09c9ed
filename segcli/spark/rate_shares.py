"""How a rate is divided among tasks: by what each of them uses, and never over the rate.

Pure: the driver gives the time, and what the tasks have reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

# How much faster than the rate all tasks may be together, to make up for what was lost.
MOST_FASTER = 0.05
# What was lost is made up in this many seconds, as far as MOST_FASTER allows.
_MADE_UP_IN = 4.0
# Seconds of the rate that are made up for at most, as after a vendor took nothing for long.
_MOST_CREDIT = 10.0
# A task that uses less of its share than this cannot use more, and keeps a little more than that.
_USES_ALL = 0.95
_MORE_THAN_USED = 1.1
# The least part of an equal share that a task keeps, so that it can be seen to use more.
_LEAST = 0.1
# How much a report counts beside the next one.
_FADES = 0.7
# A change of a share by a smaller part is not worth telling.
_SAME = 0.01


@dataclass(frozen=True, slots=True)
class TaskUse:
    """What a task has reported of its share.

    report: the number of its report.
    sent: the requests that it has sent.
    lost: how many more its share would have allowed.
    """

    report: int
    sent: int
    lost: float


@dataclass(frozen=True, slots=True)
class Shares:
    """What each task may send, in requests a second.

    tasks: the share of each task that runs.
    others: that of each task that is about to begin.
    """

    tasks: Mapping[int, float]
    others: float


@dataclass(slots=True)
class _Task:
    """A task that has reported: its last report, when that was found, and its share."""

    use: TaskUse
    found_at: float
    share: float
    # Sums over its reports; older ones weigh less.
    sent: float = 0.0
    lost: float = 0.0
    seconds: float = 0.0

    def reported(self, use: TaskUse, now: float) -> None:
        if use.report == self.use.report:
            return
        self.sent = self.sent * _FADES + use.sent - self.use.sent
        self.lost = self.lost * _FADES + use.lost - self.use.lost
        self.seconds = self.seconds * _FADES + now - self.found_at
        self.use, self.found_at = use, now

    @property
    def wanted(self) -> float:
        """The most that the task can use; without a limit if it uses all that it has."""
        if self.sent >= _USES_ALL * (self.sent + self.lost):
            return inf
        return self.sent / self.seconds * _MORE_THAN_USED


@dataclass(slots=True, kw_only=True)
class RateShares:
    """Divides a rate among tasks, each time the driver looks at them.

    Each task gets what it can use, and otherwise an equal share of what is left. The share that
    one task gives back goes to others one turn later, once the task has read its new one. So all
    together never send more in a second than the rate and what may be made up for.

    rate: requests a second of all tasks together.
    slots: how many tasks run at once.
    lost_after: seconds without a report after which a task counts as lost.
    most_faster: the part of the rate that may be added to make up for what was lost.
    """

    rate: float
    slots: int
    lost_after: float
    most_faster: float = MOST_FASTER
    _tasks: dict[int, _Task] = field(default_factory=dict)
    _others: float = 0.0
    # How many tasks may have begun with the share of the others.
    _beginning: int = 0
    _began: float = inf

    def begin(self) -> Shares:
        """Return the shares before any task runs."""
        self._others, self._beginning = self.rate / self.slots, self.slots
        return Shares({}, self._others)

    def turn(self, found: Mapping[int, TaskUse], *, left: int, sent: int, now: float) -> Shares:
        """Return the shares from now on.

        found: the tasks that can send, by their buckets.
        left: how many buckets are not sent yet.
        sent: the requests of all tasks so far, those that have ended too.
        """
        held = self._others * max(0, self._beginning - len(found.keys() - self._tasks.keys()))
        self._update(found, now)
        alive = {
            bucket: task
            for bucket, task in self._tasks.items()
            if now - task.found_at < self.lost_after
        }
        total = self.rate * self._speed(sent, now)
        least = _LEAST * total / max(1, len(alive))
        wanted = fair_shares(total, {b: max(least, task.wanted) for b, task in alive.items()})
        before = {bucket: task.share for bucket, task in alive.items()}
        shares = handed_over(before, wanted, total - held)
        for bucket, task in self._tasks.items():
            task.share = shares.get(bucket, 0.0)
        free = max(0, min(self.slots, left) - len(alive))
        self._others = total / free if free and not alive else 0.0
        self._beginning = free
        return Shares(shares, self._others)

    def _update(self, found: Mapping[int, TaskUse], now: float) -> None:
        """Take the reports; a task that is seen first has begun with the share of the others."""
        known = self._tasks
        self._tasks = {
            bucket: known.get(bucket) or _Task(use, now, self._others)
            for bucket, use in found.items()
        }
        for bucket, use in found.items():
            self._tasks[bucket].reported(use, now)

    def _speed(self, sent: int, now: float) -> float:
        """Return the speed of all tasks, as a part of the rate; 1 if nothing was lost.

        Time counts from the first request on. Running tasks have not reported all requests.
        """
        if not sent:
            return 1.0
        # A task that has just been lost is no reason to send less.
        sent_since = sum(task.share * (now - task.found_at) for task in self._tasks.values())
        seconds = (sent + sent_since) / self.rate
        if self._began == inf:
            self._began = now - seconds
        self._began = max(self._began, now - seconds - _MOST_CREDIT)
        credit = now - self._began - seconds
        return 1.0 + max(-self.most_faster, min(self.most_faster, credit / _MADE_UP_IN))


def fair_shares(total: float, wanted: Mapping[int, float]) -> dict[int, float]:
    """Divide a total: each gets what it wants if that is less than an equal share of the rest.

    What is left is divided equally, too, so that a task that could use more after all has it.
    """
    shares: dict[int, float] = {}
    left = total
    for count, name in enumerate(sorted(wanted, key=lambda name: wanted[name])):
        shares[name] = min(wanted[name], left / (len(wanted) - count))
        left -= shares[name]
    return {name: share + left / len(wanted) for name, share in shares.items()}


def handed_over(
    before: Mapping[int, float], wanted: Mapping[int, float], total: float
) -> dict[int, float]:
    """Return the next shares on the way to those that are wanted.

    A smaller share holds at once. A larger one only takes what was free before, so that the sum
    is never more than the total, also while some have not heard of it.
    """
    wanted = {
        name: before[name] if abs(share - before[name]) < _SAME * before[name] else share
        for name, share in wanted.items()
    }
    more = sum(max(0.0, share - before[name]) for name, share in wanted.items())
    part = min(1.0, max(0.0, total - sum(before.values())) / more) if more else 0.0
    return {
        name: share if share < before[name] else before[name] + part * (share - before[name])
        for name, share in wanted.items()
    }

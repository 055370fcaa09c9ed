"""The course of a run: its counts at points in time, sampled from the tally for plots.

The pipeline knows nothing of it. Counts are cumulative, so points can be left out: the differences
of those that stay are still exact.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from segcli.accounting.tally import STEPS, State, Tally

MOST_POINTS = 2000
# Seconds between two samples, until half of the points are left out for the first time.
_EVERY = 1.0
_Key = TypeVar("_Key")
_N = TypeVar("_N", int, float)
_STATES: Sequence[State] = ("mapped", "delivered", "refused", "rejected", "skipped", "unsent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The counts of a run at a point in time.

    seconds: since the series began.
    read: lines read so far.
    states: lines by final state so far.
    requests, bytes_sent: sent so far.
    causes: requests that were sent again so far, by the code of the cause.
    in_flight: the most requests without an answer, in the samples since the point before.
    waited: about how many seconds the run waited since the point before, by the code of the cause.
    answers: the answers since the point before, by the step of their time.
    """

    seconds: float
    read: int
    states: Mapping[State, int]
    requests: int = 0
    bytes_sent: int = 0
    causes: Mapping[str, int]
    in_flight: int = 0
    waited: Mapping[str, float]
    answers: Mapping[int, int]

    @property
    def answered(self) -> int:
        """How many answers came since the point before."""
        return sum(self.answers.values())

    def quantile(self, share: float) -> float | None:
        """Return the seconds within which this share of these answers came; None without any."""
        left = share * self.answered
        for step in sorted(self.answers):
            left -= self.answers[step]
            if left <= 0:
                return math.exp(step / STEPS)
        return None


class Series:
    """The points of one run, at most `MOST_POINTS`, in order of time.

    every: seconds between two samples. It doubles whenever there are too many points.
    """

    def __init__(self, tally: Tally, now: Callable[[], float] = time.monotonic) -> None:
        self.every = _EVERY
        self._tally = tally
        self._now = now
        self._began = now()
        self._answers: Mapping[int, int] = {}
        self._points: list[Point] = []
        self.sample()

    @property
    def points(self) -> Sequence[Point]:
        """The points so far; safe to call from another thread."""
        return tuple(self._points)

    def sample(self) -> None:
        """Add a point for now. It replaces the last one if that came early."""
        new = self._point()
        before, last = ([None, None, *self._points])[-2:]
        if before and last and last.seconds - before.seconds < self.every:
            self._points[-1] = _joined(last, new)
            return
        if len(self._points) >= MOST_POINTS:
            self._points = thinned(self._points, MOST_POINTS // 2 + 1)
            self.every *= 2
        self._points.append(new)

    def _point(self) -> Point:
        tally, seconds = self._tally, self._now() - self._began
        answers = tally.latencies.steps()
        new = {step: n - self._answers.get(step, 0) for step, n in answers.items()}
        self._answers = answers
        since = seconds - (self._points[-1].seconds if self._points else 0.0)
        return Point(
            seconds=seconds,
            read=tally.read,
            states=tally.ledger(_STATES),
            requests=tally.requests,
            bytes_sent=tally.bytes_sent,
            causes=dict(tally.retry_causes),
            in_flight=tally.in_flight,
            waited=self._waited(since),
            answers={step: n for step, n in new.items() if n},
        )

    def _waited(self, since: float) -> Mapping[str, float]:
        wait = self._tally.waiting
        left = wait.until - self._now() if wait else 0.0
        # A wait that ended since the last sample counts with the part that was in this interval.
        seconds = min(since, since + left)
        return {wait.code: seconds} if wait and seconds > 0 else {}


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """Return at most this many points, at least two: neighbours joined, the first one as it is."""
    if len(points) <= most:
        return list(points)
    size = math.ceil((len(points) - 1) / (most - 1))
    first, *rest = points
    groups = (rest[at : at + size] for at in range(0, len(rest), size))
    return [first, *(_all_joined(group) for group in groups)]


@contextmanager
def sampled(series: Series | None) -> Iterator[None]:
    """Sample during the block, and once at its end; nothing without a series."""
    if series is None:
        yield
        return
    over = threading.Event()

    def sample() -> None:
        while not over.wait(series.every):
            series.sample()

    thread = threading.Thread(target=sample, name="segcli-series", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        series.sample()


def _all_joined(points: Sequence[Point]) -> Point:
    joined = points[0]
    for point in points[1:]:
        joined = _joined(joined, point)
    return joined


def _joined(one: Point, later: Point) -> Point:
    """Return a point that stands for two: the counts of the later, what happened in both."""
    return replace(
        later,
        in_flight=max(one.in_flight, later.in_flight),
        waited=_sum(one.waited, later.waited),
        answers=_sum(one.answers, later.answers),
    )


def _sum(one: Mapping[_Key, _N], other: Mapping[_Key, _N]) -> dict[_Key, _N]:
    total = dict(one)
    for key, more in other.items():
        total[key] = total[key] + more if key in total else more
    return total

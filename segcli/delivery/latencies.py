"""How long a vendor takes to answer: quantiles of any number of answers, in constant memory."""

import math
from collections import Counter


class Latencies:
    """Answers by their time, in steps of 5 %."""

    __slots__ = ("_counts", "count")

    _STEPS = 1 / math.log(1.05)

    def __init__(self) -> None:
        self.count = 0
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one answer."""
        self.count += 1
        self._counts[round(math.log(max(seconds, 1e-6)) * self._STEPS)] += 1

    def quantile(self, share: float) -> float:
        """Return the seconds within which that share of the answers came; 0 without any."""
        left = share * self.count
        for step in sorted(self._counts):
            left -= self._counts[step]
            if left <= 0:
                return math.exp(step / self._STEPS)
        return 0.0

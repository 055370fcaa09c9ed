"""The ledger's figures: what was read, and where every line of it ended."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


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


State = Literal["delivered", "refused", "rejected", "skipped", "unsent", "mapped"]

STATES_OF_SEND: Sequence[State] = ("delivered", "refused", "rejected", "skipped", "unsent")
STATES_OF_TRANSFORM: Sequence[State] = ("mapped", "rejected", "skipped")

# Reasons hold excerpts of replies, and a vendor may write another one each time.
_REASONS_KEPT = 200
_OTHER = "other reasons"


@dataclass(slots=True)
class Tally:
    """Counts of one run; written by the pipeline, read by whoever reports.

    The law: delivered + refused + rejected + skipped + unsent (+ mapped) = read, once the run is
    over. While it goes on, what is read and not yet settled is under way.
    """

    read: int = 0
    mapped: int = 0
    delivered: int = 0
    refused: int = 0
    rejected: int = 0
    skipped: int = 0
    unsent: int = 0
    bytes_read: int = 0
    bytes_settled: int = 0
    stored_read: int = 0
    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    in_flight: int = 0
    stopping: bool = False
    waiting: "Wait | None" = None
    reasons: Counter[tuple[State, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)

    def count(self, state: State, reason: str = "", lines: int = 1) -> None:
        """Put lines in their final state, with the reason where there is one."""
        setattr(self, state, getattr(self, state) + lines)
        if not reason:
            return
        known = (state, reason) in self.reasons or len(self.reasons) < _REASONS_KEPT
        self.reasons[state, reason if known else _OTHER] += lines

    @property
    def stored_settled(self) -> int:
        """How much is settled of what is stored, which may be compressed; in bytes.

        Where a line stands in what is compressed nobody knows, so this is a share of what was read.
        """
        if self.bytes_read == 0:
            return 0
        return self.stored_read * self.bytes_settled // self.bytes_read

    def ledger(self, states: Sequence[State]) -> dict[State, int]:
        """Return the lines in each of these states, in this order."""
        return {state: getattr(self, state) for state in states}


@dataclass(frozen=True, slots=True)
class Wait:
    """What the run is waiting for, and until when on the monotonic clock."""

    reason: str
    until: float

"""The counts of a run: what was read, and the final state of every line."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from segcli.core.reason import code_of, general_reason

# A response time of s seconds is counted in step round(log(s) * STEPS): 5 % from one to the next.
STEPS = 1 / math.log(1.05)


class Latencies:
    """Response times, counted in steps of 5 %. Memory does not grow with their number.

    count: the number of answers.
    total: the seconds of all answers together.
    """

    __slots__ = ("_counts", "count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one answer."""
        self.count += 1
        self.total += seconds
        self._counts[round(math.log(max(seconds, 1e-6)) * STEPS)] += 1

    def quantile(self, share: float) -> float:
        """Return the seconds within which this share of the answers came; 0 without answers."""
        left = share * self.count
        for step in sorted(self._counts):
            left -= self._counts[step]
            if left <= 0:
                return math.exp(step / STEPS)
        return 0.0

    def steps(self) -> dict[int, int]:
        """Return the number of answers in each step; safe to call from another thread."""
        return dict(self._counts)

    def within(self, bounds: Sequence[float]) -> list[int]:
        """Return for each of these seconds, in ascending order, how many answers came within.

        Another thread may add answers at the same time.
        """
        steps = self.steps()
        return [
            sum(n for step, n in steps.items() if math.exp(step / STEPS) <= bound)
            for bound in bounds
        ]


State = Literal["delivered", "refused", "rejected", "skipped", "unsent", "mapped"]

STATES_OF_SEND: Sequence[State] = ("delivered", "refused", "rejected", "skipped", "unsent")
STATES_OF_TRANSFORM: Sequence[State] = ("mapped", "rejected", "skipped")

# Reasons contain excerpts of replies, and a vendor may write a different text each time.
_MAX_REASONS = 200
_OTHER = "other reasons"


@dataclass(slots=True)
class Tally:
    """The counts of one run. The pipeline writes them; the progress display and the report read.

    At the end of a run: delivered + refused + rejected + skipped + unsent + mapped = read. During
    the run, `read` is larger by the lines that are not settled yet.

    read: lines read.
    mapped, delivered, refused, rejected, skipped, unsent: lines in this final state.
    bytes_read: bytes of the lines read.
    bytes_to_send: bytes of the lines read that are to be sent.
    bytes_answered: bytes of the lines that are `answered`.
    stored_read: bytes read from storage; less than `bytes_read` if the input is compressed.
    fanned_out: events that several actions of the destination take.
    answered_in_part: rejected lines of which the vendor has answered a request.
    actions: events by the action that takes them and what became of them there, if the destination
        has several actions. An event stands at each action that takes it.
    requests: requests sent, retries included.
    retries: requests that were sent again.
    bytes_sent: bytes of the request bodies.
    in_flight: requests without an answer yet.
    stopping: whether the run is stopping.
    waiting: what the run is waiting for, if it waits.
    reasons: lines that were not delivered or mapped, by state and reason. The reasons of refused
        lines are general, see `segcli.core.reason`.
    codes: the same lines by state and the code of the reason.
    retry_causes: requests that are sent again, by the code of the cause.
    notes: events by what the summary says of them, such as what their mapping leaves out.
    latencies: the response times.
    """

    read: int = 0
    mapped: int = 0
    delivered: int = 0
    refused: int = 0
    rejected: int = 0
    skipped: int = 0
    unsent: int = 0
    bytes_read: int = 0
    bytes_to_send: int = 0
    bytes_answered: int = 0
    stored_read: int = 0
    fanned_out: int = 0
    answered_in_part: int = 0
    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    in_flight: int = 0
    stopping: bool = False
    waiting: "Wait | None" = None
    reasons: Counter[tuple[State, str]] = field(default_factory=Counter)
    codes: Counter[tuple[State, str]] = field(default_factory=Counter)
    retry_causes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    actions: Counter[tuple[str, State]] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)

    def count(self, state: State, reason: str = "", lines: int = 1, *, code: str = "") -> None:
        """Count lines in their final state, and their reason if they have one."""
        setattr(self, state, getattr(self, state) + lines)
        if not reason:
            return
        _add(self.codes, (state, code or code_of(state, reason)), lines)
        _add(self.reasons, (state, general_reason(reason) if state == "refused" else reason), lines)

    @property
    def answered(self) -> int:
        """The lines of which the vendor has accepted or refused a request."""
        return self.delivered + self.refused + self.answered_in_part

    def ledger(self, states: Sequence[State]) -> dict[State, int]:
        """Return the number of lines in each of these states, in this order."""
        return {state: getattr(self, state) for state in states}


def _add(counts: Counter[tuple[State, str]], key: tuple[State, str], lines: int) -> None:
    """Count lines; under another key once there are too many keys."""
    known = key in counts or len(counts) < _MAX_REASONS
    counts[key if known else (key[0], _OTHER)] += lines


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause of the whole run.

    reason: what the run is waiting for.
    until: when the pause ends, on the monotonic clock, in seconds.
    code: the code of the cause, as in `Tally.retry_causes`.
    """

    reason: str
    until: float
    code: str = ""

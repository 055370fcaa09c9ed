"""The script of a sandbox: its faults, and which fault a random number selects."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STATUSES = range(400, 600)
# The kinds of faults of whole requests; each status of an error is one, too.
_RESET, TIMEOUT = "reset", "timeout"
REQUEST_KINDS = (_RESET, TIMEOUT)
RESET_BEFORE = "reset before"
RESET_AFTER = "reset after"
ITEM = "item"
# Statuses that people want to see first.
USUAL_STATUSES = (503, 429, 422)
# One fault of every kind, as it is typed.
FAULT_EXAMPLES = "503:5%, 429:2%, reset:1%, timeout:1%, item:2%"
# Keys are hidden everywhere in messages, so this one must not be a part of a path or an option.
DEFAULT_KEY = "key-of-the-sandbox"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and how often it is played.

    Raises ValueError for a kind or a share that cannot be played.

    kind: a status of `STATUSES`, one of `REQUEST_KINDS`, or `ITEM`.
    share: from 0 to 1, of the requests; for `item`, of the events.
    """

    kind: str
    share: float

    def __post_init__(self) -> None:
        """Raise ValueError, with what to type, for a kind or a share that cannot be played."""
        if not _known(self.kind):
            raise ValueError(
                f"there is no fault {self.kind!r}: type a status from {STATUSES[0]} to "
                f"{STATUSES[-1]}, {', '.join(REQUEST_KINDS)} or {ITEM}, as in 503:5%"
            )
        if not 0 <= self.share <= 1:
            raise ValueError(
                f"the share is not from 0 to 100 %: for one request in twenty type "
                f"{self.kind}:5% or {self.kind}:0.05"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How a sandbox behaves.

    Raises ValueError for numbers that cannot be played.

    key: the key that it accepts.
    faults: the faults that it plays; their shares add up to at most 1.
    latency: seconds before each reply.
    rate: requests a second over all vendors; None for no limit.
    retry_after: seconds that a 429 tells the client to wait.
    poison: payloads that contain this text are always refused.
    seed: with a seed, the same requests see the same faults in each run, in any order.
    keep: accepted payloads are appended to this file, before the reply is sent.
    remember: whether accepted payloads stay in memory.
    allow_origin: the origins of other web pages that may send requests.
    """

    key: str = DEFAULT_KEY
    faults: tuple[Fault, ...] = ()
    latency: float = 0.0
    rate: float | None = None
    retry_after: float = 1.0
    poison: str | None = None
    seed: int | None = None
    keep: Path | None = None
    remember: bool = False
    allow_origin: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError, with what to type, for numbers that cannot be played."""
        total = sum(fault.share for fault in self.faults_of_requests)
        # Ten shares of 10 % add up to a little more than 1 in floating point.
        if total > 1 + 1e-9:
            raise ValueError(f"the faults add up to {total:.4g} of all requests: keep them up to 1")
        if self.rate is not None and not self.rate > 0:
            raise ValueError(f"the rate {self.rate:g} lets nothing through: type more than 0")
        if not (self.latency >= 0 and self.retry_after >= 0):
            raise ValueError("latency and retry_after are seconds: type 0 or more")

    @property
    def faults_of_requests(self) -> tuple[Fault, ...]:
        """The faults of whole requests."""
        return tuple(fault for fault in self.faults if fault.kind != ITEM)

    @property
    def share_of_items(self) -> float:
        """The share of events that fail on their own."""
        return min(1.0, sum(fault.share for fault in self.faults if fault.kind == ITEM))


def parse_fault(text: str) -> Fault:
    """Return the fault that `503:5%`, `reset:1%` or `timeout:0.01` names.

    Raises ValueError with a message that says what is wrong and what to type.
    """
    kind, _, share = (part.strip() for part in text.partition(":"))
    if not share and _known(kind):
        raise ValueError(f"{text!r} has no share: type {kind}:5%")
    try:
        return Fault(kind, _share(share or "0"))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None


def fault_at(roll: float, faults: Sequence[Fault]) -> str:
    """Return the kind of fault that a random number in [0, 1) selects, or "" for none.

    The first half of a reset's share is `reset before` the vendor has seen the request, the second
    half `reset after`, so that one random number is enough.
    """
    floor = 0.0
    for fault in faults:
        if roll < floor + fault.share:
            return _played(fault, (roll - floor) / fault.share)
        floor += fault.share
    return ""


def _known(kind: str) -> bool:
    if kind in (*REQUEST_KINDS, ITEM):
        return True
    return kind.isascii() and kind.isdigit() and int(kind) in STATUSES


def _share(text: str) -> float:
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        raise ValueError(f"{text!r} is not a share: type 5% or 0.05") from None
    return number / 100 if text.endswith("%") else number


def _played(fault: Fault, position: float) -> str:
    if fault.kind != _RESET:
        return fault.kind
    return RESET_BEFORE if position < 0.5 else RESET_AFTER

"""The content of a shared journal: read from its objects, without changing them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from segcli.journal.checkpoint import Checkpoint, Damaged, header_of
from segcli.shared_journal.log_object import LogObject, decode_object, object_name, object_number
from segcli.shared_journal.place import PROBE
from segcli.shared_journal.store import LogStore

_THREADS = 16
_AT_ONCE = 64
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an attempt says of itself when it takes the journal over.

    host: the machine.
    process: the number of its process.
    at: when, in ISO-8601.
    settles_in: how many seconds after the next claim its last request is over.
    """

    host: str
    process: int
    at: str
    settles_in: float

    def __str__(self) -> str:
        """Name the attempt in a message."""
        return f"process {self.process} on {self.host}, since {self.at}"


@dataclass(slots=True)
class LogState:
    """What the objects of a journal say.

    where: its place, for messages.
    checkpoint: what is settled; None if there is none yet, or if that run is finished.
    last: the number of the last object; 0 if there is none.
    digest: the digest of that object.
    since: the number of the latest snapshot; 0 if there is none.
    claims: the numbers of all claims. These are never removed: each is what stops an older attempt.
    open_claims: the attempts that have not ended properly.
    kept: the numbers of the objects that have records of rejects.
    is_finished: the last run has ended, and nothing is left of it.
    is_unknown: the journal is damaged, and its claims are not known.
    """

    where: str
    checkpoint: Checkpoint | None = None
    last: int = 0
    digest: str = ""
    since: int = 0
    claims: list[int] = field(default_factory=list)
    open_claims: list[Claim] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    is_finished: bool = False
    is_unknown: bool = False

    def apply(self, found: LogObject) -> None:
        """Apply the next object. Raises Damaged if it does not follow the last one."""
        head = found.head
        follows = not head.since or head.previous == self.digest
        if self.last and not (follows and head.number == self.last + 1):
            name = object_name(head.number)
            raise Damaged(f"the journal {self.where} is damaged: {name} belongs to another one")
        self.last, self.digest = head.number, found.digest
        if head.since == head.number:
            self.since = head.number
        for record in found.records:
            self._apply(record)

    def snapshot(self, past: Checkpoint | None) -> Iterator[dict[str, Any]]:
        """Yield the records of a snapshot with this content; None for none."""
        yield {
            "snapshot": {
                "claims": self.claims,
                "kept": self.kept,
                "open_claims": [asdict(claim) for claim in self.open_claims],
            }
        }
        if past:
            yield from past.records()

    def _apply(self, record: dict[str, Any]) -> None:
        match record:
            case {"claim": claim}:
                self._claimed(Claim(**claim))
            case {"snapshot": snapshot}:
                self.claims, self.kept = snapshot["claims"], snapshot["kept"]
                self.open_claims = [Claim(**claim) for claim in snapshot["open_claims"]]
                self.checkpoint, self.is_finished = None, False
            case {"segcli": _}:
                self.checkpoint = Checkpoint(header_of(record))
            case {"kept": _}:
                # They may be many, so they stay in the store until they are needed.
                if self.kept[-1:] != [self.last]:
                    self.kept.append(self.last)
            case {"ended": is_finished}:
                self.open_claims, self.is_finished = [], is_finished
                self.checkpoint = None if is_finished else self.checkpoint
            case _:
                if self.checkpoint:
                    self.checkpoint.apply(record)

    def _claimed(self, claim: Claim) -> None:
        self.claims.append(self.last)
        # An attempt may make several claims at once.
        if claim not in self.open_claims:
            self.open_claims.append(claim)


def read_state(store: LogStore) -> LogState:
    """Read a journal. Raises StoreProblem, Damaged, and ValueError if it is not a journal.

    Only the latest snapshot and what follows it is read.
    """
    numbers = object_numbers(store)
    for _ in range(_TRIES):
        state = LogState(store.shown)
        if not numbers:
            return state
        try:
            first = _first_to_read(store, numbers[-1])
            read_on(store, state, first, numbers[-1])
        except FileNotFoundError as missing:
            # An attempt that runs removes objects once they are in a snapshot.
            before, numbers = numbers, object_numbers(store)
            if before[-1:] == numbers[-1:]:
                raise Damaged(
                    f"the journal {store.shown} is damaged: {missing} is missing"
                ) from None
        else:
            return state
    raise Damaged(f"the journal {store.shown} changes faster than it can be read")


def read_on(store: LogStore, state: LogState, first: int, last: int) -> None:
    """Apply the objects from `first` to `last`. Raises FileNotFoundError, Damaged, StoreProblem."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(first, last + 1, _AT_ONCE):
            some = range(start, min(start + _AT_ONCE, last + 1))
            for found in pool.map(lambda number: read_object(store, number), some):
                state.apply(found)


def read_object(store: LogStore, number: int) -> LogObject:
    """Read an object. Raises FileNotFoundError, Damaged, StoreProblem."""
    content = store.read(object_name(number))
    if content is None:
        raise FileNotFoundError(object_name(number))
    return decode_object(number, content, store.shown)


def object_numbers(store: LogStore) -> list[int]:
    """Return the numbers of all objects, in order. Raises ValueError if there is anything else."""
    numbers = []
    for name in store.names():
        number = object_number(name)
        if number is not None:
            numbers.append(number)
        elif not name.startswith(PROBE):
            raise ValueError(f"{store.shown} holds {name}, which is no part of a journal")
    return sorted(numbers)


def _first_to_read(store: LogStore, last: int) -> int:
    """Return the number of the latest snapshot; of the first claim if there is no snapshot."""
    number = last
    while number > 1:
        head = read_object(store, number).head
        if head.since:
            return head.since
        number -= 1
    return number

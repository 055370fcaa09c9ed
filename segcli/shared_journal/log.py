"""The log of a shared journal, as one attempt writes it.

A store knows no append and no lock, but it creates an object only if there is none. So the next
number belongs to the attempt that creates it first. A new attempt takes the journal over with an
object of its own, a claim; the older attempt then finds its next number taken, and stops.
"""

import math
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from time import sleep

from segcli.journal.checkpoint import encode
from segcli.shared_journal import lease_clock
from segcli.shared_journal.log_object import ObjectHead, digest_of, encode_object, object_name
from segcli.shared_journal.log_state import (
    Claim,
    LogState,
    object_numbers,
    read_object,
    read_on,
    read_state,
)
from segcli.shared_journal.store import LogStore, StoreProblem

# A snapshot costs as much as the objects since the last one, or less.
_SNAPSHOT_AFTER = 500
# Seconds before an object is written again after an error.
_WAITS = (0.25, 0.5, 1.0, 2.0, 4.0)
# How many numbers after the last object a claim tries. An older attempt that writes all the time
# takes the next ones meanwhile, as fast as they could be tried one after the other.
_AHEAD = (1, 2, 4, 8, 16, 32, 64)


class TakenOver(Exception):
    """Another attempt has taken the journal over.

    claim: what it says of itself; None if that cannot be read.
    """

    def __init__(self, claim: Claim | None) -> None:
        super().__init__("another attempt has taken over")
        self.claim = claim


class Log:
    """The log of one attempt. Only one thread uses it at a time.

    state: the content of the journal.
    confirmed_at: the time by `lease_clock` at which no other attempt had taken the journal over;
        it is before the last object was created.
    """

    def __init__(self, store: LogStore, state: LogState) -> None:
        self.state = state
        self.confirmed_at = -math.inf
        self._store = store
        self._attempt = secrets.token_hex(16)
        self._bytes_since = 0
        self._snapshot_size = 0

    def claim(self, claim: Claim, *, only_next: bool) -> None:
        """Take the journal over, and read what was written meanwhile.

        With `only_next`, the claim must be the next object. Raises TakenOver if it is not, and
        StoreProblem, Damaged and ValueError.
        """
        lines = [encode({"claim": asdict(claim)})]
        first, last = self.state.last + 1, self.state.last
        for ahead in _AHEAD:
            began = lease_clock.seconds()
            if self._create_claim(last + ahead, lines):
                break
            if only_next:
                raise TakenOver(self._claim_in(last + ahead))
            last = object_numbers(self._store)[-1]
        else:
            raise TakenOver(None)
        self.confirmed_at = began
        # The older attempt can no longer write an object whose number is taken.
        for number in range(last + 1, last + ahead):
            self._create_claim(number, lines)
        try:
            read_on(self._store, self.state, first, last + ahead)
        except FileNotFoundError:
            # The older attempt has written a snapshot, and removed what that replaces.
            self.state = read_state(self._store)

    def append(self, lines: Sequence[bytes], *, has_kept: bool = False) -> None:
        """Write encoded records as one object. Raises TakenOver and StoreProblem."""
        size = self._write(lines, since=self.state.since)
        self._bytes_since += size
        if has_kept:
            self.state.kept.append(self.state.last)

    @property
    def needs_snapshot(self) -> bool:
        """True if reading all objects since the last snapshot would take long."""
        objects = self.state.last - self.state.since
        return objects >= _SNAPSHOT_AFTER and self._bytes_since >= self._snapshot_size

    def snapshot(self, lines: Sequence[bytes], kept: Sequence[bytes] = ()) -> None:
        """Write the encoded records of `LogState.snapshot` as one object. Raises as `append`.

        `kept` are records of rejects that are in no object yet.
        """
        number = self.state.last + 1
        self._snapshot_size = self._write([*lines, *kept], since=number)
        self._bytes_since, self.state.since = 0, number
        if kept:
            self.state.kept.append(number)

    def close(self) -> None:
        """Write that this attempt has ended, and another one may follow. Raises as `append`."""
        self.append([encode({"ended": False})])

    def finish(self) -> None:
        """Write that nothing is left of the run, and remove all but that. Raises as `append`."""
        self.state.kept = []
        self.snapshot([*map(encode, self.state.snapshot(None)), encode({"ended": True})])
        self.remove_replaced()

    def remove_replaced(self, *, first: int = 0) -> None:
        """Remove the objects from this number on that the latest snapshot replaces; 0 for all.

        Claims stay: the next number of an older attempt must stay taken. An object that cannot be
        removed stays, and nothing reads it.
        """
        state = self.state
        if state.is_unknown and not first:
            return
        needed = {*state.claims, *state.kept}
        with suppress(StoreProblem, ValueError):
            numbers = range(first, state.since) if first else object_numbers(self._store)
            replaced = [n for n in numbers if n < state.since and n not in needed]
            self._store.remove([object_name(number) for number in replaced])

    def kept_records(self) -> Iterator[str]:
        """Yield the records of rejects. Raises StoreProblem, Damaged and FileNotFoundError."""
        for number in self.state.kept:
            for record in read_object(self._store, number).records:
                yield from record.get("kept", ())

    def _write(self, lines: Sequence[bytes], *, since: int) -> int:
        """Write the next object; return its size."""
        number = self.state.last + 1
        head = ObjectHead(
            number=number,
            attempt=self._attempt,
            since=since,
            previous=self.state.digest,
            records=len(lines),
        )
        content = encode_object(head, lines)
        began = lease_clock.seconds()
        if not self._create(number, content):
            raise TakenOver(self._claim_in(number))
        self.confirmed_at = began
        self.state.last, self.state.digest = number, digest_of(content)
        return len(content)

    def _create_claim(self, number: int, lines: Sequence[bytes]) -> bool:
        head = ObjectHead(
            number=number, attempt=self._attempt, since=0, previous="", records=len(lines)
        )
        return self._create(number, encode_object(head, lines))

    def _create(self, number: int, content: bytes) -> bool:
        """Create an object; False if another attempt has created it.

        If the answer to an earlier try was lost, the object is there, and is ours.
        """
        name = object_name(number)
        for wait in _WAITS:
            try:
                return self._store.create(name, content) or self._store.read(name) == content
            except StoreProblem as problem:
                if problem.is_permanent:
                    raise
            sleep(wait)
        return self._store.create(name, content) or self._store.read(name) == content

    def _claim_in(self, number: int) -> Claim | None:
        """Return the claim in an object that another attempt has created."""
        with suppress(StoreProblem, ValueError, FileNotFoundError):
            for record in read_object(self._store, number).records:
                if "claim" in record:
                    return Claim(**record["claim"])
        return None

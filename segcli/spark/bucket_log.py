"""The log of a bucket, and the accounts of the files of a wave; no Spark is needed to read them."""

import json
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from segcli.core.line import Line, Result, TooLong
from segcli.journal.checkpoint import Checkpoint, Header, encode
from segcli.journal.pending import PendingLines
from segcli.shared_journal.log import Log
from segcli.shared_journal.log_state import Claim, read_state
from segcli.shared_journal.shared_journal import SharedJournal
from segcli.shared_journal.store import LogStore
from segcli.shared_journal.take_over import LEASE

# The size of a line that is whole, in a row.
WHOLE = -1
# As many as a block of a file has: all of them are queued in one turn.
_LINES_AT_ONCE = 64


def bucket_of(user: str, buckets: int) -> int:
    """Return the bucket of a user: the same on every machine and in every run."""
    return crc32(user.encode()) % buckets


@dataclass(slots=True)
class FileAccount:
    """What became of the lines of a file before any was sent.

    place, file, version: the file.
    lines: how many lines it has.
    rows: how many of them have to be sent or kept.
    skipped: the others, by reason.
    problem: why it could not be read to its end; empty if it could.
    """

    place: int
    file: str
    version: str
    lines: int = 0
    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problem: str = ""

    def document(self) -> dict[str, object]:
        """Return the account as values of JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def save_accounts(store: LogStore, accounts: Sequence[FileAccount]) -> None:
    """Save what a task has read: each attempt of it writes the same.

    Only a file that could not be read before makes a difference; then the last one counts.
    """
    if not accounts:
        return
    content = json.dumps([one.document() for one in accounts], sort_keys=True).encode()
    number, first = 1, accounts[0].place
    while not store.create(name := f"{first:09}-{number:04}", content):
        if store.read(name) == content:
            return
        number += 1


def saved_accounts(store: LogStore) -> list[dict[str, object]]:
    """Return the accounts of all files of a wave, as values of JSON."""
    # Names in order: of several accounts of a task, the last one counts.
    latest = {name.partition("-")[0]: name for name in sorted(store.names())}
    return [one for name in latest.values() for one in json.loads(store.read(name) or b"[]")]


def pending_rows(
    batches: Iterator[Any], titles: Mapping[int, str]
) -> Callable[[Checkpoint], Iterator[PendingLines]]:
    """Return the function that yields the rows of a bucket which are not settled, in order.

    It raises RuntimeError if Spark has not sorted them: then a user's order would be lost.
    """

    def pending(past: Checkpoint) -> Iterator[PendingLines]:
        last = (-1, 0)
        for batch in batches:
            lines: list[Line] = []
            places, numbers, sizes, texts = (batch.column(at).to_pylist() for at in range(2, 6))
            for place, number, size, text in zip(places, numbers, sizes, texts, strict=True):
                if (place, number) <= last:
                    raise RuntimeError(f"rows are out of order: {(place, number)} after {last}")
                last = place, number
                if not past.is_settled(place, number):
                    held = text if size == WHOLE else TooLong(size, text)
                    lines.append(Line(titles[place], number, held, place))
            for start in range(0, len(lines), _LINES_AT_ONCE):
                some = lines[start : start + _LINES_AT_ONCE]
                yield PendingLines(some[0].place, some, sum(line.size for line in some))

    return pending


def take_over_bucket(
    store: LogStore,
    header: Header,
    *,
    timeout: float,
    lines: Callable[[Checkpoint], Iterator[PendingLines]],
) -> SharedJournal:
    """Return the journal of a bucket, taken over from any older attempt.

    `timeout` is that of a request, in seconds. Raises StoreProblem, TakenOver and ValueError.
    """
    log = Log(store, read_state(store))
    log.claim(claim_now(LEASE + timeout), only_next=False)
    past = log.state.checkpoint
    if past is None:
        past = Checkpoint(header)
        log.snapshot([*map(encode, log.state.snapshot(past))])
    older = [one.settles_in for one in log.state.open_claims[:-1]]
    waits = max(older, default=0.0)
    return SharedJournal(log, past, [], lease=LEASE, waits=waits, lines=lines)


def claim_now(settles_in: float) -> Claim:
    """Return the claim of this process.

    settles_in: seconds after the next claim until its last request is over; a later attempt waits
        for that.
    """
    return Claim(
        host=socket.gethostname(),
        process=os.getpid(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        settles_in=settles_in,
    )


class JournalRejects:
    """Rejects that are in the journal only."""

    def keep(self, settled: Result) -> None:
        """The journal keeps the records with the result."""

    async def synced(self) -> None:
        """Nothing has to reach a disk here."""

    def close(self) -> None:
        """There is nothing to close."""

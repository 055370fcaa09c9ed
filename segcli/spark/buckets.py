"""Buckets: files in, what has to be sent or kept out; all events of a user are in one bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from segcli.core.decision import Decision, Skipped, payloads_of
from segcli.core.line import TooLong
from segcli.core.outcome import Job, make_mapper
from segcli.lines.read import FileEnd, NumberedBlock
from segcli.lines.spans import lines_of, without_break
from segcli.spark.bucket_log import WHOLE, FileAccount, bucket_of, save_accounts
from segcli.spark.file_task import BATCH_BYTES, BATCH_ROWS
from segcli.spark.job_state import StatePlace

BUCKET_SCHEMA = "key long, bucket int, place int, line long, size long, text binary"
_NAMES = ["key", "bucket", "place", "line", "size", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketedRows:
    """Makes rows of what has to be sent or kept, by bucket, and saves the accounts of the files.

    keys: for each bucket, the number that Spark puts into the partition of the bucket.
    state, wave: where the accounts of the files go.
    """

    schema: ClassVar[str] = BUCKET_SCHEMA

    keys: tuple[int, ...]
    state: StatePlace
    wave: str

    def rows(
        self, found: Iterator[NumberedBlock | FileEnd], job: Job, max_line: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of all lines that are not skipped."""
        decide, rows = make_mapper(job), _BucketRows(self.keys)
        accounts: list[FileAccount] = []
        account = FileAccount(-1, "", "")
        for one in found:
            entry = one.input
            if entry.place != account.place:
                account = FileAccount(entry.place, entry.title, entry.version)
            if isinstance(one, FileEnd):
                account.lines, account.problem = one.lines, one.problem
                accounts.append(account)
                continue
            line = one.first
            for lines in lines_of(one.data, max_line):
                rows.add(account, line, [*map(without_break, lines)], decide(lines))
                line += len(lines)
            if rows.is_full:
                yield rows.batch()
        yield rows.batch()
        save_accounts(self.state.files(self.wave), accounts)


class _BucketRows:
    """Rows for buckets, as columns, until they are a batch."""

    def __init__(self, keys: Sequence[int]) -> None:
        self._keys = keys
        self._clear()

    @property
    def is_full(self) -> bool:
        return self._bytes > BATCH_BYTES or len(self._rows) >= BATCH_ROWS

    def add(
        self,
        account: FileAccount,
        first: int,
        lines: Sequence[bytes | TooLong],
        decisions: Sequence[Decision],
    ) -> None:
        """Add lines with their outcomes. Skipped ones are only counted."""
        place = account.place
        for number, (line, found) in enumerate(zip(lines, decisions, strict=True), first):
            if isinstance(found, Skipped):
                account.skipped[found.reason] += 1
                continue
            payloads = payloads_of(found)
            # A line that holds no event has no user, and no order to keep.
            user = payloads[0].user if payloads else f"\0{place}:{number}"
            size, text = (line.size, line.head) if isinstance(line, TooLong) else (WHOLE, line)
            bucket = bucket_of(user, len(self._keys))
            self._rows.append((self._keys[bucket], bucket, place, number, size, text))
            self._bytes += len(text)
            account.rows += 1

    def batch(self) -> pa.RecordBatch:
        """Return the rows, and begin new ones."""
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(_KINDS)
        made = pa.RecordBatch.from_arrays(
            [pa.array(column, kind) for column, kind in zip(columns, _KINDS, strict=True)],
            names=_NAMES,
        )
        self._clear()
        return made

    def _clear(self) -> None:
        self._bytes = 0
        self._rows: list[tuple[int, int, int, int, int, bytes]] = []


_KINDS = (pa.int64(), pa.int32(), pa.int32(), pa.int64(), pa.int64(), pa.binary())

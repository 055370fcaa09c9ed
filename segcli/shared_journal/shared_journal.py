"""The shared journal of a run: records in a store which lines are settled.

Another machine can continue the run. `segcli.shared_journal.log` says how an older attempt is
stopped.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from segcli.accounting.atomic_write import is_stream
from segcli.accounting.group_commit import GroupSync
from segcli.accounting.held_rejects import MAX_HELD, HeldRejects
from segcli.accounting.rejects import Rejects, RejectStore, records_of, size_of
from segcli.core.line import Line, Result
from segcli.errors import Stopped
from segcli.journal.checkpoint import Checkpoint, Damaged, encode, mark_fields, path_name
from segcli.journal.columns import End
from segcli.journal.event_parts import SettledAction
from segcli.journal.pending import PendingLines, open_lines
from segcli.journal.run_records import RunRecords, failure_rows, open_lines_by_title
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import Mark
from segcli.shared_journal import lease_clock
from segcli.shared_journal.log import Log, TakenOver
from segcli.shared_journal.store import StoreProblem

# The most results that are in no object yet: lines that were sent singly, and requests of several
# lines. If the machine is lost, these are sent again, with the requests in flight. At 11,700 single
# events a second, two puts of 30 ms leave 700 of them; at 50,000 a second in batches of 100, 30
# requests (bench_shared.py).
MAX_UNRECORDED = 1000
MAX_UNRECORDED_REQUESTS = 64
_ROWS_PER_RECORD = 100
# Seconds between two puts. Each put costs as much as keeping hundreds of kilobytes for a month. At
# a low rate, the results of a second are few beside MAX_UNRECORDED.
_GATHER_SECONDS = 1.0
# This many bytes are written even if no event waits for them, as when all lines are skipped.
_MAX_PENDING = 1024 * 1024
_KEPT = frozenset({"refused", "rejected"})


class SharedJournal:
    """Writes results to a log in a store, many with one put.

    A result is durable once the put that has it is answered. An attempt whose last put is older
    than its lease writes before it sends again: if it was taken over meanwhile, it stops.

    past: the content of the journal, always up to date.
    inputs: the inputs that the run has to read, with their places in the journal.
    is_taken_over: whether another attempt has taken the journal over.
    """

    def __init__(
        self,
        log: Log,
        past: Checkpoint,
        inputs: Sequence[Input],
        *,
        lease: float,
        waits: float,
        lines: Callable[[Checkpoint], Iterator[PendingLines]] | None = None,
    ) -> None:
        """Take a log whose last object is a claim of this attempt.

        lease: seconds after a put during which requests may be sent.
        waits: seconds until the last request of an older attempt is over.
        lines: yields the lines that are not settled, for a journal that is a part of a larger job.
            It has no inputs of its own, and is kept when the run is finished.
        """
        self._lines = lines
        self.past = past
        self.inputs = inputs
        self.is_taken_over = False
        self._log = log
        self._records = RunRecords(past, inputs)
        self._lease = lease
        self._free_at = lease_clock.seconds() + waits
        self._renews = False
        self._failure: Exception | None = None
        # Encoded records, and which of them are records of rejects.
        self._pending: list[tuple[bytes, bool]] = []
        self._pending_bytes = 0
        self._pending_marks: set[int] = set()
        # Guards what is pending and `past`, which the thread that writes reads.
        self._lock = Lock()
        self._writes = Lock()
        self._settled = 0
        self._sync = GroupSync(0, self._write, quick=0.0)
        self._flushing: asyncio.Future[None] | None = None

    @property
    def seconds_to_wait(self) -> float:
        """Seconds until the last request of an older attempt is over; 0 if it is."""
        return max(self._free_at - lease_clock.seconds(), 0.0)

    @property
    def earlier_answers(self) -> int:
        """The number of events that the vendor answered in earlier runs."""
        return self.past.answered

    def begin(self, rejects: RejectStore, inputs: Sequence[Input]) -> None:
        """Put the rejects of earlier attempts, which are in the store, where this run keeps its."""
        try:
            if isinstance(rejects, HeldRejects):
                rejects.restore(self._few_kept())
            elif isinstance(rejects, Rejects) and not is_stream(rejects.path):
                since = self._rejects_since(rejects)
                rejects.skip_already_written(since, open_lines_by_title(self.past, inputs))
                rejects.restore(self._log.kept_records(), since)
        except (StoreProblem, TakenOver, Damaged, FileNotFoundError) as error:
            raise self._failed(error) from None

    def rejects_before(self, path: Path) -> int | None:
        """Return the size that this journal has for the rejects file; None if it has none yet."""
        return self.past.rejects.get(_own_name(path))

    def pending_lines(self, inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
        """Yield the lines that are not settled, after verifying that the inputs are unchanged."""
        if self._lines:
            return self._lines(self.past)
        return open_lines(inputs, max_line, self.past)

    def promise(self, lines: int) -> None:
        """Nothing is reserved: a store has no disk that is full."""

    @property
    def needs_before_send(self) -> bool:
        """True: lines may be sent only while this attempt is known to have the journal."""
        return True

    async def before_send(self, lines: Sequence[Line]) -> None:
        """Return when lines may be sent; raises Stopped."""
        most = max(MAX_UNRECORDED, MAX_UNRECORDED_REQUESTS * len(lines))
        if self._settled - self._sync.on_disk >= most:
            await self.synced()
        while lease_clock.seconds() - self._log.confirmed_at > self._lease:
            self._renews = True
            self._settled += 1
            self._sync.wrote()
            await self.synced()

    def settle(self, settled: Result) -> None:
        """Add a result to the next put. Raises Stopped if an earlier put has failed."""
        self._check()
        with self._lock:
            self._add_rows("lines", settled)
            if settled.is_answered:
                self._add({"answered_in_part": len(settled.lines)})
            if settled.state in _KEPT:
                for record in records_of(settled):
                    self._add({"kept": [record.decode().rstrip("\n")]}, is_kept=True)
        self._wrote(len(settled.lines))

    def settle_actions(self, settled: Result) -> None:
        """Add the result of an action of each line to the next put. Raises as `settle`."""
        self._check()
        with self._lock:
            self._add_rows("parts", settled)
            for row in failure_rows(settled):
                self._add({"failures": [row]})
        self._wrote(len(settled.lines))

    def settled_actions(self, line: Line) -> Sequence[SettledAction]:
        """Return the actions of a line that earlier attempts have settled."""
        return self.past.parts.of((line.place, line.number), self.past.actions)

    def mark(self, place: int, mark: Mark) -> None:
        """Record how far an input has been read, with the next put."""
        known = self.past.marks.get(place)
        if known and (known.to, known.is_open) >= (mark.to, mark.is_open):
            return
        with self._lock:
            self.past.apply({"marks": [mark_fields(place, mark)]})
            self._pending_marks.add(place)
            if name := self._records.new_name(place):
                self._add(name)

    def ended(self, place: int, lines: int) -> None:
        """Record the number of lines of an input that was read to its end."""
        _, version = self._records.name_and_version(place)
        if version and self.past.files.end(place) != End(lines, version):
            with self._lock:
                name = self._records.new_name(place)
                self._add({"ends": [(place, lines, version)], **name})
            self._wrote(1)

    @property
    def needs_sync(self) -> bool:
        """Results are durable only after `synced`."""
        return True

    @property
    def gather_seconds(self) -> float:
        """As long as a put is worth its price."""
        return _GATHER_SECONDS

    def try_sync(self) -> bool:
        """True if nothing has to be written. Raises Stopped."""
        self._check()
        return self._sync.try_sync()

    async def synced(self) -> None:
        """Return when everything so far is in the store. Raises Stopped."""
        self._check()
        try:
            await self._sync.synced()
        except (StoreProblem, TakenOver) as error:
            raise self._failed(error) from None

    def end(self, *, finished: bool) -> None:
        """Write what is left, and that this attempt has ended; keep nothing of a finished run."""
        if self._failure:
            return
        with suppress(StoreProblem, TakenOver):
            self._write()
            if finished and self._lines is None:
                self._log.finish()
            elif not self.seconds_to_wait:
                # Else an older attempt may still be sending, and the next one has to wait too.
                self._log.close()

    def _few_kept(self) -> list[str]:
        kept = list(islice(self._log.kept_records(), MAX_HELD + 1))
        if len(kept) > MAX_HELD:
            raise Stopped(
                f"the run to resume has more than {MAX_HELD:,} rejects",
                'Name a file for them: rejects="rejects.ndjson".',
            )
        return kept

    def _rejects_since(self, rejects: Rejects) -> int:
        """Return the size of the rejects file of this machine before this run wrote to it."""
        if (known := self.rejects_before(rejects.path)) is not None:
            return known
        size = size_of(rejects.path)
        with self._lock:
            self._add({"rejects": {_own_name(rejects.path): size}})
        self._write()
        return size

    def _add_rows(self, kind: str, settled: Result) -> None:
        """Add the rows of a result, and the names of its actions. The caller has the lock."""
        for action in self._records.new_actions(settled):
            self._add(action)
        rows = iter(self._records.rows_of(settled))
        while some := list(islice(rows, _ROWS_PER_RECORD)):
            self._add({"state": settled.state, kind: some})

    def _add(self, record: Mapping[str, Any], *, is_kept: bool = False) -> None:
        """Add a record to the next put. The caller has the lock."""
        if not is_kept:
            self.past.apply(record)
        line = encode(record)
        self._pending.append((line, is_kept))
        self._pending_bytes += len(line)

    def _wrote(self, lines: int) -> None:
        """Note that lines wait for a put; start one if it would be long."""
        self._settled += lines
        self._sync.wrote(lines)
        if self._pending_bytes > _MAX_PENDING and (not self._flushing or self._flushing.done()):
            self._flushing = asyncio.ensure_future(self._flush())

    async def _flush(self) -> None:
        # A failure is raised by the next call.
        with suppress(Stopped):
            await self.synced()

    def _write(self, _: int = 0) -> None:
        """Write what is pending as one object. Raises TakenOver and StoreProblem."""
        with self._writes:
            with self._lock:
                pending = self._take()
                if not pending and not self._renews:
                    return
                self._renews = False
                snapshot = self._snapshot() if self._log.needs_snapshot else None
            kept = [line for line, is_kept in pending if is_kept]
            if snapshot is None:
                self._log.append([line for line, _ in pending], has_kept=bool(kept))
            else:
                replaced = self._log.state.since
                self._log.snapshot(snapshot, kept)
                self._log.remove_replaced(first=replaced)

    def _take(self) -> list[tuple[bytes, bool]]:
        """Return what is pending, with the marks. The caller has the lock."""
        marks = iter(sorted(self._pending_marks))
        while some := list(islice(marks, _ROWS_PER_RECORD)):
            rows = [mark_fields(place, self.past.marks[place]) for place in some]
            self._pending.append((encode({"marks": rows}), False))
        pending, self._pending = self._pending, []
        self._pending_bytes = 0
        self._pending_marks.clear()
        return pending

    def _snapshot(self) -> list[bytes]:
        return list(map(encode, self._log.state.snapshot(self.past)))

    def _check(self) -> None:
        if self._failure:
            raise self._failed(self._failure)

    def _failed(self, error: Exception) -> Stopped:
        """Return the error that stops the run; every later call raises it too."""
        self._failure = error
        shown = self._log.state.where
        if isinstance(error, TakenOver):
            self.is_taken_over = True
            who = f": {error.claim}" if error.claim else ""
            return Stopped(
                f"another attempt has taken over the journal {shown}{who}",
                "It continues this run. This attempt has stopped, and sends no more.",
            )
        return Stopped(
            f"the journal {shown} cannot be written: {error}",
            "Nothing more was sent. Repair that, then resume, here or on another machine.",
        )


def _own_name(path: Path) -> str:
    """Return the name of a file of this machine in a journal."""
    return f"{socket.gethostname()}:{path_name(path)}"

"""The mapping on Spark: files in; outcomes as rows, or payloads as lines, out."""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, ClassVar

import pyarrow as pa

from segcli.accounting.tally import State
from segcli.core.decision import Decision, FanOut, Mapped, Skipped, payloads_of, rejections_of
from segcli.core.event import Rejected
from segcli.core.outcome import Job, make_mapper
from segcli.inputs import Input
from segcli.lines.read import FileEnd, NumberedBlock
from segcli.lines.spans import lines_of
from segcli.parallel.work import Work, WorkItem
from segcli.payloads import Account, Printing, by_action, printing_of
from segcli.spark.file_task import BATCH_BYTES, BATCH_ROWS

# The last row of each task has its account, and nothing else.
ACCOUNT = "account"


@dataclass(slots=True)
class TaskAccount:
    """What a task has read and mapped. It is a function of its files, so each attempt has the same.

    files: the place, the lines and the problem of each file.
    mapped: how many lines were mapped.
    bytes: the bytes of the lines.
    reasons: lines that were not mapped, by state and reason.
    notes: mapped events that have a note, by note.
    actions: events by the action that takes them, and what became of them there.
    fanned_out: how many lines several actions take.
    """

    files: list[tuple[int, int, str]] = field(default_factory=list)
    mapped: int = 0
    bytes: int = 0
    reasons: Counter[tuple[State, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    actions: Counter[tuple[str, State]] = field(default_factory=Counter)
    fanned_out: int = 0

    def count(self, decisions: Sequence[Decision]) -> None:
        """Count lines. One that several actions take is rejected if one of them cannot map it."""
        for found in decisions:
            if payloads := payloads_of(found):
                self.notes.update([note for one in payloads for note in one.notes])
            if rejections := rejections_of(found):
                self.reasons["rejected", str(rejections[0])] += 1
            elif isinstance(found, Skipped):
                self.reasons["skipped", found.reason] += 1
            else:
                self.mapped += 1

    def encoded(self) -> str:
        """Return the account as one line of JSON."""
        reasons = [(*key, lines) for key, lines in self.reasons.items()]
        actions = [(*key, events) for key, events in self.actions.items()]
        counts = [self.mapped, self.bytes, self.fanned_out]
        return json.dumps([self.files, counts, reasons, self.notes, actions])

    def add(self, text: str) -> None:
        """Add the account of another task."""
        files, (mapped, size, fanned_out), reasons, notes, actions = json.loads(text)
        self.files += files
        self.mapped += mapped
        self.bytes += size
        self.fanned_out += fanned_out
        self.actions.update({(action, state): events for action, state, events in actions})
        self.notes.update(notes)
        for state, reason, lines in reasons:
            self.reasons[state, reason] += lines


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """Makes a row for each line, or for each of its payloads if it has several."""

    schema: ClassVar[str] = (
        "place int, file string, line long, state string, reason string, action string, "
        "route string, request_values string, payload string, account string"
    )

    def rows(
        self, found: Iterator[NumberedBlock | FileEnd], job: Job, max_line: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the outcomes of all lines, and at last the account."""
        rows = _OutcomeRows(counts_actions=len(job.destination.actions) > 1)
        account, decide = TaskAccount(), make_mapper(job)
        for one in found:
            if isinstance(one, FileEnd):
                account.files.append((one.input.place, one.lines, one.problem))
                if one.problem:
                    rows.add_unreadable(one)
                continue
            account.bytes += one.size
            line = one.first
            for lines in lines_of(one.data, max_line):
                decisions = decide(lines)
                rows.add(one.input, line, decisions, account)
                line += len(decisions)
                if rows.is_full:
                    yield rows.batch()
        yield rows.batch()
        yield rows.account(account)


class _OutcomeRows:
    """Rows of outcomes, as columns, until they are a batch."""

    def __init__(self, *, counts_actions: bool) -> None:
        self._counts_actions = counts_actions
        self._clear()

    @property
    def is_full(self) -> bool:
        return self._bytes > BATCH_BYTES or len(self._lines) >= BATCH_ROWS

    def add(
        self, entry: Input, first: int, decisions: Sequence[Decision], account: TaskAccount
    ) -> None:
        """Add the outcomes of lines of a file, of which the first is number `first`."""
        before = len(self._lines)
        mapped = [one for one in decisions if type(one) is Mapped]
        if len(mapped) == len(decisions):
            # Most groups of lines are so, and one by one they take twice as long.
            self._add_mapped(range(first, first + len(mapped)), mapped)
            account.mapped += len(mapped)
            account.notes.update([note for one in mapped for note in one.notes])
        else:
            for line, found in enumerate(decisions, first):
                self._add_one(line, found)
            account.count(decisions)
        if self._counts_actions:
            account.actions.update(by_action(decisions))
            account.fanned_out += sum(type(found) is FanOut for found in decisions)
        self._files.append((entry.place, entry.title, len(self._lines) - before))

    def add_unreadable(self, end: FileEnd) -> None:
        """Add a row that says where a file could not be read on."""
        self._add(end.lines + 1, "unreadable", end.problem)
        self._files.append((end.input.place, end.input.title, 1))

    def batch(self) -> pa.RecordBatch:
        """Return the rows, and begin new ones."""
        places = [pa.repeat(pa.scalar(place, pa.int32()), count) for place, _, count in self._files]
        files = [pa.repeat(pa.scalar(title), count) for _, title, count in self._files]
        columns = [
            pa.concat_arrays([pa.array([], pa.int32()), *places]),
            pa.concat_arrays([pa.array([], pa.string()), *files]),
            pa.array(self._lines, pa.int64()),
            *(pa.array(column, pa.string()) for column in self._texts),
            pa.nulls(len(self._lines), pa.string()),
        ]
        made = pa.RecordBatch.from_arrays(columns, names=_NAMES)
        self._clear()
        return made

    def account(self, account: TaskAccount) -> pa.RecordBatch:
        """Return the row with the account of a task."""
        kinds = [pa.int32(), pa.string(), pa.int64(), *[pa.string()] * 6]
        columns = [*(pa.nulls(1, kind) for kind in kinds), pa.array([account.encoded()])]
        return pa.RecordBatch.from_arrays(columns, names=_NAMES)

    def _add_one(self, line: int, found: Decision) -> None:
        """Add a row for each action that takes an event, or one for a line that none takes."""
        match found:
            case Mapped():
                self._add_mapped([line], [found])
            case FanOut(requests):
                for one in requests:
                    if isinstance(one, Mapped):
                        self._add_mapped([line], [one])
                    else:
                        values = (str(one.rejected), one.action, one.route)
                        self._add(line, "rejected", *values)
            case Skipped(reason):
                self._add(line, "skipped", reason)
            case Rejected() as rejected:
                self._add(line, "rejected", str(rejected), rejected.action or None)

    def _add_mapped(self, lines: Sequence[int], payloads: Sequence[Mapped]) -> None:
        states, reasons, actions, routes, values, bodies = self._texts
        self._lines += lines
        states += ["mapped"] * len(payloads)
        reasons += [None] * len(payloads)
        actions += [one.action for one in payloads]
        routes += [one.route for one in payloads]
        values += [one.request_values or None for one in payloads]
        new = [one.body for one in payloads]
        bodies += new
        self._bytes += sum(map(len, new))

    def _add(
        self,
        line: int,
        state: str,
        reason: str,
        action: str | None = None,
        route: str | None = None,
    ) -> None:
        self._lines.append(line)
        values = (state, reason, action, route, None, None)
        for column, value in zip(self._texts, values, strict=True):
            column.append(value)

    def _clear(self) -> None:
        self._bytes = 0
        self._lines: list[int] = []
        # State, reason, action, route, values of the request, payload.
        self._texts: list[list[Any]] = [[] for _ in range(6)]
        self._files: list[tuple[int, str, int]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedText:
    """Makes rows of what `segcli transform` prints, many lines in each.

    Spark's text writer writes a row unchanged, so its files are the same NDJSON.

    every_line: an object for every line, instead of the payloads.
    several: there are several files, so the objects name theirs.
    """

    schema: ClassVar[str] = "value string, account string"

    every_line: bool = False
    several: bool = True

    def rows(
        self, found: Iterator[NumberedBlock | FileEnd], job: Job, max_line: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the text of all lines, and at last the account."""
        account, texts, size = TaskAccount(), [], 0
        printing = Printing(
            job=job, every_line=self.every_line, several=self.several, max_line=max_line
        )
        work = printing_of(printing)
        for one in found:
            if isinstance(one, FileEnd):
                account.files.append((one.input.place, one.lines, one.problem))
                continue
            text = _printed(work, one, account)
            size += len(text)
            texts += [text] if text else []
            if size > BATCH_BYTES:
                yield _of_text(texts)
                texts, size = [], 0
        if texts:
            yield _of_text(texts)
        yield _of_account(account)


def _printed(work: Work[Account], block: NumberedBlock, account: TaskAccount) -> bytes:
    """Return what one machine prints for a block, without the last line break; count its lines."""
    result = work(WorkItem(block.data, block.input.title, block.first))
    account.mapped += result.account.mapped
    account.bytes += block.size
    account.reasons.update(result.account.reasons)
    account.notes.update(result.account.notes)
    account.actions.update(result.account.actions)
    account.fanned_out += result.account.fanned_out
    return b"".join(result.out).strip(b"\n")


def _of_text(texts: Sequence[bytes]) -> pa.RecordBatch:
    """Return texts as rows. They are UTF-8, so their bytes are taken without a look at each."""
    offsets = array("i", [0, *accumulate(map(len, texts))])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    values = pa.Array.from_buffers(pa.string(), len(texts), buffers)
    return pa.RecordBatch.from_arrays(
        [values, pa.nulls(len(texts), pa.string())], names=["value", ACCOUNT]
    )


def _of_account(account: TaskAccount) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.nulls(1, pa.string()), pa.array([account.encoded()])], names=["value", ACCOUNT]
    )


_NAMES = [
    *("place", "file", "line", "state", "reason", "action", "route", "request_values", "payload"),
    ACCOUNT,
]

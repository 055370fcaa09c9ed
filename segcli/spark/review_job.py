"""The check on Spark: tasks review their files; other tasks find what is repeated over all."""

import heapq
import pickle
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pyarrow as pa

from segcli.core.outcome import Job
from segcli.errors import Stopped
from segcli.lines.read import FileEnd, NumberedBlock
from segcli.lines.spans import lines_of
from segcli.plan.plan import Plan
from segcli.review.check_run import CheckRun
from segcli.review.checker import block_reviewer
from segcli.review.notes import HashedLines, Key
from segcli.review.partial_review import PartialReview

# The kinds of rows, in the order in which they are sorted.
MESSAGE_ID, LINE_WITHOUT_ID, PARTIAL, PROBLEM, REPEATS = range(5)
REVIEW_SCHEMA = "kind int, key long, place int, line long, content binary"
_NAMES = ["kind", "key", "place", "line", "content"]
# The bytes of lines in one partial review.
_REVIEW_BYTES = 4 << 20
# If this hash is the same on all machines, all Pythons hash texts alike.
_PROBE = "segcli"

RepeatRow = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedRows:
    """Makes rows of partial reviews, and of hashes of what may be repeated.

    check: how to review; without its job and inputs, which the task has itself.
    plans: the tracking plans.
    known: the findings that the baseline accepts.
    key: the key of partial reviews, which puts them into the last partition.
    """

    schema: ClassVar[str] = REVIEW_SCHEMA

    check: CheckRun
    plans: tuple[Plan, ...]
    known: dict[Key, int]
    key: int

    def rows(
        self, found: Iterator[NumberedBlock | FileEnd], job: Job, max_line: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the partial reviews of all lines."""
        run = replace(self.check, job=job, plans=self.plans)
        reviewer = block_reviewer(run, self.known)
        seen, place, first, size = PartialReview(), -1, 1, 0
        for one in found:
            if isinstance(one, FileEnd):
                if seen.lines:
                    yield from self._batches(seen, place, first)
                seen, size = PartialReview(), 0
                if one.problem:
                    yield _batch(PROBLEM, self.key, one.input.place, 0, one.problem)
                continue
            if not seen.lines:
                place, first = one.input.place, one.first
            for lines in lines_of(one.data, max_line):
                reviewer.look(lines, seen)
            size += one.size
            if size > _REVIEW_BYTES:
                yield from self._batches(seen, place, first)
                seen, size = PartialReview(), 0

    def _batches(self, seen: PartialReview, place: int, first: int) -> Iterator[pa.RecordBatch]:
        """Yield a partial review as rows. What is hashed goes to the tasks that compare it."""
        for kind, hashed in ((MESSAGE_ID, seen.ids), (LINE_WITHOUT_ID, seen.lines_without_id)):
            if count := len(hashed.hashes):
                columns = [
                    pa.repeat(pa.scalar(kind, pa.int32()), count),
                    pa.array(hashed.hashes, pa.int64()),
                    pa.repeat(pa.scalar(place, pa.int32()), count),
                    pa.array([first + index for index in hashed.places], pa.int64()),
                    pa.nulls(count, pa.binary()),
                ]
                yield pa.RecordBatch.from_arrays(columns, names=_NAMES)
        seen.ids, seen.lines_without_id = HashedLines(), HashedLines()
        yield _batch(PARTIAL, self.key, place, first, (hash(_PROBE), seen))


@dataclass(frozen=True, slots=True)
class RepeatTasks:
    """Tasks that find repeated messageIds and lines among sorted hashes; they pass on other rows.

    most: how many repeats of each kind are returned; all are counted.
    """

    most: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield a row with what is repeated, and then the rows without hashes."""
        repeats, is_told = _Repeats(self.most), False
        for batch in batches:
            kinds = batch.column(0).to_pylist()
            hashed = sum(kind <= LINE_WITHOUT_ID for kind in kinds)
            repeats.add(batch.slice(0, hashed))
            if hashed == batch.num_rows:
                continue
            if not is_told:
                yield repeats.row()
            is_told = True
            yield batch.slice(hashed)
        if not is_told:
            yield repeats.row()


class _Repeats:
    """Counts what is repeated among sorted hashes, and keeps the first ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: Counter[int] = Counter()
        # Heaps with the last one first: places and lines are negative.
        self._held: dict[int, list[RepeatRow]] = {MESSAGE_ID: [], LINE_WITHOUT_ID: []}
        self._before, self._origin = (-1, 0), (0, 0)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the next hashes, in their order."""
        columns = [batch.column(at).to_pylist() for at in range(4)]
        for kind, key, place, line in zip(*columns, strict=True):
            if (kind, key) == self._before:
                self._add(kind, (-place, -line, -self._origin[0], -self._origin[1]))
            else:
                self._before, self._origin = (kind, key), (place, line)

    def row(self) -> pa.RecordBatch:
        """Return the counts and the first repeats of each kind as a row."""
        first = {
            kind: [tuple(-part for part in one) for one in held]
            for kind, held in self._held.items()
        }
        return _batch(REPEATS, 0, 0, 0, (dict(self._counts), first))

    def _add(self, kind: int, repeat: RepeatRow) -> None:
        self._counts[kind] += 1
        held = self._held[kind]
        if len(held) < self._most:
            heapq.heappush(held, repeat)
        elif held and repeat > held[0]:
            heapq.heapreplace(held, repeat)


def content_of(row: Any) -> Any:
    """Return the content of a row that a task of this job has made."""
    return pickle.loads(zlib.decompress(row.content))


def partial_of(row: Any, seed: int | None) -> tuple[int, PartialReview]:
    """Return the hash of the probe and the partial review of a row.

    Raises Stopped if another task hashes texts in another way than `seed` says.
    """
    found, seen = content_of(row)
    if seed not in {None, found}:
        raise Stopped(
            "the Pythons of Spark's executors hash texts in different ways",
            "Set spark.executorEnv.PYTHONHASHSEED=0 for this job.",
        )
    return found, seen


def _batch(kind: int, key: int, place: int, line: int, content: Any) -> pa.RecordBatch:
    packed = zlib.compress(pickle.dumps(content), 1)
    columns = [
        pa.array([kind], pa.int32()),
        pa.array([key], pa.int64()),
        pa.array([place], pa.int32()),
        pa.array([line], pa.int64()),
        pa.array([packed], pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(columns, names=_NAMES)

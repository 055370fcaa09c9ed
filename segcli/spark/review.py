"""The check of a job: partial reviews of tasks, joined on the driver in the order of the files."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from segcli.errors import InputError, Stopped
from segcli.inputs import Input
from segcli.review.check_run import CheckRun
from segcli.review.joined_review import JoinedReview
from segcli.review.notes import HashedLines
from segcli.review.partial_review import PartialReview
from segcli.review.review import Review
from segcli.spark.cluster_job import ClusterJob
from segcli.spark.file_task import FileTasks
from segcli.spark.review_job import (
    LINE_WITHOUT_ID,
    MESSAGE_ID,
    PARTIAL,
    PROBLEM,
    REPEATS,
    RepeatRow,
    RepeatTasks,
    ReviewedRows,
    content_of,
    partial_of,
)
from segcli.spark.session import partition_keys, slots_of, task_rows, with_conf
from segcli.spark.task_error import raising_run_errors

# The rows of one batch: a partial review may have 100 kB, so the default of 10,000 is too many.
_CONF = {"spark.sql.execution.arrow.maxRecordsPerBatch": "1000"}


def review_on_spark(spark: Any, job: ClusterJob, run: CheckRun) -> tuple[Review, Sequence[str]]:
    """Return the review of all files, and the problems of those that were left out.

    Raises InputError if a file cannot be read to its end and may not be left out, and OutputError.
    """
    run = replace(run, job=job.job, inputs=job.files, files_left_out=len(job.choice.left_out))
    joined = _Joined(run)
    try:
        with raising_run_errors(), with_conf(spark, _CONF):
            for row in _rows(spark, job, run, joined).toLocalIterator():
                joined.add(row)
    except Stopped as stopped:
        raise InputError(f"{stopped.message}; nothing is reported", stopped.hint) from None
    return joined.end(), joined.problems


def _rows(spark: Any, job: ClusterJob, run: CheckRun, joined: "_Joined") -> Any:
    partitions = max(2, slots_of(spark))
    made = ReviewedRows(
        # The job goes along as texts, and what has no meaning for a part stays here.
        check=replace(run, job=None, inputs=(), plans=(), baseline=None, rejects=None),
        plans=tuple(run.plans),
        known=dict(joined.review.known),
        # The last partition: what is repeated is known before the first partial review is joined.
        key=partition_keys(spark, partitions)[-1],
    )
    tasks = FileTasks(rows=made, **job.tasks(spark))
    rows = task_rows(spark, len(tasks.tasks)).mapInArrow(tasks, made.schema)
    ordered = rows.repartition(partitions, "key").sortWithinPartitions(
        "kind", "key", "place", "line"
    )
    return ordered.mapInArrow(RepeatTasks(run.most_findings), made.schema)


class _Joined:
    """The review so far. Rows come by partition: first repeats, at last the partial reviews.

    review: the joined review.
    problems: why files were left out.
    """

    def __init__(self, run: CheckRun) -> None:
        self.problems: list[str] = []
        self._most = run.most_findings
        self._files = {entry.place: entry for entry in run.inputs}
        self._counts: Counter[int] = Counter()
        self._ids, self._lines = _KnownRepeats(run.inputs), _KnownRepeats(run.inputs)
        self.review = JoinedReview(run, message_ids=self._ids, lines_without_id=self._lines)
        self._seed: int | None = None

    def add(self, row: Any) -> None:
        """Add a row of the last stage."""
        match row.kind:
            case kind if kind == PARTIAL:
                self._seed, seen = partial_of(row, self._seed)
                self._join(seen, row.place, row.line)
            case kind if kind == PROBLEM:
                self.problems.append(content_of(row))
            case kind if kind == REPEATS:
                counts, first = content_of(row)
                self._counts.update(counts)
                self._ids.add(first[MESSAGE_ID], self._most)
                self._lines.add(first[LINE_WITHOUT_ID], self._most)

    def end(self) -> Review:
        """Return the review."""
        self.review.count_repeats(
            self._counts[MESSAGE_ID] - len(self._ids.repeats),
            self._counts[LINE_WITHOUT_ID] - len(self._lines.repeats),
        )
        return self.review.end()

    def _join(self, seen: PartialReview, place: int, first: int) -> None:
        seen.ids = self._ids.lines_in(place, first, seen.lines)
        seen.lines_without_id = self._lines.lines_in(place, first, seen.lines)
        self.review.join(seen, self._files[place], first)


class _KnownRepeats:
    """The first repeated lines, which tasks have found.

    repeats: the place and line of each one, and those of the first such line; in order.
    """

    def __init__(self, files: Sequence[Input]) -> None:
        self.repeats: list[RepeatRow] = []
        self._titles = {entry.place: entry.title for entry in files}

    def add(self, repeats: Sequence[RepeatRow], most: int) -> None:
        """Add what one task has found; keep the first ones only."""
        self.repeats = sorted([*self.repeats, *repeats])[:most]

    def lines_in(self, place: int, first: int, lines: int) -> HashedLines:
        """Return the repeated lines among these of a file."""
        start = bisect_left(self.repeats, (place, first))
        end = bisect_left(self.repeats, (place, first + lines))
        found = HashedLines()
        for at in range(start, end):
            found.hashes.append(at)
            found.places.append(self.repeats[at][1] - first)
        return found

    def found(self, hashes: HashedLines, entry: Input, first: int) -> Iterator[tuple[int, str]]:  # noqa: ARG002  # as `Repeats.found`
        """Yield the index of each repeated line, and where the first one is."""
        for at, index in zip(hashes.hashes, hashes.places, strict=True):
            _, _, place, line = self.repeats[at]
            yield index, f"{self._titles[place]}:{line}"

"""What every task that reads files does: look at them, read them, and verify them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from segcli.core.outcome import Job
from segcli.errors import InputError, Stopped
from segcli.inputs import Input, look
from segcli.inputs.record_actions import judge_for
from segcli.inputs.same_files import check_same
from segcli.lines.blocks import MAX_LINE
from segcli.lines.read import FileEnd, NumberedBlock, opening_problem, read_files
from segcli.spark.manifest import decoded_task
from segcli.spark.shipped_job import ShippedJob, mapping_job
from segcli.spark.task_error import raising_task_errors

# The size of a batch that goes to Spark, in bytes and in rows.
BATCH_BYTES = 8 << 20
BATCH_ROWS = 8192


class RowMaker(Protocol):
    """Makes rows for Spark of the files of a task. It goes along with the task.

    schema: the columns of the rows, in the words of Spark.
    """

    @property
    def schema(self) -> str:
        """The columns of the rows."""

    def rows(
        self, found: Iterator[NumberedBlock | FileEnd], job: Job, max_line: int
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some files: what `read_files` yields of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTasks:
    """The tasks of a job that read files. Spark calls them with the numbers of its tasks.

    rows: what the files become.
    job: the job.
    tasks: the files of each task, encoded.
    max_line: the longest line, in bytes.
    first_look: refuse a file whose first lines are not events.
    skip_unreadable: go on after a file that cannot be read to its end.
    """

    rows: RowMaker
    job: ShippedJob
    tasks: tuple[bytes, ...]
    max_line: int = MAX_LINE
    first_look: bool = True
    skip_unreadable: bool = False

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the tasks whose numbers are in these batches. Raises TaskError."""
        with raising_task_errors():
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    found = self._read(number)
                    yield from self.rows.rows(found, mapping_job(self.job), self.max_line)

    def _read(self, number: int) -> Iterator[NumberedBlock | FileEnd]:
        """Yield the lines and the end of each file of a task.

        Raises InputError if a file must be converted, or has changed since it was listed, and
        Stopped if one cannot be read and may not be left out.
        """
        entries = decoded_task(self.tasks[number])
        if self.first_look:
            entries = self._looked(entries)
        for found in read_files(entries, self.max_line):
            if isinstance(found, FileEnd) and found.problem:
                check_same([found.input])
                if not self.skip_unreadable:
                    raise Stopped(
                        found.problem,
                        f"{found.hint} To leave such files out, add --skip-unreadable.".strip(),
                    )
            yield found
        check_same(entries)

    def _looked(self, entries: list[Input]) -> list[Input]:
        """Judge the files by their first lines. Reading notes those that cannot be opened."""
        judge = judge_for(mapping_job(self.job).destination)
        try:
            return list(look(entries, judge))
        except InputError:
            openable = [entry for entry in entries if opening_problem(entry) is None]
            look(openable, judge)
            return entries

"""What every task that reads files does: look at them, read them, and verify them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from segcli.errors import InputError, Stopped
from segcli.inputs import Input, look
from segcli.inputs.first_event import judge_events
from segcli.inputs.same_files import check_same
from segcli.lines.blocks import MAX_LINE
from segcli.lines.read import FileEnd, NumberedBlock, opening_problem, read_files
from segcli.spark.manifest import decoded
from segcli.spark.shipped_job import ShippedJob

# The size of a batch that goes to Spark, in bytes and in rows.
BATCH_BYTES = 8 << 20
BATCH_ROWS = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTasks:
    """The tasks of a job that read files.

    job: the job.
    tasks: the files of each task, encoded.
    max_line: the longest line, in bytes.
    first_look: refuse a file whose first lines are not events.
    skip_unreadable: go on after a file that cannot be read to its end.
    """

    job: ShippedJob
    tasks: tuple[bytes, ...]
    max_line: int = MAX_LINE
    first_look: bool = True
    skip_unreadable: bool = False

    def numbers(self, batches: Iterator[pa.RecordBatch]) -> Iterator[int]:
        """Yield the numbers of the tasks in the rows of `spark.range`."""
        for batch in batches:
            yield from batch.column(0).to_pylist()

    def read(self, number: int) -> Iterator[NumberedBlock | FileEnd]:
        """Yield the lines and the end of each file of a task.

        Raises InputError if a file must be converted, or has changed since it was listed, and
        Stopped if one cannot be read and may not be left out.
        """
        entries = decoded(self.tasks[number])
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
        """Judge the files by their first lines. Reading tells of those that cannot be opened."""
        try:
            return list(look(entries, judge_events))
        except InputError:
            openable = [entry for entry in entries if opening_problem(entry) is None]
            look(openable, judge_events)
            return entries

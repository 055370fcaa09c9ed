"""The mapping of a job: a DataFrame of outcomes, or tables and NDJSON that Spark writes."""

from collections.abc import Sequence
from typing import Any

from segcli.accounting.tally import Tally
from segcli.spark.cluster_job import ClusterJob
from segcli.spark.file_task import FileTasks, RowMaker
from segcli.spark.mapping_job import ACCOUNT, OutcomeTable, PrintedText, TaskAccount
from segcli.spark.session import task_rows
from segcli.spark.task_error import raising_run_errors

_FILES_SCHEMA = "place int, file string, version string, lines long, problem string"


def outcomes_frame(spark: Any, job: ClusterJob) -> Any:
    """Return the outcome of every line, as a DataFrame that is computed when it is used.

    Columns: place (the number of the file), file, line, state (`mapped`, `skipped`, `rejected`; or
    `unreadable` for the first line that cannot be read), reason, action, route, request_values
    (JSON), payload (JSON).
    """
    return _without_account(_outcome_rows(spark, job))


def write_outcomes(spark: Any, job: ClusterJob, out: str) -> tuple[Tally, Sequence[str]]:
    """Write the tables `outcomes` and `files` below a place, as parquet.

    Returns the counts, and why files were left out.

    Raises InputError and Stopped if a file cannot be read; then there is no table.
    """
    return _write(spark, job, _outcome_rows(spark, job), (f"{out}/outcomes", f"{out}/files"))


def write_ndjson(
    spark: Any, job: ClusterJob, out: str, *, every_line: bool
) -> tuple[Tally, Sequence[str]]:
    """Write what one machine prints as NDJSON below a place, in `payloads` or `outcomes`.

    Beside it is the table `files`, as parquet. Returns and raises as `write_outcomes`.
    """
    text = PrintedText(every_line=every_line, several=len(job.files) > 1)
    name = "outcomes" if every_line else "payloads"
    return _write(
        spark, job, _mapped(spark, job, text), (f"{out}/{name}", f"{out}/files"), text=True
    )


def _outcome_rows(spark: Any, job: ClusterJob) -> Any:
    return _mapped(spark, job, OutcomeTable())


def _mapped(spark: Any, job: ClusterJob, rows: RowMaker) -> Any:
    tasks = FileTasks(rows=rows, **job.tasks(spark))
    return task_rows(spark, len(tasks.tasks)).mapInArrow(tasks, rows.schema)


def _without_account(rows: Any) -> Any:
    return rows.where(f"{ACCOUNT} is null").drop(ACCOUNT)


def _write(
    spark: Any, job: ClusterJob, rows: Any, to: tuple[str, str], *, text: bool = False
) -> tuple[Tally, Sequence[str]]:
    """Write rows, and then the table of files, which is there only if all rows are."""
    from pyspark.sql import Observation, functions  # noqa: PLC0415  # optional, and slow

    accounts = functions.array_join(functions.collect_list(ACCOUNT), "\n")
    observed = Observation("segcli")
    written = _without_account(rows.observe(observed, accounts.alias("accounts"))).write
    with raising_run_errors():
        if text:
            written.text(to[0])
        else:
            written.parquet(to[0])
        total = TaskAccount()
        for one in filter(None, observed.get["accounts"].split("\n")):
            total.add(one)
        table = spark.createDataFrame(_file_rows(job, total), _FILES_SCHEMA)
        table.coalesce(1).write.parquet(to[1])
    return tally_of(total), [problem for _, _, problem in sorted(total.files) if problem]


def _file_rows(job: ClusterJob, total: TaskAccount) -> list[Sequence[Any]]:
    files = {entry.place: entry for entry in job.files}
    return [
        (place, files[place].title, files[place].version, lines, problem or None)
        for place, lines, problem in sorted(total.files)
    ]


def tally_of(total: TaskAccount) -> Tally:
    """Return the counts of an account."""
    tally = Tally(read=sum(lines for _, lines, _ in total.files), bytes_read=total.bytes)
    tally.notes.update(total.notes)
    tally.actions.update(total.actions)
    tally.fanned_out = total.fanned_out
    tally.count("mapped", lines=total.mapped)
    for (state, reason), lines in total.reasons.items():
        tally.count(state, reason, lines)
    return tally

"""A job for a cluster: what to read, how to map it, and how it is divided into tasks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from segcli.core.outcome import Job
from segcli.errors import UsageError
from segcli.inputs import Input
from segcli.job_spec import JobSpec
from segcli.lines.blocks import MAX_LINE
from segcli.runs.input_choice import InputChoice, choose
from segcli.spark.manifest import encoded_task, files_by_task
from segcli.spark.session import check_session, slots_of
from segcli.spark.shipped_job import shipped_without_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterJob:
    """What a job on Spark does.

    spec, job: the job, as texts and as a value.
    listed: all files that were found.
    choice: those that are read, and those that are left out.
    max_line: the longest line, in bytes.
    first_look: refuse a file whose first lines are not events.
    skip_unreadable: go on after a file that cannot be read to its end.
    """

    spec: JobSpec
    job: Job
    listed: Sequence[Input]
    choice: InputChoice
    max_line: int = MAX_LINE
    first_look: bool = True
    skip_unreadable: bool = False

    @property
    def files(self) -> Sequence[Input]:
        """The files that are read."""
        return self.choice.inputs

    def at(self, time: str) -> "ClusterJob":
        """Return the same job as if it had begun at another time, for `--since 7d`."""
        spec = replace(self.spec, at=time)
        job = spec.job(self.job.destination)
        choice = choose(self.listed, spec.selection, job.selection)
        return replace(self, spec=spec, job=job, choice=choice)

    def tasks(self, spark: Any) -> dict[str, Any]:
        """Return the fields of `FileTasks` for a job that needs no key."""
        check_session(spark)
        tasks = files_by_task(self.files, slots_of(spark))
        return {
            "job": shipped_without_keys(self.spec, self.job),
            "tasks": tuple(map(encoded_task, tasks)),
            "max_line": self.max_line,
            "first_look": self.first_look,
            "skip_unreadable": self.skip_unreadable,
        }


def left_out(problems: Sequence[str]) -> list[str]:
    """Return what to say of files that could not be read to their end."""
    return [f"left out: {problem}" for problem in problems]


def cluster_job(spec: JobSpec, job: Job, found: Sequence[Input], **options: Any) -> ClusterJob:
    """Return a job on Spark; `options` are the other fields.

    Raises UsageError for a selection that needs all lines in their order.
    """
    if spec.selection.limit is not None:
        raise UsageError(
            "--limit cannot be used on Spark: tasks do not know how many events others have mapped",
            "Select by --since and --until, or name fewer files.",
        )
    choice = choose(found, spec.selection, job.selection)
    return ClusterJob(spec=spec, job=job, listed=found, choice=choice, **options)

"""A job as it goes along with tasks: texts, and where its keys come from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from segcli import __version__
from segcli.core.outcome import Job
from segcli.core.secret import Secret, display_url, holds_credentials
from segcli.core.settings import Given
from segcli.errors import UsageError
from segcli.job_spec import JobSpec, spec_from


@dataclass(frozen=True, slots=True)
class ShippedJob:
    """A job for the tasks of Spark. It builds the same job on the driver and in every task.

    text: the job as JSON, without its keys.
    revision: the revision of its destination.
    version: the version of segcli on the driver.
    """

    text: str
    revision: str
    version: str = __version__

    def job(self, keys: Mapping[str, Secret] = {}) -> Job:  # never changed
        """Return the job. Raises UsageError if this machine would build another one."""
        if self.version != __version__:
            raise UsageError(
                f"this executor has segcli {__version__}, and the driver {self.version}",
                "Ship the same version to all machines.",
            )
        job = spec_from(json.loads(self.text), keys).job()
        if job.destination.revision != self.revision:
            raise UsageError(
                f"{job.destination.name} is another version on this executor than on the driver",
                "Ship the same version to all machines.",
            )
        return job


@lru_cache(4)
def mapping_job(shipped: ShippedJob) -> Job:
    """Return a job that needs no key, built once in a process."""
    return shipped.job()


def shipped_without_keys(spec: JobSpec, job: Job) -> ShippedJob:
    """Return a job that only maps: payloads that are shown hold `***` in place of keys anyway."""
    kept = {
        name: _without_credentials(given)
        for name, given in spec.settings.items()
        if not isinstance(given.value, Secret)
    }
    return shipped_with_keys(replace(spec, settings=kept), job)


def shipped_with_keys(spec: JobSpec, job: Job) -> ShippedJob:
    """Return a job whose keys are given to `ShippedJob.job`."""
    return ShippedJob(json.dumps(spec.document()), job.destination.revision)


def _without_credentials(given: Given) -> Given:
    value = given.value
    if isinstance(value, str) and holds_credentials(value):
        return Given(display_url(value).partition("?")[0], given.origin)
    return given

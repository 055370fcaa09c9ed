"""How a job is sent on Spark: its options, their checks, and how long it takes at least."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from segcli.core import settings, trust
from segcli.core.outcome import Job
from segcli.core.secret import Secret, display_address
from segcli.core.settings import Given, Origin, Place
from segcli.errors import UsageError
from segcli.http.transports import TRANSPORTS
from segcli.runs.send_start import check_now
from segcli.spark.cluster_job import ClusterJob
from segcli.spark.executor import KeySource, key_source
from segcli.spark.job_state import StatePlace

# What segcli sends from one process, in requests a second (bench_send.py).
_REQUESTS_PER_TASK = 10_000
# The stored bytes of an event of usual size in an archive of gzip files.
_BYTES_PER_EVENT = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkSend:
    """How a job is sent. Times are in seconds, the rate in requests a second.

    state: where the state of the job is.
    keys: where tasks get the keys, by setting; the other keys go along with the tasks.
    buckets: how many tasks a wave has. A user's events are all in one of them.
    by_day: a wave has the files of one day, or of several small ones; otherwise it has all.
    concurrency, rate: the most requests in flight, and a second, of all tasks together.
    resume, restart: continue the job of that state, or forget it.
    allow_http: let a key go to another machine over http://.
    transport: what carries the requests.
    uses_environment: requests take the proxies that the environment of executors names.
    """

    state: StatePlace
    keys: Mapping[str, KeySource] = field(default_factory=dict)
    buckets: int = 64
    by_day: bool = True
    concurrency: int = 64
    rate: float | None = None
    timeout: float = 30.0
    retry_for: float = 600.0
    resume: bool = False
    restart: bool = False
    allow_http: bool = False
    transport: str = TRANSPORTS[0]
    uses_environment: bool = True


def with_key_from(job: ClusterJob, option: str) -> tuple[ClusterJob, dict[str, KeySource]]:
    """Return a job whose key only executors know, and where they get it.

    Raises UsageError if the option names no source, and SettingsError without one setting for keys.
    """
    destination = job.job.destination
    rows = settings.describe(destination.name, destination.settings)
    key = settings.key_name(destination.name, rows)
    given = Given(Secret(), Origin(Place.OPTION, "--api-key-from"))
    spec = replace(job.spec, settings={**job.spec.settings, key: given})
    return replace(job, spec=spec, job=spec.job(destination)), {key: key_source(option)}


def estimate(job: ClusterJob, send: SparkSend, slots: int) -> str:
    """Return how long sending takes at least, by the size of the files, as a sentence."""
    size = sum(entry.size or 0 for entry in job.files)
    events = max(1, size // _BYTES_PER_EVENT)
    fastest = slots * _REQUESTS_PER_TASK
    rate = min(filter(None, (send.rate, job.job.destination.limits.rate, fastest)))
    hours = events / rate / 3600
    took = f"{hours / 24:,.1f} days" if hours > 48 else f"{hours:,.1f} hours"
    more = "" if rate < fastest else ", as fast as these slots can send"
    return (
        f"About {events:,} events, by the size of the files. One request each takes {took} at "
        f"{rate:,.0f} requests a second{more}; batches take less."
    )


def check_send(job: ClusterJob, send: SparkSend) -> Job:
    """Check that every required setting is there, and that the keys may go to the address.

    Returns the job as people are told of it: with keys that only executors know. Raises UsageError
    and SettingsError, also for a state that would become an input.
    """
    if send.resume and send.restart:
        raise UsageError("--resume and --restart exclude each other", "Type one of them.")
    # Keys that only executors know count as given.
    known = dict.fromkeys(send.keys, Secret("known by the executors"))
    checked = replace(job.job, settings=replace(job.job.settings, **known))
    settings.require(checked.destination.name, checked.settings)
    trust.check_addresses(checked)
    trust.check_plain_http(checked, is_allowed=send.allow_http)
    check_now(checked, datetime.now(UTC))
    _check_outside(job, send.state)
    return checked


def _check_outside(job: ClusterJob, state: StatePlace) -> None:
    """Raise UsageError if the state is below an input: its objects would be read as events."""
    for folder in {entry.found_in for entry in job.files if entry.found_in}:
        if f"{state}/".startswith(f"{display_address(folder).rstrip('/')}/"):
            raise UsageError(
                f"the state {state} is below the input {display_address(folder)}, so it would "
                "become an input",
                "Name a place outside it: --state PLACE",
            )

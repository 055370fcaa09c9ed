"""The functions for notebooks and programs that have a session of Spark."""

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from segcli.core.secret import Secret
from segcli.lines.blocks import MAX_LINE
from segcli.runs.job_request import (
    ConfigLike,
    Dest,
    JobRequest,
    Texts,
    Time,
    job_request,
    naming_arguments,
    rate_of,
    replay_of,
    texts_of,
)
from segcli.spark.cluster_job import ClusterJob, cluster_job
from segcli.spark.manifest import job_files
from segcli.spark.session import check_modules

if TYPE_CHECKING:
    from segcli.review.review import Review
    from segcli.runs.report import Report

Names: TypeAlias = str | PathLike[str] | Iterable[str | PathLike[str]]


def transform(  # noqa: PLR0913  # each option has its own name, so that editors complete it
    spark: Any,
    inputs: Names,
    *,
    dest: Dest,
    settings: Mapping[str, Any] | None = None,
    config: ConfigLike = None,
    types: Texts = (),
    events: Texts = (),
    since: Time = None,
    until: Time = None,
    allowed_lateness: float | None = None,
    users: Texts = (),
    where: str | None = None,
    ignore_integrations: bool = False,
    older: str | None = None,
    now: Time = None,
    live: bool = False,
    max_line: int = MAX_LINE,
    first_look: bool = True,
    skip_unreadable: bool = False,
) -> Any:
    """Return the outcome of every line as a DataFrame, which is computed when it is used.

    spark: the session.
    inputs: a path, an address or a folder that all executors see, or several of these.
    skip_unreadable: give a file that cannot be read to its end a row with the state `unreadable`,
        instead of failing.

    Other arguments are those of `segcli.transform`. Columns: place, file, line, state, reason,
    action, route, request_values (JSON), payload (JSON); a line that has several payloads has
    several rows. Raises UsageError and InputError; an action on the DataFrame fails with the name
    of a file that cannot be read, that has changed since it was listed, or that does not hold
    events.
    """
    check_modules()
    from segcli.spark.mapping import outcomes_frame  # noqa: PLC0415  # needs pyarrow

    with naming_arguments():
        request = job_request(
            dest=dest,
            settings=settings,
            config=config,
            types=types,
            events=events,
            since=since,
            until=until,
            allowed_lateness=allowed_lateness,
            users=users,
            where=where,
            ignore_integrations=ignore_integrations,
            replay=replay_of(older, now, live=live),
        )
        job = _cluster_job(
            request,
            inputs,
            max_line=max_line,
            first_look=first_look,
            skip_unreadable=skip_unreadable,
        )
        return outcomes_frame(spark, job)


def check(  # noqa: PLR0913  # as `transform`
    spark: Any,
    inputs: Names,
    *,
    dest: Dest,
    settings: Mapping[str, Any] | None = None,
    config: ConfigLike = None,
    plan: str | PathLike[str] | Iterable[str | PathLike[str]] = (),
    select: Texts = (),
    ignore: Texts = (),
    fail_on_uncovered: Texts = (),
    strict: bool = False,
    allow_empty: bool = False,
    mask: bool = False,
    max_findings: int = 1000,
    rate: float | str | None = None,
    types: Texts = (),
    events: Texts = (),
    since: Time = None,
    until: Time = None,
    allowed_lateness: float | None = None,
    users: Texts = (),
    where: str | None = None,
    ignore_integrations: bool = False,
    older: str | None = None,
    now: Time = None,
    live: bool = False,
    max_line: int = MAX_LINE,
    first_look: bool = True,
) -> "Review":
    """Return what a destination would receive and lose, as `segcli.check`, computed on Spark.

    The arguments are those of `transform` and of `segcli.check`. Raises UsageError, and InputError
    if a file cannot be read to its end.
    """
    check_modules()
    from segcli.review.check_run import CheckRun  # noqa: PLC0415  # slow
    from segcli.review.wanted import Wanted  # noqa: PLC0415
    from segcli.runs.plans import read_plans  # noqa: PLC0415
    from segcli.spark.review import review_on_spark  # noqa: PLC0415  # needs pyarrow

    with naming_arguments():
        request = job_request(
            dest=dest,
            settings=settings,
            config=config,
            types=types,
            events=events,
            since=since,
            until=until,
            allowed_lateness=allowed_lateness,
            users=users,
            where=where,
            ignore_integrations=ignore_integrations,
            replay=replay_of(older, now, live=live),
        )
        job = _cluster_job(request, inputs, max_line=max_line, first_look=first_look)
        run = CheckRun(
            job=None,
            inputs=(),
            plans=read_plans([Path(one) for one in _names(plan)]),
            strict=strict,
            wanted=Wanted(texts_of("select", select), texts_of("ignore", ignore)),
            fail_on_uncovered=texts_of("fail_on_uncovered", fail_on_uncovered),
            needs_events=not allow_empty,
            mask=mask,
            rate=rate_of(rate),
            most_findings=max_findings,
            max_line=max_line,
        )
        return review_on_spark(spark, job, run)[0]


def send(  # noqa: PLR0913  # as `transform`
    spark: Any,
    inputs: Names,
    *,
    dest: Dest,
    state: str | PathLike[str],
    settings: Mapping[str, Any] | None = None,
    api_key: str | Secret | None = None,
    api_key_from: str | None = None,
    config: ConfigLike = None,
    resume: bool = False,
    restart: bool = False,
    rate: float | str | None = None,
    concurrency: int = 64,
    buckets: int = 64,
    by_day: bool = True,
    timeout: float = 30.0,
    retry_for: float = 600.0,
    allow_http: bool = False,
    confirm_messages: bool = False,
    types: Texts = (),
    events: Texts = (),
    since: Time = None,
    until: Time = None,
    allowed_lateness: float | None = None,
    users: Texts = (),
    where: str | None = None,
    ignore_integrations: bool = False,
    older: str | None = None,
    now: Time = None,
    live: bool = False,
    max_line: int = MAX_LINE,
    first_look: bool = True,
    skip_unreadable: bool = False,
) -> "Report":
    """Send events on Spark, account for every line of the job, and return the report.

    state: an address or a folder that all executors see; it records what is settled.
    api_key: the key; it goes along with the tasks, so encrypt the traffic of Spark.
    api_key_from: where executors get the key: `env:NAME` or `file:PATH`.
    resume, restart: continue the job of that state, or forget it.
    rate, concurrency: requests a second, and requests in flight, of all tasks together.
    buckets: how many tasks send a wave; all events of a user are sent by one of them.
    confirm_messages: send also what starts messages to people for old events; see `segcli guide
        replay`.
    by_day: read and send the files of one day after the other (small ones together), or all at
        once.

    All other arguments are those of `transform` and of `segcli.send`. Raises UsageError, InputError
    and OutputError, and Stopped if the run stops early: its `report` is that of the job so far.
    """
    check_modules()
    from segcli.runs.replay_start import check_messages, message_risk, survey  # noqa: PLC0415
    from segcli.runs.report import report_of  # noqa: PLC0415  # slow
    from segcli.spark.delivery import send_on_spark  # noqa: PLC0415  # needs pyarrow
    from segcli.spark.job_state import state_at  # noqa: PLC0415
    from segcli.spark.send_options import SparkSend, with_key_from  # noqa: PLC0415

    with naming_arguments():
        request = job_request(
            dest=dest,
            settings=settings,
            api_key=api_key,
            config=config,
            types=types,
            events=events,
            since=since,
            until=until,
            allowed_lateness=allowed_lateness,
            users=users,
            where=where,
            ignore_integrations=ignore_integrations,
            replay=replay_of(older, now, live=live),
        )
        job = _cluster_job(
            request,
            inputs,
            max_line=max_line,
            first_look=first_look,
            skip_unreadable=skip_unreadable,
        )
        job, keys = with_key_from(job, api_key_from) if api_key_from else (job, {})
        options = SparkSend(
            state=state_at(fspath(state)),
            keys=keys,
            buckets=buckets,
            by_day=by_day,
            concurrency=concurrency,
            rate=rate_of(rate),
            timeout=timeout,
            retry_for=retry_for,
            resume=resume,
            restart=restart,
            allow_http=allow_http,
        )
        if not confirm_messages:
            risk = message_risk(job.job, survey(job.job, job.files, max_line))
            check_messages(risk, confirmed=False, hint="Give confirm_messages=True to send it.")
        result = send_on_spark(spark, job, options)
        result.stop_clock()
        report = report_of(result)
        if result.stopped:
            result.stopped.report = report
            raise result.stopped
        return report


def _cluster_job(request: JobRequest, inputs: Names, **options: Any) -> ClusterJob:
    requested = request.resolved()
    return cluster_job(requested.spec, requested.job, job_files(_names(inputs)), **options)


def _names(inputs: Names) -> list[str]:
    named = [inputs] if isinstance(inputs, str | PathLike) else list(inputs)
    return [fspath(one) for one in named]

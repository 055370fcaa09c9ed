"""The functions for notebooks and programs that have a session of Spark."""

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any, TypeAlias

from segcli.lines.blocks import MAX_LINE
from segcli.runs.job_request import (
    ConfigLike,
    Dest,
    JobRequest,
    Texts,
    Time,
    naming_arguments,
    selection_of,
)
from segcli.spark.cluster_job import ClusterJob, cluster_job
from segcli.spark.manifest import listed
from segcli.spark.session import check_modules

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
    max_line: int = MAX_LINE,
    first_look: bool = True,
    skip_unreadable: bool = False,
) -> Any:
    """Return the outcome of every line as a DataFrame, which is computed when it is used.

    spark: the session.
    inputs: a path, an address or a folder that all executors see, or several of these.
    skip_unreadable: give a file that cannot be read to its end a row with the state `unreadable`,
        instead of failing.

    All other arguments are those of `segcli.transform`. Columns: place, file, line, state, reason,
    action, route, payload (JSON); a line that has several payloads has several rows. Raises
    UsageError and InputError; an action on the DataFrame fails with the name of a file that cannot
    be read, that has changed since it was listed, or that does not hold events.
    """
    check_modules()
    from segcli.spark.mapping import outcomes  # noqa: PLC0415  # needs pyarrow

    selection = {
        "types": types,
        "events": events,
        "since": since,
        "until": until,
        "allowed_lateness": allowed_lateness,
        "users": users,
        "where": where,
        "ignore_integrations": ignore_integrations,
    }
    request = {"dest": dest, "settings": settings, "config": config}
    with naming_arguments():
        job = _cluster_job(
            request,
            inputs,
            selection,
            max_line=max_line,
            first_look=first_look,
            skip_unreadable=skip_unreadable,
        )
        return outcomes(spark, job)


def _cluster_job(
    request: Mapping[str, Any], inputs: Names, selection: Mapping[str, Any], **options: Any
) -> ClusterJob:
    spec = selection_of(limit=None, **selection)
    requested = JobRequest(**request, selection=spec).resolved()
    return cluster_job(requested.spec, requested.job, listed(_names(inputs)), **options)


def _names(inputs: Names) -> list[str]:
    named = [inputs] if isinstance(inputs, str | PathLike) else list(inputs)
    return [fspath(one) for one in named]

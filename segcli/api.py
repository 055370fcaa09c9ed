"""The Python interface: map, check and send events from a program, without a command line.

    import segcli

    for outcome in segcli.transform("events.jsonl", dest="gist"):
        print(outcome.file, outcome.line, outcome.state, outcome.payload)
    report = segcli.send("events.jsonl", dest="gist", api_key=key)

`segcli guide python` describes it. The commands stand on the same functions below. What all of
these functions promise:

- `dest` is the name of a destination, the path of a destination file, or a `Destination`.
- Nothing is read from the environment or from a `segcli.toml`, unless `config` names a settings
  file or is `segcli.from_environment()`. Proxies are used only with the latter.
- No file is written unless an argument asks for it, nothing is printed, and signals are left
  alone.
- Where the command would exit with 2, UsageError or InputError is raised; where it would exit with
  3, Stopped (OutputError for a file that cannot be written). What it reports with exit code 1 is in
  the returned value.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segcli.accounting.tally import Tally
from segcli.core import event
from segcli.core.destination import Destination
from segcli.core.event import Event
from segcli.core.exact_json import dumps
from segcli.core.outcome import Outcome
from segcli.core.secret import Secret
from segcli.destination_source import find_destination
from segcli.inputs import Looked, look
from segcli.inputs.given import GivenInputs, Inputs, given_inputs
from segcli.inputs.judgement import HeadJudge, accept_all
from segcli.inputs.record_actions import judge_for
from segcli.lines.chunks import MAX_LINE
from segcli.runs.input_choice import InputChoice, choose
from segcli.runs.job_request import (
    ConfigLike,
    Dest,
    RequestedJob,
    Texts,
    Time,
    job_request,
    naming_arguments,
    rate_of,
    replay_of,
    texts_of,
)

if TYPE_CHECKING:
    from segcli.review.review import Review
    from segcli.runs.report import Report

PathLike = str | os.PathLike[str]


def parse(line: bytes | str | Mapping[str, Any]) -> Event:
    """Return the event of one line of JSON, or of the object itself.

    It is checked against Segment's spec. Raises Rejected if it breaks that.
    """
    if isinstance(line, Mapping):
        line = dumps(dict(line))
    return event.parse(line.encode() if isinstance(line, str) else line)


def destination(name_or_path: PathLike) -> Destination[Any]:
    """Return a destination by its name, or from its file.

    Raises UsageError if there is none, and DestinationError with all mistakes of a file.
    """
    return find_destination(os.fspath(name_or_path))


def transform(  # noqa: PLR0913  # each option has its own name, so that editors complete it
    inputs: Inputs,
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
    limit: int | None = None,
    ignore_integrations: bool = False,
    older: str | None = None,
    now: Time = None,
    live: bool = False,
    max_line: int = MAX_LINE,
    first_look: bool = True,
) -> Iterator[Outcome]:
    """Return the outcome of every line, in input order. Needs no key and sends nothing.

    inputs: a path, an address or an open binary file, or a list of these; or an iterable of events
        as bytes or dicts, which is read while the outcomes are.
    settings: the settings of the destination, by name.
    config: the path of a settings file, or `from_environment()`.
    types, events, users: call types; shell patterns of event names; user ids or anonymous ids.
    since, until: a datetime, a text such as `2026-02-16T09:00:00Z`, or how long ago, such as `7d`;
        `until` is excluded.
    allowed_lateness: seconds; in an archive, days that begin later than this after `until` are not
        read. None to read them.
    where: a query in FQL.
    limit: the most events that are mapped, after the other filters.
    ignore_integrations: also map events whose integrations object disables the destination.
    older: what happens to events that are too old for the vendor: `skip` (the default), `reject`
        or `send`.
    now: the time from which ages and `7d` are counted, as `since`; None for that of the call.
    live: the events are new: set no marks of old events.
    max_line: the longest line, in bytes; longer ones are rejected.
    first_look: refuse a file whose first lines are not events, instead of rejecting each line.

    Raises UsageError and InputError at once. The iterator raises InputError for an item that is not
    an event, and for a pipe that does not hold events, and Stopped if an input cannot be read to
    its end.
    """
    from segcli.payloads import outcomes  # noqa: PLC0415  # this module is imported quickly

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
            limit=limit,
            ignore_integrations=ignore_integrations,
            replay=replay_of(older, now, live=live),
        )
        requested = request.resolved()
        _, looked = _read(given_inputs(inputs), requested, first_look=first_look)
    return outcomes(requested.job, looked, max_line)


def check(  # noqa: PLR0913  # as `transform`
    inputs: Inputs,
    *,
    dest: Dest,
    settings: Mapping[str, Any] | None = None,
    config: ConfigLike = None,
    expect: PathLike | None = None,
    plan: PathLike | Iterable[PathLike] = (),
    baseline: PathLike | None = None,
    select: Texts = (),
    ignore: Texts = (),
    fail_on_uncovered: Texts = (),
    strict: bool = False,
    allow_empty: bool = False,
    mask: bool = False,
    max_findings: int = 1000,
    keep_all: bool = False,
    rate: float | str | None = None,
    jobs: int = 1,
    types: Texts = (),
    events: Texts = (),
    since: Time = None,
    until: Time = None,
    allowed_lateness: float | None = None,
    users: Texts = (),
    where: str | None = None,
    limit: int | None = None,
    ignore_integrations: bool = False,
    older: str | None = None,
    now: Time = None,
    live: bool = False,
    max_line: int = MAX_LINE,
    first_look: bool = True,
) -> "Review":
    """Return what a destination would receive and lose: findings, coverage, an estimate.

    `Review.ok` is False where the command ends with 1. The arguments of `transform` mean the same.

    expect: the golden file to compare the payloads with. It is only read.
    plan: one or several files of tracking plans to compare the events with.
    baseline: the file of findings that are accepted. It is only read.
    select, ignore: codes of findings that count, or that do not, or how they begin.
    fail_on_uncovered: patterns of input fields that the mapping must carry.
    strict: warnings count as errors.
    allow_empty: nothing to check is no error.
    mask: show the form of sample values, not the values.
    max_findings: how many findings `Review.findings` holds; all are counted.
    keep_all: `Review.all_findings` yields all findings; they are in a temporary file, which lasts
        as long as the review.
    rate: requests a second, or a text such as `50/s`, for the estimate of the time.
    jobs: processes that map; above 1, this process is forked.

    Raises UsageError, InputError if an input cannot be read to its end, and OutputError.
    """
    from segcli.review.check_run import CheckRun  # noqa: PLC0415
    from segcli.review.checker import review_inputs  # noqa: PLC0415
    from segcli.review.wanted import Wanted  # noqa: PLC0415
    from segcli.runs.plans import read_plans  # noqa: PLC0415

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
            limit=limit,
            ignore_integrations=ignore_integrations,
            replay=replay_of(older, now, live=live),
        )
        requested = request.resolved()
        plans = read_plans([Path(one) for one in _paths(plan)])
        choice, looked = _read(given_inputs(inputs), requested, first_look=first_look)
    run = CheckRun(
        job=requested.job,
        inputs=looked,
        plans=plans,
        files_left_out=len(choice.left_out),
        strict=strict,
        wanted=Wanted(texts_of("select", select), texts_of("ignore", ignore)),
        baseline=_path(baseline),
        expect=_path(expect),
        fail_on_uncovered=texts_of("fail_on_uncovered", fail_on_uncovered),
        needs_events=not allow_empty,
        mask=mask,
        rate=rate_of(rate),
        most_findings=max_findings,
        keeps_all=keep_all,
        max_line=max_line,
        jobs=jobs,
    )
    return review_inputs(run)


def send(  # noqa: PLR0913  # as `transform`
    inputs: Inputs,
    *,
    dest: Dest,
    settings: Mapping[str, Any] | None = None,
    api_key: str | Secret | None = None,
    config: ConfigLike = None,
    journal: PathLike | None = None,
    resume: bool = False,
    restart: bool = False,
    rejects: PathLike | None = None,
    rate: float | str | None = None,
    concurrency: int = 10,
    timeout: float = 30.0,
    retry_for: float = 600.0,
    allow_http: bool = False,
    confirm_messages: bool = False,
    http_transport: str | None = None,
    on_progress: Callable[[Tally], object] | None = None,
    types: Texts = (),
    events: Texts = (),
    since: Time = None,
    until: Time = None,
    allowed_lateness: float | None = None,
    users: Texts = (),
    where: str | None = None,
    limit: int | None = None,
    ignore_integrations: bool = False,
    older: str | None = None,
    now: Time = None,
    live: bool = False,
    max_line: int = MAX_LINE,
    first_look: bool = True,
) -> "Report":
    """Send events to a destination, account for every line, and return the report.

    The events of one user are sent in input order, one after the other; different users in
    parallel. `Report.ok` is False if some were rejected or refused. The arguments of `transform`
    mean the same.

    api_key: the key: the setting `api_key`, or the only setting that is a key.
    journal: a file that records which lines are settled; with it, a stopped run can be continued.
        An address, a folder or a path that ends with `/` is a journal that several machines share.
    resume, restart: continue the run of that journal, or forget it.
    rejects: the file to append rejected and refused events to. Without one, up to 1,000 of them, or
        64 MiB, are held in `Report.rejects`; more stop the run.
    rate: requests a second at most, or a text such as `50/s` or `3000/min`.
    concurrency: requests in flight at most.
    timeout: seconds for a request and its reply.
    retry_for: seconds in which the vendor neither accepts nor refuses an event, until the run
        stops.
    confirm_messages: send also what starts messages to people; see `segcli guide replay`. Without
        it UsageError is raised for such events.
    allow_http: let a key go to another machine over http://.
    http_transport: `aiohttp` or `httpx`; None for the first that can be loaded.
    on_progress: called every 0.5 s with the counts, in the thread of the caller, and once at the
        end. Do not change them.

    It works inside a running event loop, because the run has its own thread; the call returns when
    the run is over. KeyboardInterrupt stops the run (requests in flight get 10 s; a second one
    stops at once) and is raised again. An iterable of events is read in other threads.

    Raises UsageError, InputError and OutputError before anything is sent, and Stopped if the run
    stops early: the report is in the `report` of the error.
    """
    from segcli.runs.program_send import SendOptions, deliver_and_report  # noqa: PLC0415

    options = SendOptions(
        resume=resume,
        restart=restart,
        journal=journal,
        rejects=_path(rejects),
        rate=rate_of(rate),
        concurrency=concurrency,
        timeout=timeout,
        retry_for=retry_for,
        allow_http=allow_http,
        confirm_messages=confirm_messages,
        transport=http_transport,
        on_progress=on_progress,
        max_line=max_line,
    )
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
            limit=limit,
            ignore_integrations=ignore_integrations,
            replay=replay_of(older, now, live=live),
        )
        given = given_inputs(inputs)
        requested = request.resolved()
        judge = _judge(given, requested.job.destination, first_look=first_look)
        return deliver_and_report(options, requested, given, judge)


def _read(
    given: GivenInputs, requested: RequestedJob, *, first_look: bool
) -> tuple[InputChoice, Looked]:
    """Choose the inputs that are read, and judge them by their first lines."""
    choice = choose(given.found, requested.spec.selection, requested.job.selection)
    destination = requested.job.destination
    return choice, look(choice.inputs, _judge(given, destination, first_look=first_look))


def _judge(given: GivenInputs, destination: Destination[Any], *, first_look: bool) -> HeadJudge:
    return judge_for(destination) if first_look and not given.are_events else accept_all


def _path(given: PathLike | None) -> Path | None:
    return None if given is None else Path(given)


def _paths(given: PathLike | Iterable[PathLike]) -> list[PathLike]:
    return [given] if isinstance(given, str | os.PathLike) else list(given)

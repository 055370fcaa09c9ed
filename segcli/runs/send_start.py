"""The start of a send: checks, the journal, the first look at the inputs."""

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from segcli.accounting import rejects
from segcli.accounting.tally import STATES_OF_SEND, State
from segcli.core import settings, trust
from segcli.core.event_time import parse_time
from segcli.core.outcome import Job
from segcli.core.secret import Secret, display_address, display_url
from segcli.errors import SegcliError, UsageError
from segcli.inputs import Input, Looked, look
from segcli.inputs.input import is_address
from segcli.inputs.judgement import HeadJudge
from segcli.job_spec import JobSpec, ReplaySpec, SelectionSpec
from segcli.runs.input_choice import InputChoice, choose

if TYPE_CHECKING:
    from segcli.journal.checkpoint import Header
    from segcli.journal.journal import Journal
    from segcli.shared_journal.place import SharedPlace
    from segcli.shared_journal.shared_journal import SharedJournal

    AnyJournal: TypeAlias = Journal | SharedJournal
    JournalPlace: TypeAlias = Path | SharedPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPlan:
    """What a send reads, and where it records which lines are settled.

    spec: the job as texts.
    job: the job.
    names: the inputs as they were named.
    inputs: the inputs.
    judge: decides by the first lines of an input whether it is read.
    journal: the place of the journal; None for none.
    timeout: seconds for a request and its reply.
    resume: continue the run of that journal.
    restart: forget it.
    rehearsal: a sandbox receives everything.
    command: how to continue the run from any folder, for people; it shows no key.
    before: called with the job and its inputs before a run begins, not before it is continued; it
        may raise UsageError.
    """

    spec: JobSpec
    job: Job
    names: Sequence[str]
    inputs: Sequence[Input]
    judge: HeadJudge
    journal: "JournalPlace | None" = None
    timeout: float = 30.0
    resume: bool = False
    restart: bool = False
    rehearsal: bool = False
    command: Sequence[str] = ()
    before: Callable[[Job, Sequence[Input]], object] | None = None

    @property
    def journal_path(self) -> Path | None:
        """The file or the folder of the journal; None if it has an address, or there is none."""
        if self.journal is None or isinstance(self.journal, Path):
            return self.journal
        return self.journal.folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that can begin to send.

    journal: its journal; None without one.
    job: the job; for a resumed run, with the times of the first run.
    choice: the inputs of all its runs.
    looked: the inputs that this run still has to read.
    is_resumed: it continues an earlier run.
    """

    journal: "AnyJournal | None"
    job: Job
    choice: InputChoice
    looked: Looked
    is_resumed: bool = False

    @property
    def before(self) -> dict[State, int]:
        """The lines that earlier runs settled, by state."""
        totals: Mapping[Any, int] = self.journal.past.totals if self.journal else {}
        return {state: totals[state] for state in STATES_OF_SEND if state in totals}

    @property
    def before_by_action(self) -> Mapping[tuple[str, Any], int]:
        """The events that earlier runs settled, by action and state."""
        return self.journal.past.counts_by_action() if self.journal else {}

    @property
    def is_resumable(self) -> bool:
        """Whether the run can be continued: something is settled, and no other attempt does."""
        journal = self.journal
        return bool(journal and journal.past.is_worth_resuming and not journal.is_taken_over)

    def rejects_from(self, path: Path) -> int | None:
        """Return from which byte of a rejects file the records of this run and its past begin.

        Its past are the runs that it resumes. None if records of a run that was forgotten may be
        among them: those that are still right are not written again.
        """
        size = rejects.size_of(path)
        known = self.journal.rejects_before(path) if self.journal else None
        if known is None or size in {0, known}:
            return size
        return known if self.is_resumed and known < size else None

    def wait_for_older_run(self, tell: Callable[[str], object] = str) -> None:
        """Wait until the last request of an attempt that was lost is over; tell that first.

        Else a request of it could arrive after a later event of the same user.
        """
        journal = self.journal
        if journal is None or not (seconds := journal.seconds_to_wait):
            return
        tell(f"An earlier attempt has not ended; its last request is over in {seconds:.0f} s.")
        try:
            time.sleep(seconds)
        except BaseException:
            journal.end(finished=False)
            raise


def check_sending(job: Job, *, allow_http: bool, rehearsal: bool = False) -> None:
    """Check that every required setting is there, and that the keys may go to the address.

    Also that ages are not counted from the future. Raises SettingsError or UsageError.
    """
    settings.require(job.destination.name, job.settings)
    if not rehearsal:
        check_now(job, datetime.now(UTC))
        trust.check_addresses(job)
        trust.check_plain_http(job, is_allowed=allow_http)


def check_now(job: Job, clock: datetime) -> None:
    """Raise UsageError if ages would be counted from a time that has not come yet.

    The vendor counts them from its own clock. Events of today would be left out, or marked as old.
    A server on this machine may be a sandbox.
    """
    replay, facts = job.replay, job.destination.all_replay_facts()
    is_ahead = replay.is_fixed and replay.now is not None and replay.now > clock
    if not is_ahead or trust.stays_here(job) or not any(one.has_age_rules for one in facts):
        return
    raise UsageError(
        f"--now is ahead of the clock, but {job.destination.name} counts ages from its own: events "
        "that are not old would be left out, or marked as old",
        "Leave --now out, or rehearse with --sandbox or --dry-run.",
    )


def check_start(*, resume: bool, restart: bool) -> None:
    """Raise UsageError if a run is both continued and forgotten."""
    if resume and restart:
        raise UsageError("--resume and --restart exclude each other", "Type one of them.")


def journal_at(name: str | os.PathLike[str], names: Sequence[str] = ()) -> "JournalPlace":
    """Return the place of a journal.

    An address, an existing folder and a path that ends with `/` are for a journal that several
    machines share; everything else is a file. Raises UsageError if the place is below the address
    of an input: the journal would become one.
    """
    from segcli.shared_journal.place import shared_place  # noqa: PLC0415  # not for a run without

    text = os.fspath(name)
    place = shared_place(text)
    shown = str(place)
    for entry in map(display_address, filter(is_address, names)):
        if place and f"{shown}/".startswith(f"{entry.rstrip('/')}/"):
            raise UsageError(
                f"the journal {shown} is below the input {entry}, so it would become an input",
                "Name a place outside it: --journal PLACE",
            )
    return place or Path(text)


def begin_send(plan: SendPlan) -> Started:
    """Judge the inputs, and begin the journal.

    Raises UsageError, InputError and OutputError, all before anything is sent.
    """
    return _resume(plan) if plan.resume else _start(plan)


def journal_header(plan: SendPlan) -> "Header":
    """Return what a journal says about its run."""
    from segcli.journal.checkpoint import Header  # noqa: PLC0415  # not for a run without one

    job = plan.job
    return Header(
        destination=job.destination.name,
        # Each rehearsal has its own sandbox, on another port.
        endpoint="" if plan.rehearsal else display_url(getattr(job.settings, "endpoint", "")),
        inputs=_names(plan),
        options={
            **_typed(plan.spec.selection),
            **_typed_replay(plan.spec.replay),
            **_given_settings(job),
        },
        moments=_moments(job),
        revision=job.destination.revision,
        command=plan.command,
    )


def _start(plan: SendPlan) -> Started:
    """Judge the inputs, then begin the journal: a refused input must not replace an earlier one."""
    choice = choose(plan.inputs, plan.spec.selection, plan.job.selection)
    looked = look(choice.inputs, plan.judge)
    if plan.before:
        plan.before(plan.job, looked)
    journal, job = _begin_journal(plan)
    return Started(journal=journal, job=job, choice=choice, looked=looked)


def _resume(plan: SendPlan) -> Started:
    """Open the journal, and judge only the inputs that it says are left to read."""
    journal, job = _begin_journal(plan)
    spec = plan.spec.selection
    try:
        choice = choose(plan.inputs, spec, job.selection)
        unread = choose(journal.inputs if journal else plan.inputs, spec, job.selection).inputs
        looked = look(unread, plan.judge)
    except SegcliError:
        if journal:
            journal.end(finished=False)
        raise
    return Started(journal=journal, job=job, choice=choice, looked=looked, is_resumed=True)


def _begin_journal(plan: SendPlan) -> tuple["AnyJournal | None", Job]:
    """Return the journal of the run, and the job with the times of the first run."""
    if plan.journal is None:
        return None, plan.job
    from segcli.journal.resume import Start, begin  # noqa: PLC0415  # not for a run without one

    start = Start.RESUME if plan.resume else Start.RESTART if plan.restart else Start.FRESH
    header = journal_header(plan)
    journal: Journal | SharedJournal
    if isinstance(plan.journal, Path):
        journal = begin(plan.journal, header, plan.inputs, start)
    else:
        from segcli.shared_journal.take_over import begin_shared  # noqa: PLC0415  # rarely used

        journal = begin_shared(plan.journal, header, plan.inputs, start, timeout=plan.timeout)
    return journal, _as_begun(plan.job, journal.past.header)


def _names(plan: SendPlan) -> list[str]:
    """Return the inputs as a journal has them; those that a program gave, by their own names."""
    from segcli.journal.resume import names_of  # noqa: PLC0415  # not for a run without one

    if plan.inputs and plan.inputs[0].given:
        return list(plan.names)
    return names_of(plan.names)


def _typed(spec: SelectionSpec) -> dict[str, Any]:
    """Return the selection as it was typed: `7d` is a different time tomorrow."""
    lateness = spec.allowed_lateness
    return {
        "--type": list(spec.types),
        "--event": list(spec.events),
        "--since": spec.since,
        "--until": spec.until,
        "--allowed-lateness": None if lateness is None else f"{lateness:g}s",
        "--user": list(spec.users),
        # A list, as for options with several values: messages quote their items exactly.
        "--where": [spec.where] if spec.where else None,
        "--limit": spec.limit,
        "--ignore-integrations": spec.ignore_integrations,
    }


def _typed_replay(spec: ReplaySpec) -> dict[str, Any]:
    """Return what happens to old events, as it was typed."""
    return {"--older": spec.older, "--now": spec.now, "--live": spec.live}


def _moments(job: Job) -> dict[str, str]:
    """Return the times that the options of a run stand for."""
    moments = {
        "since": job.selection.since,
        "until": job.selection.until,
        "now": job.replay.now if job.replay.is_fixed else None,
    }
    return {name: moment.isoformat() for name, moment in moments.items() if moment}


def _given_settings(job: Job) -> dict[str, Any]:
    """Return the settings that differ from their default, without keys and the endpoint.

    Settings that only group events are left out: they may change.
    """
    return {
        f"--set {row.name}": display_url(str(value))
        for row in settings.describe(job.destination.name, job.destination.settings)
        if row.name != "endpoint" and row.kind is not Secret and not row.is_grouping
        if (value := getattr(job.settings, row.name)) != row.default
    }


def _as_begun(job: Job, header: "Header") -> Job:
    """Return the job with the times that its options had when the run began.

    What happens to old events is also as it was then.
    """
    times: dict[str, Any] = {name: parse_time(text) for name, text in header.moments.items()}
    begun = ReplaySpec(
        older=header.options.get("--older"),
        now=header.moments.get("now"),
        live=bool(header.options.get("--live")),
    )
    times.pop("now", None)
    return dataclasses.replace(
        job,
        selection=dataclasses.replace(job.selection, **times),
        replay=begun.options(job.replay.now) if job.replay.now else job.replay,
    )

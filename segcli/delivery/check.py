"""The check: reads the inputs once and reviews what would become of every line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

from segcli.delivery import source
from segcli.delivery.golden import GoldenFile, Place
from segcli.delivery.source import Input
from segcli.delivery.tally import STATES_OF_TRANSFORM, Tally
from segcli.destination import Remark
from segcli.event import Event, Rejected
from segcli.outcome import Job, Mapped, Outcome, Skipped, TooLong, event_of, map_event
from segcli.review import spec
from segcli.review.coverage import Coverage
from segcli.review.finding import Finding, Level, State
from segcli.review.plan import Plan
from segcli.review.review import Review


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What to review, and how strictly. `rate` is in requests a second."""

    job: Job
    inputs: Sequence[Input]
    strict: bool = False
    expect: Path | None = None
    update: bool = False
    fail_on_uncovered: Sequence[str] = ()
    rate: float | None = None
    most_findings: int = 1000
    max_line: int = source.MAX_LINE


def check(asked: Check) -> Review:
    """Review every line; raises InputError and OutputError."""
    return _Reviewer(asked).review()


@dataclass(slots=True)
class _Findings:
    """Keeps the first findings and counts them all."""

    most: int
    kept: list[Finding] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0

    def add(self, finding: Finding) -> None:
        if finding.level == "error":
            self.errors += 1
        else:
            self.warnings += 1
        if len(self.kept) < self.most:
            self.kept.append(finding)


class _Reviewer:
    """The parts of one check, put together."""

    def __init__(self, asked: Check) -> None:
        self.asked = asked
        self.job = asked.job
        self.tally = Tally()
        self.findings = _Findings(asked.most_findings)
        self.coverage = Coverage(asked.job)
        self.plan = Plan(asked.job)
        self.golden = GoldenFile(asked.expect, update=asked.update, several=len(asked.inputs) > 1)
        self.message_ids: dict[int, tuple[str, int]] = {}

    def review(self) -> Review:
        for chunk in source.chunks(self.asked.inputs, self.asked.max_line):
            for number, line in enumerate(chunk.lines, chunk.first):
                self._see(line, (chunk.input.title, number))
        for finding in self.golden.close(self.asked.inputs[0].title):
            self.findings.add(finding)
        for finding in self._uncovered():
            self.findings.add(finding)
        return self._review()

    def _see(self, line: bytes | TooLong, place: Place) -> None:
        event, outcome = self._outcome(line)
        self.tally.read += 1
        match outcome:
            case Mapped():
                self.tally.mapped += 1
                self.plan.see(outcome)
                if event:
                    self.coverage.see(event, *place)
                    self._warn(event, place)
            case Rejected(field=name, problem=problem):
                self.tally.rejected += 1
                self._find("error", "rejected", Remark(name, problem), place)
            case Skipped():
                self.tally.skipped += 1
        self.golden.see(place, outcome)

    def _outcome(self, line: bytes | TooLong) -> tuple[Event | None, Outcome]:
        """Return what becomes of a line, with its event if it has one."""
        limit = self.job.selection.limit
        if limit is not None and self.tally.mapped >= limit:
            return None, Skipped("over --limit")
        found = event_of(line)
        if not isinstance(found, Event):
            return None, found
        return found, map_event(found, self.job)

    def _warn(self, event: Event, place: Place) -> None:
        level: Level = "error" if self.asked.strict else "warning"
        remarks: Iterable[Remark] = chain(
            spec.remarks(event),
            self._repeated(event, place),
            self.job.destination.remarks(event, self.job.settings),
        )
        said = set()
        for remark in remarks:
            # The spec's word on a field is enough.
            if remark.field not in said:
                self._find(level, "warning", remark, place)
            said.add(remark.field)

    def _repeated(self, event: Event, place: Place) -> Iterator[Remark]:
        """Remark on a messageId of an earlier line; a hash of each is kept, not its text."""
        message_id = event.data.get("messageId")
        if not isinstance(message_id, str) or not message_id:
            return
        file, line = self.message_ids.setdefault(hash(message_id), place)
        if (file, line) != place:
            yield Remark("messageId", f"is the same as in {file}:{line}")

    def _uncovered(self) -> Iterator[Finding]:
        name = self.job.destination.name
        for one in self.coverage.left_out():
            if any(fnmatchcase(one.path, pattern) for pattern in self.asked.fail_on_uncovered):
                problem = f"is not carried by {name}, in {one.events:,} events"
                yield _finding("error", "uncovered", Remark(one.path, problem), one.place)

    def _find(self, level: Level, state: State, remark: Remark, place: Place) -> None:
        self.findings.add(_finding(level, state, remark, place))

    def _review(self) -> Review:
        counts = {str(state): n for state, n in self.tally.ledger(STATES_OF_TRANSFORM).items()}
        return Review(
            destination=self.job.destination.name,
            inputs=[entry.title for entry in self.asked.inputs],
            read=self.tally.read,
            counts=counts,
            findings=self.findings.kept,
            errors=self.findings.errors,
            warnings=self.findings.warnings,
            left_out=self.coverage.left_out(),
            untried=self.coverage.untried,
            routes=self.plan.routes(),
            seconds=self.plan.seconds(self.asked.rate),
        )


def _finding(level: Level, state: State, remark: Remark, place: Place) -> Finding:
    file, line = place
    return Finding(
        file=file,
        line=line,
        level=level,
        state=state,
        field=remark.field,
        problem=remark.problem,
    )

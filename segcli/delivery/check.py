"""The check: reads the inputs once and reviews what would become of every line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from segcli.delivery import source
from segcli.delivery.golden import GoldenFile, Place
from segcli.delivery.rejects import Rejects
from segcli.delivery.settled import Line, Settled
from segcli.delivery.source import Input
from segcli.delivery.tally import STATES_OF_TRANSFORM, Tally
from segcli.destination import Remark
from segcli.event import Event, Rejected
from segcli.outcome import Job, Mapped, Outcome, Skipped, TooLong, event_of, map_event
from segcli.review.coverage import Coverage
from segcli.review.finding import Finding, Level, State
from segcli.review.plan import Plan
from segcli.review.remarks import Remarks
from segcli.review.review import Review
from segcli.review.shape import shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What to review, and how strictly. `rate` is in requests a second."""

    job: Job
    inputs: Sequence[Input]
    files_left_out: int = 0
    strict: bool = False
    expect: Path | None = None
    update: bool = False
    fail_on_uncovered: Sequence[str] = ()
    rate: float | None = None
    most_findings: int = 1000
    max_line: int = source.MAX_LINE
    rejects: Rejects | None = None


def check(asked: Check) -> Review:
    """Review every line; raises InputError, OutputError and Stopped."""
    return _Reviewer(asked).review()


@dataclass(slots=True)
class _Findings:
    """Counts all findings and keeps the first; a warning never takes the place of an error."""

    most: int
    errors: int = 0
    warnings: int = 0
    _kept: list[Finding] = field(default_factory=list)

    def add(self, level: Level, state: State, remark: Remark, place: Place) -> None:
        if self._count(level):
            self._kept.append(_finding(level, state, remark, place))

    def add_made(self, finding: Finding) -> None:
        if self._count(finding.level):
            self._kept.append(finding)

    def kept(self) -> list[Finding]:
        """Return as many as are wanted, in the order in which they were found."""
        room = self.most - sum(finding.level == "error" for finding in self._kept)
        warnings = (finding for finding in self._kept if finding.level == "warning")
        shown = {id(finding) for finding in islice(warnings, max(room, 0))}
        return [one for one in self._kept if one.level == "error" or id(one) in shown]

    def _count(self, level: Level) -> bool:
        """Count a finding and tell whether it may be shown; most are not even made."""
        if level == "error":
            self.errors += 1
            return self.errors <= self.most
        self.warnings += 1
        return self.warnings <= self.most


class _Reviewer:
    """The parts of one check, put together."""

    def __init__(self, asked: Check) -> None:
        self.asked = asked
        self.job = asked.job
        self.level: Level = "error" if asked.strict else "warning"
        self.tally = Tally()
        self.findings = _Findings(asked.most_findings)
        self.coverage = Coverage(asked.job)
        self.remarks = Remarks(asked.job)
        self.plan = Plan(asked.job)
        self.golden = GoldenFile(asked.expect, update=asked.update, several=len(asked.inputs) > 1)
        # A hash of each messageId is kept, not its text.
        self.message_ids: dict[int, Place] = {}

    def review(self) -> Review:
        for chunk in source.chunks(self.asked.inputs, self.asked.max_line):
            for number, line in enumerate(chunk.lines, chunk.first):
                self._see(line, (chunk.input.title, number))
        first = self.asked.inputs[0].title if self.asked.inputs else ""
        for finding in self.golden.close(first):
            self.findings.add_made(finding)
        self._find_uncovered()
        if self.asked.rejects:
            self.asked.rejects.close()
        return self._review()

    def _see(self, line: bytes | TooLong, place: Place) -> None:
        event, outcome = self._outcome(line)
        self.tally.read += 1
        match outcome:
            case Mapped():
                self.tally.mapped += 1
                self.plan.see(outcome)
                if event:
                    shape = shape_of(event, outcome)
                    self.coverage.see(event, shape, place)
                    self._warn(event, shape, place)
            case Rejected():
                self.tally.rejected += 1
                self._reject(outcome, line, place)
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

    def _reject(self, rejected: Rejected, line: bytes | TooLong, place: Place) -> None:
        remark = Remark(rejected.field, rejected.problem)
        self.findings.add("error", "rejected", remark, place)
        if self.asked.rejects:
            self.asked.rejects.keep(Settled([Line(*place, line)], "rejected", str(rejected)))

    def _warn(self, event: Event, shape: int | None, place: Place) -> None:
        for remark in (*self._repeated(event, place), *self.remarks.of(event, shape)):
            self.findings.add(self.level, "warning", remark, place)

    def _repeated(self, event: Event, place: Place) -> Sequence[Remark]:
        """Remark on a messageId that an earlier line has."""
        message_id = event.data.get("messageId")
        if not message_id or not isinstance(message_id, str):
            return ()
        first = self.message_ids.setdefault(hash(message_id), place)
        if first is place:
            return ()
        return (Remark("messageId", f"is the same as in {first[0]}:{first[1]}"),)

    def _find_uncovered(self) -> None:
        name = self.job.destination.name
        for one in self.coverage.left_out():
            if any(_is_like(one.path, pattern) for pattern in self.asked.fail_on_uncovered):
                remark = Remark(one.path, f"is not carried by {name}, in {one.events:,} events")
                self.findings.add("error", "uncovered", remark, one.place)

    def _review(self) -> Review:
        counts = {str(state): n for state, n in self.tally.ledger(STATES_OF_TRANSFORM).items()}
        return Review(
            destination=self.job.destination.name,
            inputs=[entry.title for entry in self.asked.inputs],
            read=self.tally.read,
            counts=counts,
            findings=self.findings.kept(),
            errors=self.findings.errors,
            warnings=self.findings.warnings,
            left_out=self.coverage.left_out(),
            untried=self.coverage.untried,
            routes=self.plan.routes(),
            seconds=self.plan.seconds(self.asked.rate),
            files_left_out=self.asked.files_left_out,
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


def _is_like(path: str, pattern: str) -> bool:
    """Tell whether a path is like a shell pattern, in which `[]` stands for itself."""
    return fnmatchcase(path, pattern.replace("[]", "[[]]"))

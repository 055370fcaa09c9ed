"""The check: reads the inputs once and reviews what would become of every line."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from operator import attrgetter, itemgetter
from pathlib import Path

from segcli.accounting.rejects import Rejects
from segcli.core.destination import Remark
from segcli.core.line import Line, Result
from segcli.core.outcome import Job
from segcli.core.selection import Selection
from segcli.errors import InputError, Stopped
from segcli.inputs import Input
from segcli.inputs.input_list import Titles
from segcli.lines.blocks import MAX_LINE, LineCounter, Unreadable
from segcli.lines.spans import lines_of
from segcli.parallel.ordered_map import OrderedMap
from segcli.parallel.work import WorkItem, WorkResult
from segcli.plan.coverage import PlanCoverage
from segcli.plan.index import PlanIndex
from segcli.plan.judge import Judge
from segcli.plan.plan import Plan
from segcli.review.coverage import Coverage
from segcli.review.estimate import Estimate
from segcli.review.golden_file import GoldenFile, LinePlace
from segcli.review.partial_review import PartialReview, Rejections
from segcli.review.plan_reviewer import PlanReviewer, PlanWatch
from segcli.review.review import Finding, FindingState, Level, Review
from segcli.review.reviewer import Reviewer


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """What to review, and how strictly. `rate` is in requests a second.

    Without a `job` the events of `selection` are held against `plans` alone; a job has its own
    selection.
    `jobs` is how many processes do; None: as many as there are processors, once that pays.
    """

    job: Job | None
    inputs: Sequence[Input]
    plans: Sequence[Plan] = ()
    selection: Selection = Selection()
    files_left_out: int = 0
    strict: bool = False
    expect: Path | None = None
    update: bool = False
    fail_on_uncovered: Sequence[str] = ()
    rate: float | None = None
    most_findings: int = 1000
    max_line: int = MAX_LINE
    jobs: int | None = None
    rejects: Rejects | None = None

    @property
    def selected(self) -> Selection:
        """Which events are looked at."""
        return self.job.selection if self.job else self.selection


def review_inputs(asked: CheckRun) -> Review:
    """Review every line; raises OutputError, and InputError where an input cannot be read on."""
    return _Joined(asked).review()


@dataclass(slots=True)
class _Findings:
    """Counts all findings and keeps the first; a warning never takes the place of an error."""

    most: int
    errors: int = 0
    warnings: int = 0
    _kept: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        if self.count(finding.level, 1) <= self.most:
            self._kept.append(finding)

    def count(self, level: Level, findings: int) -> int:
        """Count findings, which are not kept, and return how many of their level there are now."""
        if level == "error":
            self.errors += findings
            return self.errors
        self.warnings += findings
        return self.warnings

    def kept(self) -> list[Finding]:
        """Return as many as are wanted, in the order in which they were found."""
        room = self.most - sum(finding.level == "error" for finding in self._kept)
        warnings = (finding for finding in self._kept if finding.level == "warning")
        shown = {id(finding) for finding in islice(warnings, max(room, 0))}
        return [one for one in self._kept if one.level == "error" or id(one) in shown]


class _Joined:
    """What all processes saw of all lines, put together."""

    def __init__(self, asked: CheckRun) -> None:
        self.asked = asked
        self.level: Level = "error" if asked.strict else "warning"
        self.read = self.skipped = self.rejected = 0
        self.findings = _Findings(asked.most_findings)
        self.coverage = Coverage()
        self.estimate = Estimate(asked.job) if asked.job else None
        self.index = PlanIndex(asked.plans)
        self.plan = PlanCoverage(self.index)
        self.golden = GoldenFile(asked.expect, update=asked.update, several=len(asked.inputs) > 1)
        self.message_ids = MessageIds(asked.inputs)

    def review(self) -> Review:
        self._find_mistakes()
        self._read()
        first_input = self.asked.inputs[0].title if self.asked.inputs else ""
        for finding in self.golden.close(first_input):
            self.findings.add(finding)
        self._find_uncovered()
        self._find_unsearched(first_input)
        if self.asked.rejects:
            self.asked.rejects.close()
        return self._review()

    def _read(self) -> None:
        """Take in all lines; nothing is to be resumed, so a run that stops is an input's error."""
        numbers = LineCounter()
        with closing(_flow(self.asked, self.index)) as flow:
            try:
                for block, portion in flow.portions():
                    first = numbers.next_in(block.input)
                    numbers.count(portion.account.lines)
                    self._join(portion.account, block.input, first)
            except Unreadable as unreadable:
                said = unreadable.said_at(numbers.next_in(unreadable.input))
                raise InputError(f"{said}; nothing is reported", unreadable.hint) from None
            except Stopped as stopped:
                raise InputError(f"{stopped.message}; nothing is reported", stopped.hint) from None

    def _join(self, seen: PartialReview, entry: Input, first: int) -> None:
        """Take in what was seen of the lines of an input from number `first` on."""
        self.read += seen.lines
        self.skipped += seen.skipped
        self.rejected += seen.errors
        self._add_findings(seen, entry, first)
        self.coverage.add(seen, entry.title, first)
        self.plan.add(seen.plan)
        if self.estimate:
            for route, sizes in seen.mapped.items():
                self.estimate.see(route, sizes)
        for place, outcome in enumerate(seen.outcomes, first):
            self.golden.see((entry.title, place), outcome)
        if self.asked.rejects:
            for place, reason, line in seen.kept:
                kept = Line(entry.title, first + place, line)
                self.asked.rejects.keep(Result([kept], "rejected", reason))

    def _add_findings(self, seen: PartialReview, entry: Input, first: int) -> None:
        repeated = self.message_ids.repeated(seen, entry, first)
        found: list[tuple[int, Level, FindingState, Remark]] = [
            *((place, "error", "rejected", remark) for place, remark in seen.rejected),
            *((place, "error", one.state, Remark(*one[1:])) for place, one in seen.differences),
            *((place, self.level, "warning", remark) for place, remark in repeated),
            *((place, self.level, "warning", remark) for place, remark in seen.warnings),
        ]
        for place, level, state, remark in sorted(found, key=itemgetter(0)):
            self.findings.add(_finding(level, state, remark, (entry.title, first + place)))
        self.findings.count("error", seen.errors - len(seen.rejected))
        self.findings.count("error", seen.differing - len(seen.differences))
        self.findings.count(self.level, seen.warned - len(seen.warnings))

    def _find_mistakes(self) -> None:
        """Say first what is wrong with the plans: it explains what follows."""
        for plan in self.asked.plans:
            for one in plan.mistakes:
                level = self.level if one.is_harmless else "error"
                remark = Remark(one.pointer, one.problem)
                self.findings.add(_finding(level, "plan-mistake", remark, (plan.title, one.line)))

    def _find_uncovered(self) -> None:
        name = self.asked.job.destination.name if self.asked.job else ""
        for one in self.coverage.left_out():
            if any(_is_like(one.path, pattern) for pattern in self.asked.fail_on_uncovered):
                remark = Remark(one.path, f"is not carried by {name}")
                self.findings.add(_finding("error", "uncovered", remark, one.place, one.events))

    def _find_unsearched(self, first_input: str) -> None:
        """What was not looked at may hold such a field: a gate that cannot tell must not open."""
        untried = self.coverage.untried
        if self.asked.fail_on_uncovered and untried:
            were = "event was" if untried == 1 else "events were"
            problem = f"{untried:,} {were} not searched, so --fail-on-uncovered cannot tell"
            remark = Remark("", problem)
            self.findings.add(_finding("error", "uncovered", remark, (first_input, 1)))

    def _review(self) -> Review:
        counts = {
            "mapped" if self.asked.job else "checked": self.read - self.rejected - self.skipped,
            "rejected": self.rejected,
            "skipped": self.skipped,
        }
        titles = [plan.title for plan in self.asked.plans]
        return Review(
            destination=self.asked.job.destination.name if self.asked.job else None,
            inputs=Titles(self.asked.inputs),
            read=self.read,
            counts=counts,
            findings=self.findings.kept(),
            errors=self.findings.errors,
            warnings=self.findings.warnings,
            left_out=self.coverage.left_out(),
            untried=self.coverage.untried,
            routes=self.estimate.routes() if self.estimate else [],
            seconds=self.estimate.seconds(self.asked.rate) if self.estimate else None,
            files_left_out=self.asked.files_left_out,
            plan=self.plan.result(titles) if titles else None,
        )


def _flow(asked: CheckRun, index: PlanIndex) -> OrderedMap[PartialReview]:
    reviewer = _reviewer(asked, index)

    def review(piece: WorkItem) -> WorkResult[PartialReview]:
        seen = PartialReview()
        for lines in lines_of(piece.data, asked.max_line):
            reviewer.look(lines, seen)
        return WorkResult(seen)

    # A limit counts what is mapped, line after line.
    jobs = 1 if asked.selected.limit is not None else asked.jobs
    return OrderedMap(asked.inputs, review, jobs=jobs, max_line=asked.max_line)


def _reviewer(asked: CheckRun, index: PlanIndex) -> Reviewer | PlanReviewer:
    most, selection = asked.most_findings, asked.selected
    rejections = Rejections(most=most, keeps=asked.rejects is not None)
    watch = PlanWatch(Judge(index), selection, most=most)
    if asked.job is None:
        return PlanReviewer(watch, rejections, selection.limit)
    return Reviewer(
        asked.job,
        most=most,
        rejections=rejections,
        watch=watch if asked.plans else None,
        shows_outcomes=asked.expect is not None,
    )


def _finding(
    level: Level, state: FindingState, remark: Remark, place: LinePlace, lines: int = 1
) -> Finding:
    file, line = place
    return Finding(
        file=file,
        line=line,
        level=level,
        state=state,
        field=remark.field,
        problem=remark.problem,
        count=lines,
    )


def _is_like(path: str, pattern: str) -> bool:
    """Tell whether a path, or one above it, is like a shell pattern; `[]` stands for itself."""
    own = pattern.replace("[]", "[[]]")
    return any(fnmatchcase(path, one) for one in (own, f"{own}.*", f"{own}[[]]*"))


# A line of an input is known by one number: a million of them take a third of the memory.
_LINE_BITS = 48


class MessageIds:
    """Remembers each messageId by a hash, and where it stood first: in which of the inputs."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._first: dict[int, int] = {}
        self._inputs = inputs

    def repeated(
        self, seen: PartialReview, entry: Input, first: int
    ) -> Iterator[tuple[int, Remark]]:
        """Yield the places of lines with a messageId that was there before, and a remark on it."""
        start = (entry.place << _LINE_BITS) + first
        new = dict(zip(seen.ids, map(start.__add__, seen.id_places), strict=True))
        if len(new) == len(seen.ids) and self._first.keys().isdisjoint(new):
            self._first |= new
            return
        for message_id, place in zip(seen.ids, seen.id_places, strict=True):
            known = self._first.setdefault(message_id, start + place)
            if known != start + place:
                yield place, Remark("messageId", f"is the same as in {self._named(known)}")

    def _named(self, line: int) -> str:
        # Fewer inputs than there were places may be read, in the order of their places.
        index = bisect_left(self._inputs, line >> _LINE_BITS, key=attrgetter("place"))
        return f"{self._inputs[index].title}:{line % (1 << _LINE_BITS)}"

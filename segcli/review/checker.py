"""The check: reads the inputs once and reviews the outcome of every line."""

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
from segcli.review.partial_review import HashedLines, PartialReview, Rejections
from segcli.review.plan_reviewer import PlanReviewer, PlanWatch
from segcli.review.review import Finding, FindingState, Level, Review
from segcli.review.reviewer import Reviewer


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """What to review, and how strictly.

    job: the destination, its settings and which events to review; None to compare events with
        tracking plans only.
    inputs: the files and streams to read, in this order.
    plans: the tracking plans to compare events with.
    selection: which events to review if there is no job.
    files_left_out: how many files were not read, because their day is outside the range.
    strict: a warning counts as an error.
    expect: the golden file to compare with; None for no comparison.
    update: write the golden file instead of comparing with it.
    fail_on_uncovered: shell patterns of fields that must reach the payload.
    rate: requests a second, for the estimated time; None for the destination's own limit.
    most_findings: how many findings the review holds; all are counted.
    max_line: the longest line that is read, in bytes.
    jobs: how many processes to use; None for one a processor, once the input is large enough.
    rejects: where rejected lines are written; None to write none.
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
        """Which events are reviewed."""
        return self.job.selection if self.job else self.selection


def review_inputs(options: CheckRun) -> Review:
    """Review every line.

    Raises InputError if an input cannot be read to its end, and OutputError if the golden file
    or the rejects cannot be written.
    """
    return _JoinedReview(options).review()


# An input and a line number are stored as one integer: a third of the memory of a pair.
_LINE_BITS = 48


class Repeats:
    """Finds repeated messageIds, or lines: remembers a hash of each one, and its first line."""

    def __init__(self, inputs: Sequence[Input], problem: str) -> None:
        """`problem` says what is wrong with a messageId; the place of the first one follows."""
        self._first: dict[int, int] = {}
        self._inputs = inputs
        self._problem = problem

    def found(self, hashes: HashedLines, entry: Input, first: int) -> Iterator[tuple[int, Remark]]:
        """Yield the index of each line whose hash was seen before, with a remark."""
        start = (entry.place << _LINE_BITS) + first
        new = dict(zip(hashes.hashes, map(start.__add__, hashes.places), strict=True))
        if len(new) == len(hashes.hashes) and self._first.keys().isdisjoint(new):
            self._first |= new
            return
        for one, place in zip(hashes.hashes, hashes.places, strict=True):
            known = self._first.setdefault(one, start + place)
            if known != start + place:
                yield place, Remark("messageId", f"{self._problem} {self._named(known)}")

    def _named(self, line: int) -> str:
        # The selected inputs keep their original place numbers, in order, possibly with gaps.
        index = bisect_left(self._inputs, line >> _LINE_BITS, key=attrgetter("place"))
        return f"{self._inputs[index].title}:{line % (1 << _LINE_BITS)}"


@dataclass(slots=True)
class _Findings:
    """Counts all findings and keeps the first `most`; errors take precedence over warnings."""

    most: int
    errors: int = 0
    warnings: int = 0
    _kept: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        if self.count(finding.level, 1) <= self.most:
            self._kept.append(finding)

    def count(self, level: Level, findings: int) -> int:
        """Count findings without keeping them; return the new total of their level."""
        if level == "error":
            self.errors += findings
            return self.errors
        self.warnings += findings
        return self.warnings

    def kept(self) -> list[Finding]:
        """Return at most `most` findings, in the order in which they were found."""
        room = self.most - sum(finding.level == "error" for finding in self._kept)
        warnings = (finding for finding in self._kept if finding.level == "warning")
        shown = {id(finding) for finding in islice(warnings, max(room, 0))}
        return [one for one in self._kept if one.level == "error" or id(one) in shown]


class _JoinedReview:
    """Joins the partial reviews of all processes into one review."""

    def __init__(self, options: CheckRun) -> None:
        self.options = options
        self.level: Level = "error" if options.strict else "warning"
        self.read = self.skipped = self.rejected = 0
        self.findings = _Findings(options.most_findings)
        self.coverage = Coverage()
        self.estimate = Estimate(options.job) if options.job else None
        self.index = PlanIndex(options.plans)
        self.plan = PlanCoverage(self.index)
        self.golden = GoldenFile(
            options.expect, update=options.update, several=len(options.inputs) > 1
        )
        self.message_ids = Repeats(options.inputs, "is the same as in")
        self.lines_without_id = Repeats(options.inputs, "is missing, and the line is the same as")

    def review(self) -> Review:
        self._find_mistakes()
        self._read()
        first_input = self.options.inputs[0].title if self.options.inputs else ""
        for finding in self.golden.close(first_input):
            self.findings.add(finding)
        self._find_uncovered()
        self._find_unsearched(first_input)
        if self.options.rejects:
            self.options.rejects.close()
        return self._review()

    def _read(self) -> None:
        """Read all lines.

        A check cannot be resumed, so an input that stops the run is reported as an InputError.
        """
        numbers = LineCounter()
        with closing(_partial_reviews(self.options, self.index)) as flow:
            try:
                for block, result in flow.portions():
                    first = numbers.next_in(block.input)
                    numbers.count(result.account.lines)
                    self._join(result.account, block.input, first)
            except Unreadable as unreadable:
                said = unreadable.said_at(numbers.next_in(unreadable.input))
                raise InputError(f"{said}; nothing is reported", unreadable.hint) from None
            except Stopped as stopped:
                raise InputError(f"{stopped.message}; nothing is reported", stopped.hint) from None

    def _join(self, seen: PartialReview, entry: Input, first: int) -> None:
        """Add the partial review of an input's lines, of which the first is number `first`."""
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
        if self.options.rejects:
            for place, reason, line in seen.kept:
                kept = Line(entry.title, first + place, line)
                self.options.rejects.keep(Result([kept], "rejected", reason))

    def _add_findings(self, seen: PartialReview, entry: Input, first: int) -> None:
        repeated = [
            *self.message_ids.found(seen.ids, entry, first),
            *self.lines_without_id.found(seen.lines_without_id, entry, first),
        ]
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
        """Add the mistakes in the plans. They come first, because they explain other findings."""
        for plan in self.options.plans:
            for one in plan.mistakes:
                level = self.level if one.is_harmless else "error"
                remark = Remark(one.pointer, one.problem)
                self.findings.add(_finding(level, "plan-mistake", remark, (plan.title, one.line)))

    def _find_uncovered(self) -> None:
        name = self.options.job.destination.name if self.options.job else ""
        for one in self.coverage.left_out():
            if any(_is_like(one.path, pattern) for pattern in self.options.fail_on_uncovered):
                remark = Remark(one.path, f"is not carried by {name}")
                self.findings.add(_finding("error", "uncovered", remark, one.place, one.events))

    def _find_unsearched(self, first_input: str) -> None:
        """Add an error if --fail-on-uncovered is given and some events were not searched.

        They may hold such a field, and a check that cannot tell must not pass.
        """
        untried = self.coverage.untried
        if self.options.fail_on_uncovered and untried:
            were = "event was" if untried == 1 else "events were"
            problem = f"{untried:,} {were} not searched, so --fail-on-uncovered cannot tell"
            remark = Remark("", problem)
            self.findings.add(_finding("error", "uncovered", remark, (first_input, 1)))

    def _review(self) -> Review:
        job = self.options.job
        counts = {
            "mapped" if self.options.job else "checked": self.read - self.rejected - self.skipped,
            "rejected": self.rejected,
            "skipped": self.skipped,
        }
        titles = [plan.title for plan in self.options.plans]
        return Review(
            destination=job.destination.name if job else None,
            inputs=Titles(self.options.inputs),
            read=self.read,
            counts=counts,
            findings=self.findings.kept(),
            errors=self.findings.errors,
            warnings=self.findings.warnings,
            left_out=self.coverage.left_out(),
            untried=self.coverage.untried,
            routes=self.estimate.routes() if self.estimate else [],
            seconds=self.estimate.seconds(self.options.rate) if self.estimate else None,
            files_left_out=self.options.files_left_out,
            advice=job.destination.advice(job.settings) if job and counts["mapped"] else "",
            plan=self.plan.result(titles) if titles else None,
        )


def _partial_reviews(options: CheckRun, index: PlanIndex) -> OrderedMap[PartialReview]:
    reviewer = _reviewer(options, index)

    def review(item: WorkItem) -> WorkResult[PartialReview]:
        seen = PartialReview()
        for lines in lines_of(item.data, options.max_line):
            reviewer.look(lines, seen)
        return WorkResult(seen)

    # --limit counts mapped events in input order, so one process has to see all lines.
    jobs = 1 if options.selected.limit is not None else options.jobs
    return OrderedMap(options.inputs, review, jobs=jobs, max_line=options.max_line)


def _reviewer(options: CheckRun, index: PlanIndex) -> Reviewer | PlanReviewer:
    most, selection = options.most_findings, options.selected
    rejections = Rejections(most=most, keeps=options.rejects is not None)
    watch = PlanWatch(Judge(index), selection, most=most)
    if options.job is None:
        return PlanReviewer(watch, rejections, selection.limit)
    return Reviewer(
        options.job,
        most=most,
        rejections=rejections,
        watch=watch if options.plans else None,
        shows_outcomes=options.expect is not None,
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
    """Return whether a path, or one above it, matches a shell pattern; `[]` is literal."""
    own = pattern.replace("[]", "[[]]")
    return any(fnmatchcase(path, one) for one in (own, f"{own}.*", f"{own}[[]]*"))

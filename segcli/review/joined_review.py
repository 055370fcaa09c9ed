"""The review of a whole run, joined from the partial reviews of all processes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter, itemgetter
from typing import Protocol

from segcli.core.decision import rejection
from segcli.core.line import Line
from segcli.core.outcome import Job
from segcli.inputs import Input
from segcli.inputs.input_list import Titles
from segcli.plan.coverage import PlanCoverage
from segcli.plan.index import PlanIndex
from segcli.replay.effects import EffectCounts
from segcli.replay.sentences import counted_sentences
from segcli.review import codes
from segcli.review.baseline import read_baseline, read_replaced, write_baseline
from segcli.review.check_run import CheckRun
from segcli.review.coverage import Coverage, LeftOut
from segcli.review.coverage_view import is_like, masked_sample
from segcli.review.estimate import Estimate
from segcli.review.finding_spool import FoundAt
from segcli.review.findings import BaselineResult, Finding, Findings
from segcli.review.golden_file import GoldenFile
from segcli.review.notes import GroupNote, HashedLines, Key, key_of
from segcli.review.partial_review import PartialReview
from segcli.review.repeats import Repeats
from segcli.review.replay_notes import describe_repeat
from segcli.review.review import Review

_SAME = "is the same as in an earlier line"
_NOTHING = key_of(
    codes.NOTHING_CHECKED,
    "",
    "no line was mapped, rejected or compared with a plan; to accept that, use --allow-empty",
)
_REPEATED_LINE = key_of(
    codes.REPEATED_LINE, "messageId", "is missing, and the line is the same as an earlier one"
)


class RepeatedLines(Protocol):
    """Tells which lines were there before, by what is hashed of them."""

    def found(self, hashes: HashedLines, entry: Input, first: int) -> Iterator[tuple[int, str]]:
        """Yield the index of each line that is repeated, and the place of the first one."""
        ...


class JoinedReview:
    """Joins the partial reviews of all processes into one review, in the order of the input.

    known: the findings that the baseline accepts.
    """

    def __init__(
        self,
        options: CheckRun,
        *,
        message_ids: RepeatedLines | None = None,
        lines_without_id: RepeatedLines | None = None,
    ) -> None:
        """Begin a review. On a cluster, what is repeated is found by others."""
        self.options = options
        self.read = self.skipped = self.rejected = self.marked = 0
        self.known = _known(options)
        self.limits = options.note_limits(self.known)
        self.findings = Findings(self.limits, strict=options.strict)
        self.coverage = Coverage()
        self.estimate = Estimate(options.job) if options.job else None
        self.index = PlanIndex(options.plans)
        self.plan = PlanCoverage(self.index)
        self.golden = GoldenFile(
            options.expect,
            update=options.update,
            several=len(options.inputs) > 1,
            ignored=_moving_marks(options.job),
        )
        self.repeated_id = _repeated_id(options.job)
        self.effects: dict[Key, tuple[tuple[str, int], int]] = {}
        self.message_ids = message_ids or Repeats(options.inputs)
        self.lines_without_id = lines_without_id or Repeats(options.inputs)
        self._find_mistakes()

    def end(self) -> Review:
        """Return the review of all that was joined. Raises OutputError."""
        first_input = self.options.inputs[0].title if self.options.inputs else ""
        for key, place in self.golden.close(first_input):
            self._find(key, place)
        for key, (where, lines) in self.effects.items():
            self._find(key, where, lines)
        left_out = self.coverage.left_out()
        self._find_uncovered(left_out)
        self._find_unsearched(first_input)
        if self.options.rejects:
            self.options.rejects.close()
        baseline = self._accepted()
        self._find_nothing(first_input)
        return self._review(baseline, left_out)

    def count_repeats(self, message_ids: int, lines_without_id: int) -> None:
        """Count repeated lines that no partial review has."""
        for key, lines in ((self.repeated_id, message_ids), (_REPEATED_LINE, lines_without_id)):
            if lines and self.findings.takes(key.code):
                self.findings.count(key, lines, ())

    def join(self, seen: PartialReview, entry: Input, first: int) -> None:
        """Add the partial review of an input's lines, of which the first is number `first`."""
        self.read += seen.lines
        self.skipped += seen.skipped
        self.rejected += seen.rejected
        self.marked += seen.marked
        self._add_findings(seen, entry, first)
        for key, note in seen.effects.items():
            known = self.effects.get(key, ((entry.title, first + note.places[0]), 0))
            self.effects[key] = known[0], known[1] + note.count
        self.coverage.add(seen, entry.title, first)
        self.plan.add(seen.plan)
        if self.estimate:
            for request_key, sizes in seen.mapped.items():
                self.estimate.add(request_key, sizes)
        outcomes = zip(seen.outcomes, seen.message_ids, strict=True)
        for place, (outcome, message_id) in enumerate(outcomes, first):
            for key, where in self.golden.add((entry.title, place), outcome, message_id):
                self._find(key, where)
        if self.options.rejects:
            for place, outcome, line in seen.kept:
                kept = Line(entry.title, first + place, line)
                self.options.rejects.keep(rejection(kept, outcome))

    def _add_findings(self, seen: PartialReview, entry: Input, first: int) -> None:
        """Add the findings on an input's lines, in their order."""
        repeated = list(self._repeated(seen, entry, first))
        notes, title = seen.notes, entry.title
        groups: list[tuple[int, Key, int, Iterable[Finding]]] = [
            *((one.line, one.key, 1, [one]) for one in repeated),
            *(
                (first + note.places[0], key, note.count, self._first(key, note, title, first))
                for key, note in notes.groups.items()
            ),
        ]
        for _, key, number, found in sorted(groups, key=itemgetter(0)):
            self.findings.count(key, number, found)
        for level, others in notes.others.items():
            self.findings.count_others(level, others, title, first)
        single = [FoundAt(first + place, key) for place, key in notes.first]
        if repeated:
            again = [FoundAt(one.line, one.key, other=one.other) for one in repeated]
            single = sorted([*again, *single], key=attrgetter("line"))
        self.findings.keep(title, single)

    def _first(self, key: Key, note: GroupNote, title: str, first: int) -> Iterator[Finding]:
        return (self.findings.finding(key, title, first + place) for place in note.places)

    def _repeated(self, seen: PartialReview, entry: Input, first: int) -> Iterator[Finding]:
        """Yield a finding for each messageId, or line without one, that was seen before."""
        ids = self.message_ids.found(seen.ids, entry, first)
        lines = self.lines_without_id.found(seen.lines_without_id, entry, first)
        for key, found in ((self.repeated_id, ids), (_REPEATED_LINE, lines)):
            if self.findings.takes(key.code):
                for place, other in found:
                    yield self.findings.finding(key, entry.title, first + place, other=other)

    def _find(self, key: Key, place: tuple[str, int], lines: int = 1) -> None:
        self.findings.add(self.findings.finding(key, *place, count=lines))

    def _find_mistakes(self) -> None:
        """Add the mistakes in the plans. They come first, because they explain other findings."""
        for plan in self.options.plans:
            for one in plan.mistakes:
                code = codes.UNKNOWN_COLUMN if one.is_harmless else codes.PLAN_MISTAKE
                self._find(key_of(code, one.pointer, one.problem), (plan.title, one.line))

    def _find_uncovered(self, left_out: Iterable[LeftOut]) -> None:
        name = self.options.job.destination.name if self.options.job else ""
        for one in left_out:
            if any(is_like(one.path, pattern) for pattern in self.options.fail_on_uncovered):
                key = key_of(codes.NOT_CARRIED, one.path, f"is not carried by {name}")
                self._find(key, one.place, one.events)

    def _find_unsearched(self, first_input: str) -> None:
        """Add an error if --fail-on-uncovered is given and some events were not searched.

        They may hold such a field, and a check that cannot tell must not pass.
        """
        untried = self.coverage.untried
        if self.options.fail_on_uncovered and untried:
            were = "event was" if untried == 1 else "events were"
            problem = f"{untried:,} {were} not searched, so --fail-on-uncovered cannot tell"
            self._find(key_of(codes.NOT_SEARCHED, "", problem), (first_input, 1))

    def _find_nothing(self, first_input: str) -> None:
        """Add an error if nothing was checked; neither --ignore nor a baseline accepts it."""
        looked_at = self.read - self.skipped + self.plan.checked
        if self.options.needs_events and not looked_at:
            place = first_input or "no input"
            finding = self.findings.finding(_NOTHING, place, 1)
            self.findings.count(_NOTHING, 1, [finding])
            self.findings.keep(place, [FoundAt(1, _NOTHING)])

    def _accepted(self) -> BaselineResult | None:
        """Apply the baseline, or write it; None if there is none."""
        path = self.options.baseline
        if path is None:
            return None
        if self.options.update_baseline:
            return write_baseline(path, self.findings)
        return self.findings.accept(self.known)

    def _shown(self, left_out: Sequence[LeftOut]) -> Sequence[LeftOut]:
        if not self.options.mask:
            return left_out
        return [replace(one, sample=masked_sample(one.sample)) for one in left_out]

    def _review(self, baseline: BaselineResult | None, left_out: Sequence[LeftOut]) -> Review:
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
            groups=self.findings.groups(),
            all_findings=self.findings.all_kept(),
            all_groups=self.findings.all_groups(),
            errors=self.findings.total("error"),
            warnings=self.findings.total("warning"),
            left_out=self._shown(left_out),
            untried=self.coverage.untried,
            routes=self.estimate.routes() if self.estimate else [],
            seconds=self.estimate.seconds(self.options.rate) if self.estimate else None,
            files_left_out=self.options.files_left_out,
            advice=_advice(job, counts["mapped"], self.marked) if job else "",
            plan=self.plan.result(titles) if titles else None,
            baseline=baseline,
        )


def _repeated_id(job: Job | None) -> Key:
    """Return the key of findings on repeated ids, with what the vendor does if that is known."""
    said = describe_repeat(job.destination.name, job.destination.replay) if job else ""
    return key_of(codes.REPEATED_MESSAGE_ID, "messageId", f"{_SAME}{said}")


def _advice(job: Job, mapped: int, marked: int) -> str:
    """Return what people should know before they send these events; "" for nothing."""
    if not mapped:
        return ""
    counts = EffectCounts(mapped=mapped, marked=marked)
    said = [job.destination.advice(job.settings)]
    said += [one.removesuffix(".") for one in counted_sentences(job, counts, is_whole=True)]
    return "; ".join(filter(None, said))


def _moving_marks(job: Job | None) -> Sequence[str]:
    """Return the paths of fields that depend on the clock, and so are not compared."""
    if job is None or job.replay.is_fixed:
        return ()
    facts = job.destination.all_replay_facts()
    return [mark.path for one in facts for mark in one.set if mark.at == "item"]


def _known(options: CheckRun) -> Mapping[Key, int]:
    """Return what the baseline knows; a file that will be replaced must be one, too."""
    path = options.baseline
    if path is None:
        return {}
    return read_replaced(path) if options.update_baseline else read_baseline(path)

"""The check: reads the inputs once and reviews the outcome of every line."""

from collections.abc import Mapping
from contextlib import closing

from segcli.errors import InputError, Stopped
from segcli.lines.blocks import LineCounter, Unreadable
from segcli.lines.spans import lines_of
from segcli.parallel.ordered_map import OrderedMap
from segcli.parallel.work import WorkItem, WorkResult
from segcli.plan.index import PlanIndex
from segcli.plan.judge import Judge
from segcli.review.check_run import CheckRun
from segcli.review.joined_review import JoinedReview
from segcli.review.notes import Key, Notebook, NoteLimits
from segcli.review.partial_review import PartialReview, Rejections
from segcli.review.plan_reviewer import PlanReviewer, PlanWatch
from segcli.review.review import Review
from segcli.review.reviewer import Reviewer


def review_inputs(options: CheckRun) -> Review:
    """Review every line.

    Raises InputError if an input cannot be read to its end, and OutputError if the golden file
    or the rejects cannot be written.
    """
    joined = JoinedReview(options)
    _read_all(joined)
    return joined.end()


def block_reviewer(options: CheckRun, known: Mapping[Key, int]) -> Reviewer | PlanReviewer:
    """Return the reviewer for one task of a cluster; another process joins its partial reviews.

    `known` are the findings that the baseline accepts.
    """
    notebook = Notebook(options.note_limits(known))
    return _reviewer(options, PlanIndex(options.plans), notebook)


def _read_all(joined: JoinedReview) -> None:
    """Read and join all lines.

    A check cannot be resumed, so an input that stops the run is reported as an InputError.
    """
    numbers = LineCounter()
    with closing(_partial_reviews(joined.options, joined.index, joined.limits)) as reviews:
        try:
            for block, result in reviews.results():
                first = numbers.next_in(block.input)
                numbers.count(result.account.lines)
                joined.join(result.account, block.input, first)
        except Unreadable as unreadable:
            said = unreadable.said_at(numbers.next_in(unreadable.input))
            raise InputError(f"{said}; nothing is reported", unreadable.hint) from None
        except Stopped as stopped:
            raise InputError(f"{stopped.message}; nothing is reported", stopped.hint) from None


def _partial_reviews(
    options: CheckRun, index: PlanIndex, limits: NoteLimits
) -> OrderedMap[PartialReview]:
    reviewer = _reviewer(options, index, Notebook(limits))

    def review(item: WorkItem) -> WorkResult[PartialReview]:
        seen = PartialReview()
        for lines in lines_of(item.data, options.max_line):
            reviewer.look(lines, seen)
        return WorkResult(seen)

    # --limit counts mapped events in input order, so one process has to see all lines.
    jobs = 1 if options.selected.limit is not None else options.jobs
    return OrderedMap(options.inputs, review, jobs=jobs, max_line=options.max_line)


def _reviewer(options: CheckRun, index: PlanIndex, notebook: Notebook) -> Reviewer | PlanReviewer:
    selection = options.selected
    rejections = Rejections(
        notebook, keeps=options.rejects is not None, notes=options.expect is None
    )
    watch = PlanWatch(Judge(index), selection, notebook)
    if options.job is None:
        return PlanReviewer(watch, rejections, selection.limit)
    return Reviewer(
        options.job,
        notebook=notebook,
        rejections=rejections,
        watch=watch if options.plans else None,
        shows_outcomes=options.expect is not None,
    )

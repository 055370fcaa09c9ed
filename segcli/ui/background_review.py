"""What `check` says of the events, in the background; the latest destination wins."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segcli.core.outcome import Job
from segcli.core.visible_text import visible
from segcli.errors import SegcliError
from segcli.inputs import Input
from segcli.review.check_run import CheckRun
from segcli.review.checker import review_inputs
from segcli.review.codes import CODES
from segcli.review.findings import Finding, Group
from segcli.review.review import Review
from segcli.ui.event_index import EventIndex
from segcli.ui.given_lines import inputs_of, whole_inputs

MAX_REVIEWED_LINES = 2000
_MOST_LISTED = 200
# Seconds to wait for lines of an input that is still read.
_PATIENCE = 2.0
# Seconds between two looks at an index that is still growing.
_PAUSE = 0.05
_GOLDEN = frozenset({"changed", "added", "removed"})


@dataclass(frozen=True, slots=True)
class _Task:
    """A review that is asked for: of the first lines, or of all."""

    job: Job
    is_whole: bool


class BackgroundReview:
    """Reviews the first `MAX_REVIEWED_LINES` lines for a destination, and all lines on request.

    result: the latest review as JSON; None before there is one.
    version: changes with each result.
    looked: how many lines a review of all lines has looked at; None without one.
    """

    def __init__(self, index: EventIndex, *, expect: Path | None, max_line: int) -> None:
        self.result: dict[str, Any] | None = None
        self.version = 0
        self.looked: int | None = None
        self._index = index
        self._expect = expect
        self._max_line = max_line
        self._wanted: _Task | None = None
        self._lock = threading.Lock()
        self._is_running = self._is_closed = False
        self._thread: threading.Thread | None = None

    def request(self, job: Job, *, is_whole: bool = False) -> None:
        """Review for this job next: the first lines, or all.

        A review of all lines is stopped by the next request, and an older one that still waits is
        dropped.
        """
        with self._lock:
            self._wanted = _Task(job, is_whole)
            if self._is_running or self._is_closed:
                return
            self._is_running = True
            self._thread = threading.Thread(target=self._run, name="segcli-review", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Begin no other review, and wait for the one that is running."""
        with self._lock:
            self._wanted = None
            self._is_closed = True
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                task, self._wanted = self._wanted, None
                if task is None:
                    self._is_running = False
                    return
            result = self._result_of(task)
            if not (task.is_whole and self._is_superseded()):
                self.result = result
            self.looked = None
            self.version += 1

    def _result_of(self, task: _Task) -> dict[str, Any]:
        try:
            return self._reviewed_whole(task.job) if task.is_whole else self._reviewed(task.job)
        except SegcliError as error:
            return {"problem": visible(error.message)}
        except OSError as error:
            return {"problem": visible(str(error.strerror))}

    def _is_superseded(self) -> bool:
        return self._wanted is not None or self._is_closed

    def _reviewed(self, job: Job) -> dict[str, Any]:
        """Return the review of the first lines."""
        self._index.wait(_PATIENCE)
        lines = list(self._index.lines(0, MAX_REVIEWED_LINES))
        is_whole = self._index.is_complete and len(lines) == len(self._index)
        inputs = inputs_of(lines, max_line=self._max_line)
        return self._shown(job, inputs, len(lines), is_whole=is_whole)

    def _reviewed_whole(self, job: Job) -> dict[str, Any]:
        """Return the review of all lines; what it returns after a newer request means nothing."""
        self.looked = 0
        while not (self._index.is_complete or self._is_superseded()):
            self._index.wait(_PAUSE)
        inputs = whole_inputs(self._index, max_line=self._max_line, may_go_on=self._may_go_on)
        return self._shown(job, inputs, len(self._index), is_whole=True)

    def _may_go_on(self) -> bool:
        self.looked = (self.looked or 0) + 1
        return not self._is_superseded()

    def _shown(
        self, job: Job, inputs: Sequence[Input], lines: int, *, is_whole: bool
    ) -> dict[str, Any]:
        run = CheckRun(
            job=job,
            inputs=inputs,
            # A golden file is about every line.
            expect=self._expect if is_whole else None,
            max_line=self._max_line,
            most_findings=_MOST_LISTED,
            jobs=1,
        )
        found = _shown(review_inputs(run))
        expect = visible(str(self._expect or ""))
        return {**found, "lines": lines, "isWhole": is_whole, "expect": expect}


def _shown(review: Review) -> dict[str, Any]:
    found = [_finding(one) for one in review.groups[:_MOST_LISTED]]
    return {
        "counts": review.counts,
        "errors": review.errors,
        "warnings": review.warnings,
        "findings": [one for one in found if one["state"] not in _GOLDEN],
        "differences": [one for one in found if one["state"] in _GOLDEN],
        "notCarried": [
            {
                "path": visible(one.path),
                "events": one.events,
                "share": one.share,
                "sample": visible(one.sample),
            }
            for one in review.left_out[:_MOST_LISTED]
        ],
    }


def _finding(group: Group) -> dict[str, Any]:
    first: Finding = group.first[0]
    return {
        "code": group.key.code,
        "means": CODES[group.key.code].means,
        "state": CODES[group.key.code].state,
        "level": group.level,
        "field": visible(group.key.field),
        "problem": visible(group.key.problem),
        "lines": group.lines,
        "place": visible(first.place),
    }

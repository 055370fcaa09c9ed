"""What `check` says of the first events, in the background; the latest destination wins."""

import threading
from pathlib import Path
from typing import Any

from segcli.core.outcome import Job
from segcli.core.visible_text import visible
from segcli.errors import SegcliError
from segcli.review.checker import CheckRun, review_inputs
from segcli.review.codes import CODES
from segcli.review.findings import Finding, Group
from segcli.review.review import Review
from segcli.ui.event_index import EventIndex
from segcli.ui.given_lines import inputs_of

MOST_LINES = 2000
_MOST_LISTED = 200
# Seconds to wait for lines of an input that is still read.
_PATIENCE = 2.0
_GOLDEN = frozenset({"changed", "added", "removed"})


class BackgroundReview:
    """Reviews the first `MOST_LINES` lines for a destination.

    result: the latest review as JSON; None before there is one.
    version: changes with each result.
    """

    def __init__(self, index: EventIndex, *, expect: Path | None, max_line: int) -> None:
        self.result: dict[str, Any] | None = None
        self.version = 0
        self._index = index
        self._expect = expect
        self._max_line = max_line
        self._wanted: Job | None = None
        self._lock = threading.Lock()
        self._is_running = self._is_closed = False
        self._thread: threading.Thread | None = None

    def request(self, job: Job) -> None:
        """Review for this job next, and drop an older one that still waits."""
        with self._lock:
            self._wanted = job
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
                job, self._wanted = self._wanted, None
                if job is None:
                    self._is_running = False
                    return
            try:
                self.result = self._reviewed(job)
            except SegcliError as error:
                self.result = {"problem": visible(error.message)}
            except OSError as error:
                self.result = {"problem": visible(str(error.strerror))}
            self.version += 1

    def _reviewed(self, job: Job) -> dict[str, Any]:
        self._index.wait(_PATIENCE)
        lines = list(self._index.lines(0, MOST_LINES))
        is_whole = self._index.is_complete and len(lines) == len(self._index)
        run = CheckRun(
            job=job,
            inputs=inputs_of(lines, max_line=self._max_line),
            # A golden file is about every line.
            expect=self._expect if is_whole else None,
            max_line=self._max_line,
            most_findings=_MOST_LISTED,
            jobs=1,
        )
        shown = _shown(review_inputs(run))
        return {**shown, "lines": len(lines), "isWhole": is_whole, "golden": self._golden(is_whole)}

    def _golden(self, is_whole: bool) -> str:
        if self._expect is None:
            return ""
        if not is_whole:
            return f"too many lines to compare with {self._expect}"
        return f"compared with {self._expect}"


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

"""The run that the page shows: the one at hand, the last one into the sandbox, or a report."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from segcli.accounting.reject_samples import RejectSamples
from segcli.core.redaction import Redactor
from segcli.runs.report import REPORT_VERSION, input_row, report_of
from segcli.runs.run_result import RunResult
from segcli.ui.figures import Values, run_figures
from segcli.ui.pages import PageError, page
from segcli.ui.plots import course_of

_MOST_INPUTS = 100


@dataclass(slots=True)
class RunState:
    """The run that the page shows.

    redactor: hides keys.
    result: a run of this process; None without one.
    report: a report that was opened instead; None without one.
    is_running: whether the run has not ended yet.
    version: changes when another run is shown, or when it ends.
    """

    redactor: Redactor
    result: RunResult | None = None
    report: Mapping[str, Any] | None = None
    is_running: bool = False
    version: int = 0

    def begin(self, result: RunResult) -> None:
        """Show a run from its beginning."""
        self.result, self.report, self.is_running = result, None, True
        self.version += 1

    def end(self) -> None:
        """Show that the run has ended."""
        self.is_running = False
        self.version += 1

    def open_report(self, report: Mapping[str, Any]) -> None:
        """Show a report; raises ValueError if it is not one of a run."""
        version = report.get("report_version")
        if type(version) is not int or version < 1:
            raise ValueError("this is not a report of a run: those are written with --report PATH")
        if version > REPORT_VERSION:
            raise ValueError("this report was written by a newer segcli: open it with that one")
        try:
            self._page(report, None)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise ValueError(f"this report of a run is damaged: {error!r}") from None
        except PageError as error:
            raise ValueError(f"this report of a run is damaged: {error}") from None
        self.report = report
        self.version += 1

    def html(self) -> str:
        """Return the run as a part of a page; empty if there is none."""
        if self.report is not None:
            return self._page(self.report, None)
        result = self.result
        if result is None:
            return ""
        if self.is_running:
            # A copy: the clock of the run itself is stopped at its end.
            result = replace(result)
            result.stop_clock()
        inputs = [input_row(entry) for entry in result.inputs[:_MOST_INPUTS]]
        document = {**report_of(result, with_inputs=False).document(), "inputs": inputs}
        return self._page(document, result.samples, is_running=self.is_running)

    def _page(
        self, report: Mapping[str, Any], samples: RejectSamples | None, *, is_running: bool = False
    ) -> str:
        values = Values(samples or RejectSamples(), self.redactor)
        run = run_figures(report, values, is_running=is_running)
        return page("run.html", run=run, **course_of(report))

"""The option --html: the report of a command as a page, beside what it prints."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from segcli.accounting.reject_samples import RejectSamples
from segcli.accounting.series import Series
from segcli.cli.options import Outputs
from segcli.core.extras import how_to_install
from segcli.errors import UsageError
from segcli.runs.report import input_row, report_of
from segcli.runs.run_result import RunResult

if TYPE_CHECKING:
    from segcli.review.review import Review

_LIBRARIES = ("jinja2", "vl_convert")


def html_output(options: Outputs) -> Mapping[str, Path | None]:
    """Return the file of --html, for `check_outputs`.

    Raises UsageError if the libraries for it are missing, or if --html-samples has no --html.
    """
    if options.html_samples and not options.html:
        raise UsageError("--html-samples needs --html", "Add --html PATH")
    if options.html:
        check_libraries("--html", _LIBRARIES)
    return {"--html": options.html}


def check_libraries(what: str, libraries: tuple[str, ...]) -> None:
    """Raise UsageError with the command that installs the extra `ui` if one of these is missing."""
    if any(find_spec(name) is None for name in libraries):
        problem = f"{what} needs libraries that are not installed: the extra ui"
        raise UsageError(problem, f"Type: {how_to_install('ui')}")


def watch_for_reports(result: RunResult, options: Outputs) -> None:
    """Let a run collect its course and samples, as far as a report of it shows them."""
    if options.html or options.report:
        result.series = Series(result.tally)
    if options.html_samples:
        result.samples = RejectSamples()


def watch_for_page(result: RunResult) -> None:
    """Let a run collect what the local page shows of it."""
    result.series = result.series or Series(result.tally)
    result.samples = result.samples or RejectSamples()


def run_page(result: RunResult, *, with_samples: bool) -> bytes:
    """Return the page of a run."""
    from segcli.core.redaction import Redactor
    from segcli.ui.figures import Values
    from segcli.ui.html_report import run_html

    samples = result.samples if with_samples else None
    values = Values(samples, Redactor(result.job.secrets()))
    document = report_of(result, with_inputs=False).document()
    inputs = [input_row(entry) for entry in result.inputs]
    return run_html({**document, "inputs": inputs}, values)


def review_page(review: "Review", options: Outputs) -> bytes:
    """Return the page of a check."""
    from segcli.ui.figures import Values
    from segcli.ui.html_report import check_html

    values = Values(RejectSamples() if options.html_samples else None)
    return check_html(review.document(), review.inputs, values)

"""The report of a run as one file of HTML: it needs no network, and can be printed or attached."""

from collections.abc import Mapping, Sequence
from typing import Any

from segcli import __version__
from segcli.ui.figures import Values, check_figures, run_figures
from segcli.ui.pages import page, static_file
from segcli.ui.plots import course_of


def run_html(report: Mapping[str, Any], values: Values) -> bytes:
    """Return the page of a run; `report` is the JSON of its report, with the inputs."""
    run = run_figures(report, values)
    return _whole("run.html", run["title"], values, run=run, **course_of(report))


def check_html(review: Mapping[str, Any], inputs: Sequence[str], values: Values) -> bytes:
    """Return the page of a check; `review` is the JSON of its report."""
    check = check_figures(review, inputs, values)
    return _whole("check.html", check["title"], values, check=check)


def _whole(content: str, title: str, values: Values, **more: Any) -> bytes:
    text = page(
        "report.html",
        content=content,
        title=f"segcli {title}",
        style=static_file("base.css").decode(),
        version=__version__,
        shows_values=values.samples is not None,
        **more,
    )
    return text.encode()

"""The options for seeing what happens: the log of a run, and its metrics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from segcli.cli.options import grouped_options
from segcli.logs import DEBUG, INFO, ROOT

if TYPE_CHECKING:
    from segcli.cli.log_output import LogHandler

LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Where the log and the metrics of a run go.

    verbose: 0 for no log, 1 for what is decided, 2 also for each request and reply
    log_format: `text` or `json`; None for text
    log_file: the file of the log; None for stderr
    metrics: the file of the metrics; None for none
    """

    verbose: int
    log_format: str | None
    log_file: Path | None
    metrics: Path | None = None

    @property
    def writes(self) -> Mapping[str, Path | None]:
        """The files that are written, by option."""
        return {"--log-file": self.log_file, "--metrics": self.metrics}

    @property
    def level(self) -> int | None:
        """The level of the log; None without one. A format or a file asks for a log too."""
        if self.verbose or self.log_format or self.log_file:
            return DEBUG if self.verbose > 1 else INFO
        return None


_VERBOSE = click.option(
    "--verbose",
    "-v",
    count=True,
    help="Log what is decided and why: retries, splits, waits. -vv: each request and reply too.",
)
_LOG_FORMAT = click.option(
    "--log-format",
    metavar="text|json",
    type=click.Choice(LOG_FORMATS),
    help="The form of the log: text, or an object a line.  [default: text]",
)
_LOG_FILE = click.option(
    "--log-file",
    metavar="PATH",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append the log to this file, not to stderr.",
)
_METRICS = click.option(
    "--metrics",
    metavar="PATH",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write figures of the run to this file for Prometheus, every 15 s and at the end.",
)
LOG_OPTIONS = grouped_options(LogOptions, "log_options", _VERBOSE, _LOG_FORMAT, _LOG_FILE)
WATCH_OPTIONS = grouped_options(
    LogOptions, "log_options", _VERBOSE, _LOG_FORMAT, _LOG_FILE, _METRICS
)


@contextmanager
def logging_to(options: LogOptions) -> Iterator["LogHandler | None"]:
    """Write the log during the block as the options say; yield its handler, None without a log."""
    if options.level is None:
        yield None
        return
    import logging

    from segcli.cli.log_output import LogHandler

    handler = LogHandler(options.log_file, as_json=options.log_format == "json")
    logger = logging.getLogger(ROOT)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(options.level)
    try:
        yield handler
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()

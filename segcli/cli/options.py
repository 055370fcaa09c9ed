"""The options that several commands share, and how they reach a command as one value."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from segcli.cli.completion import complete_dest, complete_file, complete_setting
from segcli.cli.option_types import DURATION, MOMENT, QUERY, SIZE, TEXT, WholeNumber
from segcli.core.event import TYPES
from segcli.core.replay import POLICIES
from segcli.lines.chunks import MAX_LINE
from segcli.settings_file import DEFAULT_CONFIG

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """The options of every command that maps events.

    files: the inputs; none for stdin
    dest, set, config, api_key_file, endpoint: the destination and its settings
    type ... ignore_integrations: the selection of events
    older, now, live: what happens to old events
    allowed_lateness: seconds; None to read every day of an archive
    max_line: the most bytes of a line
    no_first_look: accept every input, and reject each line that is not an event
    rejects: where rejected and refused events go; None for no file or the default
    report: where the JSON report goes; None for none
    html: where the report as a page goes; None for none
    html_samples: whether that page shows values of events
    quiet: print only errors, and the line that says what goes where
    """

    files: tuple[str, ...]
    dest: str | None
    set: tuple[str, ...]
    config: str | None
    api_key_file: Path | None
    endpoint: str | None
    type: tuple[str, ...]
    event: tuple[str, ...]
    since: str | None
    until: str | None
    allowed_lateness: float | None
    user: tuple[str, ...]
    where: str | None
    limit: int | None
    ignore_integrations: bool
    older: str | None
    now: str | None
    live: bool
    max_line: int
    no_first_look: bool
    rejects: Path | None
    report: Path | None
    html: Path | None
    html_samples: bool
    quiet: bool


class Target(Protocol):
    """The options that name a destination and its settings."""

    @property
    def dest(self) -> str | None:
        """A name, or the path of a destination file."""

    @property
    def set(self) -> tuple[str, ...]:
        """Settings, as `key=value`."""

    @property
    def config(self) -> str | None:
        """The settings file, if it is named."""

    @property
    def api_key_file(self) -> Path | None:
        """The file that holds the key."""

    @property
    def endpoint(self) -> str | None:
        """Where requests go."""


class Outputs(Protocol):
    """The options for what a command prints and writes besides its result."""

    @property
    def report(self) -> Path | None:
        """Where the JSON report goes."""

    @property
    def html(self) -> Path | None:
        """Where the report as a page goes."""

    @property
    def html_samples(self) -> bool:
        """Whether that page shows values of events."""

    @property
    def quiet(self) -> bool:
        """Whether to print only errors, and the line that says what goes where."""


class Files(Outputs, Protocol):
    """The options that name the files of a run."""

    @property
    def files(self) -> tuple[str, ...]:
        """The inputs."""

    @property
    def rejects(self) -> Path | None:
        """Where rejected and refused events go."""

    @property
    def no_first_look(self) -> bool:
        """Whether to accept every input, and reject each line that is not an event."""


def grouped_options(
    into: type[Any], name: str, *options: Callable[[Any], Any]
) -> Callable[[Command], Command]:
    """Return a decorator that gives a command these options as one argument.

    The argument `name` is a value of the dataclass `into`; each option sets one field of it. A
    field without an option keeps its default.
    """
    names = [entry.name for entry in dataclasses.fields(into)]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**values: Any) -> Any:
            value = into(**{key: values.pop(key) for key in names if key in values})
            return command(**{name: value}, **values)

        for option in reversed(options):
            run = option(run)
        return run  # type: ignore[return-value]  # click passes keywords, so its type does not matter

    return decorate


CONFIG_OPTION = click.option(
    "--config",
    metavar="PATH",
    envvar="SEGCLI_CONFIG",
    shell_complete=complete_file,
    help="The settings file, with tables for commands and destinations. Env: SEGCLI_CONFIG.  "
    f"[default: {DEFAULT_CONFIG}, if it exists]",
)
JOBS_OPTION = click.option(
    "--jobs",
    metavar="N",
    type=WholeNumber(min=1),
    help="Map in N processes.  [default: one for each processor, for more than 4 MB]",
)


def job_options(default_dest: str | None = None) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of `JobOptions`."""
    files = click.argument("files", nargs=-1, metavar="[FILES]...", shell_complete=complete_file)
    return grouped_options(
        JobOptions,
        "options",
        files,
        *target_options(default_dest),
        *_SELECTION,
        *_REPLAY,
        *OUTPUT_OPTIONS,
    )


def target_options(default_dest: str | None = None) -> tuple[Callable[[Any], Any], ...]:
    """Return the options of `Target`."""
    return (
        click.option(
            "--dest",
            "-d",
            metavar="NAME",
            envvar="SEGCLI_DEST",
            default=default_dest,
            show_default=default_dest is not None,
            shell_complete=complete_dest,
            help="The destination: a name that `segcli destinations` lists, or a file like "
            "./acme.toml. Env: SEGCLI_DEST.",
        ),
        click.option(
            "--set",
            metavar="KEY=VALUE",
            multiple=True,
            shell_complete=complete_setting,
            help="A setting of the destination (repeatable). Other users of this machine can see "
            "it, so give keys by the environment or --api-key-file.",
        ),
        CONFIG_OPTION,
        click.option(
            "--api-key-file",
            metavar="PATH",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Read the key from the first line of this file.",
        ),
        click.option("--endpoint", metavar="URL", help="The same as --set endpoint=URL."),
    )


_SELECTION = (
    click.option(
        "--type",
        type=click.Choice(sorted(TYPES)),
        metavar="TYPE",
        multiple=True,
        help=f"Only calls of this type: {', '.join(sorted(TYPES))} (repeatable).",
    ),
    click.option(
        "--event",
        type=TEXT,
        metavar="PATTERN",
        multiple=True,
        help="Only track events whose name matches a shell pattern like 'Order *' (repeatable).",
    ),
    click.option(
        "--since",
        type=MOMENT,
        metavar="TIME",
        help="Only events from this time on, such as 2026-02-16T09:00:00Z or 7d.",
    ),
    click.option("--until", type=MOMENT, metavar="TIME", help="Only events before this time."),
    click.option(
        "--allowed-lateness",
        type=DURATION,
        metavar="TIME",
        help="In an archive, skip days that begin later than this after --until, such as 7d.  "
        "[default: read them, because events may arrive late]",
    ),
    click.option(
        "--user",
        type=TEXT,
        metavar="ID",
        multiple=True,
        help="Only events of this userId or anonymousId (repeatable).",
    ),
    click.option(
        "--where",
        type=QUERY,
        metavar="FQL",
        help="Only events that match this FQL, like 'properties.total >= 100'.",
    ),
    click.option(
        "--limit",
        metavar="N",
        type=WholeNumber(min=0),
        help="At most N events, after the other filters.",
    ),
    click.option(
        "--ignore-integrations",
        is_flag=True,
        help="Also map events whose integrations object disables the destination.",
    ),
)

_REPLAY = (
    click.option(
        "--older",
        type=click.Choice(POLICIES),
        metavar="WHAT",
        help="What happens to events that are too old for the vendor: skip, reject or send.  "
        "[default: skip]",
    ),
    click.option(
        "--now",
        type=MOMENT,
        metavar="TIME",
        help="Count ages, and times like 7d, from this time, not from the clock.",
    ),
    click.option(
        "--live",
        is_flag=True,
        help="The events are new: set no marks of old events, such as backfill.",
    ),
)
INPUT_OPTIONS = (
    click.option(
        "--max-line",
        type=SIZE,
        metavar="SIZE",
        default=MAX_LINE,
        help="Reject longer lines.  [default: 1MiB]",
    ),
    click.option(
        "--no-first-look",
        is_flag=True,
        help="Do not judge inputs by their first lines; reject each line that is not an event.",
    ),
)

OUTPUT_OPTIONS = (
    *INPUT_OPTIONS,
    click.option(
        "--rejects",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append rejected and refused events to this file.",
    ),
    click.option(
        "--report",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the summary to this file as JSON.",
    ),
    click.option(
        "--html",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the summary to this file as a page with plots, without values of events.",
    ),
    click.option("--html-samples", is_flag=True, help="Show values of events in that page."),
    click.option(
        "--quiet",
        "-q",
        is_flag=True,
        help="Print errors only; a real send also says first what goes where.",
    ),
)

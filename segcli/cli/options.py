"""The options that commands share, packed into one value, and the job they ask for."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from segcli.cli.option_types import DURATION, MOMENT, QUERY, SIZE, TEXT, TimeBound, Where
from segcli.core.event import TYPES
from segcli.lines.chunks import MAX_LINE

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_CONFIG = "segcli.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What to read, for whom to map it, and which events; the options of every such command."""

    files: tuple[str, ...]
    dest: str | None
    set: tuple[str, ...]
    config: str | None
    api_key_file: Path | None
    endpoint: str | None
    type: tuple[str, ...]
    event: tuple[str, ...]
    since: TimeBound | None
    until: TimeBound | None
    allowed_lateness: float | None
    user: tuple[str, ...]
    where: Where | None
    limit: int | None
    ignore_integrations: bool
    max_line: int
    no_first_look: bool
    rejects: Path | None
    report: Path | None
    quiet: bool


class Target(Protocol):
    """The options that name a destination and its settings."""

    @property
    def dest(self) -> str | None:
        """The destination's name."""

    @property
    def set(self) -> tuple[str, ...]:
        """Settings, as `key=value`."""

    @property
    def config(self) -> str | None:
        """The TOML file, if one is named."""

    @property
    def api_key_file(self) -> Path | None:
        """The file that holds the key."""

    @property
    def endpoint(self) -> str | None:
        """Where requests go."""


class Outputs(Protocol):
    """The options that say what is printed and written besides the work itself."""

    @property
    def report(self) -> Path | None:
        """Where the JSON report goes."""

    @property
    def quiet(self) -> bool:
        """Whether nothing but errors is said."""


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
        """Whether inputs are read as they are, whatever their first lines look like."""


class RunFiles(Files, Target, Protocol):
    """The options of a run that name its files and its destination."""


def grouped_options(
    into: type[Any], name: str, *options: Callable[[Any], Any]
) -> Callable[[Command], Command]:
    """Give a command all these options as one argument: a value of the dataclass `into`."""
    names = [entry.name for entry in dataclasses.fields(into)]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**values: Any) -> Any:
            value = into(**{key: values.pop(key) for key in names})
            return command(**{name: value}, **values)

        for option in reversed(options):
            run = option(run)
        return run  # type: ignore[return-value]  # click calls it by keywords, whatever its type

    return decorate


CONFIG_OPTION = click.option(
    "--config",
    metavar="PATH",
    envvar="SEGCLI_CONFIG",
    help=f"Settings, a table for each destination. Env: SEGCLI_CONFIG.  [default: {DEFAULT_CONFIG},"
    " if there]",
)
JOBS_OPTION = click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Processes that map.  [default: one a processor, for more than 4 MB]",
)


def job_options(default_dest: str | None = None) -> Callable[[Command], Command]:
    """The arguments and options of every command that maps events."""
    files = click.argument("files", nargs=-1, metavar="[FILES]...")
    return grouped_options(
        JobOptions, "asked", files, *target_options(default_dest), *_SELECTION, *OUTPUT_OPTIONS
    )


def target_options(default_dest: str | None = None) -> tuple[Callable[[Any], Any], ...]:
    """The options of `Target`."""
    return (
        click.option(
            "--dest",
            "-d",
            metavar="NAME",
            envvar="SEGCLI_DEST",
            default=default_dest,
            show_default=default_dest is not None,
            help="The destination: a name that `segcli destinations` lists, or a file like "
            "./acme.toml. Env: SEGCLI_DEST.",
        ),
        click.option(
            "--set",
            metavar="KEY=VALUE",
            multiple=True,
            help="A setting of the destination. Others on this machine can see what is typed "
            "here, so give keys by the environment or --api-key-file.",
        ),
        CONFIG_OPTION,
        click.option(
            "--api-key-file",
            metavar="PATH",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Read the key from the first line of a file.",
        ),
        click.option("--endpoint", metavar="URL", help="The same as --set endpoint=URL."),
    )


_SELECTION = (
    click.option(
        "--type",
        type=click.Choice(sorted(TYPES)),
        multiple=True,
        help="Only calls of this type (repeatable).",
    ),
    click.option(
        "--event",
        type=TEXT,
        metavar="PATTERN",
        multiple=True,
        help="Only track events of this name; a shell pattern like 'Order *' (repeatable).",
    ),
    click.option(
        "--since", type=MOMENT, metavar="TIME", help="Only from this time on: ISO-8601, or 7d."
    ),
    click.option("--until", type=MOMENT, metavar="TIME", help="Only before this time."),
    click.option(
        "--allowed-lateness",
        type=DURATION,
        metavar="TIME",
        help="Do not read an archive's days that begin later than this after --until, such as 7d.  "
        "[default: read them, events may be late]",
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
        help="Only events that Segment's FQL picks, like 'properties.total >= 100'.",
    ),
    click.option(
        "--limit",
        metavar="N",
        type=click.IntRange(min=0),
        help="Only the first N of the events that are left.",
    ),
    click.option(
        "--ignore-integrations",
        is_flag=True,
        help="Take events whose integrations object switches the destination off.",
    ),
)

OUTPUT_OPTIONS = (
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
        help="Do not judge inputs by their first lines: reject every line that is no event.",
    ),
    click.option(
        "--rejects",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="Append rejected and refused events to this file.",
    ),
    click.option(
        "--report",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the summary to this file, as JSON.",
    ),
    click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors."),
)

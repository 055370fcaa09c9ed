"""The options of `segcli spark`: where a job runs, what it writes, and where its state is."""

from dataclasses import dataclass

import click

from segcli.cli.option_types import WholeNumber
from segcli.cli.options import grouped_options


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Where a job runs.

    master: the master of Spark; None for that of spark-submit
    conf: settings of Spark, as `key=value`
    skip_unreadable: go on after a file that cannot be read to its end
    """

    master: str | None
    conf: tuple[str, ...]
    skip_unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What a mapping writes.

    out: where
    format: `parquet` or `ndjson`
    outcomes: an object for every line, as NDJSON
    """

    out: str
    format: str
    outcomes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOptions:
    """What a send does about an earlier run, and how its work is divided.

    state: where the state of the job is
    yes: send also what starts messages to people
    resume: continue the job
    restart: forget the job
    api_key_from: where executors get the key
    buckets: how many tasks send a wave
    wave: `day` or `all`
    """

    state: str
    yes: bool
    resume: bool
    restart: bool
    api_key_from: str | None
    buckets: int
    wave: str


_MASTER = click.option(
    "--master",
    metavar="MASTER",
    help="Where Spark runs: 'local[*]' for this machine.  [default: what spark-submit says]",
)
_CONF = click.option(
    "--conf",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting of Spark (repeatable). Never put a key there: Spark shows it.",
)
_SKIP_UNREADABLE = click.option(
    "--skip-unreadable",
    is_flag=True,
    help="List files that cannot be read to their end, instead of stopping.",
)
CLUSTER_OPTIONS = grouped_options(
    ClusterOptions, "cluster_options", _MASTER, _CONF, _SKIP_UNREADABLE
)
TABLE_OPTIONS = grouped_options(
    TableOptions,
    "table_options",
    click.option(
        "--out",
        metavar="PLACE",
        required=True,
        help="Where Spark writes the tables: an address or a path that all executors see. It must "
        "not exist.",
    ),
    click.option(
        "--format",
        type=click.Choice(["parquet", "ndjson"]),
        metavar="FORMAT",
        default="parquet",
        show_default=True,
        help="parquet: a table with the outcome of every line. ndjson: the payloads, as `segcli "
        "transform` prints them.",
    ),
    click.option(
        "--outcomes",
        is_flag=True,
        help="With ndjson: an object for every input line, with its state.",
    ),
)
STATE_OPTIONS = grouped_options(
    StateOptions,
    "state_options",
    click.option(
        "--state",
        metavar="PLACE",
        required=True,
        help="Where the job records what is settled: an address or a folder that all executors "
        "see.",
    ),
    click.option(
        "--yes", is_flag=True, help="Send also what starts messages to people, without asking."
    ),
    click.option("--resume", is_flag=True, help="Continue the job of --state where it stopped."),
    click.option("--restart", is_flag=True, help="Forget that job, and send everything again."),
    click.option(
        "--api-key-from",
        metavar="SOURCE",
        help="Where executors read the key: env:NAME or file:PATH. Then it does not leave them.",
    ),
    click.option(
        "--buckets",
        metavar="N",
        type=WholeNumber(1, 100_000),
        default=64,
        show_default=True,
        help="How many tasks send a wave. All events of a user are sent by one of them.",
    ),
    click.option(
        "--wave",
        type=click.Choice(["day", "all"]),
        metavar="day|all",
        default="day",
        show_default=True,
        help="What is read before it is sent: a day (or several small ones), or all files.",
    ),
)

"""The sources of every option: the command line, the environment, the settings file.

The order is: command line, environment, settings file, default. A settings file that was found in
the working folder may come from anybody, for example with a cloned repository. So it may only set
quantities, and select events or findings.
"""

from collections.abc import Mapping
from enum import Enum
from functools import cache


class Source(Enum):
    """Which sources an option has, by what it does.

    QUANTITY: a number, a size or a time; it may be in any settings file
    SELECTION: which events are read, or which findings count; it may be in any settings file
    NAMED: it names a path or an address, allows something, or changes what is sent, written or
        shown; a settings file must be named to set it
    TYPED: the command line only
    """

    QUANTITY = "any settings file: a quantity"
    SELECTION = "any settings file: a selection"
    NAMED = "the environment, or a settings file that was named"
    TYPED = "the command line only"


def _sources(
    *, quantity: str = "", selection: str = "", named: str = "", typed: str = ""
) -> dict[str, Source]:
    """Return the source of each option, from the names of parameters with that source."""
    by_source = {
        Source.QUANTITY: quantity,
        Source.SELECTION: selection,
        Source.NAMED: named,
        Source.TYPED: typed,
    }
    return {name: source for source, names in by_source.items() for name in names.split()}


# Settings of one destination have their own table and variables: an option for all destinations
# could send a key to the wrong one.
_DESTINATION = _sources(named="dest", typed="set config api_key_file endpoint")
_SELECTION = _sources(
    selection="type event since until allowed_lateness user where limit",
    named="ignore_integrations",
)
_REPLAY = _sources(named="older now live")
_OUTPUT = _sources(
    quantity="max_line",
    named="no_first_look rejects report html html_samples quiet verbose log_format log_file",
)
_REQUESTS = _sources(
    quantity="concurrency rate timeout retry_for", named="http_transport allow_http"
)
_LOG = _sources(named="verbose log_format log_file")
_WATCH = _LOG | _sources(named="metrics")
_SANDBOX = _sources(quantity="fault latency seed", named="sandbox keep")
_JOB = _DESTINATION | _SELECTION | _REPLAY | _OUTPUT
_SEND = _sources(named="dry_run yes resume restart journal metrics ui no_open")
_CHECK = _sources(
    quantity="max_findings rate jobs",
    selection="every strict coverage fail_on_uncovered select ignore",
    named="format output plan allow_empty expect update mask baseline update_baseline",
    typed="explain",
)
_CLUSTER = _sources(named="master skip_unreadable", typed="conf")
_SYNC = (
    _DESTINATION
    | _OUTPUT
    | _REQUESTS
    | _SANDBOX
    | _WATCH
    | _sources(named="state key with_traits max_removals dry_run metrics")
)

# The options of every command, by the names of their parameters.
SOURCES: Mapping[str, Mapping[str, Source]] = {
    "send": _JOB | _REQUESTS | _SANDBOX | _SEND | _WATCH,
    "transform": _JOB | _LOG | _sources(named="outcomes", quantity="jobs"),
    "check": _JOB | _CHECK | _LOG,
    "engage audience": _SYNC,
    "engage trait": _SYNC | _sources(named="removed"),
    "engage status": _sources(named="state", typed="config"),
    "engage forget": _sources(named="state", typed="config dest"),
    "spark check": _JOB
    | _CLUSTER
    | {name: source for name, source in _CHECK.items() if name != "explain"},
    "spark send": _JOB
    | _CLUSTER
    | _REQUESTS
    | _sources(quantity="buckets wave", named="yes resume restart", typed="state api_key_from"),
    "spark status": _sources(typed="config"),
    "spark rejects": _sources(typed="config"),
    "spark transform": _JOB | _CLUSTER | _sources(named="format outcomes", typed="out"),
    "sandbox": _sources(
        quantity="fault latency rate retry_after seed",
        selection="poison",
        named="port dest key keep allow_origin",
        typed="config",
    ),
    "capture": _sources(
        quantity="settle", named="port output host stable allow_empty", typed="config"
    ),
    "ui": _DESTINATION
    | _sources(quantity="max_line max_unpacked", named="no_first_look expect port no_open"),
    "journals": _sources(typed="remove at"),
    "destinations": _sources(typed="schema form config"),
    "config": _sources(typed="schema form config"),
    "guide": {},
    "help": {},
    "completion": {},
}

# The commands with a table in the settings file.
_CONFIGURED = frozenset(
    {"send", "transform", "check", "spark", "engage", "capture", "sandbox", "ui"}
)
# The commands with variables of their own, `SEGCLI_SANDBOX_RATE`: what they serve is no run.
_SERVERS = frozenset({"sandbox", "capture", "ui"})
# Variables that are neither an option nor a setting of a destination.
_OTHERS = frozenset({"SEGCLI_CONFIG", "SEGCLI_CAPTURE_URL", "SEGCLI_COMPLETE"})


def full_name(name: str) -> str:
    """Return the name of a command with that of its group: `engage audience` for `audience`."""
    return next((command for command in SOURCES if command.split()[-1] == name), name)


def table_of(command: str) -> str | None:
    """Return the table of the settings file with a command's options; None without one."""
    table = command.partition(" ")[0]
    return table if table in _CONFIGURED else None


def variable_of(command: str, option: str) -> str | None:
    """Return the environment variable of an option, by the name of its parameter."""
    if table_of(command) is None or SOURCES[command].get(option, Source.TYPED) is Source.TYPED:
        return None
    own = f"{command}_" if command in _SERVERS else ""
    return f"SEGCLI_{own}{option}".upper()


def commands_of(table: str) -> list[str]:
    """Return the commands whose options are in a table of the settings file."""
    return [command for command in SOURCES if table_of(command) == table]


@cache
def option_variables() -> frozenset[str]:
    """Return the environment variables of all options, and the others that segcli knows."""
    named = (variable_of(command, name) for command, names in SOURCES.items() for name in names)
    return _OTHERS | {variable for variable in named if variable}

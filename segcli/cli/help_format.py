"""How `--help` is laid out: options in groups, in one column; and groups that suggest a command."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from segcli.cli.configured import ConfiguredCommand

# The options of each group, by the name of their parameter. The rest are at the end.
GROUPS: Mapping[str, Sequence[str]] = {
    "Destination and mapping": (
        *(
            "dest",
            "set",
            "config",
            "api_key_file",
            "api_key_from",
            "endpoint",
            "state",
            "key",
            "with_traits",
        ),
        *("removed", "max_removals"),
    ),
    "Selection": (
        *("type", "event", "since", "until", "allowed_lateness", "user", "where", "limit"),
        "ignore_integrations",
    ),
    "Old events": ("older", "now", "live"),
    "Input": ("max_line", "max_unpacked", "no_first_look", "skip_unreadable", "jobs"),
    "Spark": ("master", "conf", "out", "buckets", "wave"),
    "Checks": (
        *("plan", "select", "ignore", "strict", "expect", "update", "baseline", "update_baseline"),
        *("fail_on_uncovered", "allow_empty"),
    ),
    "Delivery": (
        *("dry_run", "concurrency", "rate", "timeout", "retry_for", "http_transport", "allow_http"),
        *("yes", "resume", "restart", "journal"),
    ),
    "Output": (
        *("outcomes", "format", "output", "every", "coverage", "mask", "max_findings", "rejects"),
        *(
            "report",
            "html",
            "html_samples",
            "metrics",
            "ui",
            "no_open",
            "port",
            "verbose",
            "log_format",
            "log_file",
            "quiet",
            "explain",
        ),
    ),
    "Sandbox": ("sandbox", "fault", "latency", "seed", "keep"),
}
_REST = "Other"
# The width of the first column of options: on a screen of at least `_WIDE` columns, and below that.
_WIDE, _COLUMN, _NARROW_COLUMN = 70, 26, 20

# A shorter text is a part of too many options.
_SHORTEST_PART = 3


class GroupedCommand(ConfiguredCommand):
    """A command whose help has its options in groups, all with the same columns."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by group."""
        width = _COLUMN if formatter.width >= _WIDE else _NARROW_COLUMN
        for title, rows in _grouped(self.get_params(ctx), ctx):
            with formatter.section(title):
                # As wide as the column, so that it is the same in all groups.
                formatter.write_dl([(f"{term:<{width}}", text) for term, text in rows], width)


class SuggestingGroup(click.Group):
    """A group of commands that suggests one for a mistyped name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named first, and the words after it."""
        name = args[0]
        is_unknown = not name.startswith("-") and self.get_command(ctx, name) is None
        if is_unknown and not ctx.resilient_parsing:
            ctx.fail(unknown_command(name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def unknown_command(name: str, known: Sequence[str]) -> str:
    """Return what to say about a name that is not one of these commands."""
    close = difflib.get_close_matches(name.lower(), known, 1)
    guess = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
    return f"No such command {name!r}. {guess}"


def unknown_option(error: click.NoSuchOption) -> click.UsageError:
    """Return the error of an option that does not exist, with the options that may be meant."""
    params = error.ctx.command.get_params(error.ctx) if error.ctx else []
    known = [name for param in params if isinstance(param, click.Option) for name in param.opts]
    close = " or ".join(map(repr, close_options(error.option_name, known)))
    guess = f" Did you mean {close}?" if close else ""
    return click.UsageError(f"No such option {error.option_name!r}.{guess}", error.ctx)


def close_options(typed: str, known: Sequence[str]) -> list[str]:
    """Return at most three long options that may be meant by another, the most alike first.

    They look alike, or one is a part of the other: `--dest` of `--destination`, `--key` of
    `--api-key-file`.
    """
    wanted = typed.lstrip("-")
    names = [option[2:] for option in known if option.startswith("--")]
    close = difflib.get_close_matches(wanted, names, 3)
    found = [name for name in names if name in close or _is_part(name, wanted)]
    found.sort(key=lambda name: -difflib.SequenceMatcher(None, wanted, name).ratio())
    return [f"--{name}" for name in found[:3]]


def _is_part(one: str, other: str) -> bool:
    """Return whether one of two options is the beginning of the other, or has all its words."""
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST_PART:
        return False
    return long.startswith(short) or set(short.split("-")) <= set(long.split("-"))


def _grouped(
    params: Sequence[click.Parameter], ctx: click.Context
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the title and the help of each group that has an option."""
    left: dict[str, Any] = {str(param.name): param for param in params}
    for title, names in GROUPS.items():
        found = [left.pop(name) for name in names if name in left]
        yield from _help_of(title, found, ctx)
    yield from _help_of(_REST, list(left.values()), ctx)


def _help_of(
    title: str, params: Sequence[click.Parameter], ctx: click.Context
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    options = (param for param in params if isinstance(param, click.Option))
    rows = [row for option in options if (row := option.get_help_record(ctx))]
    if rows:
        yield title, rows

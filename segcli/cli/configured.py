"""Commands whose options also come from the environment and the settings file.

The order is that of click: command line, environment, settings file (its `default_map`), default.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from segcli.cli.option_sources import SOURCES, Source, full_name, table_of, variable_of
from segcli.errors import SettingsError

if TYPE_CHECKING:
    from segcli.settings_file import ConfigFile

_FROM_ELSEWHERE = (ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP)
_EXCLUSIVE = {"resume": "restart", "restart": "resume"}


class ConfiguredCommand(click.Command):
    """A command with options that `SEGCLI_…` and the settings file can set."""

    def __init__(self, name: str | None, *, whole_name: str = "", **attributes: Any) -> None:
        """Make a command; `whole_name` is needed if another one in no group has its name."""
        super().__init__(name, **attributes)
        self.full_name = whole_name or full_name(name or "")
        if table_of(self.full_name):
            self._add_sources()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options from everywhere. An error names the variable that a value is from."""
        try:
            rest = super().parse_args(ctx, args)
        except click.BadParameter as error:
            raise _with_variable(ctx, error) from None
        if table_of(self.full_name) and not ctx.resilient_parsing:
            _drop_unfitting(ctx)
            _say_what_counts(self.full_name, ctx)
        return rest

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say where else options come from."""
        super().format_epilog(ctx, formatter)
        if table_of(self.full_name):
            formatter.write_paragraph()
            formatter.write_text(_EPILOG)

    def _add_sources(self) -> None:
        """Give options their variables, and let --config be read before the others."""
        if not any(param.name == "config" for param in self.params):
            self.params.append(_own_config_option())
        for param in self.params:
            if isinstance(param, click.Option):
                param.envvar = variable_of(self.full_name, str(param.name)) or param.envvar
            if param.name == "config":
                param.is_eager, param.callback = True, _read_options


_EPILOG = (
    "Options can also be set by SEGCLI_… variables and in segcli.toml: `segcli config` shows the "
    "values, `segcli guide configuration` has the rules."
)


def config_file(named: str | None) -> "ConfigFile":
    """Return the settings file. A command reads it once: it may be a pipe. Raises SettingsError."""
    from segcli.settings_file import read_file

    context = click.get_current_context(silent=True)
    known = context.meta if context else {}
    key = f"{__name__}:{named or ''}"
    if key not in known:
        known[key] = read_file(named)
    file: ConfigFile = known[key]
    return file


def options_from_environment(ctx: click.Context | None) -> list[str]:
    """Return the options that variables set, as words of a command line.

    With them, a command does the same without the variables. --resume and --restart are left out.
    """
    if ctx is None:
        return []
    found = (
        param
        for param in ctx.command.params
        if ctx.get_parameter_source(str(param.name)) is ParameterSource.ENVIRONMENT
        and param.name not in _EXCLUSIVE
    )
    return [word for param in found for word in _words(param, ctx)]


def is_from_elsewhere(ctx: click.Context, name: str) -> bool:
    """True if an option has its value from the environment or the settings file."""
    return ctx.get_parameter_source(name) in _FROM_ELSEWHERE


def _own_config_option() -> click.Parameter:
    """Return --config for a command that does nothing with it itself."""
    from segcli.cli.options import CONFIG_OPTION

    holder = CONFIG_OPTION(click.Command(None))
    option: click.Parameter = holder.params[0]
    option.expose_value = False
    return option


def _read_options(ctx: click.Context, _param: click.Parameter, named: str | None) -> str | None:
    """Read the settings file, and make its options the defaults of the command."""
    if not ctx.resilient_parsing and (file := _named_file(ctx, named)).tables:
        from segcli.cli.config_options import configured_options

        name = ctx.command.full_name if isinstance(ctx.command, ConfiguredCommand) else ""
        ctx.default_map = configured_options(file, name, ctx)
    return named


def _named_file(ctx: click.Context, named: str | None) -> "ConfigFile":
    try:
        return config_file(named)
    except SettingsError as error:
        if ctx.get_parameter_source("config") is ParameterSource.ENVIRONMENT:
            error.message = f"SEGCLI_CONFIG: {error.message}"
        raise


def _words(param: click.Parameter, ctx: click.Context) -> Iterator[str]:
    text = os.environ.get(str(param.envvar), "")
    option = max(param.opts, key=len)
    if isinstance(param, click.Option) and param.is_flag:
        yield from [option] if ctx.params.get(str(param.name)) else []
    else:
        for value in param.type.split_envvar_value(text) if param.multiple else [text]:
            yield from (option, value)


def _with_variable(ctx: click.Context, error: click.BadParameter) -> click.BadParameter:
    """Return the error, with the name of the variable that a wrong value is from."""
    param = error.param
    if param is None or error.param_hint is not None:
        return error
    if ctx.get_parameter_source(str(param.name)) is not ParameterSource.ENVIRONMENT:
        return error
    if isinstance(param, click.Option) and param.is_bool_flag:
        # click would list the eleven words that it knows for that.
        given = os.environ[str(param.envvar)]
        error = click.BadParameter(f"it must be true or false, not {given!r}.", ctx, param)
    error.param_hint = f"{param.get_error_hint(ctx)} (from {param.envvar})"
    return error


def _drop_unfitting(ctx: click.Context) -> None:
    """Give options their defaults where a value from elsewhere does not fit what was typed."""
    for param in ctx.command.params:
        name = str(param.name)
        applies = _APPLIES.get(name)
        if applies and is_from_elsewhere(ctx, name) and not applies(ctx):
            default = param.to_info_dict()["default"]
            is_flag = isinstance(param, click.Option) and param.is_flag
            ctx.params[name] = () if param.multiple else bool(default) if is_flag else default
            ctx.set_parameter_source(name, ParameterSource.DEFAULT)


def _has(name: str) -> Callable[[click.Context], bool]:
    """Return a test: whether another option is given, or the command does not have it."""
    return lambda ctx: bool(ctx.params.get(name, True))


def _has_destination(ctx: click.Context) -> bool:
    is_given = ctx.get_parameter_source("dest") is not ParameterSource.DEFAULT
    return is_given or not ctx.params.get("plan")


def _is_not_replaced(name: str) -> Callable[[click.Context], bool]:
    """Return a test: whether the option that excludes this one was not typed."""
    other = _EXCLUSIVE[name]
    return lambda ctx: ctx.get_parameter_source(other) is not ParameterSource.COMMANDLINE


# When a value from elsewhere counts. On the command line, the same combination is an error.
_APPLIES: Mapping[str, Callable[[click.Context], bool]] = {
    "fault": _has("sandbox"),
    "latency": _has("sandbox"),
    "keep": _has("sandbox"),
    "seed": _has("sandbox"),
    "update": _has("expect"),
    "update_baseline": _has("baseline"),
    "html_samples": _has("html"),
    "expect": _has_destination,
    "rate": _has_destination,
    "fail_on_uncovered": _has_destination,
    "resume": _is_not_replaced("resume"),
    "restart": _is_not_replaced("restart"),
}


def _say_what_counts(command: str, ctx: click.Context) -> None:
    """Warn of doubtful variables, and say which events a file that was found selects."""
    from segcli.cli.output import say
    from segcli.cli.variables import doubtful_variables

    if not ctx.params.get("quiet"):
        say(*doubtful_variables())
    if selected := list(_selected_by_found_file(command, ctx)):
        say(f"{', '.join(selected)}: from segcli.toml, which was found in the working folder")


def _selected_by_found_file(command: str, ctx: click.Context) -> Iterator[str]:
    """Yield the options of a file that was found which leave out events or findings."""
    is_named = ctx.get_parameter_source("config") is not ParameterSource.DEFAULT
    if is_named or not ctx.default_map:
        return
    for name, value in ctx.default_map.items():
        is_used = ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP
        if is_used and SOURCES[command].get(name) is Source.SELECTION:
            shown = value if isinstance(value, list) else [value]
            yield f"--{name.replace('_', '-')} {' '.join(map(str, shown))}"

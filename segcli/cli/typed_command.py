"""Commands to type next, made from the one that was typed: same destination, selection, inputs."""

import sys
from collections.abc import Collection, Iterator, Sequence

import click
from click.core import ParameterSource

from segcli.cli.help_format import GROUPS
from segcli.cli.journal_options import redactor_of_words, without_secrets
from segcli.core.outcome import Job
from segcli.core.secret import Secret
from segcli.core.settings import describe
from segcli.core.visible_text import shell_quoted

# The options that every command which maps events has.
_GROUPS_OF_JOBS = ("Destination and mapping", "Selection", "Old events", "Input")
_OF_JOBS = frozenset({*(name for group in _GROUPS_OF_JOBS for name in GROUPS[group]), "files"})
# A real run must not use the journal of a rehearsal, nor mix its log and metrics with those of the
# rehearsal.
_OF_REHEARSALS = frozenset(
    {*GROUPS["Sandbox"], *("journal", "resume", "restart", "log_file", "metrics")}
)
_IN_BOTH = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})
# No word of a command should fill the screen: a pattern may stand for thousands of files.
_MOST_WORDS = 40


def for_real(job: Job) -> str:
    """Return the typed `send` without its sandbox: it sends to the vendor."""
    names = {str(param.name) for param in _params()} - _OF_REHEARSALS
    return _command("send", job, names)


def with_command(name: str, job: Job) -> str:
    """Return another command with the destination, the selection and the inputs that were typed.

    A destination that is not typed is added, unless a variable names it: that holds for both.
    """
    return _command(name, job, _OF_JOBS - {"api_key_file", "endpoint"}, _dest_not_typed())


def _dest_not_typed() -> Sequence[str]:
    context = click.get_current_context()
    if context.get_parameter_source("dest") in _IN_BOTH or not context.params.get("dest"):
        return ()
    return ("-d", context.params["dest"])


def _command(name: str, job: Job, kept: Collection[str], first: Sequence[str] = ()) -> str:
    words = ["segcli", name, *first, *_without_keys(_kept(sys.argv[2:], kept), job)]
    redactor = redactor_of_words(sys.argv[2:], job)
    shown = [shell_quoted(without_secrets(word, redactor)) for word in words[:_MOST_WORDS]]
    return " ".join([*shown, *(["…"] if len(words) > _MOST_WORDS else [])])


def _kept(words: Sequence[str], kept: Collection[str]) -> Iterator[str]:
    """Yield the words of these options with their values, and all words that are no option."""
    options = {word: param for param in _params() for word in param.opts}
    left = iter(words)
    for word in left:
        if word == "--":
            yield from (word, *left)
            return
        param = options.get(_name_in(word))
        is_kept = param is None or param.name in kept
        if is_kept:
            yield word
        if isinstance(param, click.Option) and _takes_value(param) and word in options:
            value = next(left, None)
            if is_kept and value is not None:
                yield value


def _takes_value(option: click.Option) -> bool:
    return not (option.is_flag or option.count)


def _name_in(word: str) -> str:
    """Return the name of the option in `--name=value` or `-nvalue`; else the word itself."""
    if word.startswith("--"):
        return word.partition("=")[0]
    return word[:2] if word.startswith("-") else word


def _without_keys(words: Iterator[str], job: Job) -> Iterator[str]:
    """Yield the words, without `--set` of a key."""
    rows = describe(job.destination.name, job.destination.settings)
    keys = {row.name for row in rows if row.kind is Secret or row.name == "api_key"}
    for word in words:
        if word == "--set":
            value = next(words, "")
            if value.partition("=")[0].strip() not in keys:
                yield from (word, value)
        elif word.removeprefix("--set=").partition("=")[0].strip() not in keys:
            yield word


def _params() -> Sequence[click.Parameter]:
    return [
        param
        for param in click.get_current_context().command.params
        if isinstance(param, click.Option)
    ]

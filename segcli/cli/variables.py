"""Environment variables of segcli that nothing reads: errors under a destination's prefix."""

import difflib
import os
from collections.abc import Collection, Iterator

from segcli import destinations
from segcli.cli.option_sources import option_variables
from segcli.core.settings import env_prefix
from segcli.errors import SettingsError

_PREFIX = "SEGCLI_"
# What belongs to one destination has no variable for all of them.
_OF_A_DESTINATION = {
    "SEGCLI_SET": "SEGCLI_<DESTINATION>_<SETTING>",
    "SEGCLI_ENDPOINT": "SEGCLI_<DESTINATION>_ENDPOINT",
    "SEGCLI_API_KEY_FILE": "SEGCLI_<DESTINATION>_API_KEY, or type --api-key-file PATH",
}


def check_variables(destination: str, settings: Collection[str]) -> None:
    """Raise SettingsError for a variable under the prefix of the destination that is no setting.

    Also for one that is both a setting and an option: it is not clear which is meant.
    """
    prefix = env_prefix(destination)
    for variable in sorted(name for name in os.environ if name.startswith(prefix)):
        name = variable.removeprefix(prefix).lower()
        is_option = variable in option_variables()
        if is_option and name in settings:
            raise SettingsError(
                f"{variable} is an option of segcli and the setting {name} of {destination}",
                f"Unset it. For the setting, type --set {name}=…; for the option, type it.",
            )
        if not (is_option or name in settings or _is_of_another(variable, destination)):
            raise SettingsError(
                f"{variable}: {destination} has no setting {name!r}",
                _meant(name, prefix, settings),
            )


def doubtful_variables() -> Iterator[str]:
    """Yield a warning for each variable that nothing reads and that looks like an option's."""
    known = option_variables()
    for variable in sorted(name for name in os.environ if name.startswith(_PREFIX)):
        if instead := _OF_A_DESTINATION.get(variable):
            yield f"{variable} has no effect: export {instead}"
        elif variable not in known and (close := _one_edit_from(variable, known)):
            yield f"{variable} has no effect: did you mean {close}?"


def is_one_edit(one: str, other: str) -> bool:
    """True if one character was added, left out or replaced, or two neighbours were exchanged."""
    pairs = enumerate(zip(one, other, strict=False))
    start = next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
    left, right = one[start:], other[start:]
    return left != right and (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:])
    )


def _one_edit_from(variable: str, known: Collection[str]) -> str | None:
    close = next((name for name in sorted(known) if is_one_edit(variable, name)), None)
    return None if close and _is_of_another(variable) else close


def _is_of_another(variable: str, destination: str = "") -> bool:
    """True if a variable has the prefix of a built-in destination or a plug-in."""
    others = (name for name in destinations.names() if name != destination)
    own = env_prefix(destination)
    prefixes = (prefix for name in others if (prefix := env_prefix(name)) != own)
    return any(variable.startswith(prefix) and not own.startswith(prefix) for prefix in prefixes)


def _meant(name: str, prefix: str, settings: Collection[str]) -> str:
    close = difflib.get_close_matches(name, settings, 1)
    guess = f"Did you mean {prefix}{close[0].upper()}? " if close else ""
    return f"{guess}It has: {', '.join(settings)}. To do without the variable, unset it."

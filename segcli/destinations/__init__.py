"""The destinations: the built-in ones and those that installed packages bring.

A package brings one by an entry point in the group `segcli.destinations` that names a
`Destination` value. A built-in name cannot be taken over.
"""

import difflib
from importlib import import_module
from typing import Any

from segcli.core.destination import Destination
from segcli.errors import UsageError

GROUP = "segcli.destinations"
BUILT_IN = ("pointillist", "plotline", "gist", "segment", "webhook")


def names() -> list[str]:
    """List every destination by name: the built-in ones first, then the plug-ins in order."""
    return [*BUILT_IN, *sorted(set(_plugins()) - set(BUILT_IN))]


def named_destination(name: str) -> Destination[Any]:
    """Return the destination of that name; raises UsageError with the nearest names."""
    if name in BUILT_IN:
        return _value(f"segcli.destinations.{name}", name)
    plugins = _plugins()
    if name not in plugins:
        close = difflib.get_close_matches(name, names(), 1)
        guess = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"there is no destination {name!r}", f"{guess}There are: {', '.join(names())}"
        )
    return _loaded(plugins[name], name)


def _value(module: str, name: str) -> Destination[Any]:
    value: Destination[Any] = getattr(import_module(module), name.upper())
    return value


def _plugins() -> dict[str, Any]:
    # Reading the metadata of every installed package takes longer than all else at start-up.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return {point.name: point for point in entry_points(group=GROUP)}


def _loaded(point: Any, name: str) -> Destination[Any]:
    try:
        value = point.load()
    except Exception as error:
        raise UsageError(
            f"the plug-in {name!r} ({point.value}) cannot be loaded: {error}",
            "Install it again, or remove its package.",
        ) from error
    if not isinstance(value, Destination):
        raise UsageError(
            f"the plug-in {name!r} ({point.value}) is no segcli.Destination",
            "Its entry point has to name a Destination value.",
        )
    if value.name != name:
        raise UsageError(
            f"the plug-in {name!r} ({point.value}) calls itself {value.name!r}",
            "The name of its entry point has to be that of the destination.",
        )
    return value

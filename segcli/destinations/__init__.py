"""The destinations: the built-in ones, those of the catalog, and the plug-ins of other packages.

A package provides a plug-in by an entry point in the group `segcli.destinations` that names a
`Destination` value. A plug-in cannot replace a built-in destination or one of the catalog.
"""

import difflib
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from segcli import catalog
from segcli.core.destination import Destination
from segcli.errors import UsageError

GROUP = "segcli.destinations"
BUILT_IN = ("pointillist", "plotline", "gist", "segment", "webhook")


def names() -> list[str]:
    """Return the names of all destinations, group by group."""
    return [name for group in groups().values() for name in group]


def groups() -> dict[str, list[str]]:
    """Return the names of all destinations: built in, from the catalog, and sorted plug-ins."""
    own = {"built in": [*BUILT_IN], "catalog": [*catalog.NAMES]}
    plugins = sorted(set(_plugins()) - set(BUILT_IN) - set(catalog.NAMES))
    return own | ({"plug-in": plugins} if plugins else {})


def named_destination(name: str) -> Destination[Any]:
    """Return the destination with a name.

    Raises UsageError if there is none, with the nearest name, or if a plug-in cannot be used.
    """
    if name in BUILT_IN:
        return _value(f"segcli.destinations.{name}", name)
    if name in catalog.NAMES:
        # No plug-in has the name of one of the catalog, so none of them is looked for.
        own = (*BUILT_IN, *catalog.NAMES)
        return _from_catalog(name, tuple(other for other in own if other != name))
    plugins = _plugins()
    if name not in plugins:
        close = difflib.get_close_matches(name, names(), 1)
        guess = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"there is no destination {name!r}",
            f"{guess}There are: {', '.join(names())}; for a file of your own give its path, like "
            "./FILE.toml",
        )
    return _loaded(plugins[name], name)


def _value(module: str, name: str) -> Destination[Any]:
    value: Destination[Any] = getattr(import_module(module), name.upper())
    return value


@lru_cache(maxsize=32)
def _from_catalog(name: str, others: tuple[str, ...]) -> Destination[Any]:
    """Return a destination of the catalog: one value for the process, which takes 30 ms to make.

    others: the names of all other destinations of segcli.
    """
    # Imported here: it takes longer than a run for a built-in destination needs.
    from segcli.destination_file import destination_from_text  # noqa: PLC0415

    text, title = catalog.catalog_text(name), catalog.catalog_file(name)
    return destination_from_text(text, title, _no_file, taken=others)


def _no_file(name: str) -> str:
    raise ValueError(f"{name}: a file of the catalog names no other")


def _plugins() -> Mapping[str, Any]:
    # Imported here: it slows down every start.
    from importlib.metadata import DistributionFinder  # noqa: PLC0415

    return _plugins_on(tuple(DistributionFinder.Context().path))


@lru_cache(maxsize=8)
def _plugins_on(_path: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the plug-ins of the packages on this path; one that is installed later is not found.

    Reading the metadata of all installed packages takes 8 ms, and a run asks for each variable.
    """
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
            f"the plug-in {name!r} ({point.value}) is not a segcli.Destination",
            "Its entry point must name a Destination value.",
        )
    if value.name != name:
        raise UsageError(
            f"the plug-in {name!r} ({point.value}) calls itself {value.name!r}",
            "The entry point and the destination must have the same name.",
        )
    return value

"""From an address to inputs: the object there, those below it, or those that are like it."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from segcli.errors import InputError
from segcli.inputs.archive import day_of, in_order
from segcli.inputs.folder import is_passed_over
from segcli.inputs.input import Input
from segcli.inputs.store import asking, is_web, located, object_of, scheme_of
from segcli.secret import display_address

Infos = Mapping[str, Mapping[str, Any]]

_AT_ONCE = 16


def inputs_at(address: str) -> list[Input]:
    """Return the inputs of an address: an object, a folder or bucket, or a pattern with `*`.

    They come in the order of `files_in`. Raises InputError where there is none.
    """
    with asking(display_address(address), address):
        store, path = located(address)
        is_in_address = bool(path) and path in address
        shown_before = address[: address.index(path)] if is_in_address else _scheme(address)
        named = _named(store, path, address)
        if named:
            return [_input(store, named, display_address(shown_before + named["name"]))]
        top, infos = _below(store, path)
        found = [
            _input(
                store,
                info,
                display_address(shown_before + name),
                found_in=display_address(address),
                day=day_of(name[len(top) :]),
            )
            for name, info in _complete(store, _files(store, infos, top))
        ]
        store.invalidate_cache()
    if not found:
        raise InputError(
            f"{display_address(address)} holds no files to read",
            "Type a bucket or folder, an object, or a pattern in quotes: 's3://bucket/*/a*.gz'",
        )
    return in_order(found)


def _scheme(address: str) -> str:
    return f"{scheme_of(address)}://"


def _input(store: Any, info: Mapping[str, Any], name: str, **more: Any) -> Input:
    found = object_of(store, info)
    return Input(name, found.size, version=found.version, remote=found, **more)


def _named(store: Any, path: str, address: str) -> Mapping[str, Any] | None:
    """Return what the store tells of the object that is named; None for a folder or a pattern."""
    if address.endswith("/") or "*" in path:
        return None
    try:
        info: Mapping[str, Any] = store.info(path)
    except FileNotFoundError:
        if _is_pattern(store, path):
            return None
        raise
    return info if info["type"] == "file" else None


def _is_pattern(store: Any, path: str) -> bool:
    """Tell whether a path stands for those that are like it; the web has queries behind a `?`."""
    return any(mark in path for mark in ("*" if is_web(store) else "*?["))


def _below(store: Any, path: str) -> tuple[str, Infos]:
    """Return the folder that a path or pattern begins with, and all that is below or like it."""
    if not _is_pattern(store, path):
        return path.rstrip("/"), _all(store.find, path)
    first = min(place for mark in "*?[" if (place := path.find(mark)) >= 0)
    top = path[:first].rpartition("/")[0]
    found: dict[str, Mapping[str, Any]] = {}
    for name, info in _all(store.glob, path).items():
        found |= _all(store.find, name) if info["type"] == "directory" else {name: info}
    if not found:
        store.info(top)
    return top, found


def _all(listing: Callable[..., Infos], path: str) -> Infos:
    """Return a listing that lacks nothing; by itself it passes over folders it cannot list."""
    try:
        return listing(path, detail=True, on_error="raise")
    except TypeError:
        # A store that lists all its objects at once has no such option, and raises by itself.
        return listing(path, detail=True)


def _files(store: Any, infos: Infos, top: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield what is a file and not left out, nor a page of a web server sorted in another way."""
    for name, info in infos.items():
        below = name[len(top) :].lstrip("/")
        is_file = info["type"] == "file" and not name.endswith("/")
        is_page = is_web(store) and "?" in below
        if is_file and not is_page and not any(is_passed_over(part) for part in below.split("/")):
            yield name, info


def _complete(
    store: Any, files: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[tuple[str, Mapping[str, Any]]]:
    """Ask a web server for the sizes that its pages do not tell."""
    found = list(files)
    if not is_web(store):
        return found
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [(info["name"], info) for info in pool.map(store.info, [name for name, _ in found])]

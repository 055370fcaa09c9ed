"""From an address to inputs: the object there, those below it, or those that are like it."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from segcli.core.secret import display_address
from segcli.errors import InputError
from segcli.inputs.dated_folder import day_of, moment_of
from segcli.inputs.folder import given_twice, is_passed_over
from segcli.inputs.input_list import Folder, InputList
from segcli.inputs.object_store import asking, is_web, located, object_of, scheme_of
from segcli.inputs.s3_listing import is_listed_here, objects_below

Info = Mapping[str, Any]
Infos = Mapping[str, Info]

_AT_ONCE = 16
_KNOWN_TYPES = frozenset({"file", "directory"})
_ASKED_AHEAD = 1000


def add_inputs_at(address: str, found: InputList, before: set[int]) -> None:
    """Add the inputs of an address: an object, a folder or bucket, or a pattern with `*`.

    They come in the order of names, or of time where that names folders. `before` are hashes of the
    objects added before, and gets those of these. Raises InputError where there is none, or where
    one was added before.
    """
    first = found.rows
    with asking(display_address(address), address):
        store, path = located(address)
        is_in_address = bool(path) and path in address
        listing = _Listing(
            store=store,
            address=address,
            shown_before=address[: address.index(path)] if is_in_address else _scheme(address),
        )
        top = path
        if named := _named(store, path, address):
            found.add_object(Folder(path="", **listing.shared), object_of(store, named))
        else:
            top, infos = _below(store, path)
            listing.add(top, infos, found)
        store.invalidate_cache()
    if found.rows == first:
        raise InputError(
            f"{display_address(address)} holds no files to read",
            "Type a bucket or folder, an object, or a pattern in quotes: 's3://bucket/*/a*.gz'",
        )
    rows = found.in_order(first, skip=len(top))
    _check_once(found, rows, before)
    found.place(rows)


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a store lists at an address; `shown_before` stands before each path that is shown."""

    store: Any
    address: str
    shown_before: str

    @property
    def shared(self) -> dict[str, Any]:
        """What the folders of all its inputs have in common."""
        return {"store": self.store, "shown_before": self.shown_before}

    def add(self, top: str, infos: Iterable[Info], found: InputList) -> None:
        """Add what is listed and to be read."""
        named = display_address(self.address)
        for info in _complete(self.store, self._files(infos, top)):
            path = info["name"].rpartition("/")[0] + "/"
            day = day_of(path[len(top) :])
            moment = moment_of(path, len(top))
            folder = Folder(path=path, found_in=named, day=day, moment=moment, **self.shared)
            found.add_object(folder, object_of(self.store, info))

    def _files(self, infos: Iterable[Info], top: str) -> Iterator[Info]:
        """Yield what is a file and not left out, nor a page of a web server sorted in another way.

        Raises InputError for what is neither file nor folder: nothing is passed over in silence.
        """
        for info in infos:
            name: str = info["name"]
            below = name[len(top) :].lstrip("/")
            is_page = is_web(self.store) and "?" in below
            if is_page or any(is_passed_over(part) for part in below.split("/")):
                continue
            if info["type"] not in _KNOWN_TYPES:
                raise InputError(
                    f"{display_address(self.shown_before + name)} is neither file nor folder there "
                    f"({info['type']})",
                    "Name the files by a pattern without it. A folder on this machine is named by "
                    "its path, and links in it are followed.",
                )
            if info["type"] == "file" and not name.endswith("/"):
                yield info


def _check_once(found: InputList, rows: "array[int]", before: set[int]) -> None:
    """Raise InputError where an object is there already; equal hashes are looked at closely."""
    if not len(found):
        # Of one address alone no two objects are the same, and a set would take memory.
        return
    if not before:
        before.update(hash(entry.remote.identity) for entry in found if entry.remote)
    for row in rows:
        entry = found.input_of(row)
        identity = entry.remote.identity if entry.remote else ("", "")
        if hash(identity) in before and any(
            other.remote and other.remote.identity == identity for other in found
        ):
            raise given_twice(entry.name)
        before.add(hash(identity))


def _scheme(address: str) -> str:
    return f"{scheme_of(address)}://"


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


def _below(store: Any, path: str) -> tuple[str, Iterable[Info]]:
    """Return the folder that a path or pattern begins with, and all that is below or like it."""
    if not _is_pattern(store, path):
        in_pages = is_listed_here(store)
        found_below = objects_below(store, path) if in_pages else _all(store.find, path).values()
        return path.rstrip("/"), found_below
    first = min(place for mark in "*?[" if (place := path.find(mark)) >= 0)
    top = path[:first].rpartition("/")[0]
    found: dict[str, Mapping[str, Any]] = {}
    for name, info in _all(store.glob, path).items():
        found |= _all(store.find, name) if info["type"] == "directory" else {name: info}
    if not found:
        store.info(top)
    return top, found.values()


def _all(listing: Callable[..., Infos], path: str) -> Infos:
    """Return a listing that lacks nothing; by itself it passes over folders it cannot list."""
    try:
        return listing(path, detail=True, on_error="raise")
    except TypeError:
        # A store that lists all its objects at once has no such option, and raises by itself.
        return listing(path, detail=True)


def _complete(store: Any, files: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Ask a web server for the sizes that its pages do not tell."""
    if not is_web(store):
        yield from files
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(files, _ASKED_AHEAD)):
            yield from pool.map(store.info, [info["name"] for info in some])

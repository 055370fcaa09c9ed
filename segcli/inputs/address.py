"""Find the inputs at an address: an object, the objects below it, or those matching a pattern."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from segcli.core.secret import display_address
from segcli.errors import InputError
from segcli.inputs.dated_folder import day_of, moment_of
from segcli.inputs.folder import LeftOutRejects, given_twice, is_passed_over, is_rejects_file
from segcli.inputs.input_list import Folder, InputList
from segcli.inputs.object_store import (
    asking,
    compiled_pattern,
    is_web,
    located,
    object_of,
    scheme_of,
)

Info = Mapping[str, Any]
Infos = Mapping[str, Info]

_THREADS = 16
_KNOWN_TYPES = frozenset({"file", "directory"})
# How many objects are asked about at a time; their futures need memory.
_GROUP = 1000
# The most that S3 returns at a time.
_PAGE = 1000


def add_inputs_at(address: str, found: InputList, before: set[int]) -> None:
    """Add the inputs of an address: an object, a folder or bucket, or a pattern with `*`.

    They are added in the order of names, or of time if the names of their folders are dates.
    `before` has the hashes of the objects added before, and is updated. Raises InputError if there
    is no object, or if one was added before. Rejects files are left out, with a note.
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
        # Otherwise the store would answer from this listing whether an object has changed.
        store.invalidate_cache()
    if found.rows == first:
        raise InputError(
            f"{display_address(address)} has no files to read",
            listing.rejects.hint
            or "Type a bucket or folder, an object, or a pattern in quotes: 's3://bucket/*/a*.gz'",
        )
    rows = found.in_order(first, skip=len(top))
    _check_once(found, rows, before)
    found.place(rows)
    found.notes += listing.rejects.notes(display_address(address))


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a store lists at an address.

    store: the store.
    address: the address.
    shown_before: the text before each path in messages.
    rejects: the rejects files, which are left out.
    """

    store: Any
    address: str
    shown_before: str
    rejects: LeftOutRejects = field(default_factory=LeftOutRejects)

    @property
    def shared(self) -> dict[str, Any]:
        """The fields that the folders of all its inputs share."""
        return {"store": self.store, "shown_before": self.shown_before}

    def add(self, top: str, infos: Iterable[Info], found: InputList) -> None:
        """Add the listed files that are to be read."""
        named = display_address(self.address)
        for info in _complete(self.store, self._files(infos, top)):
            path = info["name"].rpartition("/")[0] + "/"
            day = day_of(path[len(top) :])
            moment = moment_of(path, len(top))
            folder = Folder(path=path, found_in=named, day=day, moment=moment, **self.shared)
            found.add_object(folder, object_of(self.store, info))

    def _files(self, infos: Iterable[Info], top: str) -> Iterator[Info]:
        """Yield the files, without hidden ones and links to the same list in another order.

        Rejects files are left out too, unless the address is a pattern of their names.

        Raises InputError for anything that is neither file nor folder: nothing is skipped silently.
        """
        keeps_rejects = is_rejects_file(self.address.rpartition("/")[2])
        for info in infos:
            name: str = info["name"]
            below = name[len(top) :].lstrip("/")
            is_page = is_web(self.store) and "?" in below
            if is_page or any(is_passed_over(part) for part in below.split("/")):
                continue
            if info["type"] not in _KNOWN_TYPES:
                raise InputError(
                    f"{display_address(self.shown_before + name)} is neither a file nor a folder "
                    f"({info['type']})",
                    "Name the files by a pattern that does not match it. For a folder on this "
                    "machine, type its path: links in it are then followed.",
                )
            if info["type"] != "file" or name.endswith("/"):
                continue
            if not keeps_rejects and is_rejects_file(name.rpartition("/")[2]):
                self.rejects.add(display_address(self.shown_before + name))
            else:
                yield info


def _check_once(found: InputList, rows: "array[int]", before: set[int]) -> None:
    """Raise InputError if an object is an input already. Equal hashes are checked exactly."""
    if not len(found):
        # The objects of one address are all different. A set of them would take memory.
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
    """Return the store's information about a named object; None for a folder or a pattern."""
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
    """True if a path is a pattern. In a web address, `?` begins the query."""
    return any(mark in path for mark in ("*" if is_web(store) else "*?["))


def _below(store: Any, path: str) -> tuple[str, Iterable[Info]]:
    """Return the folder at the start of a path or pattern, and what is below it or matches."""
    if not _is_pattern(store, path):
        in_pages = _is_listed_in_pages(store)
        listed = _objects_below(store, path) if in_pages else _list_all(store.find, path).values()
        return path.rstrip("/"), listed
    first = min(place for mark in "*?[" if (place := path.find(mark)) >= 0)
    top = path[:first].rpartition("/")[0]
    if _is_listed_in_pages(store) and "/" in path[:first]:
        return top, _matching(store, path, top=top, start=path[:first])
    found: dict[str, Mapping[str, Any]] = {}
    for name, info in _list_all(store.glob, path).items():
        found |= _list_all(store.find, name) if info["type"] == "directory" else {name: info}
    if not found:
        store.info(top)
    return top, found.values()


def _matching(store: Any, pattern: str, *, top: str, start: str) -> Iterator[Info]:
    """Yield the objects of S3 that match a pattern, or that are below a folder that does.

    `start` is the text of the pattern before its first wildcard. Raises what the library raises if
    nothing matches and the folder `top` does not exist.
    """
    matches = compiled_pattern(pattern).match
    is_found = False
    for info in _objects_from(store, start):
        name: str = info["name"]
        ends = (place for place, mark in enumerate(name) if mark == "/")
        if matches(name) or any(matches(name[:end]) for end in ends):
            is_found = True
            yield info
    if not is_found:
        store.info(top)


def _list_all(listing: Callable[..., Infos], path: str) -> Infos:
    """Return a complete listing. Without the option, folders that cannot be listed are skipped."""
    try:
        return listing(path, detail=True, on_error="raise")
    except TypeError:
        # A store that lists all objects with one call has no such option, and always raises.
        return listing(path, detail=True)


def _complete(store: Any, files: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the files; for a web server, ask for the sizes, which its pages do not have."""
    if not is_web(store):
        yield from files
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        while group := list(islice(files, _GROUP)):
            yield from pool.map(store.info, [info["name"] for info in group])


def _is_listed_in_pages(store: Any) -> bool:
    """True if `_objects_below` can list a store: S3, unless objects have several versions."""
    protocol = store.protocol if isinstance(store.protocol, tuple) else (store.protocol,)
    return "s3" in protocol and hasattr(store, "call_s3") and not store.version_aware


def _objects_below(store: Any, path: str) -> Iterator[Mapping[str, Any]]:
    """Yield S3's information about each object below a bucket or folder, page by page.

    The library's `find` does the same, but keeps about 4 kB for each object. Raises what the
    library raises, also if there is no such bucket.
    """
    folder = path.rstrip("/")
    yield from _objects_from(store, f"{folder}/")


def _objects_from(store: Any, start: str) -> Iterator[Mapping[str, Any]]:
    """Yield S3's information about each object whose bucket and key begin with a text."""
    bucket, key, _ = store.split_path(start)
    if not bucket:
        raise ValueError("Cannot traverse all of S3")
    asked = {"Bucket": bucket, "Prefix": key, "MaxKeys": _PAGE}
    more = True
    while more:
        page = store.call_s3("list_objects_v2", **asked)
        for found in page.get("Contents", ()):
            name = f"{bucket}/{found['Key']}"
            yield {**found, "name": name, "size": found["Size"], "type": "file"}
        more = page.get("IsTruncated", False)
        asked["ContinuationToken"] = page.get("NextContinuationToken", "")

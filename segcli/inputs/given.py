"""Inputs that a program gives: names of files and addresses, open files, or events themselves."""

import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, TypeAlias

from segcli.core import exact_json
from segcli.errors import InputError
from segcli.inputs.discover import inputs
from segcli.inputs.input import Input
from segcli.inputs.input_list import InputList
from segcli.inputs.stream import Stream
from segcli.logs import WARNING, log_of

Name: TypeAlias = str | os.PathLike[str]
# One event: a line of JSON, or the object.
EventLike: TypeAlias = bytes | Mapping[str, Any]
Inputs: TypeAlias = Name | BinaryIO | EventLike | Iterable[Name | BinaryIO | EventLike]

# The name of an iterable of events in messages and records.
EVENTS = "events"
# Seconds: events of a slow program are read after this long, also if they are few.
_MAX_WAIT = 0.25
_END = object()


@dataclass(frozen=True, slots=True)
class GivenInputs:
    """The inputs that a program gave.

    found: the inputs, in order.
    names: what was named: paths, addresses, and the names of streams.
    are_events: the program gave the events themselves, so there is no file to judge.
    """

    found: InputList | list[Input]
    names: tuple[str, ...]
    are_events: bool = False


def given_inputs(given: Inputs) -> GivenInputs:
    """Return the inputs that a program gave.

    A text or path is a file, a folder or an address; an object with `read` is an open binary file;
    bytes and mappings are events, one line each. Several are given in an iterable, of which each
    has the same kind. An iterable of events is read once, while the run goes on.

    Raises InputError for anything else, for an empty list, and for what `inputs` refuses.
    """
    if isinstance(given, str | os.PathLike):
        return _named([given])
    if isinstance(given, bytes | bytearray | Mapping):
        return _events(iter([given]))
    if hasattr(given, "read"):
        return _files([given])
    if not isinstance(given, Iterable):
        raise InputError(f"inputs cannot be {type(given).__name__}", _WHAT_THEY_ARE)
    if isinstance(given, Sized) and not len(given):
        raise InputError("inputs are empty", _WHAT_THEY_ARE)
    return _several(iter(given))


def _several(items: Iterator[Any]) -> GivenInputs:
    """Return the inputs of an iterator; its first item says what all of them are."""
    start = list(islice(items, 1))
    everything = chain(start, items)
    if start and isinstance(start[0], str | os.PathLike):
        return _named(list(everything))
    if start and hasattr(start[0], "read"):
        return _files(list(everything))
    return _events(everything)


def _named(names: list[Any]) -> GivenInputs:
    for name in names:
        if not isinstance(name, str | os.PathLike):
            raise InputError(f"a path is expected, not {type(name).__name__}", _WHAT_THEY_ARE)
    texts = tuple(os.fspath(name) for name in names)
    if "-" in texts:
        raise InputError("- is no file", "To read stdin, give sys.stdin.buffer.")
    found = inputs(texts)
    if log := log_of("inputs", WARNING):
        for note in found.notes:
            log.write(WARNING, note, {"event": "note"})
    return GivenInputs(found, texts)


def _files(files: list[Any]) -> GivenInputs:
    found, taken = [], set[str]()
    for place, file in enumerate(files):
        if not hasattr(file, "read") or isinstance(file, io.TextIOBase):
            what = "a text file" if hasattr(file, "read") else type(file).__name__
            raise InputError(f"a binary file is expected, not {what}", 'Open it with mode "rb".')
        name = str(getattr(file, "name", "") or "stream")
        name = f"{name} ({place + 1})" if name in taken else name
        taken.add(name)
        found.append(Input(name, None, place, given=_opening(_FileStream(file))))
    return GivenInputs(found, tuple(entry.name for entry in found))


def _events(events: Iterator[Any]) -> GivenInputs:
    entry = Input(EVENTS, None, given=_opening(_EventStream(events)))
    return GivenInputs([entry], (EVENTS,), are_events=True)


def _opening(stream: Stream) -> Callable[[], AbstractContextManager[Stream]]:
    return lambda: nullcontext(stream)


class _FileStream:
    """An open binary file. It stays open: the program has opened it."""

    def __init__(self, file: Any) -> None:
        self.stored = 0
        self._read = getattr(file, "read1", file.read)

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end. Raises what the file raises."""
        block = bytes(self._read(size) or b"")
        self.stored += len(block)
        return block


class _EventStream:
    """Events as a stream of lines; each event is one line."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.stored = 0
        self._events = events
        self._number = 0
        self._rest = b""

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end.

        Raises InputError for an item that is no event, and what the iterable raises.
        """
        lines, length, began = [self._rest], len(self._rest), time.monotonic()
        while length < size and (length == 0 or time.monotonic() - began < _MAX_WAIT):
            event = next(self._events, _END)
            if event is _END:
                break
            self._number += 1
            lines.append(self._line(event) + b"\n")
            length += len(lines[-1])
        text = b"".join(lines)
        block, self._rest = text[:size], text[size:]
        self.stored += len(block)
        return block

    def _line(self, event: Any) -> bytes:
        if isinstance(event, bytes | bytearray):
            # In JSON a line break can only be white space.
            return bytes(event).rstrip(b"\r\n").replace(b"\n", b" ")
        if not isinstance(event, Mapping):
            raise InputError(
                f"{EVENTS}:{self._number}: {type(event).__name__} is no event",
                "An event is a dict, or its JSON as bytes.",
            )
        try:
            return exact_json.dumps(dict(event))
        except (TypeError, ValueError) as error:
            raise InputError(f"{EVENTS}:{self._number}: {error}", "Give values of JSON.") from None


_WHAT_THEY_ARE = (
    "Give a path or an address, an open binary file, a list of these, or an iterable of events as "
    "bytes or dicts."
)

"""The first look: every input is opened once and judged by its beginning, before a run begins."""

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import overload

from segcli.errors import InputError
from segcli.inputs.decompress import Packing
from segcli.inputs.first_event import judge_events
from segcli.inputs.input import Input
from segcli.inputs.judgement import MOST_BYTES, Head, Judge, Judgement, accept_all
from segcli.inputs.local_file import PlainFile
from segcli.inputs.open import failing_as, stored_file, unpacked
from segcli.inputs.stream import CutOffError, Peeked, ReadError, Stream

_AT_ONCE = 16
_ASKED_AHEAD = 1000
# How much of an object is fetched first; the second size where that does not settle it.
_FETCHED = (16 * 1024, MOST_BYTES)
_REMARKS_SHOWN = 5


class Looked(Sequence[Input]):
    """Inputs that were looked at, in their order.

    What flows in once, as stdin does, stays open: its first bytes are read from memory again.
    `remarks` are worth telling with the summary.
    """

    def __init__(
        self,
        found: Sequence[Input],
        held: Mapping[int, Input] | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        self._found = found
        self._held = held or {}
        self.remarks = remarks

    @property
    def remark_lines(self) -> list[str]:
        """The remarks, line by line."""
        return [line for remark in self.remarks for line in remark.splitlines()]

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> Input: ...
    @overload
    def __getitem__(self, index: slice) -> list[Input]: ...
    def __getitem__(self, index: int | slice) -> Input | list[Input]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._held.get(place) or self._found[place]

    def __iter__(self) -> Iterator[Input]:
        for place, entry in enumerate(self._found):
            yield self._held.get(place, entry)


def look(found: Sequence[Input], judge: Judge = judge_events) -> Looked:
    """Open each input, judge its first bytes, and return the inputs to read.

    At most `MOST_BYTES` of each are read. stdin is waited for until its first line is there. A
    pipe that is not the first input is looked at in its turn: its writer may wait until another
    one is read. Raises InputError for what cannot be read, or not as it is.
    """
    seen = _Look(judge)
    is_remote = False
    for place, entry in enumerate(found):
        if entry.remote:
            is_remote = True
        elif entry.can_be_read_again:
            seen.take(entry, _of_file(entry, judge))
        elif judge is not accept_all:
            seen.hold(place, entry)
    if is_remote:
        _look_at_objects((entry for entry in found if entry.remote), seen)
    return Looked(found, seen.held, seen.all_remarks())


@dataclass(slots=True)
class _Look:
    """What was seen so far: the inputs that are open, and remarks on a few, with their number."""

    judge: Judge
    held: dict[int, Input] = field(default_factory=dict)
    _remarks: list[str] = field(default_factory=list)
    _remarked: int = 0

    def take(self, entry: Input, seen: "_Judged") -> None:
        """Note what was seen of an input; raises InputError where it cannot be read as it is."""
        judgement, packing = seen
        _check(entry, seen)
        if judgement.remark:
            from segcli.inputs.conversion import described_form  # noqa: PLC0415  # rarely needed

            self._remarked += 1
            if len(self._remarks) < _REMARKS_SHOWN:
                self._remarks.append(described_form(entry, packing, judgement.remark))

    def hold(self, place: int, entry: Input) -> None:
        """Look at what flows in once, and keep it open, or let it be looked at in its turn."""
        if place and entry.name != "-":
            self.held[place] = replace(entry, opened=_in_its_turn(entry, self.judge))
            return
        seen, opened = _of_flow(entry, self.judge)
        self.take(entry, seen)
        self.held[place] = replace(entry, opened=opened)

    def all_remarks(self) -> Sequence[str]:
        if (left := self._remarked - len(self._remarks)) > 0:
            return (*self._remarks, f"The same goes for {left:,} more files.")
        return self._remarks


_Judged = tuple[Judgement, Packing | None]


def _check(entry: Input, judged: _Judged) -> None:
    """Raise InputError if an input cannot be read as it is."""
    judgement, packing = judged
    if judgement.form:
        from segcli.inputs.conversion import refusal  # noqa: PLC0415  # rarely needed

        raise refusal(entry, packing, judgement.form)


def _of_file(entry: Input, judge: Judge) -> _Judged:
    with failing_as(InputError, entry), stored_file(entry) as file:
        stream, packing = unpacked(file)
        return _judged(stream, entry, judge), packing


def _judged(stream: Peeked, entry: Input, judge: Judge, *, is_whole: bool = True) -> Judgement:
    """Judge what was read of a stream already, or more of it where that settles nothing.

    `is_whole`: the end of the stream is that of the input.
    """

    def judged() -> Judgement:
        head = stream.peek(0)
        ends = stream.has_ended and is_whole and len(head) <= MOST_BYTES
        return judge(Head(head[:MOST_BYTES], ends), entry)

    first = judged()
    if first.is_settled or stream.has_ended or len(stream.peek(0)) >= MOST_BYTES:
        return first
    stream.peek(MOST_BYTES)
    return judged()


def _of_flow(
    entry: Input, judge: Judge
) -> tuple[_Judged, Callable[[], AbstractContextManager[Stream]]]:
    """Judge what flows in once by what is there with its first line; return what reads it all."""
    with ExitStack() as stack:
        with failing_as(InputError, entry):
            file = stack.enter_context(stored_file(entry))
            stream, packing = unpacked(file)
            if entry.size is not None:
                judgement = _judged(stream, entry, judge)
            else:
                _wait_for_line(stream, file, packing)
                judgement = judge(Head(stream.peek(0)[:MOST_BYTES], stream.has_ended), entry)
        rest = stack.pop_all()

    @contextmanager
    def opened() -> Iterator[Stream]:
        with rest:
            yield stream

    return (judgement, packing), opened


def _in_its_turn(entry: Input, judge: Judge) -> Callable[[], AbstractContextManager[Stream]]:
    """Return what opens an input and looks at it then."""

    @contextmanager
    def opened() -> Iterator[Stream]:
        judged, open_it = _of_flow(entry, judge)
        with open_it() as stream:
            _check(entry, judged)
            yield stream

    return opened


def _wait_for_line(stream: Peeked, file: PlainFile, packing: Packing | None) -> None:
    """Read up to the end of the first line, and what else is there without waiting."""
    stream.peek_line(MOST_BYTES)
    # What unpacks may have to wait for more than it is given.
    while packing is None and not stream.has_ended and len(stream.peek(0)) < MOST_BYTES:
        if not select.select([file.file], [], [], 0)[0]:
            return
        stream.peek(len(stream.peek(0)) + 1)


def _look_at_objects(remote: Iterator[Input], seen: _Look) -> None:
    """Look at several at once: each costs a journey. What is waited for takes memory too."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # not for files on disk

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(remote, _ASKED_AHEAD)):
            found = pool.map(lambda entry: _of_object(entry, seen.judge), some)
            for entry, judged in zip(some, found, strict=True):
                seen.take(entry, judged)


def _of_object(entry: Input, judge: Judge) -> _Judged:
    from segcli.inputs.object_store import asking  # noqa: PLC0415  # not needed for files on disk

    assert entry.remote
    judged: _Judged = Judgement(), None
    with asking(entry.name, entry.remote.path):
        for size in _FETCHED:
            start = entry.remote.start(size)
            is_whole = entry.size is not None and len(start) >= entry.size
            judged = _of_start(entry, start, judge, is_whole=is_whole)
            if judged[0].is_settled or judged[0].form or is_whole:
                break
    return judged


def _of_start(entry: Input, start: bytes, judge: Judge, *, is_whole: bool) -> _Judged:
    """Judge an object by its first bytes; what is packed may give nothing before there are more."""
    try:
        stream, packing = unpacked(_Bytes(start))
    except ReadError as error:
        if isinstance(error, CutOffError) and not is_whole:
            return Judgement(), None
        raise InputError(f"{entry.title} cannot be read: {error.strerror}", error.hint) from None
    return _judged(stream, entry, judge, is_whole=is_whole), packing


class _Bytes:
    """The beginning of an input, as a stream that ends there."""

    def __init__(self, data: bytes) -> None:
        self.stored = 0
        self._data = data

    def read1(self, size: int, /) -> bytes:
        block, self._data = self._data[:size], self._data[size:]
        self.stored += len(block)
        return block

"""The first look: open every input once and judge it by its first lines, before a run begins."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import overload

from segcli.core.plural import count_of
from segcli.descriptors import can_read
from segcli.errors import InputError
from segcli.inputs.decompress import Packing
from segcli.inputs.first_event import judge_events
from segcli.inputs.input import Input
from segcli.inputs.judgement import MOST_BYTES, Head, HeadJudge, Judgement, accept_all
from segcli.inputs.local_file import PlainFile
from segcli.inputs.open import failing_as, stored_file, unpacked
from segcli.inputs.stream import CutOffError, Peeked, ReadError, Stream

_THREADS = 16
# How many objects are checked at a time; their futures need memory.
_GROUP = 1000
# How many first bytes of an object are fetched: the second size if the first is not enough. A
# Zstandard frame gives nothing before its first block is complete.
_START_SIZES = (16 * 1024, MOST_BYTES)
_MAX_REMARKS = 5


class Looked(Sequence[Input]):
    """The inputs after the first look, in order.

    An input that can be read only once, such as stdin, stays open: its first bytes are read again
    from memory.

    remarks: what the summary should say about them.
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
        """The lines of the remarks."""
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


def look(found: Sequence[Input], judge: HeadJudge = judge_events) -> Looked:
    """Open each input, judge its first bytes, and return the inputs to read.

    At most `MOST_BYTES` of each are read; for stdin and a pipe, this waits for the first line only.
    A pipe that is not the first input is judged when its turn comes, because its writer may wait
    until another pipe is read. Raises InputError for an input that is unreadable or must be
    converted.
    """
    seen = _Look(judge)
    is_remote = False
    for place, entry in enumerate(found):
        if entry.remote:
            is_remote = True
        elif entry.can_be_read_again:
            seen.add(entry, _judged_file(entry, judge))
        elif judge is not accept_all:
            seen.hold(place, entry)
    if is_remote:
        _look_at_objects((entry for entry in found if entry.remote), seen)
    return Looked(found, seen.held, seen.all_remarks())


@dataclass(slots=True)
class _Look:
    """The state of a first look.

    judge: decides about each input.
    held: by place, the inputs that stay open.
    """

    judge: HeadJudge
    held: dict[int, Input] = field(default_factory=dict)
    _remarks: list[str] = field(default_factory=list)
    _remarked: int = 0

    def add(self, entry: Input, judged: "_Judged") -> None:
        """Add the judgement of an input. Raises InputError if the input must be converted."""
        judgement, packing = judged
        _check(entry, judged)
        if judgement.remark:
            from segcli.inputs.conversion import described_form  # noqa: PLC0415  # rarely needed

            self._remarked += 1
            if len(self._remarks) < _MAX_REMARKS:
                self._remarks.append(described_form(entry, packing, judgement.remark))

    def hold(self, place: int, entry: Input) -> None:
        """Judge an input that can be read once, and keep it open; a later pipe, in its turn."""
        if place and entry.name != "-":
            self.held[place] = replace(entry, opened=_in_its_turn(entry, self.judge))
            return
        judged, opened = _judged_once(entry, self.judge)
        self.add(entry, judged)
        self.held[place] = replace(entry, opened=opened)

    def all_remarks(self) -> Sequence[str]:
        """Return the first remarks, and the number of the other ones."""
        if (left := self._remarked - len(self._remarks)) > 0:
            return (*self._remarks, f"The same applies to {count_of(left, 'more file')}.")
        return self._remarks


_Judged = tuple[Judgement, Packing | None]


def _check(entry: Input, judged: _Judged) -> None:
    """Raise InputError if an input must be converted."""
    judgement, packing = judged
    if judgement.form:
        from segcli.inputs.conversion import refusal  # noqa: PLC0415  # rarely needed

        raise refusal(entry, packing, judgement.form)


def _judged_file(entry: Input, judge: HeadJudge) -> _Judged:
    with failing_as(InputError, entry), stored_file(entry) as file:
        stream, packing = unpacked(file)
        return _judged(stream, entry, judge), packing


def _judged(stream: Peeked, entry: Input, judge: HeadJudge, *, is_whole: bool = True) -> Judgement:
    """Judge the bytes of a stream that were read already; if they are not enough, read more.

    `is_whole` is True if the end of the stream is the end of the input.
    """

    def judged() -> Judgement:
        head = stream.peek(0)
        ends = stream.has_ended and is_whole and len(head) <= MOST_BYTES
        return judge(Head(head[:MOST_BYTES], ends), entry)

    first = judged()
    if first.is_final or stream.has_ended or len(stream.peek(0)) >= MOST_BYTES:
        return first
    stream.peek(MOST_BYTES)
    return judged()


def _judged_once(
    entry: Input, judge: HeadJudge
) -> tuple[_Judged, Callable[[], AbstractContextManager[Stream]]]:
    """Judge an input that can be read once by its first line and what has come with it.

    Returns the judgement, and a function that opens the stream from its start.
    """
    with ExitStack() as stack:
        if entry.given:
            stream, packing = unpacked(stack.enter_context(entry.given()))
            stream.peek_line(MOST_BYTES)
            judgement = judge(Head(stream.peek(0)[:MOST_BYTES], stream.has_ended), entry)
        else:
            stream, packing, judgement = _judged_stream(entry, judge, stack)
        rest = stack.pop_all()

    @contextmanager
    def opened() -> Iterator[Stream]:
        with rest:
            yield stream

    return (judgement, packing), opened


def _judged_stream(
    entry: Input, judge: HeadJudge, stack: ExitStack
) -> tuple[Peeked, Packing | None, Judgement]:
    """Open stdin or a pipe for as long as the stack, and judge it."""
    with failing_as(InputError, entry):
        file = stack.enter_context(stored_file(entry))
        stream, packing = unpacked(file)
        if entry.size is not None:
            return stream, packing, _judged(stream, entry, judge)
        _wait_for_line(stream, file, packing)
        return stream, packing, judge(Head(stream.peek(0)[:MOST_BYTES], stream.has_ended), entry)


def _in_its_turn(entry: Input, judge: HeadJudge) -> Callable[[], AbstractContextManager[Stream]]:
    """Return a function that opens an input and then judges it."""

    @contextmanager
    def opened() -> Iterator[Stream]:
        judged, open_it = _judged_once(entry, judge)
        with open_it() as stream:
            _check(entry, judged)
            yield stream

    return opened


def _wait_for_line(stream: Peeked, file: PlainFile, packing: Packing | None) -> None:
    """Read up to the end of the first line, and what else can be read without waiting."""
    stream.peek_line(MOST_BYTES)
    # A decompressor may have to wait for more bytes than there are.
    while packing is None and not stream.has_ended and len(stream.peek(0)) < MOST_BYTES:
        if not can_read([file.file.fileno()], timeout=0):
            return
        stream.peek(len(stream.peek(0)) + 1)


def _look_at_objects(remote: Iterator[Input], seen: _Look) -> None:
    """Judge objects in several threads, because each needs a round trip to the store."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # not for files on disk

    with ThreadPoolExecutor(_THREADS) as pool:
        while group := list(islice(remote, _GROUP)):
            found = pool.map(lambda entry: _judged_object(entry, seen.judge), group)
            for entry, judged in zip(group, found, strict=True):
                seen.add(entry, judged)


def _judged_object(entry: Input, judge: HeadJudge) -> _Judged:
    from segcli.inputs.object_store import asking  # noqa: PLC0415  # not needed for files on disk

    assert entry.remote
    judged: _Judged = Judgement(), None
    with asking(entry.name, entry.remote.path):
        for size in _START_SIZES:
            start = entry.remote.start(size)
            is_whole = entry.size is not None and len(start) >= entry.size
            judged = _judged_start(entry, start, judge, is_whole=is_whole)
            if judged[0].is_final or judged[0].form or is_whole:
                break
    return judged


def _judged_start(entry: Input, start: bytes, judge: HeadJudge, *, is_whole: bool) -> _Judged:
    """Judge an object by its first bytes. If compressed, they may give nothing yet."""
    try:
        stream, packing = unpacked(_Bytes(start))
    except ReadError as error:
        if isinstance(error, CutOffError) and not is_whole:
            return Judgement(), None
        raise InputError(f"{entry.title} cannot be read: {error.strerror}", error.hint) from None
    return _judged(stream, entry, judge, is_whole=is_whole), packing


class _Bytes:
    """The first bytes of an input, as a stream."""

    def __init__(self, data: bytes) -> None:
        self.stored = 0
        self._data = data

    def read1(self, size: int, /) -> bytes:
        block, self._data = self._data[:size], self._data[size:]
        self.stored += len(block)
        return block

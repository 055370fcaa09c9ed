"""What a worker process does, and the form in which it and the first process talk."""

import pickle
import struct
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias, TypeVar

from segcli.core.line import TooLong
from segcli.inputs import ReadError
from segcli.lines.spans import LineBlock, Span
from segcli.parallel.work import Work, WorkItem, WorkResult

A = TypeVar("A")


# The sizes of what follows, and of what is printed: it follows too where it fits into no slot.
HEAD = struct.Struct("=QQ")
# Where pieces lie, and what they become.
Slots: TypeAlias = Sequence[memoryview]


class WorkerFailed(Exception):
    """A bug that showed in a worker; the text is its traceback there."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a worker says instead of a portion."""

    problem: str
    hint: str = ""
    is_bug: bool = True

    def error(self) -> Exception:
        """Return what the first process raises instead."""
        return WorkerFailed(self.problem) if self.is_bug else ReadError(self.problem, self.hint)


def serve_work(work: Work[A], slots: Slots, orders: BinaryIO, results: BinaryIO) -> None:
    """Work on pieces until nobody has orders any more."""
    while len(head := orders.read(HEAD.size)) == HEAD.size:
        number, place, title, first = pickle.loads(orders.read(HEAD.unpack(head)[0]))
        slot = slots[number]
        try:
            portion = work(WorkItem(_found(place, slot), title, first))
        except ReadError as error:
            results.write(encode_message(Failure(error.strerror or "", error.hint, is_bug=False)))
        except BaseException:  # a bug, whatever it is: the first process says so
            results.write(encode_message(Failure(traceback.format_exc())))
        else:
            _answer(portion, slot, results)
        results.flush()


def _answer(portion: WorkResult[A], slot: memoryview, results: BinaryIO) -> None:
    """Say what became of a piece; the slot is filled by then, for it is read at once."""
    size = sum(map(len, portion.out))
    if size > len(slot):
        results.write(encode_message(portion.account, size))
        results.writelines(portion.out)
        return
    start = 0
    for text in portion.out:
        slot[start : start + len(text)] = text
        start += len(text)
    results.write(encode_message(portion.account, size))


def encode_message(content: object, printed: int = 0) -> bytes:
    """Return a value as it goes through a pipe, behind its `HEAD`."""
    text = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(text), printed) + text


def _found(place: Span | TooLong | int, slot: memoryview) -> LineBlock | Span | TooLong:
    return LineBlock(b"", bytes(slot[:place]), place) if isinstance(place, int) else place

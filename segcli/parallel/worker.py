"""The loop of a worker process, and the messages between it and the main process."""

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

_A = TypeVar("_A")

# The head of a message: the size of its content, and the size of the output. The output follows the
# content if it does not fit into the slot.
HEAD = struct.Struct("=QQ")
# Shared memory: a slot holds a work item, then its output.
Slots: TypeAlias = Sequence[memoryview]


class WorkerFailed(Exception):
    """A bug in a worker. The text is the traceback of the worker."""


@dataclass(frozen=True, slots=True)
class WorkFailure:
    """The message of a worker that failed on a work item.

    problem: a traceback, or the reason why the lines could not be read.
    hint: what to do about it.
    is_bug: False if the lines could not be read.
    """

    problem: str
    hint: str = ""
    is_bug: bool = True

    def error(self) -> Exception:
        """Return the exception that the main process raises."""
        return WorkerFailed(self.problem) if self.is_bug else ReadError(self.problem, self.hint)


def serve_work(work: Work[_A], slots: Slots, orders: BinaryIO, results: BinaryIO) -> None:
    """Process work items until the main process closes `orders`."""
    while len(head := orders.read(HEAD.size)) == HEAD.size:
        number, data, title, first = pickle.loads(orders.read(HEAD.unpack(head)[0]))
        slot = slots[number]
        try:
            result = work(WorkItem(_item_data(data, slot), title, first))
        except ReadError as error:
            results.write(
                encode_message(WorkFailure(error.strerror or "", error.hint, is_bug=False))
            )
        except BaseException:  # a bug of any kind: the main process reports it
            results.write(encode_message(WorkFailure(traceback.format_exc())))
        else:
            _send_result(result, slot, results)
        results.flush()


def encode_message(content: object, output_size: int = 0) -> bytes:
    """Encode a message for a pipe: its `HEAD` and the pickled content."""
    text = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(text), output_size) + text


def _send_result(result: WorkResult[_A], slot: memoryview, results: BinaryIO) -> None:
    """Send a result. Fill the slot before the message: the main process then reads it at once."""
    size = sum(map(len, result.out))
    if size > len(slot):
        results.write(encode_message(result.account, size))
        results.writelines(result.out)
        return
    start = 0
    for text in result.out:
        slot[start : start + len(text)] = text
        start += len(text)
    results.write(encode_message(result.account, size))


def _item_data(data: Span | TooLong | int, slot: memoryview) -> LineBlock | Span | TooLong:
    """Return the data of a work item. A number is the size of lines in the slot."""
    return LineBlock(b"", bytes(slot[:data]), data) if isinstance(data, int) else data

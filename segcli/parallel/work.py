"""Work items and work results: the values that this process and its workers exchange."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from segcli.core.line import TooLong
from segcli.lines.spans import LineBlock, Span

_A = TypeVar("_A")


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Consecutive lines of an input.

    data: the lines, or where they are.
    title: the name of the input, for messages.
    first: the number of the first line; 0 if the work does not need it.
    """

    data: LineBlock | Span | TooLong
    title: str
    first: int


@dataclass(frozen=True, slots=True)
class WorkResult(Generic[_A]):
    """The result of a work item.

    account: the counts of its lines, in the form that the work chooses.
    out: the texts to print, in order.
    """

    account: _A
    out: Sequence[bytes | memoryview] = ()


Work: TypeAlias = Callable[[WorkItem], WorkResult[_A]]

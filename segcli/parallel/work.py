"""What is worked on and what it becomes: values that this process and workers share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from segcli.core.line import TooLong
from segcli.lines.spans import LineBlock, Span

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Lines in a row: of which file they are, and the number of the first where it is printed."""

    data: LineBlock | Span | TooLong
    title: str
    first: int


@dataclass(frozen=True, slots=True)
class WorkResult(Generic[A]):
    """What a piece has become: an account of its lines, and texts to print, one after the other."""

    account: A
    out: Sequence[bytes | memoryview] = ()


Work: TypeAlias = Callable[[WorkItem], WorkResult[A]]

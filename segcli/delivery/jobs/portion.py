"""Pieces of the input and what they become, in this process or in another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from segcli.core.line import TooLong
from segcli.lines.spans import Span, Text

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines in a row: of which file they are, and the number of the first where it is printed."""

    data: Text | Span | TooLong
    title: str
    first: int


@dataclass(frozen=True, slots=True)
class Portion(Generic[A]):
    """What a piece has become: an account of its lines, and texts to print, one after the other."""

    account: A
    out: Sequence[bytes | memoryview] = ()


Work: TypeAlias = Callable[[Piece], Portion[A]]

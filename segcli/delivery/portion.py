"""Pieces of the input and what they become, in this process or in another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from segcli.delivery.texts import Span, Text
from segcli.outcome import TooLong

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines in a row: of which file they are, and the number of the first where it is printed."""

    data: Text | Span | TooLong
    title: str
    first: int


@dataclass(frozen=True, slots=True)
class Portion(Generic[A]):
    """What a piece has become: an account of its lines, and bytes to print."""

    account: A
    out: bytes = b""


Work: TypeAlias = Callable[[Piece], Portion[A]]

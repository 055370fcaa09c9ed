"""What a shared journal needs of a store: objects that are created once and never changed."""

from collections.abc import Sequence
from typing import Protocol


class StoreProblem(Exception):
    """A store has not done what it was asked.

    text: why, on one line, without secrets.
    is_permanent: whether a retry cannot help.
    """

    def __init__(self, text: str, *, is_permanent: bool) -> None:
        super().__init__(text)
        self.text = text
        self.is_permanent = is_permanent


class LogStore(Protocol):
    """The objects of one folder or prefix. Every method raises StoreProblem.

    shown: its address in the form that may be shown.
    is_proven: creating is known to be exclusive, also for several machines at once.
    """

    shown: str
    is_proven: bool

    def create(self, name: str, data: bytes) -> bool:
        """Create an object, whole and durable; False if there is one of this name."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; None if there is none."""
        ...

    def names(self) -> list[str]:
        """Return the names of all objects. A hidden name is none of the journal's."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects."""
        ...

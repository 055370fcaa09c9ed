"""Mistakes in a mapping, and the error that reports all of them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a mapping.

    path: where in the mapping.
    message: what is wrong there, and a hint if there is one.
    text: mapping-kit's sentence, word for word; its paths omit list indexes.
    """

    path: str
    message: str
    text: str

    def __str__(self) -> str:
        return f"{self.path} {self.message}"


class MappingError(ValueError):
    """A mapping cannot be used; the message is mapping-kit's, one line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.text for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a mapping.

    path: its full path; empty for the root.
    shown_path: the path that mapping-kit's messages show.
    """

    path: str = ""
    shown_path: str = ""

    def at(self, name: str) -> "Spot":
        """Return the place below a name."""
        return Spot(f"{self.path}/{name}", f"{self.shown_path}/{name}")

    def item(self, *names: str | int, shown_path: str | None = None) -> "Spot":
        """Return a place below this one; mapping-kit shows this place, or `shown_path`."""
        path = "".join(f"/{name}" for name in names)
        return Spot(self.path + path, self.shown_path if shown_path is None else shown_path)

    def problem(self, message: str, *, hint: str = "") -> Problem:
        """Return the problem with this message at this place; mapping-kit's has no hint."""
        text = f"{self.shown_path or '/'} {message}."
        return Problem(self.path or "/", f"{message}. {hint}" if hint else message, text)

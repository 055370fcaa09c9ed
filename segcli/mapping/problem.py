"""What is wrong with a mapping, all of it at once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: what is wrong (`message`) with what stands at a path within the mapping.

    `text` is the whole sentence in the words of mapping-kit, whose paths skip places in lists.
    """

    path: str
    message: str
    text: str

    def __str__(self) -> str:
        return f"{self.path} {self.message}"


class MappingError(ValueError):
    """A mapping cannot be used; its text is that of mapping-kit, a line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.text for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a mapping; the root's paths are empty."""

    path: str = ""
    told: str = ""

    def at(self, name: str) -> "Spot":
        """Return the place below a name."""
        return Spot(f"{self.path}/{name}", f"{self.told}/{name}")

    def item(self, *names: str | int, told: str | None = None) -> "Spot":
        """Return a place below that mapping-kit does not tell, or tells as another."""
        path = "".join(f"/{name}" for name in names)
        return Spot(self.path + path, self.told if told is None else told)

    def problem(self, message: str) -> Problem:
        """Return what is wrong here."""
        return Problem(self.path or "/", message, f"{self.told or '/'} {message}.")

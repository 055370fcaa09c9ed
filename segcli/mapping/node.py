"""A part of a mapping as a plain function, and what is known of it when it is compiled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from segcli.core.event import Rejected
from segcli.mapping.javascript import MAX_TEXT, UNDEFINED, TooLong
from segcli.mapping.problem import Problem

Run = Callable[[Any], Any]

ALL_LEVELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of a mapping makes of the data (`run`).

    `is_constant`: whatever the data are. `is_total`: it never returns UNDEFINED. `has_holes`:
    UNDEFINED may stand in lists within, or in objects in them.
    """

    run: Run
    is_constant: bool = False
    is_total: bool = False
    has_holes: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part stands: its path in the mapping, and what its neighbours ask of it.

    An object that the part makes shows its fields at UNDEFINED for so many levels (`keeps`); only
    where something tells them from missing ones is there a need. `has_holes`: UNDEFINED may
    stand in lists of the data. What does nothing for any event is noted in `doubts`.
    """

    compile: Callable[[Any, "Place"], Part]
    path: str = ""
    doubts: list[Problem] = field(default_factory=list)
    keeps: int = 0
    has_holes: bool = False

    def part(self, mapping: Any, *names: str | int, keeps: int = 0) -> Part:
        """Compile what stands below this place under names."""
        return self.compile(mapping, self.below(*names, keeps=keeps))

    def below(self, *names: str | int, keeps: int = 0, has_holes: bool | None = None) -> "Place":
        """Return the place below this one under names."""
        path = "".join([self.path, *(f"/{name}" for name in names)])
        holes = self.has_holes if has_holes is None else has_holes
        return Place(self.compile, path, self.doubts, keeps, holes)

    def refuse(self, problem: str) -> NoReturn:
        """Refuse an event: this part of the mapping can do nothing with it; raises Rejected."""
        raise Rejected(self.path or "/", problem)

    def doubt(self, problem: str) -> None:
        """Note what is wrong here although mapping-kit passes over it."""
        self.doubts.append(Problem(self.path or "/", problem, problem))

    def refusal(self, problem: str) -> Part:
        """Return the part that refuses every event that comes here."""
        self.doubt(problem)

        def run(_: Any) -> NoReturn:
            self.refuse(problem)

        return Part(run)


def constant(value: Any, *, has_holes: bool = False) -> Part:
    """Return the part that is this value for all data."""
    is_total = value is not UNDEFINED
    return Part(lambda _: value, is_constant=True, is_total=is_total, has_holes=has_holes)


def bounded(run: Run, place: Place, problem: str) -> Run:
    """Return a function that refuses an event where a text would become too long."""

    def within(data: Any) -> Any:
        try:
            return run(data)
        except TooLong:
            place.refuse(f"{problem}: more than {MAX_TEXT:,} characters")

    return within


NOTHING = constant(UNDEFINED)

"""A part of a mapping as a plain function, and what is known of it when it is compiled."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from segcli.core.event import Rejected
from segcli.mapping.javascript import MAX_TEXT, UNDEFINED, TextTooLong
from segcli.mapping.problem import Problem

MapFunction = Callable[[Any], Any]

ALL_LEVELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """A compiled part of a mapping.

    run: makes the value from the data.
    is_constant: the value is the same for all data.
    is_total: `run` never returns UNDEFINED.
    may_hold_undefined: UNDEFINED may stand inside lists, or inside objects in lists.
    """

    run: MapFunction
    is_constant: bool = False
    is_total: bool = False
    may_hold_undefined: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Where a part of a mapping stands, and what the parts around it need.

    compile: compiles a part below this one.
    path: the path in the mapping, for messages.
    lint_problems: collects what has no effect for any event.
    keep_levels: for how many levels an object must show fields that are UNDEFINED. Only a part
        that tells them from missing fields needs this.
    may_hold_undefined: UNDEFINED may stand inside lists of the data.
    """

    compile: Callable[[Any, "Context"], Node]
    path: str = ""
    lint_problems: list[Problem] = field(default_factory=list)
    keep_levels: int = 0
    may_hold_undefined: bool = False

    def part(self, mapping: Any, *names: str | int, keep_levels: int = 0) -> Node:
        """Compile what stands below this place under names."""
        return self.compile(mapping, self.below(*names, keep_levels=keep_levels))

    def below(
        self, *names: str | int, keep_levels: int = 0, may_hold_undefined: bool | None = None
    ) -> "Context":
        """Return the place below this one under names."""
        path = "".join([self.path, *(f"/{name}" for name in names)])
        holes = self.may_hold_undefined if may_hold_undefined is None else may_hold_undefined
        return Context(self.compile, path, self.lint_problems, keep_levels, holes)

    def refuse(self, problem: str) -> NoReturn:
        """Refuse an event: this part of the mapping can do nothing with it; raises Rejected."""
        raise Rejected(self.path or "/", problem)

    def doubt(self, problem: str) -> None:
        """Note what is wrong here although mapping-kit passes over it."""
        self.lint_problems.append(Problem(self.path or "/", problem, problem))

    def refusal(self, problem: str) -> Node:
        """Return the part that refuses every event that comes here."""
        self.doubt(problem)

        def run(_: Any) -> NoReturn:
            self.refuse(problem)

        return Node(run)


def constant(value: Any, *, may_hold_undefined: bool = False) -> Node:
    """Return the part that is this value for all data."""
    is_total = value is not UNDEFINED
    return Node(
        lambda _: value, is_constant=True, is_total=is_total, may_hold_undefined=may_hold_undefined
    )


def bounded(run: MapFunction, place: Context, problem: str) -> MapFunction:
    """Return a function that refuses an event where a text would become too long."""

    def within(data: Any) -> Any:
        try:
            return run(data)
        except TextTooLong:
            place.refuse(f"{problem}: more than {MAX_TEXT:,} characters")

    return within


NOTHING = constant(UNDEFINED)

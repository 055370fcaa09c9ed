"""The compiled form of a mapping: a tree of nodes, each with its function and properties."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from segcli.core.event import Rejected
from segcli.mapping.expected import Expected
from segcli.mapping.javascript import MAX_TEXT, UNDEFINED, TextTooLong
from segcli.mapping.problem import Problem

MapFunction = Callable[[Any], Any]

ALL_LEVELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Node:
    """A compiled part of a mapping.

    run: returns the value for an event's data.
    is_constant: `run` returns the same value for all data.
    is_total: `run` never returns UNDEFINED.
    may_hold_undefined: the value may contain UNDEFINED in lists, or in objects inside lists.
    is_compared: the value's fields or items are compared with what is expected of them; an object
        that is not as expected is an Unexpected.
    """

    run: MapFunction
    is_constant: bool = False
    is_total: bool = False
    may_hold_undefined: bool = False
    is_compared: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The place of a node in its mapping, and what the surrounding nodes require.

    compile: compiles a node below this one.
    path: the path in the mapping, for messages.
    lint_problems: collects what `lint` reports.
    keep_levels: how many levels of objects must keep fields that are UNDEFINED. Only a directive
        that distinguishes them from missing fields needs this.
    may_hold_undefined: lists in the data may contain UNDEFINED.
    expected: what is expected of the value; None where it is not compared.
    """

    compile: Callable[[Any, "Context"], Node]
    path: str = ""
    lint_problems: list[Problem] = field(default_factory=list)
    keep_levels: int = 0
    may_hold_undefined: bool = False
    expected: Expected | None = None

    def part(
        self,
        mapping: Any,
        *names: str | int,
        keep_levels: int = 0,
        expected: Expected | None = None,
    ) -> Node:
        """Compile the mapping at a path below this place."""
        at = self.below(*names, keep_levels=keep_levels, expected=expected)
        return self.compile(mapping, at)

    def below(
        self,
        *names: str | int,
        keep_levels: int = 0,
        may_hold_undefined: bool | None = None,
        expected: Expected | None = None,
    ) -> "Context":
        """Return the context of a path below this place."""
        path = "".join([self.path, *(f"/{name}" for name in names)])
        if may_hold_undefined is None:
            may_hold_undefined = self.may_hold_undefined
        return replace(
            self,
            path=path,
            keep_levels=keep_levels,
            may_hold_undefined=may_hold_undefined,
            expected=expected,
        )

    def refuse(self, problem: str) -> NoReturn:
        """Reject the event, with this place in the mapping; raises Rejected."""
        raise Rejected(self.path or "/", problem)

    def warn(self, problem: str) -> None:
        """Record a problem for `lint`, which mapping-kit does not report."""
        self.lint_problems.append(Problem(self.path or "/", problem, problem))

    def refusal(self, problem: str) -> Node:
        """Return a node that rejects every event, and record the problem for `lint`."""
        self.warn(problem)

        def run(_: Any) -> NoReturn:
            self.refuse(problem)

        return Node(run)


def constant(value: Any, *, may_hold_undefined: bool = False, is_compared: bool = False) -> Node:
    """Return a node with the same value for all data."""
    is_total = value is not UNDEFINED
    return Node(lambda _: value, True, is_total, may_hold_undefined, is_compared)


def bounded(run: MapFunction, context: Context, problem: str) -> MapFunction:
    """Wrap a function: it rejects an event for which a text would become too long."""

    def within(data: Any) -> Any:
        try:
            return run(data)
        except TextTooLong:
            context.refuse(f"{problem}: more than {MAX_TEXT:,} characters")

    return within


NOTHING = constant(UNDEFINED, is_compared=True)

"""A tracking plan as a value: its compiled rules, and the mistakes in its file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.plan.rule import Mistake, Rule
from segcli.plan.words import Violation


@dataclass(frozen=True, slots=True)
class Check:
    """A compiled schema.

    is_valid: returns whether a value conforms to it.
    violations: yields every violation in a value.
    """

    is_valid: Callable[[Any], bool]
    violations: Callable[[Any], Iterator[Violation]]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule of a plan.

    rule: the rule.
    check: its schema; None if that has mistakes.
    plan: the title of its plan.
    """

    rule: Rule
    check: Check | None
    plan: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A tracking plan.

    title: the name of its file.
    rules: its rules.
    mistakes: the mistakes in the file, each with its line, in the order of the lines.
    """

    title: str
    rules: Sequence[CompiledRule]
    mistakes: Sequence[Mistake]

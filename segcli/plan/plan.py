"""A tracking plan as a value: rules that are compiled, and what is wrong with its file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.plan.rule import Mistake, Rule
from segcli.plan.words import Violation


@dataclass(frozen=True, slots=True)
class Check:
    """A compiled schema.

    is_valid: returns whether a value keeps to it.
    violations: yields each thing that a value does not keep to.
    """

    is_valid: Callable[[Any], bool]
    violations: Callable[[Any], Iterator[Violation]]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule of a plan; `check` is None where its schema has mistakes."""

    rule: Rule
    check: Check | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A tracking plan: the name of its file, its rules, and the mistakes, each with its line."""

    title: str
    rules: Sequence[CompiledRule]
    mistakes: Sequence[Mistake]

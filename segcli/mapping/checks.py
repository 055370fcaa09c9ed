"""What a part of a mapping has to be: the checks that the directives' rules are made of."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from segcli.mapping.problem import Problem
from segcli.mapping.spot import Spot
from segcli.mapping.text import length
from segcli.mapping.value import kind_of

Check = Callable[[Any, Spot], list[Problem]]


@dataclass(frozen=True, slots=True)
class Field:
    """What a field of a directive's options has to be, and whether it has to be there."""

    check: Check
    required: bool = False


def kind_or_directive(value: object) -> str:
    """Return the kind of a value, `directive` for an object that has an @-prefixed key."""
    if isinstance(value, dict) and any(key.startswith("@") for key in value):
        return "directive"
    return kind_of(value)


def wrong_kind(wanted: str, value: object, spot: Spot) -> list[Problem]:
    """Return the problem that something else was wanted than what is there."""
    kind = kind_or_directive(value)
    article = "an" if kind[0] in "aeiou" else "a"
    return [spot.problem(f"should be {wanted} but it is {article} {kind}")]


def some_kind(wanted: str, *names: str) -> Check:
    """Return the check that a value is of one of some kinds."""

    def check(value: Any, spot: Spot) -> list[Problem]:
        return [] if kind_or_directive(value) in names else wrong_kind(wanted, value, spot)

    return check


is_string = some_kind("a string", "string")
is_boolean = some_kind("a boolean", "boolean")
is_array = some_kind("an array", "array")


def text_within(least: int, most: int) -> Check:
    """Return the check that a value is a text of so many characters."""

    def check(value: Any, spot: Spot) -> list[Problem]:
        found = is_string(value, spot)
        if found:
            return found
        if length(value) < least:
            return [spot.problem(f"should be a string of length {least} or greater")]
        if length(value) > most:
            return [spot.problem(f"should be a string of length {most} or less")]
        return []

    return check


def one_of(*allowed: str) -> Check:
    """Return the check that a value is one of some words, in capitals or not."""

    def check(value: Any, spot: Spot) -> list[Problem]:
        found = is_string(value, spot)
        if found or value.lower() in allowed:
            return found
        said = json.dumps(value, ensure_ascii=False)
        return [spot.problem(f"should be one of {', '.join(allowed)} but it is {said}")]

    return check


def fields(value: Mapping[str, Any], wanted: Mapping[str, Field], spot: Spot) -> list[Problem]:
    """Check the fields of an object."""
    found: list[Problem] = []
    for name, field in wanted.items():
        if name in value:
            found += field.check(value[name], spot.at(name))
        elif field.required:
            found.append(spot.problem(f'should have field "{name}" but it doesn\'t'))
    return found

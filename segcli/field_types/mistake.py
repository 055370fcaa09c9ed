"""The mistakes of a payload, and how they are worded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.mapping.javascript import javascript_kind

FieldPath = tuple[str | int, ...]
# A path as it is passed down: the path of the value around it, and the last name. Quick to extend.
Trail = tuple[Any, ...]

_MAX_TOLD = 100
_WANTED = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "null": "null",
}
_GIVEN = {"string": "a text", "array": "a list", "object": "an object", "number": "a number"}


@dataclass(frozen=True, slots=True)
class FieldMistake:
    """One mistake in a payload.

    path: where it is; for a missing field the place of the object that lacks it.
    text: what is wrong, without values and without the numbers of items.
    """

    path: FieldPath
    text: str


FieldMistakes = list[FieldMistake]


def flat(trail: Trail) -> FieldPath:
    """Return the path of a trail."""
    names: list[str | int] = []
    while trail:
        trail, name = trail
        names.append(name)
    return tuple(reversed(names))


def trail_of(path: FieldPath) -> Trail:
    """Return the trail of a path."""
    trail: Trail = ()
    for name in path:
        trail = (trail, name)
    return trail


def is_missing(trail: Trail, name: str) -> FieldMistake:
    """Return the mistake that the object at a trail lacks a field."""
    path = flat(trail)
    return FieldMistake(path, f"{shown((*path, name))} is missing")


def must_be(trail: Trail, wanted: str) -> FieldMistake:
    """Return the mistake that a value is not as it must be."""
    path = flat(trail)
    return FieldMistake(path, f"{shown(path)} must be {wanted}")


def wrong_field_kind(trail: Trail, kinds: Sequence[str], value: object) -> FieldMistake:
    """Return the mistake that a value is of none of the kinds that it may be."""
    wanted = " or ".join(_WANTED[kind] for kind in kinds)
    given = _GIVEN.get(javascript_kind(value), javascript_kind(value))
    return must_be(trail, wanted if given in wanted else f"{wanted}, not {given}")


def told(mistakes: Iterable[FieldMistake]) -> str:
    """Return all mistakes as one text, each once; at most 100."""
    texts = list(dict.fromkeys(one.text for one in mistakes))
    more = [f"and {len(texts) - _MAX_TOLD} more"] if len(texts) > _MAX_TOLD else []
    return "; ".join([*texts[:_MAX_TOLD], *more])


def shown(path: FieldPath) -> str:
    """Return a path for people; `[]` stands for every item of a list."""
    text = ""
    for name in path:
        text += "[]" if isinstance(name, int) else f".{name}" if text else name
    return text

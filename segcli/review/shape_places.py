"""Where the fields of events matter: to a mapping, to remarks, or to the whole shape only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

# The objects of an event that a mapping may read in part.
OBJECTS = ("context", "traits", "properties")


@dataclass(frozen=True, slots=True, eq=False)
class ShapePlace:
    """A place of objects in events.

    inner: the places of the containers within, by key; None for one that does not matter.
    others: the place of all other containers within.
    has_own: all keys of an object matter, and not only those in `inner`.
    has_rest: what does not matter is part of the whole shape.
    is_read: the mapping may read the values, so it matters which of them are empty.
    """

    inner: Mapping[str, "ShapePlace | None"] = field(default_factory=dict)
    others: "ShapePlace | Literal['itself'] | None" = "itself"
    has_own: bool = True
    has_rest: bool = True
    is_read: bool = True

    def of(self, name: str) -> "ShapePlace | None":
        """Return the place of a container within; None for one that is in no shape."""
        found = self.inner.get(name, self.others)
        place = self if found == "itself" else found
        return place or (UNREAD if self.has_rest else None)

    def keys_in(self, one: dict[str, Any]) -> Sequence[str] | None:
        """Return the keys of an object that matter; None for all."""
        if self.has_own:
            return None
        return [name for name in one if self.of(name) not in (None, UNREAD)]

    def read_in(self, one: dict[str, Any]) -> Sequence[str]:
        """Return the keys of values that a mapping may find empty, beside what their types say.

        The type of null says so, and the keys of an object that is looked at for its own sake.
        """
        if not self.is_read:
            return ()
        keys = self.keys_in(one)
        return [
            name
            for name in (one if keys is None else keys)
            if one[name] is not None
            and not (type(one[name]) is dict and self.of(name) not in (None, UNREAD))
        ]


# The place of what matters neither to the mapping nor to remarks.
UNREAD = ShapePlace(is_read=False)


def event_place(paths: Sequence[Sequence[str]], read: ShapePlace, *, has_rest: bool) -> ShapePlace:
    """Return the place of events for a mapping that reads their own fields and these paths."""
    inner: dict[str, ShapePlace | None] = {}
    for name in OBJECTS:
        below = {path[1] for path in paths if path[0] == name and path[1:]}
        of_name: dict[str, ShapePlace | None] = dict.fromkeys(below, read)
        if name == "context":
            # Segment's spec has remarks on the keys and types of traits, wherever they are.
            of_name.setdefault("traits", ShapePlace({}, None, has_rest=has_rest, is_read=False))
        has_own, is_read = name == "traits", bool(below)
        place = ShapePlace(of_name, None, has_own=has_own, has_rest=has_rest, is_read=is_read)
        inner[name] = read if [name] in paths else place if of_name or has_own else None
    return ShapePlace(inner, ShapePlace(is_read=False), has_rest=has_rest)

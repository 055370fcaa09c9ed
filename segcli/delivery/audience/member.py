"""A member: one row of a list, whatever its columns are called."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from segcli.core import exact_json
from segcli.core.event import identifier
from segcli.delivery.audience.id_check import problem_of

# How a column may be called, in lower case and without underscores; the first one that is there
# counts, so that an `id` beside a `userId` is no user.
_USER_ID = ("userid", "id")
_ANONYMOUS_ID = ("anonymousid",)
_EMAIL = ("email",)

Numbered = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One row: a user, and for a trait the value as JSON text. `traits` is a JSON object."""

    line: int
    user_id: str
    anonymous_id: str
    email: str
    value: str = "true"
    traits: str = "{}"

    @property
    def user(self) -> str:
        """What makes two rows the same user."""
        return f"u:{self.user_id}" if self.user_id else f"a:{self.anonymous_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that names no user, or cannot be read; `hides_user`: it may have named one."""

    line: int
    text: bytes
    problem: str
    hides_user: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the rows hold: a trait's value stands under one of `value`, an audience has none.

    With `with_traits` every further column is a trait.
    """

    value: tuple[str, ...] = ()
    with_traits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How a row calls its parts; None where it has no such part.

    twice: Names that stand for one part; the row does not say which of them counts.
    """

    user_id: str | None
    anonymous_id: str | None
    email: str | None
    value: str | None
    traits: tuple[str, ...]
    twice: tuple[str, ...] = ()

    @property
    def ids(self) -> Iterator[str]:
        """Yield the names of ids, and of the email."""
        return (name for name in (self.user_id, self.anonymous_id, self.email) if name is not None)


@dataclass(frozen=True, slots=True)
class RowReader:
    """Makes members of rows whose parts have these names."""

    names: Names
    columns: Columns
    read: Callable[[Any], Any]

    def member(self, place: Numbered, row: Mapping[str, Any]) -> Member | BadRow:
        """Return the member that a row names; `place` is where it stands, and its bytes."""
        number, text = place
        if problem := self._problem_of(row):
            return BadRow(line=number, text=text, problem=problem)
        user_id = _id(row, self.names.user_id)
        anonymous_id = _id(row, self.names.anonymous_id)
        if not user_id and not anonymous_id:
            problem = "names no user: userId or anonymousId"
            return BadRow(line=number, text=text, problem=problem, hides_user=False)
        if self.columns.value and self.names.value not in row:
            problem = f"names no value: {' or '.join(dict.fromkeys(self.columns.value))}"
            return BadRow(line=number, text=text, problem=problem)
        return Member(
            line=number,
            user_id=user_id,
            anonymous_id=anonymous_id,
            email=_id(row, self.names.email),
            value=self._value(row),
            traits=self._traits(row),
        )

    def _problem_of(self, row: Mapping[str, Any]) -> str:
        """Say why nobody knows whom a row means, or what of them; nothing where that is known."""
        if self.names.twice:
            return f"names one thing twice: {', '.join(self.names.twice)}"
        for name in self.names.ids:
            if problem := problem_of(row.get(name)):
                return f"{name} {problem}"
        return ""

    def _value(self, row: Mapping[str, Any]) -> str:
        return _json(self.read(row[self.names.value])) if self.names.value else "true"

    def _traits(self, row: Mapping[str, Any]) -> str:
        if not self.columns.with_traits:
            return "{}"
        traits = {name: self.read(row[name]) for name in self.names.traits if name in row}
        return _json({name: value for name, value in traits.items() if value is not None})


def _as_it_is(value: Any) -> Any:
    return value


# In NDJSON every row has names of its own, nearly always the same.
@lru_cache(maxsize=256)
def row_reader(
    found: tuple[str, ...], columns: Columns, read: Callable[[Any], Any] = _as_it_is
) -> RowReader:
    """Return what makes members of rows with these names; `read` reads values and traits."""
    return RowReader(_names(found, columns), columns, read)


def _names(found: Sequence[str], columns: Columns) -> Names:
    plain = {_plain(name): name for name in reversed(found)}

    def first(wanted: Iterable[str]) -> str | None:
        return next((plain[_plain(name)] for name in wanted if _plain(name) in plain), None)

    taken = {*_USER_ID, *_ANONYMOUS_ID, *_EMAIL, *map(_plain, columns.value), ""}
    return Names(
        user_id=first(_USER_ID),
        anonymous_id=first(_ANONYMOUS_ID),
        email=first(_EMAIL),
        value=first(columns.value),
        traits=tuple(name for name in found if _plain(name) not in taken),
        twice=_twice(found, taken),
    )


def _twice(found: Sequence[str], taken: Container[str]) -> tuple[str, ...]:
    """Return the first names that are the same, or are read as the same."""
    groups: dict[str, list[str]] = {}
    for name in filter(None, found):
        plain = _plain(name)
        groups.setdefault(plain if plain and plain in taken else f"={name}", []).append(name)
    return next((tuple(names) for names in groups.values() if len(names) > 1), ())


def _id(row: Mapping[str, Any], name: str | None) -> str:
    """Return an id or an email as text: in CSV whatever it looks like, `007` is no number."""
    return identifier(row.get(name)) or "" if name is not None else ""


def _json(value: Any) -> str:
    return exact_json.dumps(value).decode()


def _plain(name: str) -> str:
    return name.replace("_", "").lower()

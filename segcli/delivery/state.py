"""The state of Engage: what each vendor was last told of each user, in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from segcli.delivery.members import BadRow, Member
from segcli.delivery.state_sql import COMING, GOING, KNOWN, NUMBER, SCHEMA, STAGE, TOLD
from segcli.engage import Change, Kind
from segcli.errors import OutputError, Stopped

VERSION = 1
_ROWS = 1000
_CHANGE = ("user_id", "anonymous_id", "email", "value", "round", "traits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An audience or trait that the state knows, for people."""

    destination: str
    endpoint: str
    kind: str
    key: str
    name: str
    members: int
    last_sync: str
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """What a sync is of: one audience or trait at one vendor's endpoint."""

    destination: str
    endpoint: str
    kind: Kind
    key: str
    name: str = ""

    @property
    def gone(self) -> str:
        """What a user who is not among the members any more is told, as JSON text."""
        return "false" if self.kind == "audience" else "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a sync has to tell: users coming and going, of how many that were known as members."""

    computation: int
    coming: int
    going: int
    known: int


class State:
    """The file, opened. Differences are made by the database; no list of users is in memory.

    Raises OutputError where it cannot be opened, and Stopped where it cannot be written later.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or make the file; None is a state in memory that is gone afterwards."""
        self.path = path
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise OutputError(
                f"the state {path} cannot be used: {error}", "Name another one: --state PATH"
            ) from None

    @contextmanager
    def transaction(self, *, undo: bool = False) -> Iterator[None]:
        """Make everything in the block happen at once, or not at all; `undo`: not at all."""
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("ROLLBACK" if undo else "COMMIT")
        except sqlite3.Error as error:
            raise Stopped(f"the state {self.path} cannot be written: {error}") from None

    def stage(self, rows: Iterable[Member | BadRow]) -> None:
        """Take in who is a member now; of a user's rows the last one counts."""
        with self.transaction():
            self._db.execute("DELETE FROM incoming")
            self._db.execute("DELETE FROM bad")
            for row in rows:
                if isinstance(row, Member):
                    self._db.execute(STAGE, {"user": row.user, **asdict(row)})
                else:
                    self._db.execute("INSERT INTO bad VALUES (?, ?, ?)", astuple(row))

    def compare(self, which: Which, *, removals: bool) -> Difference:
        """Make the difference between who is a member now and what the vendor was told.

        It replaces what an earlier sync left pending. Without `removals` nobody is told to be
        gone.
        """
        with self.transaction():
            number = self._number(which)
            known = self._members(number, which.gone)
            self._db.execute("DELETE FROM pending WHERE computation = ?", (number,))
            values = {"id": number, "gone": which.gone}
            coming = self._db.execute(COMING, values).rowcount
            going = self._db.execute(GOING, values | {"after": coming}).rowcount if removals else 0
            self._db.execute("DELETE FROM incoming")
        return Difference(computation=number, coming=coming, going=going, known=known)

    def bad_rows(self) -> Iterator[BadRow]:
        """Yield the rows that named no user."""
        for row in self._db.execute("SELECT line, text, problem FROM bad ORDER BY line"):
            yield BadRow(*row)

    def changes(self, difference: Difference) -> Iterator[tuple[int, int, Change]]:
        """Yield each pending change with its number and its line of the members, in order."""
        last = 0
        while rows := self._page(difference.computation, last):
            for number, line, *change in rows:
                yield number, line, Change(**dict(zip(_CHANGE, change, strict=True)))
            last = rows[-1][0]

    def tell(self, difference: Difference, numbers: Sequence[int]) -> None:
        """Remember that these changes were delivered, on disk when this returns."""
        places = [(difference.computation, number) for number in numbers]
        with self.transaction():
            self._db.executemany(TOLD, places)
            self._db.executemany("DELETE FROM pending WHERE computation = ? AND n = ?", places)

    def note_sync(self, difference: Difference, at: str) -> None:
        """Note when a sync reached its end."""
        with self.transaction():
            values = (at, difference.computation)
            self._db.execute("UPDATE computation SET last_sync = ? WHERE id = ?", values)

    def known(self) -> list[Known]:
        """List what the state knows."""
        names = [entry.name for entry in fields(Known)]
        return [Known(**dict(zip(names, row, strict=True))) for row in self._db.execute(KNOWN)]

    def forget(self, key: str, destination: str | None) -> int:
        """Forget what was told of that key; return how many audiences and traits it was."""
        found = (
            "SELECT id FROM computation WHERE key = ? AND destination = coalesce(?, destination)"
        )
        with self.transaction():
            numbers = self._db.execute(found, (key, destination)).fetchall()
            self._db.executemany("DELETE FROM told WHERE computation = ?", numbers)
            self._db.executemany("DELETE FROM pending WHERE computation = ?", numbers)
            self._db.executemany("DELETE FROM computation WHERE id = ?", numbers)
        return len(numbers)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        # Told is told: a change is on disk before it is counted, also if the power fails.
        self._db.execute("PRAGMA synchronous = FULL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._db.executescript(
                f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT"
            )
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"its version is {version}; this segcli knows {VERSION}")

    def _number(self, which: Which) -> int:
        place = (which.destination, which.endpoint, which.kind, which.key)
        number: int = self._db.execute(NUMBER, (*place, which.name)).fetchone()[0]
        return number

    def _members(self, computation: int, gone: str) -> int:
        count: int = self._db.execute(
            "SELECT count(*) FROM told WHERE computation = ? AND value <> ?", (computation, gone)
        ).fetchone()[0]
        return count

    def _page(self, computation: int, last: int) -> list[Any]:
        return self._db.execute(
            f"SELECT n, line, {', '.join(_CHANGE)} FROM pending WHERE computation = ? AND n > ? "
            "ORDER BY n LIMIT ?",
            (computation, last, _ROWS),
        ).fetchall()

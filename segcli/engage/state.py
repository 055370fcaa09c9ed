"""The state of Engage: what each vendor was last told of each user, in one SQLite file."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from segcli.engage import sql
from segcli.engage.identify import Kind, TraitChange
from segcli.engage.members import BadRow, Member
from segcli.errors import OutputError, Stopped, UsageError

_ROWS = 1000
_CHANGE = tuple(entry.name for entry in fields(TraitChange))

DeliveryState = Literal["sent", "delivered", "refused"]
_STATEMENTS: Mapping[DeliveryState, Sequence[str]] = {
    "sent": (sql.SENT,),
    "delivered": (sql.DELIVERED, sql.SETTLED),
    "refused": (sql.REFUSED,),
}


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
class SyncKey:
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
class MemberChanges:
    """What a sync has to tell: users coming and going, of how many that were known as members."""

    computation: int
    coming: int
    going: int
    known: int


def no_objection(difference: MemberChanges) -> None:
    """Let any difference pass."""


class EngageState:
    """The file, opened. Differences are made by the database; no list of users is in memory.

    Threads may share it. Raises OutputError or UsageError where it cannot be opened, and Stopped
    where it cannot be read or written later.
    """

    def __init__(self, path: Path | None, *, rehearsal: bool = False) -> None:
        """Open or make the file; None is one that is gone afterwards.

        In a rehearsal nothing is written to it, and whoever writes to it is not kept waiting.
        """
        self.path = path
        self._rehearsal = rehearsal
        self._lock = threading.Lock()
        self._db = open_database(path, rehearsal=rehearsal)

    def stage(self, rows: Iterable[Member | BadRow]) -> int:
        """Take in who is a member now; of a user's rows the last one counts.

        Returns how many rows could not be read and may have named a member.
        """
        hidden = 0
        rows = iter(rows)
        with self._transaction("BEGIN") as db:
            db.execute("DELETE FROM incoming")
            db.execute("DELETE FROM bad")
            while some := list(islice(rows, _ROWS)):
                bad = [row for row in some if isinstance(row, BadRow)]
                db.executemany(sql.STAGE, (_staged(row) for row in some if isinstance(row, Member)))
                db.executemany(sql.BAD, ((row.line, row.text, row.problem) for row in bad))
                hidden += sum(row.hides_user for row in bad)
        return hidden

    def compare(
        self,
        which: SyncKey,
        *,
        removals: bool,
        check: Callable[[MemberChanges], None] = no_objection,
    ) -> MemberChanges:
        """Make the difference between who is a member now and what the vendor was told.

        It replaces what an earlier sync left pending. Without `removals` nobody is told to be
        gone. Where `check` raises, nothing is changed.
        """
        with self._transaction("BEGIN" if self._rehearsal else "BEGIN IMMEDIATE") as db:
            number = _number(db, which)
            values = {"id": number, "gone": which.gone}
            db.execute("DELETE FROM pending WHERE computation = ?", (number,))
            known = db.execute(sql.MEMBERS, (number, which.gone)).fetchone()[0]
            coming = db.execute(sql.COMING, values).rowcount
            going = db.execute(sql.GOING, values | {"after": coming}).rowcount if removals else 0
            difference = MemberChanges(computation=number, coming=coming, going=going, known=known)
            check(difference)
        return difference

    def bad_rows(self) -> Iterator[BadRow]:
        """Yield the rows that were staged and name no member, in order."""
        last = 0
        while rows := self._page(sql.BAD_ROWS, (last, _ROWS)):
            for _, line, text, problem in rows:
                yield BadRow(line=line, text=text, problem=problem)
            last = rows[-1][0]

    def changes(self, difference: MemberChanges) -> Iterator[tuple[int, int, TraitChange]]:
        """Yield each pending change with its number and its line of the members, in order."""
        last = 0
        while rows := self._page(sql.CHANGES, (difference.computation, last, _ROWS)):
            for number, line, *change in rows:
                yield number, line, TraitChange(**dict(zip(_CHANGE, change, strict=True)))
            last = rows[-1][0]

    def note(self, difference: MemberChanges, fates: Iterable[tuple[DeliveryState, int]]) -> None:
        """Remember, in this order and on disk when this returns, what became of changes.

        What is sent is in doubt until it is delivered or refused: the next sync tells it again.
        """
        with self._transaction() as db:
            for fate, number in fates:
                for statement in _STATEMENTS[fate]:
                    db.execute(statement, (difference.computation, number))

    def note_sync(self, difference: MemberChanges, at: str) -> None:
        """Note when a sync reached its end."""
        with self._transaction() as db:
            values = (at, difference.computation)
            db.execute("UPDATE computation SET last_sync = ? WHERE id = ?", values)

    def known(self) -> list[Known]:
        """List what the state knows."""
        names = [entry.name for entry in fields(Known)]
        return [Known(**dict(zip(names, row, strict=True))) for row in self._page(sql.KNOWN)]

    def forget(self, name: str, destination: str | None) -> int:
        """Forget what was told under that name or key; return how many computations it was."""
        with self._transaction() as db:
            found = db.execute(sql.FOUND, {"name": name, "destination": destination}).fetchall()
            db.executemany("DELETE FROM told WHERE computation = ?", found)
            db.executemany("DELETE FROM pending WHERE computation = ?", found)
            db.executemany("DELETE FROM computation WHERE id = ?", found)
        return len(found)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """Make everything in the block happen at once, or not at all."""
        with self._alone() as db:
            db.execute(begin)
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # A failing disk may have rolled back by itself.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """Keep other threads out; what the database complains of stops the run."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise Stopped(f"the state {self.path} cannot be used: {error}") from None

    def _page(self, select: str, values: Sequence[object] = ()) -> list[Any]:
        with self._alone() as db:
            return db.execute(select, values).fetchall()


def _staged(row: Member) -> tuple[str | int, ...]:
    return (row.user, row.line, row.user_id, row.anonymous_id, row.email, row.value, row.traits)


def _number(db: sqlite3.Connection, which: SyncKey) -> int:
    """Return the number of a computation, which is known from now on."""
    place = (which.destination, which.endpoint, which.kind, which.key)
    db.execute(sql.NAMED, (*place, which.name))
    number: int = db.execute(sql.NUMBERED, place).fetchone()[0]
    return number


VERSION = 1
# What the file says of itself: "sgcl".
APPLICATION = 0x7367636C
_HINT = "Name another one: --state PATH"


def open_database(path: Path | None, *, rehearsal: bool) -> sqlite3.Connection:
    """Open or make the file; None is one that is gone afterwards.

    Raises OutputError where the disk does not let it, UsageError where the file is something else.
    """
    try:
        db = _connected(path)
        try:
            _prepare(db, rehearsal=rehearsal)
        except BaseException:
            db.close()
            raise
    except (OSError, sqlite3.OperationalError) as error:
        raise OutputError(f"the state {path} cannot be used: {error}", _HINT) from None
    except sqlite3.DatabaseError as error:
        raise UsageError(f"{path} is no state of segcli: {error}", _HINT) from None
    return db


def _connected(path: Path | None) -> sqlite3.Connection:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # It holds who is in which audience: nobody else's business.
        path.touch(mode=0o600)
    # An empty name is a temporary file; a relative one could mean something to SQLite.
    name = path.absolute() if path else ""
    return sqlite3.connect(name, isolation_level=None, check_same_thread=False)


def _prepare(db: sqlite3.Connection, *, rehearsal: bool) -> None:
    if _is_empty(db):
        schema = sql.SCHEMA.format(temp="") + sql.SCHEMA_OF_TOLD
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
        db.executescript(f"BEGIN IMMEDIATE; {schema} {marks} COMMIT")
    _check_version(db)
    db.execute("PRAGMA journal_mode = WAL")
    # What is noted is on disk, also if the power fails.
    db.execute("PRAGMA synchronous = FULL")
    # A sync's own tables need no memory, however many members there are.
    db.execute("PRAGMA temp_store = FILE")
    db.executescript(sql.SCHEMA_OF_STAGE + (sql.REHEARSAL if rehearsal else ""))


def _is_empty(db: sqlite3.Connection) -> bool:
    tables: int = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return not tables


def _check_version(db: sqlite3.Connection) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise sqlite3.DatabaseError("it is another program's")
    if version != VERSION:
        raise sqlite3.DatabaseError(f"its version is {version}; this segcli knows {VERSION}")

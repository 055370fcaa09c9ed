"""The state of Engage: the last value that was sent to each vendor for each user, in SQLite."""

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
from segcli.errors import OutputError, Stopped, UsageError, unwritable_at_start

VERSION = 1
# The application id of the file: "sgcl".
APPLICATION = 0x7367636C
_HINT = "Name another file: --state PATH"
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
    """An audience or trait in the state.

    destination, endpoint, kind, key, name: the fields of its `SyncKey`
    members: how many members the vendor knows
    last_sync: when a sync last finished, as ISO-8601; empty if none has
    pending: how many changes are not settled
    """

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
    """What identifies an audience or trait in the state.

    destination: the name of the destination
    endpoint: its address
    kind: an audience or a trait
    key: the property that is sent
    name: the name, for people; it is not part of the identity
    """

    destination: str
    endpoint: str
    kind: Kind
    key: str
    name: str = ""

    @property
    def gone(self) -> str:
        """The value of a user who is no longer a member, as JSON text."""
        return "false" if self.kind == "audience" else "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChanges:
    """The pending changes of a sync, in numbers.

    computation: the id of the audience or trait in the database
    updated: users with a new or changed value
    removed: users who are no longer members
    known: users whom the vendor knows as members
    """

    computation: int
    updated: int
    removed: int
    known: int


class EngageState:
    """The open state file. The database compares lists, so no list of users is in memory.

    Threads may share it. Raises OutputError or UsageError if the file cannot be opened, and
    Stopped if it cannot be read or written later.

    path: the file; None for a temporary one
    """

    def __init__(self, path: Path | None, *, dry_run: bool = False) -> None:
        """Open or create the file; without a path, a temporary one.

        A dry run writes nothing to it, and does not block other processes that do.
        """
        self.path = path
        self._dry_run = dry_run
        self._lock = threading.Lock()
        self._db = _open_database(path, dry_run=dry_run)

    def stage(self, rows: Iterable[Member | BadRow]) -> int:
        """Store the current members. If a user has several rows, the last one counts.

        Returns the number of bad rows that may be members.
        """
        hidden = 0
        rows = iter(rows)
        with self._transaction("BEGIN") as db:
            db.execute("DELETE FROM incoming")
            db.execute("DELETE FROM bad")
            while batch := list(islice(rows, _ROWS)):
                bad = [row for row in batch if isinstance(row, BadRow)]
                db.executemany(
                    sql.STAGE, (_staged(row) for row in batch if isinstance(row, Member))
                )
                db.executemany(sql.BAD, ((row.line, row.text, row.problem) for row in bad))
                hidden += sum(row.hides_user for row in bad)
        return hidden

    def compare(
        self,
        key: SyncKey,
        *,
        removals: bool,
        check: Callable[[MemberChanges], None] | None = None,
    ) -> MemberChanges:
        """Compare the current members with what was sent to the vendor, and store the changes.

        They replace the pending changes of an earlier sync. Without `removals` no member is
        removed. If `check` raises, nothing is stored.
        """
        with self._transaction("BEGIN" if self._dry_run else "BEGIN IMMEDIATE") as db:
            number = _number(db, key)
            values = {"id": number, "gone": key.gone}
            db.execute("DELETE FROM pending WHERE computation = ?", (number,))
            known = db.execute(sql.MEMBERS, (number, key.gone)).fetchone()[0]
            updated = db.execute(sql.UPDATES, values).rowcount
            after = values | {"after": updated}
            removed = db.execute(sql.REMOVALS, after).rowcount if removals else 0
            changes = MemberChanges(
                computation=number, updated=updated, removed=removed, known=known
            )
            if check:
                check(changes)
        return changes

    def bad_rows(self) -> Iterator[BadRow]:
        """Yield the bad rows of the current list, in order."""
        last = 0
        while rows := self._page(sql.BAD_ROWS, (last, _ROWS)):
            for _, line, text, problem in rows:
                yield BadRow(line=line, text=text, problem=problem)
            last = rows[-1][0]

    def changes(self, found: MemberChanges) -> Iterator[tuple[int, int, TraitChange]]:
        """Yield number, line in the list, and change, for each pending change in order."""
        last = 0
        while rows := self._page(sql.CHANGES, (found.computation, last, _ROWS)):
            for number, line, *change in rows:
                yield number, line, TraitChange(**dict(zip(_CHANGE, change, strict=True)))
            last = rows[-1][0]

    def note(self, changes: MemberChanges, states: Iterable[tuple[DeliveryState, int]]) -> None:
        """Store the delivery states of changes, in this order; they are on disk when it returns.

        A change that is `sent` is in doubt until it is delivered or refused. The next sync sends
        it again.
        """
        with self._transaction() as db:
            for state, number in states:
                for statement in _STATEMENTS[state]:
                    db.execute(statement, (changes.computation, number))

    def note_sync(self, changes: MemberChanges, at: str) -> None:
        """Store when a sync finished."""
        with self._transaction() as db:
            values = (at, changes.computation)
            db.execute("UPDATE computation SET last_sync = ? WHERE id = ?", values)

    def known(self) -> list[Known]:
        """Return all audiences and traits in the state."""
        names = [entry.name for entry in fields(Known)]
        return [Known(**dict(zip(names, row, strict=True))) for row in self._page(sql.KNOWN)]

    def forget(self, name: str, destination: str | None) -> int:
        """Delete the audiences and traits with this name or key; return how many there were."""
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
        """Run the block as a transaction."""
        with self._alone() as db:
            db.execute(begin)
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # After a disk error, SQLite may have rolled back already.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """Lock out other threads; turn errors of the database into Stopped."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise Stopped(f"the state {self.path} cannot be used: {error}") from None

    def _page(self, select: str, values: Sequence[object] = ()) -> list[Any]:
        with self._alone() as db:
            return db.execute(select, values).fetchall()


def _open_database(path: Path | None, *, dry_run: bool) -> sqlite3.Connection:
    """Open or create the file; without a path, a temporary one.

    Raises OutputError if the disk prevents it, UsageError if the path is wrong or the file is not
    a state.
    """
    try:
        db = _connected(path)
        try:
            _prepare(db, dry_run=dry_run)
        except BaseException:
            db.close()
            raise
    except OSError as error:
        problem = f"the state {path} cannot be used: {error}"
        raise unwritable_at_start(problem, _HINT, error) from None
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN:
            raise UsageError(f"the state {path} cannot be used: {error}", _HINT) from None
        raise OutputError(f"the state {path} cannot be used: {error}", _HINT) from None
    except sqlite3.DatabaseError as error:
        raise UsageError(f"{path} is not a state of segcli: {error}", _HINT) from None
    return db


def _staged(row: Member) -> tuple[str | int, ...]:
    return (row.user, row.line, row.user_id, row.anonymous_id, row.email, row.value, row.traits)


def _number(db: sqlite3.Connection, key: SyncKey) -> int:
    """Return the id of an audience or trait, which is added if it is new."""
    identity = (key.destination, key.endpoint, key.kind, key.key)
    db.execute(sql.NAMED, (*identity, key.name))
    number: int = db.execute(sql.NUMBERED, identity).fetchone()[0]
    return number


def _connected(path: Path | None) -> sqlite3.Connection:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Private, because it holds who is in which audience.
        path.touch(mode=0o600)
    # For SQLite, an empty name means a temporary file, and a relative one may be special.
    name = path.absolute() if path else ""
    return sqlite3.connect(name, isolation_level=None, check_same_thread=False)


def _prepare(db: sqlite3.Connection, *, dry_run: bool) -> None:
    if _is_empty(db):
        schema = sql.CREATE_TABLES.format(temp="") + sql.SCHEMA_OF_TOLD
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
        db.executescript(f"BEGIN IMMEDIATE; {schema} {marks} COMMIT")
    _check_version(db)
    db.execute("PRAGMA journal_mode = WAL")
    # Committed data is on disk even if the power fails.
    db.execute("PRAGMA synchronous = FULL")
    # Temporary tables on disk keep memory flat for any number of members.
    db.execute("PRAGMA temp_store = FILE")
    db.executescript(sql.SCHEMA_OF_STAGE + (sql.DRY_RUN if dry_run else ""))


def _is_empty(db: sqlite3.Connection) -> bool:
    tables: int = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return not tables


def _check_version(db: sqlite3.Connection) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise sqlite3.DatabaseError("it belongs to another program")
    if version != VERSION:
        raise sqlite3.DatabaseError(f"it has version {version}; this segcli supports {VERSION}")

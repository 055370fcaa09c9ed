"""The file of Engage's state: opened, checked to be one, and made ready for a sync."""

import sqlite3
from pathlib import Path

from segcli.delivery.audience import state_sql as sql
from segcli.errors import OutputError, UsageError

VERSION = 1
# What the file says of itself: "sgcl".
APPLICATION = 0x7367636C
_HINT = "Name another one: --state PATH"


def opened(path: Path | None, *, rehearsal: bool) -> sqlite3.Connection:
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

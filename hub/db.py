"""The database: one code for SQLite (WAL) and PostgreSQL.

SQLite starts a transaction in one of two ways. A read takes a snapshot; a write takes the one
writer's lock at its first statement. Asking for the lock late, in the middle of a snapshot that
another writer has overtaken, fails at once and cannot be waited for, so whoever may write asks
for `writing=True`.

SQLite keeps no queue of writers: each looks at the lock now and then, so one that writes again and
again, as a worker does, can keep a person's click waiting for ten seconds. Therefore writers pass
a turnstile, a lock on a file beside the database: only who stands in it asks for the writer's
lock, and leaves it on getting that. Who has just written finds the next one in it, and waits.
"""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

BUSY_SECONDS = 30
LOOK_SECONDS = 0.003  # from one look at the turnstile to the next

Item = TypeVar("Item")


class Database:
    """An engine and its two kinds of session."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._read = sessionmaker(self.engine, expire_on_commit=False)
        writer = self.engine.execution_options(begin="IMMEDIATE")
        self._write = sessionmaker(writer, expire_on_commit=False)

    def session(self, *, writing: bool = False) -> Session:
        """A new session; the caller commits and closes it."""
        return (self._write if writing else self._read)()

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """A writing session that commits when the block ends well and rolls back when not."""
        with self.session(writing=True) as session:
            yield session
            session.commit()

    def dispose(self) -> None:
        """Forget pooled connections; call it before or after a fork."""
        self.engine.dispose(close=False)


def in_parts(items: Sequence[Item], size: int = 500) -> Iterator[Sequence[Item]]:
    """Slices of a long list: databases take only so many values in one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an acknowledged write survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    if connection.get_execution_options().get("begin") != "IMMEDIATE":
        connection.exec_driver_sql("BEGIN")
        return
    with _turnstile(connection.engine.url.database):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _turnstile(database: str) -> Iterator[None]:
    """Stand in the turnstile; the system takes it back from who is killed there. Whoever has waited
    too long goes past it, since somebody may be hanging in it."""
    deadline = time.monotonic() + BUSY_SECONDS
    with open(f"{database}-turnstile", "a") as file:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(LOOK_SECONDS)
            else:
                break
        yield

"""The database: one code for SQLite (WAL) and PostgreSQL.

SQLite starts a transaction in one of two ways. A read takes a snapshot; a write takes the one
writer's lock at its first statement. Asking for the lock late, in the middle of a snapshot that
another writer has overtaken, fails at once and cannot be waited for, so whoever may write asks
for `writing=True`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

BUSY_SECONDS = 30

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
    kind = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")

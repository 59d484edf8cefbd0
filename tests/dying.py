"""Work that dies: in a process of its own, killed at a step of our choice."""

import os
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from sqlalchemy import event, text

from hub.db import Database
from tests.installation import until

FILES = {"os.rename", "os.remove", "tempfile.mkstemp", "socket.connect"}


def dying(database: Database, work: Callable[[Database], object], fatal: int) -> int:
    """Work on the database in a fork that is killed at step number `fatal`.

    Returns 0 when it was, else the number of steps that the work took. Statements, commits, files
    moved or removed, connections and what is sent to a mail server are steps.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _work(database, work, fatal, writer)
    os.close(writer)
    with os.fdopen(reader) as said:
        steps = said.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        _wait_for_the_server(database)
        return 0
    assert os.WEXITSTATUS(status) == 0, steps
    return int(steps)


def _wait_for_the_server(database: Database) -> None:
    """Return when PostgreSQL has noticed that its client is dead and has let go of its rows."""
    if not database.is_sqlite:
        until(lambda: not _others(database), "the server has noticed a death")


def _others(database: Database) -> int:
    """How many others work on the database; each transaction sees the same for as long as it is."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    with database.engine.connect() as connection:
        return connection.scalar(others) or 0


def _work(
    database: Database, work: Callable[[Database], object], fatal: int, writer: int
) -> NoReturn:
    steps = 0

    def step(*_args: object, **_named: object) -> None:
        nonlocal steps
        steps += 1
        if steps == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    genuine = smtplib.SMTP.send

    def send(self: smtplib.SMTP, data: Any) -> None:
        step()
        genuine(self, data)
        step()

    try:
        database.dispose()  # connections of the parent stay with the parent
        event.listen(database.engine, "before_cursor_execute", step)
        event.listen(database.engine, "commit", step)
        sys.addaudithook(lambda name, _args: step() if name in FILES else None)
        smtplib.SMTP.send = send  # type: ignore[method-assign,assignment]
        work(database)
        os.write(writer, str(steps).encode())
        os._exit(0)
    except BaseException:
        os.write(writer, traceback.format_exc()[-4000:].encode())
        os._exit(1)

"""Reference and demonstration data."""

from collections.abc import Callable
from datetime import datetime

from hub.db import Database
from seeds.demo import load_demo
from seeds.reference import load_reference


def load(
    database: Database,
    *,
    demo: bool,
    now: datetime,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Bring in the reference data and, when wanted, the demo market; safe to repeat."""
    with database.unit_of_work() as session:
        written = load_reference(session)
    if any(written.values()):
        say("reference: " + ", ".join(f"{name} {count}" for name, count in written.items()))
    if demo:
        load_demo(database, now=now, say=say)

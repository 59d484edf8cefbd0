"""The public audit: the report of each week, and how the running week stands."""

import logging
from collections.abc import Iterable
from datetime import datetime

from hub.db import Database
from hub.domain.fairness import report
from hub.domain.fairness.weeks import Week
from workers.context import opened

log = logging.getLogger(__name__)


def run() -> None:
    """Make the reports of all weeks that are over and have none; nothing is done twice."""
    here = opened()
    now = here.clock()
    with here.database.session() as session:
        weeks = report.missing(session, now=now)
    make(here.database, weeks, now=now)


def running() -> None:
    """Make the report of the running week anew, when it has something new to tell."""
    here = opened()
    now = here.clock()
    with here.database.session() as session:
        stale = report.is_stale(session, now=now)
    if stale:
        make(here.database, [Week.of(now)], now=now)


def make(database: Database, weeks: Iterable[Week], *, now: datetime) -> None:
    """Measure and store, week by week; measuring keeps no other writer waiting."""
    for week in weeks:
        with database.session() as session:
            draft = report.draft(session, week, now=now)
        if draft is None:
            continue
        with database.unit_of_work() as session:
            made = report.store(session, draft, now=now)
        log.info("audit of %s: %s", week.name, "final" if made.final else "so far")

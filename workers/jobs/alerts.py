"""Telling people by mail of what is new for their saved searches, and sending every queued mail.

Looking: each alert whose morning has come asks the index what the search page would ask; its mail,
what it told of and the next look are one transaction. Sending: see `hub.domain.mails`.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hub.clock import utcnow
from hub.db import Database
from hub.domain import alerts, mails
from hub.domain.alert_text import Links
from hub.domain.alerts import Look
from hub.domain.mails import Claim
from hub.domain.saved_search import Search
from hub.mail import NotSent, Transport, Unsure, open_transport
from search.index import IndexUnavailable, SearchIndex
from search.query import MOST_HITS
from workers.context import opened

log = logging.getLogger(__name__)

BATCH = 20  # alerts in a transaction
BUDGET_SECONDS = 5.0  # then the job makes room, so that indexing never waits long

Clock = Callable[[], datetime]


def run() -> None:
    """The job: look for news where it is time, send what waits, for some seconds at a time.

    What is left then waits for the next sweep, so that other work gets its turn in between.
    """
    here = opened()
    here.queue.begun("alerts")
    links = Links(here.settings.origin, here.settings.secret)
    transport = open_transport(here.settings)
    until = time.monotonic() + BUDGET_SECONDS
    compose(here.database, here.index, links, clock=here.clock, until=until)
    send(here.database, transport, links.host, clock=here.clock, until=until)


def compose(
    database: Database,
    index: SearchIndex,
    links: Links,
    *,
    clock: Clock = utcnow,
    until: float = float("inf"),
) -> bool:
    """Queue the mails of alerts that are due; False when more of them are left.

    While the index is away all of them are put off for minutes; one that cannot be looked at
    for another reason, alone and until the next morning.
    """
    while time.monotonic() < until:
        now = clock()
        found: dict[int, list[str]] = {}
        with database.session() as session:
            batch = alerts.looks(session, limit=BATCH, now=now)
            try:
                for look in batch:
                    _look(session, index, look, now, found)
            except IndexUnavailable as error:
                log.warning("the index is away, alerts are put off: %s", error)
                with database.unit_of_work() as writer:
                    alerts.postpone(writer, now=now)
                return True
        if not batch:
            return True
        with database.unit_of_work() as session:
            count = alerts.tell(session, found, links=links, now=now)
            alerts.skip(session, [look.id for look in batch if look.id not in found], now=now)
        log.info("looked for news of %d alerts, %d mails queued", len(batch), count)
    return False


def _look(
    session: Session, index: SearchIndex, look: Look, now: datetime, found: dict[int, list[str]]
) -> None:
    try:
        found[look.id] = matching(index, look, now)
    except (IndexUnavailable, BaseTimeoutException, SQLAlchemyError):
        raise
    except Exception:  # one search that cannot be answered must not hold up the others
        log.exception("cannot look for news of alert %d", look.id)


def matching(index: SearchIndex, look: Look, now: datetime) -> list[str]:
    """Which candidates hold every word of the search, newest first. Raises IndexUnavailable.

    What a page adds to fill itself, or for being near in meaning, is no news.
    """
    ids = tuple(look.candidates)
    query = Search.saved(look.search).query(now, limit=MOST_HITS)
    query = replace(query, status=("open",), sort="newest", facets=False, whole=True)
    found: list[str] = []
    for start in range(0, len(ids), MOST_HITS):
        page = replace(query, only=ids[start : start + MOST_HITS], offset=0)
        found += [hit.id for hit in index.search(page).hits]
    return sorted(found, key=lambda id_: look.candidates[id_], reverse=True)


def send(
    database: Database,
    transport: Transport,
    host: str,
    *,
    clock: Clock = utcnow,
    until: float = float("inf"),
) -> bool:
    """Send the mails that are due; False when more of them are left. `host` ends message ids."""
    while time.monotonic() < until:
        with database.unit_of_work() as session:
            claimed = mails.claim(session, repeatable=transport.repeatable, host=host, now=clock())
        if claimed is None:
            return True
        _send(database, transport, claimed, clock)
    return False


def _send(database: Database, transport: Transport, claimed: Claim, clock: Clock) -> None:
    """Hand one mail over and write down how it went, under the lease."""

    def handing_over() -> None:
        with database.unit_of_work() as session:
            mails.hand_over(session, claimed, now=clock())

    name = claimed.letter.message_id
    try:
        transport.send(claimed.letter, handing_over)
    except mails.Lost:
        log.info("mail %s is no longer ours", name)
        return
    except Unsure as error:
        log.warning("mail %s may have arrived: %s", name, error)
        with database.unit_of_work() as session:
            mails.unsure(session, claimed, str(error))
        return
    except NotSent as error:
        log.warning("mail %s did not go out: %s", name, error)
        with database.unit_of_work() as session:
            if error.away:
                mails.rest(session, claimed, str(error), now=clock())
            else:
                mails.retry(session, claimed, str(error), final=error.final, now=clock())
        return
    with database.unit_of_work() as session:
        mails.sent(session, claimed, now=clock())
    log.info("sent mail %s", name)

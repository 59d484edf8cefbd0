"""The morning's recommendations by mail: made when their morning comes, sent like every mail.

Making: the pairs, the mail and the memory of what it told are one transaction. Sending: see
`workers.jobs.alerts` and `hub.domain.mails`.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from hub.clock import utcnow
from hub.db import Database
from hub.domain import digests
from hub.domain.alert_text import Links
from hub.mail import open_transport
from workers.context import opened
from workers.jobs.alerts import send

log = logging.getLogger(__name__)

BATCH = 20  # digests in a transaction
BUDGET_SECONDS = 5.0  # then the job makes room, so that indexing never waits long


def run() -> None:
    """The job: make the digests that are due, send what waits, for some seconds at a time."""
    here = opened()
    here.queue.begun("digests")
    links = Links(here.settings.origin, here.settings.secret)
    until = time.monotonic() + BUDGET_SECONDS
    compose(here.database, links, clock=here.clock, until=until)
    send(here.database, open_transport(here.settings), links.host, clock=here.clock, until=until)


def compose(
    database: Database,
    links: Links,
    *,
    clock: Callable[[], datetime] = utcnow,
    until: float = float("inf"),
) -> bool:
    """Queue the digests that are due; False when more of them are left."""
    with database.unit_of_work() as session:
        if enrolled := digests.enrol(session, links=links, now=clock()):
            log.info("%d members get a digest from now on", enrolled)
    while time.monotonic() < until:
        with database.unit_of_work() as session:
            count = digests.compose(session, limit=BATCH, links=links, now=clock())
        if count is None:
            return True
        log.info("made digests, %d mails queued", count)
    return False

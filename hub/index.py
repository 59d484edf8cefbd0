"""Filling the search index anew."""

import logging
from collections.abc import Callable

from hub.db import Database
from hub.domain import documents
from search.index import SearchIndex

log = logging.getLogger(__name__)


class RebuildRefused(Exception):
    """The fresh index does not hold what was written into it; the old one stays in use."""


def rebuild(
    database: Database, index: SearchIndex, progress: Callable[[int], None] = lambda count: None
) -> int:
    """Fill a fresh index beside the present one, compare, switch; returns the number of documents.

    A listing that the engine refuses does not hold up the others: the index goes without it.
    Tasks wait meanwhile (the writer's lock is held), so whatever changes after its document was
    read is compared again after the switch. Raises IndexBusy and RebuildRefused; an error keeps
    the old index.
    """
    written: dict[str, int] = {}
    with index.rebuilding() as fresh, database.session() as session:
        for batch in documents.load_all(session):
            fresh.apply(batch)
            written |= {document.id: document.version for document in batch}
            progress(len(written))
        held = fresh.versions()
        for key, reason in fresh.refused.items():
            log.error("cannot index %s: %s", key, reason)
            del written[key]
        if held != written:
            raise RebuildRefused(f"{len(written)} documents written, others read back")
    return len(written)

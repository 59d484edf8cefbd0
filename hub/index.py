"""Filling the search index anew."""

from collections.abc import Callable

from hub.db import Database
from hub.domain import documents
from search.index import SearchIndex


def rebuild(
    database: Database, index: SearchIndex, progress: Callable[[int], None] = lambda count: None
) -> int:
    """Fill a fresh index beside the present one and switch; returns the number of documents.

    Tasks wait meanwhile (the writer's lock is held), so whatever changes after its document was
    read is compared again after the switch. Raises IndexBusy; an error keeps the old index.
    """
    count = 0
    with index.rebuilding() as fresh, database.session() as session:
        for batch in documents.load_all(session):
            fresh.apply(batch)
            count += len(batch)
            progress(count)
    return count

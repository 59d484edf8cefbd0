"""Whether the parts of an installation are ready: what `/healthz` answers."""

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hub.models.reference import Prefecture
from hub.services import Services


def check(services: Services) -> dict[str, str]:
    """Each part and "ok", or in a few words what it lacks. Never raises.

    The database counts as ready once it is migrated and holds the reference data.
    """
    queue = services.queue.health()
    return {
        "web": "ok",
        "database": _database(services),
        "queue": "ok" if queue.reachable else "unreachable",
        "worker": "ok" if queue.workers else "none alive",
        "index": "ok" if services.index.ready() else "not built",
    }


def _database(services: Services) -> str:
    try:
        with services.database.session() as session:
            found = session.scalar(select(Prefecture.code).limit(1))
    except SQLAlchemyError:
        return "unreachable"
    return "ok" if found else "no reference data"

"""What is done once a day or once a week."""

import logging
import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from hub import doctor as examiner
from hub.db import Database
from hub.domain import alerts, digests, documents, questions, vectors
from hub.domain.fairness import report
from hub.models import Call, Epoch, Solution, Vector
from search.passages import digest, passages
from workers.context import opened
from workers.jobs import epochs, matching, stock

log = logging.getLogger(__name__)

KEPT_EPOCHS = 2


def doctor() -> None:
    """Compare database, index and matches; queue a task for each difference."""
    here = opened()
    found = examiner.examine(here.database, here.index, clock=here.clock)
    with here.database.unit_of_work() as session:
        count = examiner.repair(session, found, here.clock())
    log.info("doctor: %d differences, %d tasks waiting", count, found.waiting)
    if count:
        here.queue.ping()


def epoch() -> None:
    """Freeze new matching statistics and ask for every listing to be matched in them."""
    here = opened()
    matching.new_epoch(here.database, now=here.clock())
    here.queue.ping("match")


def compact() -> None:
    """Throw away what nothing reads any more, and let the database tidy itself."""
    here = opened()
    with here.database.unit_of_work() as session:
        kept = forget_epochs(session)
        forget_vectors(session)
        alerts.forget(session, now=here.clock())
        digests.forget(session)
        questions.forget(session, now=here.clock())
        report.forget_places(session, now=here.clock())
    forget_embeddings(here.database, now=here.clock())
    remove_folders(epochs.root(here.settings.data_dir), kept)
    optimise(here.database)


def forget_epochs(session: Session) -> list[int]:
    """Delete all but the newest epochs; returns those kept."""
    kept = list(session.scalars(select(Epoch.id).order_by(Epoch.id.desc()).limit(KEPT_EPOCHS)))
    session.execute(delete(Epoch).where(Epoch.id.not_in(kept)))
    return kept


def forget_vectors(session: Session) -> None:
    """Let go of listings that are no longer matched, and of what others left behind."""
    stock.alone(session)
    for model in (Call, Solution):
        live = select(model.id).where(model.state == "published")
        over = select(Vector.subject_id).where(
            Vector.subject == model.subject, Vector.gone.is_(False), Vector.subject_id.not_in(live)
        )
        for id_ in session.scalars(over).all():
            stock.forget(session, model.subject, id_)


def forget_embeddings(database: Database, *, now: datetime) -> None:
    """Delete the vectors of passages that no public listing says any more."""
    with database.session() as session:
        used = {
            digest(text)
            for batch in documents.load_all(session)
            for document in batch
            for text in passages(document)
        }
        gone = vectors.unused(session, used, now=now)
    with database.unit_of_work() as session:
        vectors.forget(session, gone, now=now)


def remove_folders(root: Path, kept: list[int]) -> None:
    """Remove the unpacked epochs that are not among `kept`."""
    names = {str(id_) for id_ in kept}
    for folder in root.iterdir() if root.exists() else ():
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)


def optimise(database: Database) -> None:
    """SQLite's own statistics and log; PostgreSQL looks after itself."""
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execute(text("PRAGMA optimize"))
            connection.rollback()
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

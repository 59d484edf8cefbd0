"""The consistency check: do index, matches and vectors agree with what the database says?

It only looks. `repair` only queues tasks; the workers then do what they always do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from hub.clock import utcnow
from hub.db import Database
from hub.domain import dealing, documents, facts, mails, outbox, vectors
from hub.models.listing import Call, Solution
from hub.models.matching import LISTS, Epoch, Match, MatchList, MatchState, Place
from hub.models.work import OutboxTask
from search.index import Differences, IndexUnavailable, SearchIndex, differences


@dataclass(frozen=True, slots=True)
class Report:
    """What differs, and how many tasks are still waiting to repair differences.

    Missing vectors are no difference while a task is there that will compute them.
    """

    index: Differences = field(default_factory=Differences)
    matches: Differences = field(default_factory=Differences)
    lists: Differences = field(default_factory=Differences)
    waiting: int = 0
    vectors: Differences = field(default_factory=Differences)
    overdue: int = 0  # mails and alerts that should long have gone out

    @property
    def clean(self) -> bool:
        """Nothing differs and no mail is overdue; tasks that wait are no fault."""
        differs = self.index.all or self.matches.all or self.lists.all or self.vectors.all
        return not differs and not self.overdue


def examine(
    database: Database, index: SearchIndex, *, clock: Callable[[], datetime] = utcnow
) -> Report:
    """Compare everything. An index that is not there lacks everything."""
    with database.session() as session:
        cared_for = vectors.cared_for(session)
        waiting = session.scalar(select(func.count()).select_from(OutboxTask)) or 0
        overdue = mails.overdue(session, clock())
        wanted: dict[str, int] = {}
        incomplete: set[str] = set()
        marks: dict[str, str] = {}
        compared = _compares_meaning(session)
        for batch in documents.load_all(session):
            wanted |= {document.id: document.version for document in batch}
            incomplete |= vectors.incomplete(session, batch)
            if compared:
                found = vectors.meanings(session, batch)
                marks |= {key: meaning.mark for key, meaning in found.items()}
        matches = _matches(session, marks)
        lists = _lists(session, clock())
        forgotten = frozenset(incomplete - cared_for - vectors.cared_for(session))
    try:
        drift = index.drift(wanted)
    except IndexUnavailable:
        drift = differences(wanted, {})
    return Report(drift, matches, lists, waiting, Differences(missing=forgotten), overdue)


def repair(session: Session, report: Report, now: datetime) -> int:
    """Queue a task for each difference; the caller commits. Returns the number of tasks."""
    count = 0
    kinds = {"index": report.index, "match": report.matches, "embed": report.vectors}
    for kind, found in kinds.items():
        for subject in ("call", "solution"):
            ids = _numbers(found.all, subject)
            outbox.note_ids(session, subject, ids, cause="doctor", now=now, kinds=(kind,))
            count += len(ids)
    for kind in LISTS:
        ids = _numbers(report.lists.all, kind)
        outbox.note_ids(session, kind, ids, cause="doctor", now=now, kinds=("deal",))
        count += len(ids)
    return count


def _compares_meaning(session: Session) -> bool:
    """Whether the newest epoch matches by the vectors of the model in force."""
    newest = session.scalar(select(Epoch.model).order_by(Epoch.id.desc()).limit(1))
    return bool(newest) and newest == vectors.in_force(session)


def _matches(session: Session, marks: Mapping[str, str]) -> Differences:
    """Every published listing must have been matched, as it is now, in the current epoch.

    `marks` are those of the vectors of listings that have all of theirs.

    A pair that names a listing nobody may match any more makes that listing an orphan.
    """
    epoch = session.scalar(select(func.max(Epoch.id)))
    wanted = {
        key: (epoch, facts.fingerprint(values, marks.get(key, "")))
        for subject in ("call", "solution")
        for id_, values in facts.load(session, subject).items()
        for key in (f"{subject}-{id_}",)
    }
    held = {
        f"{subject}-{id_}": (epoch_id, fingerprint)
        for subject, id_, epoch_id, fingerprint in session.execute(
            select(
                MatchState.subject,
                MatchState.subject_id,
                MatchState.epoch_id,
                MatchState.fingerprint,
            )
        )
    }
    found = differences(wanted, held)
    return Differences(found.missing, found.orphaned | _orphaned_pairs(session), found.stale)


def _lists(session: Session, now: datetime) -> Differences:
    """Every call that is open or will open, and every firm that offers something, has one list.

    Each was dealt in the current epoch, and every place of it names a scored pair.
    """
    epoch = session.scalar(select(func.max(Epoch.id)))
    wanted = {
        f"{kind}-{id_}": epoch for kind in LISTS for id_ in dealing.owners(session, kind, now=now)
    }
    rows = session.execute(select(MatchList.kind, MatchList.owner_id, MatchList.epoch_id))
    held = {f"{row.kind}-{row.owner_id}": row.epoch_id for row in rows}
    found = differences(wanted, held)
    unscored = session.execute(
        select(Place.kind, Place.owner_id)
        .outerjoin(
            Match, and_(Match.call_id == Place.call_id, Match.solution_id == Place.solution_id)
        )
        .where(dealing.CURRENT, Match.call_id.is_(None))
        .distinct()
    )
    broken = {f"{row.kind}-{row.owner_id}" for row in unscored}
    return Differences(found.missing, found.orphaned, found.stale | broken)


def _orphaned_pairs(session: Session) -> frozenset[str]:
    rows = session.execute(
        select(Match.call_id, Match.solution_id, Call.state, Solution.state)
        .join(Call, Match.call_id == Call.id)
        .join(Solution, Match.solution_id == Solution.id)
        .where(or_(Call.state != "published", Solution.state != "published"))
    )
    return frozenset(
        f"call-{call_id}" if call_state != "published" else f"solution-{solution_id}"
        for call_id, solution_id, call_state, _ in rows
    )


def _numbers(keys: frozenset[str], subject: str) -> list[int]:
    return sorted(int(key.partition("-")[2]) for key in keys if key.startswith(f"{subject}-"))

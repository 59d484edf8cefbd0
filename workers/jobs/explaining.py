"""Explaining: the sentences of the pairs that somebody will see.

Sentences quote both texts, so they are made only for pairs with a place in a list, and for the
best pairs of each solution of a firm whose list was dealt. A pair that has its sentences already
is left alone: it was scored anew whenever one of its texts changed.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rq.timeouts import BaseTimeoutException
from sqlalchemy import bindparam, select, tuple_, update
from sqlalchemy.orm import Session

from hub.clock import utcnow
from hub.db import Database, in_parts
from hub.domain import dealing, facts, outbox
from hub.domain.documents import load_names
from hub.domain.outbox import Task
from hub.domain.rules import RULES
from hub.domain.status import open_at
from hub.models import Call, Match, Solution, Vector
from workers.context import opened
from workers.jobs import epochs, stock
from workers.jobs.pairs import Pair
from workers.matching.epoch import Epoch
from workers.matching.explain import Sentence, explain
from workers.matching.listing import from_bytes
from workers.matching.names import Names
from workers.matching.score import score
from workers.matching.subject import Subject, subject

log = logging.getLogger(__name__)

BATCH = 10  # lists in a step, which must be done within the lease of their tasks
BUDGET_SECONDS = 5.0
OWN = 10  # pairs of each solution that its page shows

Clock = Callable[[], datetime]


def run() -> None:
    """The job: explain the lists that were dealt, for some seconds at a time."""
    here = opened()
    here.queue.begun("explain")
    folder = epochs.root(here.settings.data_dir)
    if not drain(here.database, folder, clock=here.clock, seconds=BUDGET_SECONDS):
        here.queue.ping("explain")


def drain(
    database: Database, folder: Path, *, clock: Clock = utcnow, seconds: float = float("inf")
) -> bool:
    """Work on due tasks; False when the time was up before they were done."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with database.unit_of_work() as session:
            tasks = outbox.claim(session, "explain", now=clock(), limit=BATCH)
        if not tasks:
            return True
        _work(database, folder, tasks, clock)
    return False


def _work(database: Database, folder: Path, tasks: Sequence[Task], clock: Clock) -> None:
    """One step for all lists; when that fails, one for each, so that the good ones pass."""
    try:
        _step(database, folder, tasks, clock())
    except BaseTimeoutException:
        raise
    except Exception as error:
        if len(tasks) > 1:
            for task in tasks:
                _work(database, folder, [task], clock)
            return
        log.exception("cannot explain %s", tasks[0].key)
        with database.unit_of_work() as session:
            outbox.postpone(session, tasks[0], f"{type(error).__name__}: {error}", now=clock())


def _step(database: Database, folder: Path, tasks: Sequence[Task], now: datetime) -> None:
    said: dict[Pair, dict[str, Any]] = {}
    with database.session() as session:
        epoch = epochs.current(session)
        wanted = _unexplained(session, tasks, now)
        if epoch is not None and wanted:
            said = explained(session, epochs.load(session, folder, epoch.id), wanted)
    with database.unit_of_work() as session:
        rows = [
            {"of_call": pair[0], "of_solution": pair[1], "texts": wanted[pair], **values}
            for pair, values in said.items()
        ]
        if rows:
            session.connection().execute(_SAY, rows)
        outbox.settle(session, tasks)


# A pair whose texts have changed meanwhile is left to the task that the change has left.
_SAY = (
    update(Match)
    .where(
        Match.call_id == bindparam("of_call"),
        Match.solution_id == bindparam("of_solution"),
        Match.tie == bindparam("texts"),
    )
    .values(reasons=bindparam("reasons"), gaps=bindparam("gaps"))
)


def _unexplained(session: Session, tasks: Sequence[Task], now: datetime) -> dict[Pair, str]:
    """Pairs without sentences that these lists show, with the hash of their texts."""
    shown: set[Pair] = set()
    firms = {task.subject_id for task in tasks if task.subject == "firm"}
    for kind in ("call", "firm"):
        ids = {task.subject_id for task in tasks if task.subject == kind}
        for places in dealing.current(session, kind, ids).values():
            shown |= {(place.call_id, place.solution_id) for place in places}
    shown |= _own(session, firms, now)
    found: dict[Pair, str] = {}
    for part in in_parts(sorted(shown)):
        rows = session.execute(
            select(Match.call_id, Match.solution_id, Match.tie).where(
                tuple_(Match.call_id, Match.solution_id).in_(part), Match.reasons.is_(None)
            )
        )
        found |= {(row.call_id, row.solution_id): row.tie for row in rows}
    return found


def _own(session: Session, firms: Collection[int], now: datetime) -> set[Pair]:
    """The best pairs of each solution of these firms."""
    rows = session.execute(
        select(Match.call_id, Match.solution_id)
        .join(Call, Match.call_id == Call.id)
        .join(Solution, Match.solution_id == Solution.id)
        .where(
            Match.firm_id.in_(firms),
            Match.score >= RULES.cut_firm,
            Solution.state == "published",
            open_at(now),
        )
        .order_by(Match.solution_id, Match.score.desc(), Match.tie)
    )
    own: dict[int, list[Pair]] = {}
    for row in rows:
        own.setdefault(row.solution_id, []).append((row.call_id, row.solution_id))
    return {pair for pairs in own.values() for pair in pairs[:OWN]}


def explained(
    session: Session, epoch: Epoch, wanted: Collection[Pair]
) -> dict[Pair, dict[str, Any]]:
    """Reasons and gaps of pairs. Pairs of one solution follow one another: its text is read once."""
    calls = subjects(session, epoch, "call", {call for call, _ in wanted})
    solutions = subjects(session, epoch, "solution", {solution for _, solution in wanted})
    names = names_of(session)
    said = {}
    for pair in sorted(wanted, key=lambda pair: pair[::-1]):
        call, solution = calls.get(pair[0]), solutions.get(pair[1])
        if call is None or solution is None:
            continue  # withdrawn this moment
        why = explain(call, solution, score(call, solution, epoch), names)
        said[pair] = {
            "reasons": bilingual((*why.fit[:2], *why.answer[:1])),
            "gaps": bilingual(why.gaps[:2]),
        }
    return said


def subjects(session: Session, epoch: Epoch, name: str, ids: set[int]) -> dict[int, Subject[Any]]:
    """Listings as the scorer takes them: what they say now, as they were matched last."""
    rows = session.execute(
        select(Vector.subject_id, Vector.data).where(
            Vector.subject == name, Vector.subject_id.in_(ids), Vector.gone.is_(False)
        )
    )
    posts = {row.subject_id: from_bytes(row.subject_id, row.data) for row in rows}
    return {
        id_: subject(stock.record(name, values), posts[id_].profile, epoch, posts[id_].meaning)
        for id_, values in facts.load(session, name, ids).items()
        if id_ in posts
    }


def bilingual(sentences: Sequence[Sentence]) -> dict[str, list[str]]:
    """Sentences as a row keeps them."""
    return {"ja": [said.ja for said in sentences], "en": [said.en for said in sentences]}


def names_of(session: Session) -> Names:
    """The names that sentences use: those of the reference tables, fine themes among them."""
    names = load_names(session)
    return Names(
        themes={key: (found[0], found[1]) for key, found in names.themes.items()},
        offers={key: (found[0], found[1]) for key, found in names.offers.items()},
        kinds={key: (found[0], found[1]) for key, found in names.kinds.items()},
    )

"""Questions of pages: who would see this draft, and why is this solution not shown for that call?

Somebody is looking at the page, so these jobs go before long ones. An answer is worked out from
what both texts say now, by the functions that score and explain everything else; nothing of it
reaches a list. The same question asked of two workers gets one answer.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from hub.clock import utcnow
from hub.db import Database
from hub.domain import facts, questions, vectors
from hub.domain.vectors import Meaning
from hub.models import Question
from search.embedding import Embedder, EmbedderUnavailable
from search.passages import digest
from workers.context import opened
from workers.jobs import epochs, stock
from workers.jobs.explaining import bilingual, names_of
from workers.jobs.stock import Stock
from workers.matching.explain import explain
from workers.matching.exposure import RULES
from workers.matching.listing import Listing
from workers.matching.meaning import texts
from workers.matching.names import Names
from workers.matching.score import Score, score
from workers.matching.subject import CallSubject, SolutionSubject, Subject, subject

log = logging.getLogger(__name__)

FIRST = 5  # solutions that a preview names

Clock = Callable[[], datetime]
Answer = dict[str, Any]


def run() -> None:
    """The job: answer what waits."""
    here = opened()
    here.queue.begun("questions")
    drain(here.database, epochs.root(here.settings.data_dir), here.embedder, clock=here.clock)


def drain(
    database: Database, folder: Path, embedder: Embedder | None = None, *, clock: Clock = utcnow
) -> None:
    """Answer every question that waits, one after another."""
    market: Stock | None = None
    while True:
        with database.session() as session:
            waiting = questions.waiting(session, limit=1)
            if not waiting:
                return
            asked = waiting[0]
            market = _market(session, folder, market)
            said = _answer(session, market, embedder, asked)
        with database.unit_of_work() as session:
            questions.answer(session, asked, said, now=clock())


def _market(session: Session, folder: Path, held: Stock | None) -> Stock | None:
    """The market as it is now; None before the first epoch."""
    epoch = epochs.current(session)
    if epoch is None:
        return None
    if held is not None and held.epoch_id == epoch.id:
        held.follow(session)
        return held
    return stock.load(session, folder, epoch.id)


def _answer(
    session: Session, market: Stock | None, embedder: Embedder | None, asked: Question
) -> Answer:
    try:
        if asked.kind == "preview":
            return _preview(session, market, embedder, asked.call_id)
        return _why(session, market, asked.call_id, asked.solution_id)
    except Exception:  # asked again by hand; a question must not be tried for ever
        log.exception("cannot answer question %d", asked.id)
        return {"failed": True}


# --- Who would see a draft -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A firm's best solution for a draft."""

    solution: SolutionSubject
    score: Score
    digest: str


def _preview(
    session: Session, market: Stock | None, embedder: Embedder | None, call_id: int
) -> Answer:
    """How many firms a draft would suit, and the first solutions with a reason each."""
    values = facts.draft(session, call_id)
    if market is None or values is None:
        return {"firms": 0, "suitable": 0, "first": []}
    post = stock.read("call", values, 0, _meaning(session, embedder, values))
    call = _subject(market, "call", values, post)
    best = _best_of_each_firm(session, market, call, post)
    suitable = [found for found in best if found.score.value >= RULES.t]
    names = names_of(session)
    return {
        "firms": len({own.owner for own in market.side("solution").listings.values()}),
        "suitable": len(suitable),
        "first": [_named(call, found, names) for found in suitable[:FIRST]],
    }


def _best_of_each_firm(
    session: Session, market: Stock, call: CallSubject, post: Listing
) -> list[_Found]:
    """One solution for each firm, best first; equal ones by a hash of the text."""
    near = set(market.market.solutions_for(post))
    posts = market.side("solution").listings
    best: dict[int, _Found] = {}
    for solution in _solutions(session, market, near):
        scored = score(call, solution, market.market.epoch)
        if scored.closed:
            continue
        found = _Found(solution, scored, posts[solution.facts.id].profile.digest)
        firm = solution.facts.firm
        if firm not in best or _order(found) < _order(best[firm]):
            best[firm] = found
    return sorted(best.values(), key=_order)


def _order(found: _Found) -> tuple[float, str]:
    return -found.score.value, found.digest


def _named(call: CallSubject, found: _Found, names: Names) -> Answer:
    why = explain(call, found.solution, found.score, names)
    return {
        "solution_id": found.solution.facts.id,
        "score": found.score.value,
        "reasons": bilingual(why.fit[:1]),
    }


def _meaning(session: Session, embedder: Embedder | None, values: facts.Facts) -> Meaning:
    """The vectors of a draft, computed here and not kept; none while the model is away."""
    model = vectors.in_force(session)
    said = texts(stock.record("call", values))
    try:
        if embedder is None or not said or embedder.model != model:
            return stock.NO_MEANING
        rows = embedder.embed_passages(said)
    except EmbedderUnavailable:
        return stock.NO_MEANING
    return Meaning(
        "",
        {digest(text): row.astype("<f2").tobytes() for text, row in zip(said, rows, strict=True)},
    )


# --- Why is it not shown -------------------------------------------------------------------------


def _why(session: Session, market: Stock | None, call_id: int, solution_id: int) -> Answer:
    """What keeps a pair apart, and what each part of the score gives."""
    calls = facts.calls(session, [call_id])
    solutions = facts.solutions(session, [solution_id])
    if market is None or not calls or not solutions:
        return {"gone": True}
    call_post = market.side("call").listings.get(call_id)
    solution_post = market.side("solution").listings.get(solution_id)
    if call_post is None or solution_post is None:
        return {"early": True}  # published this moment: whether it is a copy is not known yet
    call = _subject(market, "call", calls[call_id], call_post)
    solution = _subject(market, "solution", solutions[solution_id], solution_post)
    scored = score(call, solution, market.market.epoch)
    why = explain(call, solution, scored, names_of(session))
    return {
        "score": scored.value,
        "prose": scored.prose,
        "closed": list(scored.closed),
        "copy": not market.side("solution").is_head(solution_id),
        "parts": {part.code: part.value for part in scored.parts},
        "reasons": bilingual(why.fit[:2]),
        "gaps": bilingual(why.gaps),
    }


# --- Both ----------------------------------------------------------------------------------------


def _solutions(session: Session, market: Stock, ids: Collection[int]) -> Iterable[SolutionSubject]:
    posts = market.side("solution").listings
    for id_, values in facts.solutions(session, ids).items():
        if id_ in posts:
            yield _subject(market, "solution", values, posts[id_])


def _subject(market: Stock, name: str, values: facts.Facts, post: Listing) -> Subject[Any]:
    return subject(stock.record(name, values), post.profile, market.market.epoch, post.meaning)

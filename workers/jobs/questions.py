"""Questions of pages: who would see this draft, and why is this solution not shown for that call?

Somebody is looking at the page, so these jobs go before long ones. An answer is worked out from
what both texts say now, by the functions that score and explain everything else; nothing of it
reaches a list. The same question asked of two workers gets one answer.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from hub.clock import utcnow
from hub.db import Database
from hub.domain import facts, questions
from hub.domain.vectors import Meaning
from hub.models import Question
from search.embedding import Embedder, EmbedderUnavailable
from search.passages import digest
from workers.context import opened
from workers.jobs import epochs, stock
from workers.jobs.explaining import bilingual, names_of, subjects
from workers.jobs.stock import Stock
from workers.matching.advice import breadth, why_not
from workers.matching.explain import explain
from workers.matching.exposure import RULES
from workers.matching.facts import CallFacts
from workers.matching.meaning import texts
from workers.matching.names import Names
from workers.matching.score import Score, score
from workers.matching.subject import CallSubject, SolutionSubject, subject
from workers.matching.wording import Sentence

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
    """A solution for a draft, and the hash of its text, which decides ties."""

    solution: SolutionSubject
    score: Score
    digest: int

    @property
    def order(self) -> tuple[float, int]:
        return -self.score.value, self.digest


def _preview(
    session: Session, market: Stock | None, embedder: Embedder | None, call_id: int
) -> Answer:
    """How many firms a draft would suit, the first solutions with a reason, what is too wide."""
    values = facts.draft(session, call_id)
    if market is None or values is None:
        return {"firms": 0, "suitable": 0, "first": [], "warnings": []}
    epoch = market.market.epoch
    post = stock.read("call", values, 0, _meaning(market, embedder, values))
    call = subject(CallFacts(**values), post.profile, epoch, post.meaning)
    near = set(market.market.solutions_for(post))
    best = _best_of_each_firm(session, market, call, near)
    suitable = [found for found in best if found.score.value >= RULES.t]
    shown = [found for found in best if found.score.value >= RULES.cut_call]
    names = names_of(session)
    side = market.side("solution")
    return {
        "firms": len(set(side.column("owner")[side.live].tolist())),
        "suitable": len(suitable),
        "first": [_named(call, found, names) for found in shown[:FIRST]],
        "warnings": [
            {"code": warning.code, **bilingual([warning.sentence])}
            for warning in breadth(call, [found.score.value for found in best], RULES.t)
        ],
    }


def _best_of_each_firm(
    session: Session, market: Stock, call: CallSubject, ids: set[int]
) -> list[_Found]:
    """One solution for each firm, best first."""
    epoch, side = market.market.epoch, market.side("solution")
    best: dict[int, _Found] = {}
    for id_, solution in subjects(session, epoch, "solution", ids).items():
        scored = score(call, solution, epoch)
        if scored.closed:
            continue
        found = _Found(solution, scored, int(side.column("digest")[side.slot(id_)]))
        firm = solution.facts.firm
        if firm not in best or found.order < best[firm].order:
            best[firm] = found
    return sorted(best.values(), key=lambda found: found.order)


def _named(call: CallSubject, found: _Found, names: Names) -> Answer:
    why = explain(call, found.solution, found.score, names)
    return {
        "solution_id": found.solution.facts.id,
        "score": found.score.value,
        "reasons": bilingual(why.fit[:1]),
    }


def _meaning(market: Stock, embedder: Embedder | None, values: facts.Facts) -> Meaning:
    """The vectors of a draft, computed here and not kept; none while the model is away."""
    said = texts(CallFacts(**values))
    try:
        if embedder is None or not said or embedder.model != market.model:
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
    """What keeps a pair apart, what each part of the score gives, and what would raise it."""
    if (
        market is None
        or not facts.calls(session, [call_id])
        or not facts.solutions(session, [solution_id])
    ):
        return {"gone": True}
    epoch = market.market.epoch
    call = subjects(session, epoch, "call", {call_id}).get(call_id)
    solution = subjects(session, epoch, "solution", {solution_id}).get(solution_id)
    if call is None or solution is None:
        return {"early": True}  # published this moment
    scored = score(call, solution, epoch)
    found = why_not(call, solution, scored, names_of(session))
    return {
        "score": scored.value,
        "closed": list(scored.closed),
        "parts": {part.code: part.value for part in scored.parts},
        "weakest": [
            {
                "code": weak.code,
                "value": weak.value,
                "fact": _both(weak.fact),
                "help": _both(weak.help),
            }
            for weak in found.weakest
        ],
    }


def _both(sentence: Sentence) -> dict[str, str]:
    return {"ja": sentence.ja, "en": sentence.en}

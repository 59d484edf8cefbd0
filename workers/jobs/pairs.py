"""Pairs: which ones are worth scoring, and the row that is stored of each."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hub.domain import facts
from hub.domain.documents import load_names
from hub.domain.matches import WEAKEST
from workers.jobs import stock
from workers.jobs.stock import Stock
from workers.matching.explain import Sentence, explain
from workers.matching.names import Names
from workers.matching.score import closed_gates, score
from workers.matching.subject import Subject, subject

Pair = tuple[int, int]  # ids of a call and a solution


def candidates(market: Stock, stale: dict[str, set[int]]) -> set[Pair]:
    """(call, solution) pairs to be scored.

    A solution that is a copy has no pairs: its offer has one voice. A call that is a copy has,
    because its town needs answers too; lists of calls show one of them.
    """
    calls, solutions = market.market.calls, market.market.solutions
    copies: dict[int, list[int]] = {}
    for id_, head in calls.heads.items():
        copies.setdefault(head, []).append(id_)
    pairs = {
        (id_, other)
        for id_ in stale["call"] & calls.listings.keys()
        for other in market.market.solutions_for(calls.listings[id_])
    }
    for id_ in stale["solution"] & solutions.listings.keys():
        if solutions.is_head(id_):
            found = market.market.calls_for(solutions.listings[id_])
            pairs |= {(copy, id_) for head in found for copy in copies[head]}
    return pairs


def scored(session: Session, market: Stock, pairs: Collection[Pair]) -> list[dict[str, Any]]:
    """A row for each pair that no gate keeps apart.

    Pairs of one solution follow one another: explaining reads its text once for all of them.
    """
    calls = _subjects(session, market, "call", {call_id for call_id, _ in pairs})
    solutions = _subjects(session, market, "solution", {solution_id for _, solution_id in pairs})
    names = _names(session)
    heads = market.side("call").heads
    return [
        {
            "call_id": call_id,
            "solution_id": solution_id,
            "epoch_id": market.epoch_id,
            "original_id": heads[call_id],
            "town_id": calls[call_id].subject.facts.town,
            "firm_id": solutions[solution_id].subject.facts.firm,
            **row,
        }
        for call_id, solution_id in sorted(pairs, key=lambda pair: pair[::-1])
        # One that was withdrawn this moment is absent; its own task removes what it left.
        if call_id in calls and solution_id in solutions
        if (row := _pair(calls[call_id], solutions[solution_id], market, names))
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One listing of a pair, and the hash of its text, which decides ties."""

    subject: Subject[Any]
    digest: str


def _subjects(session: Session, market: Stock, name: str, ids: set[int]) -> dict[int, _Side]:
    listings, epoch = market.side(name).listings, market.market.epoch
    found = {}
    for id_, values in facts.load(session, name, ids).items():
        text = listings[id_].profile
        found[id_] = _Side(subject(stock.record(name, values), text, epoch), text.digest)
    return found


def _pair(call: _Side, solution: _Side, market: Stock, names: Names) -> dict[str, Any] | None:
    """Score and explanation of a pair; None when a gate is shut."""
    if closed_gates(call.subject.facts, solution.subject.facts):
        return None
    found = score(call.subject, solution.subject, market.market.epoch)
    reasons: tuple[Sentence, ...] = ()
    gaps: tuple[Sentence, ...] = ()
    if found.value >= WEAKEST:  # nobody will see the others
        why = explain(call.subject, solution.subject, found, names)
        reasons, gaps = (*why.fit[:2], *why.answer[:1]), why.gaps[:2]
    return {
        "score": found.value,
        "raw": found.raw,
        "prose": found.prose,
        "tie": hashlib.sha256(f"{call.digest} {solution.digest}".encode()).hexdigest()[:16],
        "parts": {part.code: part.value for part in found.parts},
        "reasons": _bilingual(reasons),
        "gaps": _bilingual(gaps),
    }


def _bilingual(sentences: Sequence[Sentence]) -> dict[str, list[str]]:
    return {"ja": [said.ja for said in sentences], "en": [said.en for said in sentences]}


def _names(session: Session) -> Names:
    """The names that sentences use: those of the reference tables, fine themes among them."""
    names = load_names(session)
    return Names(
        themes={key: (found[0], found[1]) for key, found in names.themes.items()},
        offers={key: (found[0], found[1]) for key, found in names.offers.items()},
        kinds={key: (found[0], found[1]) for key, found in names.kinds.items()},
    )

"""Pairs: which ones are worth scoring, and the row that is stored of each."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from hub.domain import facts
from workers.jobs import stock
from workers.jobs.stock import Stock
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
    """A row for each pair that no gate keeps apart."""
    calls = _subjects(session, market, "call", {call_id for call_id, _ in pairs})
    solutions = _subjects(session, market, "solution", {solution_id for _, solution_id in pairs})
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
        for call_id, solution_id in sorted(pairs)
        # One that was withdrawn this moment is absent; its own task removes what it left.
        if call_id in calls and solution_id in solutions
        if (row := _pair(calls[call_id], solutions[solution_id], market))
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
        known = stock.record(name, values)
        found[id_] = _Side(subject(known, text, epoch, listings[id_].meaning), text.digest)
    return found


def _pair(call: _Side, solution: _Side, market: Stock) -> dict[str, Any] | None:
    """Score of a pair; None when a gate is shut."""
    if closed_gates(call.subject.facts, solution.subject.facts):
        return None
    found = score(call.subject, solution.subject, market.market.epoch)
    return {
        "score": found.value,
        "raw": found.raw,
        "prose": found.prose,
        "tie": hashlib.sha256(f"{call.digest} {solution.digest}".encode()).hexdigest()[:16],
        "parts": {part.code: part.value for part in found.parts},
    }

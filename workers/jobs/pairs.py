"""Pairs: which ones are worth scoring, and the row that is stored of each."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from hub.domain import facts
from workers.jobs.stock import Stock
from workers.matching.edges import Edges, score_pairs

Pair = tuple[int, int]  # ids of a call and a solution


def candidates(market: Stock, stale: Mapping[str, set[int]]) -> set[Pair]:
    """(call, solution) pairs to be scored.

    A solution that is a copy has no pairs: its offer has one voice. A call that is a copy has,
    because its town needs answers too; lists of calls show one of them.
    """
    return market.market.pairs(calls=stale["call"], solutions=stale["solution"])


def scored(session: Session, market: Stock, pairs: Collection[Pair]) -> list[dict[str, Any]]:
    """A row for each pair that no gate keeps apart.

    One that was withdrawn this moment is absent; its own task removes what it left.
    """
    calls = facts.first_published(session, "call", {call for call, _ in pairs})
    solutions = facts.first_published(session, "solution", {solution for _, solution in pairs})
    known = [(c, s) for c, s in sorted(pairs) if c in calls and s in solutions]
    return list(rows(score_pairs(market.market, known), market.epoch_id))


def rows(edges: Edges, epoch_id: int) -> Iterator[dict[str, Any]]:
    """The rows that are stored of scored pairs."""
    for row in edges.rows():
        yield {
            "call_id": row["call"],
            "solution_id": row["solution"],
            "epoch_id": epoch_id,
            "original_id": row["original"],
            "town_id": row["town"],
            "firm_id": row["firm"],
            "score": row["value"],
            "raw": row["raw"],
            "prose": row["prose"],
            "tie": f"{row['tie']:016x}",
            "parts": row["parts"],
        }

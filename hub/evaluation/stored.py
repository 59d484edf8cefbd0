"""The lists that the workers have stored, by the ids of a labelled set."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.evaluation.market import Market
from hub.evaluation.matching import List, Lists
from hub.models.listing import Solution
from hub.models.matching import Match, Place

Pairs = dict[int, list[int]]  # id of a subject -> ids of the other side, best first


def stored_lists(session: Session, market: Market) -> Lists:
    """What people see: the places dealt; behind them every other stored pair, by its score.

    A firm's list stands for each of its solutions with what it says of that solution. A post that
    is a copy has no pairs of its own: it gets those of its firm.
    """
    by_call, by_solution, by_firm = _pairs(session)
    places, calls_placed = _places(session)
    owners = session.execute(select(Solution.id, Solution.organisation_id))
    firms = {row.id: row.organisation_id for row in owners}
    return {
        "call": {
            name: _list(places[id_], by_call[id_], market.solutions)
            for id_, name in market.calls.items()
        },
        "solution": {
            name: _list(calls_placed[id_], by_solution[id_] or by_firm[firms[id_]], market.calls)
            for id_, name in market.solutions.items()
        },
    }


def _pairs(session: Session) -> tuple[Pairs, Pairs, Pairs]:
    """Stored pairs: call -> solutions, solution -> calls, firm -> calls."""
    found: tuple[Pairs, Pairs, Pairs] = (defaultdict(list), defaultdict(list), defaultdict(list))
    rows = select(Match.call_id, Match.solution_id, Match.firm_id)
    for call, solution, firm in session.execute(rows.order_by(Match.score.desc(), Match.tie)):
        found[0][call].append(solution)
        found[1][solution].append(call)
        found[2][firm].append(call)
    return found


def _places(session: Session) -> tuple[Pairs, Pairs]:
    """Places as they are now: call -> solutions, solution -> calls of its firm's list."""
    found: tuple[Pairs, Pairs] = (defaultdict(list), defaultdict(list))
    now = select(Place.kind, Place.call_id, Place.solution_id).where(Place.ends_at.is_(None))
    for kind, call, solution in session.execute(now.order_by(Place.kind, Place.rank)):
        if kind == "call":
            found[0][call].append(solution)
        else:
            found[1][solution].append(call)
    return found


def _list(shown: Iterable[int], others: Iterable[int], names: dict[int, str]) -> List:
    placed = list(dict.fromkeys(shown))
    ranked = dict.fromkeys((*placed, *others))
    return List(tuple(names[id_] for id_ in ranked), len(placed))

"""26 weeks of a market: calls open and close, half of the firms come later."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from benchmarks.fairmarket import Array, Market
from benchmarks.inequality import gini
from workers.matching.exposure import RULES, Rules, deal_calls, entitled, new_debt

_OPEN = 5  # weeks
_SETTLED = 4  # weeks that a firm may wait before it counts as never shown


@dataclass(frozen=True, slots=True)
class Weeks:
    """What happened. Waits are in weeks, 0 for the week in which a firm became suitable."""

    never_shown: float  # of the firms suitable for four weeks or more
    mean_wait: float
    p95_wait: float
    first_week: float  # of newcomers
    two_weeks: float
    offers_shown: float  # of the offers suitable for four weeks or more
    gini: float  # of lists a week
    truth: float  # mean of what was shown


def weeks(drawn: Market, count: int, weekly: int, *, rules: Rules = RULES, seed: int) -> Weeks:
    """Deal every week and keep the debts; half of the firms arrive at a random week."""
    chance = np.random.default_rng(seed)
    arrival = np.where(
        chance.random(len(drawn.size)) < 0.5, 0, chance.integers(1, count, len(drawn.size))
    )
    began: dict[int, int] = {}
    shown: dict[int, int] = {}
    offers_began: dict[int, int] = {}
    offers_shown: dict[int, int] = {}
    presence = np.zeros(len(drawn.size))
    debt: dict[int, float] = {}
    owed: dict[int, float] = {}
    truths: list[Array] = []
    for week in range(count):
        calls = np.arange(max(week - _OPEN + 1, 0) * weekly, (week + 1) * weekly)
        posts = np.flatnonzero(arrival[drawn.firm] <= week)
        pairs = drawn.only(calls, posts)
        places = deal_calls(
            pairs, lists=calls, debt=debt, offers=owed if rules.q else None, rules=rules
        )
        firms, offers = entitled(pairs), set(pairs.solution[pairs.value >= rules.t].tolist())
        lists = Counter(place.firm for place in places)
        seen = Counter(place.solution for place in places)
        for found, start, first in (
            (firms, began, shown),
            (offers, offers_began, offers_shown),
        ):
            for id_ in found:
                start.setdefault(id_, week)
            for id_ in lists if first is shown else seen:
                first.setdefault(id_, week)
        presence[list(lists)] += list(lists.values())
        truths.append(drawn.truth[[p.call for p in places], [p.solution for p in places]])
        debt = new_debt(debt, firms, lists, rules)
        owed = new_debt(owed, offers, seen, rules)
    wait = _waits(began, shown, count)
    new = np.array([arrival[firm] == start > 0 for firm, start in began.items()], bool)
    last = count - np.array(list(began.values()))
    return Weeks(
        never_shown=float(np.isinf(wait[last >= _SETTLED]).mean()),
        mean_wait=float(wait[np.isfinite(wait)].mean()),
        p95_wait=float(np.quantile(wait[last >= _SETTLED], 0.95, method="lower")),
        first_week=float((wait[new] == 0).mean()),
        two_weeks=float((wait[new & (last >= 2)] <= 1).mean()),
        offers_shown=_share_shown(offers_began, offers_shown, count),
        gini=gini(presence[list(began)] / last),
        truth=float(np.concatenate(truths).mean()),
    )


def _waits(began: dict[int, int], shown: dict[int, int], count: int) -> Array:
    """Return weeks from suitable to shown, infinite where it did not happen."""
    waits = [shown[id_] - week if id_ in shown else np.inf for id_, week in began.items()]
    return np.maximum(waits, 0)


def _share_shown(began: dict[int, int], shown: dict[int, int], count: int) -> float:
    wait = _waits(began, shown, count)
    last = count - np.array(list(began.values()))
    return float((wait[last >= _SETTLED] < _SETTLED).mean())

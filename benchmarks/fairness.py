"""Whether the lists are fair: our dealing against lists by relevance, in markets of numbers.

    python -m benchmarks.fairness [--seeds 3]

What suits whom is known in such a market (benchmarks.fairmarket), so what people lose and what
firms gain can be counted: one batch of lists, attacks, 26 weeks, the lists of firms, speed. Writes
benchmarks/results/fairness.json and .md, and exits with 1 when a target fails.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from benchmarks.fairmarket import Array, Market, classes, market, with_posts
from benchmarks.fairreport import TARGETS, report
from benchmarks.inequality import gini, top_share, worst_tenth
from benchmarks.measure import elsewhere
from benchmarks.weeks import weeks
from workers.matching.exposure import (
    RULES,
    Pairs,
    Placed,
    Rules,
    deal_calls,
    deal_firms,
    entitled,
    loss,
    steer,
)

RESULTS = Path(__file__).parent / "results"
K = RULES.k
ATTENTION = 1 / np.log2(2 + np.arange(K))
_NIGHTS = 12
_ATTACKERS = 40
RELEVANCE, COLLAPSE, FIRMS, OURS = "relevance only", "collapse", "ours, firms only", "ours"
LUCK = "ours, luck corrected"
_MERIT = replace(RULES, q=0)


@dataclass(frozen=True, slots=True)
class Size:
    """How large the markets are."""

    calls: int = 2_000
    solutions: int = 20_000
    firms: int = 5_000
    weeks: int = 26
    weekly_calls: int = 60

    @property
    def half(self) -> tuple[int, int, int]:
        """Return the size of the market under attack."""
        return self.calls // 2, self.solutions // 2, self.firms // 2

    @property
    def rolling(self) -> tuple[int, int, int]:
        """Return the size of the market over time."""
        return self.weeks * self.weekly_calls, self.solutions * 2 // 5, self.firms * 2 // 5


def main() -> None:
    """Run everything, write the results, and exit with 1 when a target fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    results = run(Size(), range(parser.parse_args().seeds))
    RESULTS.mkdir(exist_ok=True)
    name = RESULTS / "fairness"
    name.with_suffix(".json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    name.with_suffix(".md").write_text(report(results))
    print(report(results))
    sys.exit(not all(target.holds(results) for target in TARGETS))


def run(size: Size, seeds: Sequence[int]) -> dict[str, Any]:
    """Return all measurements, those of every seed in a row."""
    began = time.monotonic()
    found: dict[str, Any] = {"size": asdict(size), "seeds": list(seeds), "rules": asdict(RULES)}
    found["machine"] = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    markets = [market(size.calls, size.solutions, size.firms, polish=0.02, seed=s) for s in seeds]
    plain = [market(size.calls, size.solutions, size.firms, polish=0.0, seed=seeds[0])]
    for name, drawn in (("batch", markets), ("batch_even", plain)):
        found[name] = {
            policy: [batch(one, deal) for one in drawn] for policy, deal in policies().items()
        }
    sides = [firms_side(drawn) for drawn in markets]
    found["firms"] = {name: [side[name] for side in sides] for name in sides[0]}
    del markets, plain
    found["attacks"] = [attacks(size, seed) for seed in seeds[:2]]
    found["weeks"] = {
        name: [_weeks(size, rules, seed) for seed in seeds[:2]]
        for name, rules in ((COLLAPSE, _MERIT), (OURS, RULES))
    }
    found["speed"] = [
        elsewhere("benchmarks.fairspeed", calls=calls, solutions=10 * calls, firms=calls * 5 // 2)
        for calls in (2_000, 10_000)
    ]
    return found | {"minutes": round((time.monotonic() - began) / 60, 1)}


def _weeks(size: Size, rules: Rules, seed: int) -> dict[str, float]:
    drawn = market(*size.rolling, polish=0.02, seed=seed)
    return asdict(weeks(drawn, size.weeks, size.weekly_calls, rules=rules, seed=seed))


def relevance(pairs: Pairs) -> list[Placed]:
    """Return lists by value alone: every post for itself, as many of a firm as there are."""
    alone = replace(pairs, firm=pairs.solution, offer=pairs.solution)
    return deal_calls(alone, lists=np.unique(pairs.call), rules=_MERIT)


def weekly(pairs: Pairs, rules: Rules, *, offers: bool = True) -> list[Placed]:
    """Return our lists in a market's first week, the dial's shifts settled."""
    shift: Mapping[int, float] = {}
    for _ in range(_NIGHTS if rules.delta else 0):
        shift = steer(pairs, shift, rules)
    calls = np.unique(pairs.call)
    return deal_calls(pairs, lists=calls, shift=shift, offers={} if offers else None, rules=rules)


def policies() -> dict[str, Callable[[Market], list[Placed]]]:
    """Return all ways to fill the lists that are compared."""
    found: dict[str, Callable[[Market], list[Placed]]] = {
        RELEVANCE: lambda m: relevance(m.posts),
        COLLAPSE: lambda m: weekly(m.pairs, _MERIT),
        FIRMS: lambda m: weekly(m.pairs, RULES, offers=False),
        OURS: lambda m: weekly(m.pairs, RULES),
    }
    for delta in (0.02, 0.04):
        found[f"ours, δ = {delta}"] = partial(_dialled, replace(RULES, delta=delta))
    found[LUCK] = lambda m: weekly(m.pairs, replace(RULES, luck=0.04))
    return found


def _dialled(rules: Rules, drawn: Market) -> list[Placed]:
    return weekly(drawn.pairs, rules)


def batch(drawn: Market, deal: Callable[[Market], list[Placed]]) -> dict[str, Any]:
    """Return the figures of one policy in one market."""
    began = time.process_time()
    places = deal(drawn)
    seconds = time.process_time() - began
    pairs = drawn.pairs
    call, post, rank = _columns(places)
    firm = drawn.firm[post]
    able = np.array(sorted(entitled(pairs)))
    gained = np.bincount(firm, ATTENTION[rank], len(drawn.size))
    own, lists = gained[able], np.bincount(firm, minlength=len(drawn.size))
    suitable = np.unique(pairs.solution[pairs.value >= RULES.t])
    losses = _losses(places, weekly(pairs, _MERIT))
    merit = _merit(drawn, pairs)
    shares = [
        float(gained[size].sum() / max(merit[size].sum(), 1e-9)) for size in classes(drawn.size)
    ]
    return {
        "ndcg": ndcg(drawn, call, post, rank),
        "firms_shown": float(np.isin(able, firm).mean()),
        "firms_servable": servable(pairs, places),
        "offers_shown": float(np.isin(suitable, drawn.offer[post]).mean()),
        "gini": gini(own),
        "top_percent": top_share(gained),
        "sizes": [share / max(shares) for share in shares],
        "worst_tenth": worst_tenth(own),
        "busiest": int(lists.max()),
        "loss_p95": float(np.quantile(losses, 0.95)),
        "loss_max": float(losses.max()),
        "reserve": sum(place.how == "reserve" for place in places),
        "seconds": seconds,
    }


def servable(pairs: Pairs, places: Sequence[Placed]) -> float:
    """Return the greatest share of entitled firms that any use of the reserve could show.

    Asked of another solver than ours. All of them where Hall's condition holds.
    """
    able = np.array(sorted(entitled(pairs)))
    merit = [place for place in places if place.rank <= K - RULES.q]
    least = np.full(pairs.call.max() + 1, np.inf)
    np.minimum.at(least, [p.call for p in merit], [p.value for p in merit])
    waiting = np.setdiff1d(able, [place.firm for place in merit])
    near = np.isin(pairs.firm, waiting)
    near &= pairs.value >= np.maximum(RULES.t, RULES.rho * least[pairs.call])
    row, column = np.searchsorted(waiting, pairs.firm[near]), pairs.call[near] * RULES.q
    row = np.tile(row, RULES.q)
    column = np.concatenate([column + seat for seat in range(RULES.q)])
    seats = csr_matrix((np.ones(len(row)), (row, column)), (len(waiting), len(least) * RULES.q))
    served = (maximum_bipartite_matching(seats, perm_type="column") >= 0).sum()
    return float((len(able) - len(waiting) + served) / len(able))


def ndcg(drawn: Market, call: Array, post: Array, rank: Array) -> float:
    """Return the true nDCG@10. A repost of something already in the list gains nothing."""
    first = np.zeros(len(call), bool)
    order = np.lexsort((rank, call))
    code = call[order] * len(drawn.offer) + drawn.offer[post[order]]
    first[order[np.unique(code, return_index=True)[1]]] = True
    gains = np.where(first, 2.0 ** drawn.grade(call, post) - 1, 0) * ATTENTION[rank]
    heads = np.flatnonzero(drawn.offer == np.arange(len(drawn.offer)))
    calls = np.unique(drawn.pairs.call)
    best = -np.sort(-drawn.truth[np.ix_(calls, heads)], axis=1)[:, :K]
    ideal = (2.0 ** np.searchsorted(drawn.grades, best, side="right") - 1) @ ATTENTION
    got = np.bincount(call, gains, len(drawn.score))[calls]
    return float((got[ideal > 0] / ideal[ideal > 0]).mean())


def attacks(size: Size, seed: int) -> dict[str, dict[str, float]]:
    """Return by what factor attackers change their exposure: attack -> policy -> factor."""
    base = market(*size.half, polish=0.02, seed=seed)
    small = np.flatnonzero(classes(base.size)[0] & (np.bincount(base.firm) <= 2))
    chosen = np.random.default_rng(seed).choice(small, min(_ATTACKERS, len(small)), replace=False)
    posts = np.unique(base.firm, return_index=True)[1][chosen]
    tenth = -np.partition(-base.score, K - 1, axis=1)[:, [K - 1]]
    one = posts[[(base.score[:, posts] >= tenth).sum(axis=0).argmax()]]
    fakes = len(base.size) + np.repeat(np.arange(len(posts)) * 10, 100)
    fakes += np.tile(np.arange(100) % 10, len(posts))
    attacked = {
        "99 copies each": (posts, with_posts(base, posts, 99, same=True, seed=seed)),
        "one firm, 500 copies": (one, with_posts(base, one, 500, same=True, seed=seed)),
        "split into ten, copied texts": (
            posts,
            with_posts(base, posts, 100, same=True, owners=fakes, seed=seed),
        ),
        "99 rewrites each": (posts, with_posts(base, posts, 99, same=False, seed=seed)),
        "rewrites by ten fakes": (
            posts,
            with_posts(base, posts, 100, same=False, owners=fakes, seed=seed),
        ),
    }
    kept = policies()
    kept = {name: kept[name] for name in (RELEVANCE, COLLAPSE, OURS, LUCK)}
    return {
        attack: {
            name: _exposure(after, deal(after), of, base) / _exposure(base, deal(base), of, base)
            for name, deal in kept.items()
        }
        for attack, (of, after) in attacked.items()
    }


def _exposure(drawn: Market, places: list[Placed], posts: Array, base: Market) -> float:
    """Return the attention won by the firms of these posts and by those that copied them."""
    _, post, rank = _columns(places)
    firm = drawn.firm[post]
    mine = np.isin(firm, base.firm[posts]) | (firm >= len(base.size))
    return float(ATTENTION[rank[mine]].sum())


def firms_side(drawn: Market, rules: Rules = RULES) -> dict[str, dict[str, Any]]:
    """Return the figures of the lists of firms, by relevance and as we deal them."""
    pairs = drawn.pairs
    free = replace(rules, q=0, floor=0, capacity=len(drawn.size) * K)
    firms = np.unique(pairs.firm)
    return {
        name: _reach(drawn, deal_firms(pairs, lists=firms, rules=chosen), rules)
        for name, chosen in ((RELEVANCE, free), (OURS, rules))
    }


def _reach(drawn: Market, places: list[Placed], rules: Rules) -> dict[str, Any]:
    call, post, _ = _columns(places)
    pairs = drawn.pairs
    calls = np.unique(pairs.call)
    count = np.bincount(call, minlength=len(drawn.score))[calls]
    able = np.unique(np.stack([pairs.call, pairs.firm])[:, pairs.value >= rules.t], axis=1)
    within = np.bincount(able[0], minlength=len(drawn.score))[calls]
    town = np.bincount(calls // 5, count)
    return {
        "none": float((count == 0).mean()),
        "few": float((count < np.minimum(rules.floor, within)).mean()),
        "gini": gini(count),
        "busiest_call": int(count.max()),
        "busiest_town": int(town.max()),
        "truth": float(drawn.truth[call, post].mean()),
    }


def _columns(places: Sequence[Placed]) -> tuple[Array, Array, Array]:
    rows = np.array([(p.call, p.solution, p.rank - 1) for p in places], np.int64).reshape(-1, 3)
    return rows[:, 0], rows[:, 1], rows[:, 2]


def _losses(places: Iterable[Placed], merit: Iterable[Placed]) -> Array:
    values: dict[int, list[float]] = {}
    best: dict[int, list[float]] = {}
    for found, lists in ((places, values), (merit, best)):
        for place in found:
            lists.setdefault(place.list, []).append(place.value)
    return np.array([loss(values.get(call, []), row) for call, row in best.items()])


def _merit(drawn: Market, pairs: Pairs) -> Array:
    """Return the true merit of each firm: its best truth above t in every call, added up."""
    call, firm = pairs.call, pairs.firm
    codes, own = np.unique(call * len(drawn.size) + firm, return_inverse=True)
    best = np.zeros(len(codes))
    np.maximum.at(best, own, drawn.truth[call, pairs.solution] - RULES.t)
    found: Array = np.bincount(codes % len(drawn.size), best, len(drawn.size))
    return found


if __name__ == "__main__":
    main()

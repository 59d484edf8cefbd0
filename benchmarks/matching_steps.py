"""What benchmarks.matching runs in processes of their own, so that memory can be told apart.

python -m benchmarks.matching_steps '{"step": "incremental", "folder": "…", …}'
"""

import json
import pickle
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sparse_dot_topn import sp_matmul_topn

from benchmarks.market import Market as Synthetic
from benchmarks.measure import Spent, memory, percentiles, spent
from workers.matching import epoch as epochs
from workers.matching.edges import Edges, rescore, score_pairs, shards
from workers.matching.exposure import RULES, Pairs, deal_calls, deal_firms, steer
from workers.matching.listing import Listing, from_bytes
from workers.matching.market import Change, Market

_SHARDS = 20
_EVENTS = 40
_OTHERS = 1_000_000_000  # numbers of listings that come later begin here
_GIST_ROWS = 256


def main() -> None:
    """Run the step that the argument names; print what it found as JSON."""
    asked = json.loads(sys.argv[1])
    step = {"build": build, "incremental": incremental, "full": full}[asked.pop("step")]
    print(json.dumps(step(**asked)))


def build(folder: str, calls: int, solutions: int, meanings: bool) -> dict[str, Any]:
    """Make an epoch and a market of synthetic listings and keep them in a folder."""
    place = Path(folder)
    if (place / "built.json").exists():
        found: dict[str, Any] = json.loads((place / "built.json").read_text())
        return found
    shutil.rmtree(place, ignore_errors=True)
    synthetic = Synthetic(meanings=meanings)
    left, right = list(synthetic.calls(calls)), list(synthetic.solutions(solutions))
    took: dict[str, Any] = {"listings": memory()["own"]}
    began = time.perf_counter()
    epoch = epochs.build(left, right, "stand-in" if meanings else "")
    took["epoch_seconds"] = round(time.perf_counter() - began, 1)
    began = time.perf_counter()
    market = Market.build(epoch, left, right)
    took["market_seconds"] = round(time.perf_counter() - began, 1)
    began = time.perf_counter()
    market.save(place / "market")
    epochs.save(epoch, place / "epoch")
    took["save_seconds"] = round(time.perf_counter() - began, 1)
    took |= {"memory": memory(), "terms": len(epoch.keys)}
    heads = market.solutions.heads
    took["copies"] = sum(id_ != head for id_, head in heads.items())
    later = {
        "calls": list(synthetic.calls(_EVENTS, _OTHERS)),
        "solutions": list(synthetic.solutions(_EVENTS, _OTHERS)),
        "changed": [
            replace(post, id=i) for i, post in enumerate(synthetic.solutions(_EVENTS, 2 * _OTHERS))
        ],
    }
    for name, posts in later.items():
        stored = [(post.id, post.to_bytes()) for post in posts]
        (place / f"{name}.pickle").write_bytes(pickle.dumps(stored))
    (place / "built.json").write_text(json.dumps(took))
    return took


def incremental(folder: str) -> dict[str, Any]:
    """Let listings come and go one by one, analysis excluded."""
    before = memory()
    began = time.perf_counter()
    market = _loaded(folder)
    loaded = time.perf_counter() - began
    calls, solutions, changed = (
        [from_bytes(*row) for row in pickle.loads((Path(folder) / f"{name}.pickle").read_bytes())]
        for name in ("calls", "solutions", "changed")
    )
    start = memory()
    touched: list[int] = []

    def settle(change: Change) -> None:
        pairs = market.pairs(calls=change.calls, solutions=change.solutions) | change.entered
        touched.append(len(score_pairs(market, pairs)) + len(change.left))

    settle(market.update(calls=[replace(calls[0], id=_OTHERS - 1)]))  # maps what is needed
    touched.clear()
    steps: dict[str, tuple[list[Any], Callable[[Any], Change]]] = {
        "new call": (calls, lambda post: market.update(calls=[post])),
        "new solution": (solutions, lambda post: market.update(solutions=[post])),
        "changed solution": (changed, lambda post: market.update(solutions=[post])),
        "withdrawn solution": (
            list(range(_EVENTS, 2 * _EVENTS)),
            lambda id_: market.update(gone_solutions=[id_]),
        ),
    }
    found: dict[str, Any] = {}
    for name, (things, act) in steps.items():
        touched.clear()
        times = [spent(partial(_both, settle, act, thing)) for thing in things]
        found[name] = {**_percentiles(times), "pairs": round(statistics.mean(touched))}
    end = memory()
    return {
        "steps": found,
        "bare": _percentiles([_bare_row(market, post) for post in calls]),
        "load_seconds": round(loaded, 2),
        "memory": {"before": before, "start": start, "end": end},
    }


def _both(settle: Callable[[Change], None], act: Callable[[Any], Change], thing: Any) -> None:
    settle(act(thing))


def _percentiles(times: list[Spent]) -> dict[str, Any]:
    return {
        "wall": percentiles([time.wall for time in times]),
        "processor": percentiles([time.processor for time in times]),
    }


def _bare_row(market: Market, post: Listing) -> Spent:
    """Return the time of the bare product of one text with all solutions."""
    rows = market.solutions.rows("text")
    vector = market.epoch.vector(post.profile)
    numbers = market.terms.numbers(vector.keys)
    dense = np.zeros(rows.shape[1], np.float32)
    known = numbers < rows.shape[1]
    dense[numbers[known]] = vector.values[known]
    return spent(lambda: np.argpartition(-(rows @ dense), 200))


def full(folder: str, runs: int) -> dict[str, Any]:
    """Score the whole market anew; then the bare products of the same matrices."""
    market = _loaded(folder)
    times: dict[str, list[Spent]] = {"lists": [], "pairs": []}
    edges: list[Edges] = []
    for _ in range(runs):
        edges.clear()
        times["lists"].append(spent(market.fill))
        times["pairs"].append(spent(partial(_rescored, market, edges)))
    peak = memory()
    count = sum(map(len, edges))
    pairs = _joined([_shown(one) for one in edges])
    return {
        "runs": runs,
        "pairs": count,
        "above_cut": len(pairs),
        "seconds": {name: _seconds(own) for name, own in times.items()},
        "memory": peak,
        "exposure": _exposure(pairs),
        "bare": _bare(market, runs),
    }


def _rescored(market: Market, edges: list[Edges]) -> None:
    edges.extend(rescore(market, shard) for shard in shards(market, _SHARDS))


def _shown(edges: Edges) -> Edges:
    """Keep the pairs that a list may show."""
    return edges.take(edges.value >= min(RULES.cut_call, RULES.cut_firm))


def _joined(edges: list[Edges]) -> Pairs:
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(one, name) for one in edges])
        for name in ("call", "solution", "firm", "town", "original", "value", "tie")
    }
    verified = np.ones(len(columns["call"]), bool)
    return Pairs(offer=columns["solution"], entitled=verified, **columns)


def _exposure(pairs: Pairs) -> dict[str, Any]:
    """Return the seconds of dealing all lists from the scored pairs."""
    moved = replace(RULES, delta=0.02)
    steps: dict[str, Callable[[], object]] = {
        "lists of calls, reserve included": lambda: deal_calls(pairs, lists=np.unique(pairs.call)),
        "lists of firms": lambda: deal_firms(pairs, lists=np.unique(pairs.firm)),
        "a night of steering (dial at 0.02)": lambda: steer(pairs, {}, moved),
    }
    return {name: _seconds([spent(step)]) for name, step in steps.items()}


def _bare(market: Market, runs: int) -> dict[str, Any]:
    """Return the seconds of the bare products, both directions, without looking at the result."""
    calls, solutions = market.calls.rows("text").copy(), market.solutions.rows("text").copy()
    searched = (
        market.calls.searched(market.calls.live),
        market.solutions.searched(market.solutions.live),
    )
    found: dict[str, Any] = {
        "entries_of_a_solution": round(solutions.nnz / solutions.shape[0], 1),
        "entries_searched": round(searched[1].nnz / searched[1].shape[0], 1),
        "all terms": _median(lambda: _both_ways(calls, solutions), runs),
        "terms searched": _median(lambda: _both_ways(*searched), runs),
    }
    left, right = market.calls.gists()[0], market.solutions.gists()[0]
    if len(left):
        left, right = np.array(left), np.array(right)

        def product() -> None:
            for start in range(0, len(left), _GIST_ROWS):
                left[start : start + _GIST_ROWS] @ right.T

        found["gists"] = _median(product, runs)
    return found


def _both_ways(calls: Any, solutions: Any) -> None:
    width = max(calls.shape[1], solutions.shape[1])
    for rows in (calls, solutions):
        rows.resize(rows.shape[0], width)
    for left, right, count in ((calls, solutions, 200), (solutions, calls, 10)):
        sp_matmul_topn(left, right.T.tocsr(), top_n=count, threshold=0.0)


def _median(work: Callable[[], None], runs: int) -> dict[str, float]:
    return _seconds([spent(work) for _ in range(runs)])


def _seconds(times: list[Spent]) -> dict[str, float]:
    """Return the medians, in seconds."""
    return {
        "wall": round(statistics.median(one.wall for one in times) / 1_000, 2),
        "processor": round(statistics.median(one.processor for one in times) / 1_000, 2),
    }


def _loaded(folder: str) -> Market:
    epoch = epochs.current(Path(folder) / "epoch")
    assert epoch is not None
    market = Market.load(Path(folder) / "market", epoch)
    assert market is not None
    return market


if __name__ == "__main__":
    main()

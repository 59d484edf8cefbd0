"""Times the dealing of scored pairs: `{"calls": 2000, "solutions": 20000, "firms": 5000}`.

Values are random. Prints JSON: seconds of each step and the megabytes of the process.
"""

import json
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.measure import memory, spent
from workers.matching.exposure import Pairs, Rules, deal_calls, deal_firms, steer

_EACH = 200  # candidates of a call


def drawn(calls: int, solutions: int, firms: int) -> Pairs:
    """Return pairs of every call with 200 solutions; some firms have many, some are liked more."""
    chance = np.random.default_rng(0)
    call = np.repeat(np.arange(calls), _EACH)
    solution = (
        chance.integers(solutions, size=calls)[:, None] + np.arange(_EACH) * (solutions // _EACH)
    ).ravel() % solutions
    firm = (firms * chance.random(solutions) ** 1.7).astype(np.int64)[solution]
    liked = chance.normal(0, 0.06, solutions)[solution]
    value = np.clip(0.5 + 0.1 * chance.normal(size=len(call)) + liked, 0, 1).round(4)
    tie = chance.integers(2**63, size=len(call)).astype(np.uint64)
    every = np.ones(len(call), bool)
    return Pairs(call, solution, firm, call // 5, solution, call, value, tie, every)


def main() -> None:
    """Time, and print."""
    pairs = drawn(**json.loads(sys.argv[1]))
    before = memory()
    calls, firms = np.unique(pairs.call), np.unique(pairs.firm)
    some = pairs.take(np.isin(pairs.call, calls[:10]))
    work: dict[str, Callable[[], object]] = {
        "lists of all calls, week": lambda: deal_calls(pairs, lists=calls, offers={}),
        "lists of ten calls": lambda: deal_calls(some, lists=calls[:10]),
        "lists of all firms": lambda: deal_firms(pairs, lists=firms, capacity={}),
        "steering, a night": lambda: steer(pairs, {}, Rules(delta=0.03)),
    }
    seconds = {name: round(spent(step).processor / 1_000, 3) for name, step in work.items()}
    print(
        json.dumps({"pairs": len(pairs), "seconds": seconds, "before": before, "after": memory()})
    )


if __name__ == "__main__":
    main()

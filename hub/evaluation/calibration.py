"""From a score to a chance: isotonic regression of judgements on r (pool adjacent violators).

The published values have fixed meanings; the map says which r reaches each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

RELATED, USEFUL = 1, 2

# Published value, the least grade asked about, and the chance that a pair has it there.
MEANINGS = (
    (0.35, RELATED, 1 / 8),
    (0.40, RELATED, 1 / 5),
    (0.53, RELATED, 1 / 2),
    (0.64, USEFUL, 1 / 2),
    (0.80, USEFUL, 3 / 4),
)


@dataclass(frozen=True)
class Point:
    """Where the map of r to the published value bends; `chance` is that of `grade` or better."""

    raw: float
    value: float
    grade: int
    chance: float


def points(judged: Sequence[tuple[float, int]]) -> list[Point]:
    """Return the inner points of the map from (r, grade) of pairs.

    Raises ValueError where the judgements never reach a chance.
    """
    found = []
    for value, grade, chance in MEANINGS:
        hits = [(raw, own >= grade) for raw, own in judged]
        found.append(Point(round(crossing(hits, chance), 2), value, grade, chance))
    return found


def crossing(hits: Sequence[tuple[float, bool]], chance: float) -> float:
    """Return the score at which the isotonic chance of a hit reaches `chance`.

    Between two steps of the fit it is read off the line through their middles.
    """
    before: tuple[float, float] | None = None
    for rate, middle in isotonic(hits):
        if rate >= chance:
            if before is None:
                return middle
            low, start = before
            return start + (middle - start) * (chance - low) / (rate - low)
        before = rate, middle
    raise ValueError(f"no score reaches a chance of {chance}")


def isotonic(hits: Sequence[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return the steps of the least-squares growing fit: (rate of hits, middle of its scores)."""
    steps: list[list[float]] = []  # hits, count, least and greatest score
    for score, hit in sorted(hits):
        steps.append([float(hit), 1, score, score])
        while len(steps) > 1 and steps[-2][0] * steps[-1][1] >= steps[-1][0] * steps[-2][1]:
            last = steps.pop()
            steps[-1] = [steps[-1][0] + last[0], steps[-1][1] + last[1], steps[-1][2], last[3]]
    return [(own / count, (least + most) / 2) for own, count, least, most in steps]

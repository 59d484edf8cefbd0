"""Ranking measures. Gain is 2^grade - 1 with a log2(rank + 1) discount; useful means grade >= 2.

Definitions: Jarvelin & Kekalainen 2002 for nDCG; recall and reciprocal rank as usual.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

USEFUL = 2
TOP = 10
DEEP = 20


@dataclass(frozen=True)
class Quality:
    """One list's measures; None where nothing could be found."""

    ndcg10: float | None
    recall20: float | None
    mrr: float | None


def quality(ranked: Sequence[str], grades: Mapping[str, int]) -> Quality:
    """Measures of one list of ids, best first, against the grades of its subject."""
    return Quality(_ndcg(ranked, grades), _recall(ranked, grades), _reciprocal(ranked, grades))


def means(qualities: Sequence[Quality]) -> dict[str, float | None]:
    """Mean of each measure over the lists that could find something."""
    return {
        name: _mean([getattr(quality, name) for quality in qualities])
        for name in ("ndcg10", "recall20", "mrr")
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _dcg(grades: Sequence[int]) -> float:
    gains = (float(2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades[:TOP]))
    return sum(gains)


def _ndcg(ranked: Sequence[str], grades: Mapping[str, int]) -> float | None:
    ideal = _dcg(sorted(grades.values(), reverse=True))
    return _dcg([grades.get(item, 0) for item in ranked]) / ideal if ideal else None


def _recall(ranked: Sequence[str], grades: Mapping[str, int]) -> float | None:
    useful = {item for item, grade in grades.items() if grade >= USEFUL}
    return len(useful.intersection(ranked[:DEEP])) / len(useful) if useful else None


def _reciprocal(ranked: Sequence[str], grades: Mapping[str, int]) -> float | None:
    if not any(grade >= USEFUL for grade in grades.values()):
        return None
    places = (rank for rank, item in enumerate(ranked, 1) if grades.get(item, 0) >= USEFUL)
    return 1 / next(places, math.inf)

"""Refitting the few public weights to what organisations answered, once in a while.

In every list, an answer in favour (interested, proposed) should stand above one against (not for
us). The loss is that of pairwise ranking, log(1 + exp(-(r_for - r_against) / 0.05)). An answer far
down a list was less likely to be seen, so it counts 1 / v_p = log2(1 + p), at most 4. Weights are
printed in steps of five hundredths, and in one refit at most a tenth of all weight may change: few
tables are within reach, so all of them are tried. A step has to be worth it; without enough
answers nothing changes.

Nobody decides alone: a list with many answers makes many comparisons, so those of one organisation
count, all together, as much as five, and it takes the voices of several to change anything. Which
organisation that is, is not known here, nor any firm, post or size.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from workers.matching.score import CODES, WEIGHTS, Column, Rows, Weight, combine

STEP = 0.05
MOST_CHANGE = 0.10  # of the weight of a view, up and down together
LEAST_COMPARISONS = 30  # as they count, so of no fewer than six organisations
MOST_OF_ONE = 5  # comparisons that one organisation counts for
MOST_WEIGHT = 4.0
_SCALE = 0.05  # equally good pairs scatter by about as much
_STEP_COST = 2.0  # by so much the whole loss must fall for one step: the prior


@dataclass(frozen=True, slots=True)
class Answer:
    """An organisation's answer to a pair: in which list and place, and for or against it.

    `voice` is the same for all answers of one organisation. `parts` are the sub-scores the pair had
    (None = not stated), `prose` its factor D.
    """

    list: str
    voice: int
    place: int
    good: bool
    parts: Mapping[str, float | None]
    prose: float = 1.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How well weights order the answers: mean loss and share of comparisons put right (0..1)."""

    loss: float
    right: float


@dataclass(frozen=True, slots=True)
class Refit:
    """Weights before and after, how well each orders the answers, and from how many comparisons.

    `counted` is what these count for, when no organisation counts for more than five.
    """

    before: tuple[Weight, ...]
    after: tuple[Weight, ...]
    fit_before: Fit
    fit_after: Fit
    comparisons: int
    counted: int
    voices: int


def refit(answers: Sequence[Answer]) -> Refit:
    """Return the weights that order the answers best within reach of the present ones."""
    found = _Comparisons.of(answers)
    now = found.fit({})
    best: tuple[int, ...] = ()
    least = now.loss * found.weight
    for steps in _reachable():
        taste = factors(_moved(steps))
        loss = found.fit(taste).loss * found.weight + _STEP_COST * sum(map(abs, steps))
        if found.counted >= LEAST_COMPARISONS and loss < least - 1e-9:
            best, least = steps, loss
    after = _moved(best)
    fit_after = found.fit(factors(after))
    return Refit(WEIGHTS, after, now, fit_after, found.count, found.counted, found.voices)


def measure(answers: Sequence[Answer], weights: Sequence[Weight]) -> Fit:
    """Return how well these weights order answers, such as some that no refit has seen."""
    return _Comparisons.of(answers).fit(factors(weights))


def factors(weights: Sequence[Weight]) -> dict[str, float]:
    """Return these weights as factors of the present ones, by part."""
    return {
        now.code: max(then.town, then.firm) / max(now.town, now.firm)
        for now, then in zip(WEIGHTS, weights, strict=True)
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Comparisons:
    """Answers as columns, and pairs of one for and one against from the same list."""

    values: dict[str, Column]
    prose: Column
    good: Rows
    bad: Rows
    weights: Column
    counted: int
    voices: int

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> "_Comparisons":
        sides: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for i, answer in enumerate(answers):
            sides[answer.list][not answer.good].append(i)
        pairs = [pair for good, bad in sides.values() for pair in product(good, bad)]
        seen = [min(math.log2(1 + answer.place), MOST_WEIGHT) for answer in answers]
        of = Counter(answers[good].voice for good, _ in pairs)
        share = {voice: min(1.0, MOST_OF_ONE / count) for voice, count in of.items()}
        return cls(
            values={
                code: np.array([_number(answer.parts.get(code)) for answer in answers])
                for code in CODES
            },
            prose=np.array([answer.prose for answer in answers], np.float64),
            good=np.array([good for good, _ in pairs], np.int64),
            bad=np.array([bad for _, bad in pairs], np.int64),
            weights=np.array(
                [share[answers[good].voice] * max(seen[good], seen[bad]) for good, bad in pairs],
                np.float64,
            ),
            counted=sum(min(count, MOST_OF_ONE) for count in of.values()),
            voices=len(of),
        )

    @property
    def count(self) -> int:
        return len(self.good)

    @property
    def weight(self) -> float:
        return float(self.weights.sum())

    def fit(self, taste: Mapping[str, float]) -> Fit:
        if not self.count:
            return Fit(0.0, 0.0)
        raw = combine(self.values, self.prose, np.zeros(len(self.prose), bool), taste).raw
        ahead = raw[self.good] - raw[self.bad]
        losses = np.logaddexp(0.0, -ahead / _SCALE)
        return Fit(
            float(np.average(losses, weights=self.weights)),
            float(np.average(ahead > 0, weights=self.weights)),
        )


def _reachable() -> Iterator[tuple[int, ...]]:
    """Yield steps up and down for each part, nearest tables first; never a weight below zero."""
    most = round(MOST_CHANGE / STEP)
    ranges = [range(-most, most + 1)] * len(WEIGHTS)
    found = [steps for steps in _few(ranges, most) if any(steps)]
    for steps in sorted(found, key=lambda own: (sum(map(abs, own)), own)):
        if all(min(w.town, w.firm) >= 0 for w in _moved(steps)):
            yield steps


def _few(ranges: Sequence[range], most: int) -> Iterator[tuple[int, ...]]:
    """Yield all combinations whose sizes add up to no more than `most`."""
    if not ranges:
        yield ()
        return
    for first in ranges[0]:
        if abs(first) <= most:
            for rest in _few(ranges[1:], most - abs(first)):
                yield (first, *rest)


def _moved(steps: Sequence[int]) -> tuple[Weight, ...]:
    """Return the table after these steps; a part stays out of a view that does not have it."""
    if not steps:
        return WEIGHTS
    return tuple(
        replace(
            weight,
            town=round(weight.town + STEP * step, 2) if weight.town else 0.0,
            firm=round(weight.firm + STEP * step, 2) if weight.firm else 0.0,
        )
        for weight, step in zip(WEIGHTS, steps, strict=True)
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value

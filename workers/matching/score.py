"""The score of a call and a solution: two views of the same pair, joined by the harmonic mean.

    town's view  S_u = weighted mean of text, themes, need, kind and stage
    firm's view  S_m = weighted mean of text, themes, place, kind wished, what it asks for
    r            = G * D * 2 S_u S_m / (S_u + S_m)
    value        = calibrated r, on the scale whose cut-offs and bands are published

A part that is not stated on one side drops out and its weight is spread over the others: a
missing field is never read as zero, since short posts come from small firms. G is the product
of the gates, D falls with the share of bare enumeration in the solution.

The parts' contributions add up to r. The harmonic mean H is homogeneous of degree one, so by
Euler's theorem H = S_u dH/dS_u + S_m dH/dS_m exactly; with dH/dS_u = 2 S_m^2 / (S_u + S_m)^2
each part gets G * D * (its share of S_u times dH/dS_u + its share of S_m times dH/dS_m).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workers.matching.channels import NEED
from workers.matching.epoch import Epoch, products
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.places import excluded, place_fit
from workers.matching.subject import CallSubject, SolutionSubject


@dataclass(frozen=True, slots=True)
class Weight:
    """What one part of the score counts for in each view (0 = not part of that view)."""

    code: str
    town: float
    firm: float
    ja: str
    en: str


# The public page prints this table. Fitted on labelled pairs, rounded to five hundredths.
WEIGHTS = (
    Weight("text", 0.60, 0.60, "文章の近さ", "how close the texts are"),
    Weight("themes", 0.20, 0.20, "分野の重なり", "shared themes"),
    Weight("need", 0.05, 0.00, "困りごとと解決の対応", "problem stated and solved"),
    Weight("stage", 0.05, 0.00, "募集の種類と開発段階", "kind of call and stage"),
    Weight("place", 0.00, 0.05, "提供できる地域", "where it can be delivered"),
    Weight("kind", 0.00, 0.05, "希望する募集の種類", "kind of call wished for"),
    Weight("asks", 0.00, 0.05, "求めるものと提供できるもの", "asked for and offered"),
)

# How far each stage of a solution suits each kind of call (0..1).
STAGE_FIT = {
    "pilot": {"concept": 0.6, "prototype": 1.0, "product": 1.0, "proven": 0.9},
    "accelerator": {"concept": 0.8, "prototype": 1.0, "product": 1.0, "proven": 0.8},
    "proposal": {"concept": 0.4, "prototype": 0.8, "product": 1.0, "proven": 1.0},
    "collaboration": {"concept": 0.6, "prototype": 0.9, "product": 1.0, "proven": 1.0},
}
OTHER_KIND = 0.3
# Text scores grow linearly up to here and then ever more slowly towards 1.
_KNEE = 0.6
# r to the shown value: at 0.35 and 0.40 lists are cut, at 0.53 half of the labelled pairs are at
# least related, at 0.64 half are useful.
CALIBRATION = (
    (0.0, 0.0),
    (0.28, 0.35),
    (0.31, 0.40),
    (0.46, 0.53),
    (0.50, 0.64),
    (0.60, 0.80),
    (0.90, 0.97),
    (1.0, 1.0),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: its value (0..1, None = not stated) and its contribution to r."""

    code: str
    value: float | None
    contribution: float


@dataclass(frozen=True, slots=True)
class Score:
    """A scored pair.

    `value` orders lists and is what people see; `raw` is r, the sum of the contributions;
    `town` and `firm` are the two views; `prose` is D; `closed` names the gates that are shut.
    """

    value: float
    raw: float
    town: float
    firm: float
    prose: float
    closed: tuple[str, ...]
    parts: tuple[Part, ...]


def score(call: CallSubject, solution: SolutionSubject, epoch: Epoch) -> Score:
    """Score a pair; both subjects must be of this epoch."""
    values = part_values(call, solution, epoch)
    town, firm = (_view(values, column) for column in ("town", "firm"))
    closed = closed_gates(call.facts, solution.facts)
    factor = 0.0 if closed else solution.prose
    slopes = _slopes(town.mean, firm.mean)
    parts = tuple(
        Part(
            code,
            value,
            factor * (value or 0.0) * (slopes[0] * town.share(code) + slopes[1] * firm.share(code)),
        )
        for code, value in values.items()
    )
    raw = math.fsum(part.contribution for part in parts)
    return Score(calibrated(raw), raw, town.mean, firm.mean, solution.prose, closed, parts)


def part_values(
    call: CallSubject, solution: SolutionSubject, epoch: Epoch
) -> dict[str, float | None]:
    """Return the value of every part in WEIGHTS (0..1), None when a side does not state it."""
    by_channel = products(call.vector, solution.vector)
    asked, given = call.facts, solution.facts
    need_stated = (asked.problem or asked.wanted) and given.solves
    return {
        "text": soft(float(by_channel[:NEED].sum())),
        "themes": epoch.theme_likeness(asked.themes, given.themes),
        "need": soft(float(by_channel[NEED])) if need_stated else None,
        "stage": STAGE_FIT.get(asked.kind, {}).get(given.stage or ""),
        "place": place_fit(asked.prefecture, given.areas),
        "kind": _kind_fit(asked.kind, given.kinds),
        "asks": _coverage(given.asks, asked.offers),
    }


def closed_gates(call: CallFacts, solution: SolutionFacts) -> tuple[str, ...]:
    """Return the gates that are shut, whatever the clock says: () lets the pair through.

    Whether a call is open now is for the reader to ask, when a list is read.
    """
    shut = {
        "unpublished": not (call.published and solution.published),
        "juridical_person": "juridical_person" in call.eligibility and solution.juridical is False,
        "area": excluded(call.prefecture, solution.areas),
    }
    return tuple(gate for gate, is_shut in shut.items() if is_shut)


def soft(x: float) -> float:
    """Return x below the knee and a smooth bend towards 1 above it; x >= 0."""
    if x <= _KNEE:
        return max(x, 0.0)
    room = 1 - _KNEE
    return _KNEE + room * (1 - math.exp(-(x - _KNEE) / room))


def calibrated(raw: float) -> float:
    """Return the piecewise linear, strictly growing map of r to the shown value (0..1)."""
    for (x0, y0), (x1, y1) in pairwise(CALIBRATION):
        if raw <= x1:
            return y0 + (y1 - y0) * (raw - x0) / (x1 - x0)
    return 1.0


@dataclass(frozen=True, slots=True)
class _View:
    """One side's weighted mean; `weights` hold the parts that both listings state."""

    mean: float
    weights: dict[str, float]

    def share(self, code: str) -> float:
        return self.weights.get(code, 0.0) / sum(self.weights.values())


def _view(values: dict[str, float | None], column: str) -> _View:
    weights = {w.code: getattr(w, column) for w in WEIGHTS if values[w.code] is not None}
    total = sum(weights.values())
    mean = math.fsum(weight * (values[code] or 0.0) for code, weight in weights.items()) / total
    return _View(mean, weights)


def _slopes(town: float, firm: float) -> tuple[float, float]:
    """Return the derivatives of the harmonic mean by its two arguments (0 at 0, 0)."""
    total = (town + firm) ** 2
    if total == 0:
        return 0.0, 0.0
    return 2 * firm * firm / total, 2 * town * town / total


def _kind_fit(kind: str, wished: Sequence[str]) -> float | None:
    if not wished:
        return None
    return 1.0 if kind in wished else OTHER_KIND


def _coverage(asks: Sequence[str], offers: Sequence[str]) -> float | None:
    """Return the share of what the firm asks for that the town offers."""
    if not asks or not offers:
        return None
    return len(set(asks) & set(offers)) / len(set(asks))

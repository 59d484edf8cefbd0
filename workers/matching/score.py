"""The score of a call and a solution: two views of the same pair, joined by the harmonic mean.

    town's view  S_u = weighted mean of text, meaning, themes, need, wanted, stage
    firm's view  S_m = weighted mean of text, meaning, themes, place, kind wished, what it asks for
    r            = G * D * E * 2 S_u S_m / (S_u + S_m)
    value        = calibrated r, on the scale whose cut-offs and bands are published

A part that is not stated on one side drops out and its weight is spread over the others: a
missing field is never read as zero, since short posts come from small firms. G is the product
of the gates, D falls with the share of bare enumeration in the solution. E is 1 but for echoes,
whose r it brings down to a limit (see `echoes`).

The parts' contributions add up to r. The harmonic mean H is homogeneous of degree one, so by
Euler's theorem H = S_u dH/dS_u + S_m dH/dS_m exactly; with dH/dS_u = 2 S_m^2 / (S_u + S_m)^2
each part gets G * D * E * (its share of S_u times dH/dS_u + its share of S_m times dH/dS_m).

All of it works on columns, one entry for each pair, by the four operations alone and in a fixed
order. So a pair's value is the same to the last bit whatever pairs it is scored with.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.matching import echoes, places, themes
from workers.matching.channels import NEED, WANTED
from workers.matching.epoch import Epoch, products
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.listing import CallTraits, SolutionTraits, traits
from workers.matching.meaning import likeness
from workers.matching.subject import CallSubject, SolutionSubject

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Bits = NDArray[np.int64]
Values = dict[str, Column]


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
    Weight("text", 0.45, 0.45, "文章の近さ", "how close the texts are"),
    Weight("meaning", 0.30, 0.30, "意味の近さ", "how close the meanings are"),
    Weight("themes", 0.10, 0.10, "分野の重なり", "shared themes"),
    Weight("need", 0.05, 0.00, "困りごとと解決の対応", "problem stated and solved"),
    Weight("wanted", 0.05, 0.00, "求める提案と提供の対応", "wanted and brought"),
    Weight("stage", 0.05, 0.00, "募集の種類と開発段階", "kind of call and stage"),
    Weight("place", 0.00, 0.05, "提供できる地域", "where it can be delivered"),
    Weight("kind", 0.00, 0.05, "希望する募集の種類", "kind of call wished for"),
    Weight("asks", 0.00, 0.05, "求めるものと提供できるもの", "asked for and offered"),
)
CODES = tuple(weight.code for weight in WEIGHTS)
_PLAIN: Mapping[str, float] = {}

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
# r to the shown value. Fitted by `hub eval calibrate` on labelled pairs (two sets, clean and in
# boilerplate, with and without meaning): isotonic regression of "at least related" and "useful" on
# r, then the r at which each chance below is reached, rounded to hundredths.
CALIBRATION = (
    (0.00, 0.00),
    (0.33, 0.35),  # one pair in eight is at least related: calls for a firm are cut here
    (0.40, 0.40),  # one in five: solutions for a call are cut here
    (0.48, 0.53),  # half are at least related: a place may be reserved from here on
    (0.54, 0.64),  # half are useful
    (0.59, 0.80),  # three quarters are useful
    (0.90, 0.97),
    (1.00, 1.00),
)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Many scored pairs, one entry for each in every column.

    `value` orders lists and is what people see; `raw` is r, the sum of the contributions (by
    code of the part); `town` and `firm` are the two views, `echo` is E.
    """

    value: Column
    raw: Column
    town: Column
    firm: Column
    echo: Column
    contributions: Values


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: its value (0..1, None = not stated) and its contribution to r."""

    code: str
    value: float | None
    contribution: float


@dataclass(frozen=True, slots=True)
class Score:
    """One scored pair as in `Scores`; `closed` names the gates that are shut.

    `prose` is D, `echo` is E.
    """

    value: float
    raw: float
    town: float
    firm: float
    prose: float
    echo: float
    closed: tuple[str, ...]
    parts: tuple[Part, ...]


def score(call: CallSubject, solution: SolutionSubject, epoch: Epoch) -> Score:
    """Score one pair; both subjects must be of this epoch."""
    closed = closed_gates(call.facts, solution.facts)
    call_traits, solution_traits = traits(call.facts), traits(solution.facts)
    assert isinstance(call_traits, CallTraits)
    assert isinstance(solution_traits, SolutionTraits)
    one = np.zeros(1, np.int64)
    by_channel = products(call.vector, solution.vector)
    values = {
        **spoken(
            text=by_channel[:NEED].sum(keepdims=True),
            need=_where_stated(call, solution, NEED, by_channel),
            wanted=_where_stated(call, solution, WANTED, by_channel),
        ),
        "meaning": meant(_likeness(call, solution), epoch),
        **structured([call_traits], [solution_traits], one, one, epoch),
    }
    prose, is_closed = np.array([solution.prose]), np.array([bool(closed)])
    limits = np.ones(1)
    if values["text"][0] >= echoes.CLOSE:
        limits = echoes.limits(call.shingles, *echoes.joined([solution.shingles]))
    found = combine(values, prose, is_closed, limits=limits)
    parts = tuple(
        Part(code, _stated(values, code), float(found.contributions[code][0])) for code in CODES
    )
    return Score(
        value=float(found.value[0]),
        raw=float(found.raw[0]),
        town=float(found.town[0]),
        firm=float(found.firm[0]),
        prose=solution.prose,
        echo=float(found.echo[0]),
        closed=closed,
        parts=parts,
    )


def spoken(*, text: Column, need: Column, wanted: Column) -> Values:
    """Return the values of the parts that compare texts, from the products of the vectors.

    `text` is the sum over all channels but NEED and WANTED; `need` and `wanted` are those two,
    NaN where one side has no term in the channel.
    """
    return {"text": soft(text), "need": soft(need), "wanted": soft(wanted)}


def meant(likenesses: Column, epoch: Epoch) -> Column:
    """Return the values of the part "meaning" from likenesses, NaN where a side has no vectors."""
    scale = epoch.frame.scale if epoch.frame else 1.0
    return soft(np.maximum(likenesses, 0.0) / scale)


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Traits of many listings of one side as numbers and sets of bits, one entry for each.

    `kinds` are those of the calls or wished for, `goods` what is offered or asked for; `step` is
    the row or column of STAGE_FIT, `place` a prefecture's number or a set of them. `body` tells
    that a call wants a juridical person, or that a solution's firm is none.
    """

    kinds: Bits
    goods: Bits
    step: Bits
    place: Bits
    body: Mask


def coded_calls(calls: Sequence[CallTraits]) -> Coded:
    """Return the traits of calls as numbers."""
    return Coded(
        kinds=_KIND_CODES.sets((call.kind,) for call in calls),
        goods=_GOODS_CODES.sets(call.offers for call in calls),
        step=np.array([_KINDS.get(call.kind, -1) for call in calls], np.int64),
        place=places.numbers([call.prefecture for call in calls]),
        body=np.array(["juridical_person" in call.eligibility for call in calls], bool),
    )


def coded_solutions(solutions: Sequence[SolutionTraits]) -> Coded:
    """Return the traits of solutions as numbers."""
    return Coded(
        kinds=_KIND_CODES.sets(solution.kinds for solution in solutions),
        goods=_GOODS_CODES.sets(solution.asks for solution in solutions),
        step=np.array([_STAGES.get(s.stage or "", -1) for s in solutions], np.int64),
        place=places.masks([solution.areas for solution in solutions]),
        body=np.array([solution.juridical is False for solution in solutions], bool),
    )


def structured(
    calls: Sequence[CallTraits],
    solutions: Sequence[SolutionTraits],
    rows: Rows,
    cols: Rows,
    epoch: Epoch,
) -> Values:
    """Return the values of the parts that compare facts, NaN where a side states none.

    Pair i is `calls[rows[i]]` with `solutions[cols[i]]`.
    """
    alike = themes.likenesses(
        epoch.spread_themes([call.themes for call in calls], -1),
        epoch.spread_themes([solution.themes for solution in solutions], -2),
        rows,
        cols,
    )
    return {"themes": alike, **fitted(coded_calls(calls), coded_solutions(solutions), rows, cols)}


def fitted(calls: Coded, solutions: Coded, rows: Rows, cols: Rows) -> Values:
    """Return the values of the parts that compare facts other than themes; see `structured`."""
    kind, wished = calls.kinds[rows], solutions.kinds[cols]
    return {
        "stage": np.asarray(_STAGE_TABLE[calls.step[rows], solutions.step[cols]]),
        "place": places.place_fits(calls.place[rows], solutions.place[cols]),
        "kind": np.where(wished == 0, np.nan, np.where(wished & kind, 1.0, OTHER_KIND)),
        "asks": _coverage(solutions.goods[cols], calls.goods[rows]),
    }


def shut(
    calls: Sequence[CallTraits], solutions: Sequence[SolutionTraits], rows: Rows, cols: Rows
) -> Mask:
    """Tell for each pair whether a gate is shut, as `closed_gates` does for published ones."""
    return barred(coded_calls(calls), coded_solutions(solutions), rows, cols)


def barred(calls: Coded, solutions: Coded, rows: Rows, cols: Rows) -> Mask:
    """Tell for each pair whether a gate is shut; see `shut`."""
    excluded: Mask = places.place_fits(calls.place[rows], solutions.place[cols]) == 0
    excluded |= calls.body[rows] & solutions.body[cols]
    return excluded


def combine(
    values: Mapping[str, Column],
    prose: Column,
    closed: Mask,
    taste: Mapping[str, float] = _PLAIN,
    limits: Column | None = None,
) -> Scores:
    """Return the scores of pairs from the values of their parts; NaN or absent = not stated.

    `prose` is D of the solution (or D E of the pair, where E is known), `closed` tells whether a
    gate is shut. `taste` multiplies the weights of some parts, for the lists of one organisation
    alone. `limits` are those that echoes set to r.
    """
    town_weights = {w.code: w.town * taste.get(w.code, 1.0) for w in WEIGHTS}
    firm_weights = {w.code: w.firm * taste.get(w.code, 1.0) for w in WEIGHTS}
    absent = np.full(len(prose), np.nan)
    columns = {code: np.asarray(values.get(code, absent), np.float64) for code in CODES}
    known = {code: ~np.isnan(column) for code, column in columns.items()}
    filled = {code: np.where(known[code], columns[code], 0.0) for code in CODES}
    town_total, town = _view(filled, known, town_weights)
    firm_total, firm = _view(filled, known, firm_weights)
    both = np.where(town + firm > 0, town + firm, 1.0)
    joint = prose * (2 * town * firm / both)
    echo = np.ones(len(prose))
    if limits is not None:
        echo = np.where(joint > limits, limits / np.where(joint > 0, joint, 1.0), 1.0)
    square = (town + firm) * (town + firm)
    square = np.where(square > 0, square, 1.0)  # the square of the least numbers is none
    factor = np.where(closed, 0.0, prose * echo)
    town_slope = factor * (2 * firm * firm / square) / town_total
    firm_slope = factor * (2 * town * town / square) / firm_total
    contributions = {
        code: filled[code] * (town_slope * town_weights[code] + firm_slope * firm_weights[code])
        for code in CODES
    }
    raw = np.zeros(len(prose))
    for part in contributions.values():
        raw = raw + part
    return Scores(calibrate(raw), raw, town, firm, echo, contributions)


def tasted(parts: Mapping[str, float | None], prose: float, taste: Mapping[str, float]) -> float:
    """Return the value of a scored pair for an organisation with a taste of its own."""
    values = {code: np.array([np.nan if v is None else v]) for code, v in parts.items()}
    found = combine(values, np.array([prose]), np.zeros(1, bool), taste)
    return float(found.value[0])


def closed_gates(call: CallFacts, solution: SolutionFacts) -> tuple[str, ...]:
    """Return the gates that are shut, whatever the clock says: () lets the pair through.

    Whether a call is open now is for the reader to ask, when a list is read.
    """
    gates = {
        "unpublished": not (call.published and solution.published),
        "juridical_person": "juridical_person" in call.eligibility and solution.juridical is False,
        "area": places.excluded(call.prefecture, solution.areas),
    }
    return tuple(gate for gate, is_shut in gates.items() if is_shut)


def soft(x: Column) -> Column:
    """Return x below the knee and a smooth bend towards 1 above it; x >= 0, NaN stays NaN."""
    room = 1 - _KNEE
    beyond = np.maximum(x - _KNEE, 0.0)
    return np.where(x <= _KNEE, np.maximum(x, 0.0), _KNEE + room * (beyond / (room + beyond)))


def calibrate(raw: Column) -> Column:
    """Return the piecewise linear, strictly growing map of r to the shown values (0..1)."""
    at = np.clip(np.searchsorted(_XS, raw, side="left") - 1, 0, len(_SLOPES) - 1)
    return np.asarray(np.minimum(_YS[at] + _SLOPES[at] * (raw - _XS[at]), 1.0), np.float64)


def calibrated(raw: float) -> float:
    """Return `calibrate` for one value."""
    return float(calibrate(np.array([raw]))[0])


_XS, _YS = (np.array(side) for side in zip(*CALIBRATION, strict=True))
_SLOPES = np.diff(_YS) / np.diff(_XS)


def _view(
    filled: Values, known: Mapping[str, Mask], weights: Mapping[str, float]
) -> tuple[Column, Column]:
    """Return the weight of all parts stated (1 where none is) and their weighted mean."""
    total = np.zeros(len(next(iter(filled.values()))))
    sum_ = total
    for code, weight in weights.items():
        total = total + weight * known[code]
        sum_ = sum_ + weight * filled[code]
    total = np.where(total > 0, total, 1.0)
    return total, sum_ / total


class _Codes:
    """Codes as bits, numbered as they appear in this process: at most 63 different ones."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}

    def sets(self, sets: Iterable[Iterable[str]]) -> Bits:
        return np.array([sum({self._bit(code) for code in own}) for own in sets], np.int64)

    def _bit(self, code: str) -> int:
        return 1 << self._bits.setdefault(code, len(self._bits))


_KIND_CODES, _GOODS_CODES = _Codes(), _Codes()
_KINDS = {kind: i for i, kind in enumerate(STAGE_FIT)}
_STAGES = {stage: i for i, stage in enumerate(STAGE_FIT["pilot"])}
# The last row and column are for what is not stated.
_STAGE_TABLE = np.full((len(_KINDS) + 1, len(_STAGES) + 1), np.nan)
for _kind, _fits in STAGE_FIT.items():
    for _stage, _fit in _fits.items():
        _STAGE_TABLE[_KINDS[_kind], _STAGES[_stage]] = _fit


def _coverage(asked: Bits, given: Bits) -> Column:
    """Return the share of what the firm asks for that the town offers."""
    stated = (asked != 0) & (given != 0)
    count = np.maximum(np.bitwise_count(asked), 1)
    return np.where(stated, np.bitwise_count(asked & given) / count, np.nan)


def _where_stated(
    call: CallSubject, solution: SolutionSubject, channel: int, by_channel: Column
) -> Column:
    stated = call.vector.speaks(channel) and solution.vector.speaks(channel)
    return by_channel[channel : channel + 1] if stated else np.array([np.nan])


def _likeness(call: CallSubject, solution: SolutionSubject) -> Column:
    if call.meaning is None or solution.meaning is None:
        return np.array([np.nan])
    return np.array([likeness(call.meaning, solution.meaning)])


def _stated(values: Values, code: str) -> float | None:
    value = float(values[code][0]) if code in values else np.nan
    return None if np.isnan(value) else float(value)

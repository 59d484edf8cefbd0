"""The measures of the audit: pure functions on plain data, without database, clock or chance.

Moments are seconds since 1970. Exposure is attention per list for a whole span: a first place
held all the time counts 1. Merit is how far a pair lies above the gate, counted once for a call.
"""

import itertools
import math
import statistics
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 1_000  # resamples behind an interval
LOW, HIGH = 2.5, 97.5  # percent: the ends of a 95 % interval
FOUR_FIFTHS = 0.8


class Span(NamedTuple):
    """From a moment until another, which is not in it."""

    begins: float
    ends: float

    @property
    def length(self) -> float:
        """Seconds."""
        return max(self.ends - self.begins, 0.0)

    def within(self, other: "Span") -> "Span":
        """Return what the two share; its length may be 0."""
        return Span(max(self.begins, other.begins), min(self.ends, other.ends))


class Shown(NamedTuple):
    """A place of a list while it was held. `list` is the call or the firm it was shown to."""

    list: int
    rank: int
    call: int
    solution: int
    firm: int
    town: int
    how: str
    held: Span


class Fit(NamedTuple):
    """A suitable pair, seen from one side. `owner` is the firm or the town whose merit it is."""

    owner: int
    call: int
    once: Hashable  # of an owner's pairs with the same mark only the best counts
    value: float
    since: float  # when the solution was published


# --- Exposure and merit -------------------------------------------------------------------------


def attention(rank: int) -> float:
    """Return what a place counts: 1 for the first, falling with the logarithm of the rank."""
    return 1 / math.log2(1 + rank)


def share(held: Span, span: Span, open_: Span | None) -> float:
    """Return the part of the span in which a place was held and its call was open."""
    if open_ is None or not span.length:
        return 0.0
    return held.within(span).within(open_).length / span.length


def exposure(
    places: Iterable[Shown], span: Span, windows: Mapping[int, Span], *, by: str = "firm"
) -> dict[int, float]:
    """Return the attention that each firm (or `by` "town") had in the span.

    `windows` tells when a call was open; one that is not in it counts nothing.
    """
    total: defaultdict[int, list[float]] = defaultdict(list)
    for place in places:
        part = share(place.held, span, windows.get(place.call))
        if part:
            total[getattr(place, by)].append(part * attention(place.rank))
    return {owner: math.fsum(parts) for owner, parts in total.items()}


def merit(
    fits: Iterable[Fit], span: Span, windows: Mapping[int, Span], gate: float
) -> dict[int, float]:
    """Return how well each owner suits: value above the gate, of the best pair for each call.

    A pair counts for the share of the span in which both sides were there, as exposure does. So
    neither posting more often nor arriving late changes what one is owed for a call.
    """
    best: dict[tuple[int, Hashable], float] = {}
    for fit in fits:
        there = Span(fit.since, span.ends)
        found = (fit.value - gate) * share(there, span, windows.get(fit.call))
        if found > best.get((fit.owner, fit.once), 0.0):
            best[fit.owner, fit.once] = found
    total: defaultdict[int, list[float]] = defaultdict(list)
    for (owner, _), found in best.items():
        total[owner].append(found)
    return {owner: math.fsum(parts) for owner, parts in total.items()}


# --- Classes against each other -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """A class: exposure per merit, and the same in each resample of its members."""

    key: str
    members: int
    value: float
    drawn: Floats


@dataclass(frozen=True, slots=True)
class Ratio:
    """One class over another, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def group(key: str, exposures: Sequence[float], merits: Sequence[float], *, seed: str) -> Group:
    """Return the class of these members, each with a merit above 0.

    Members are drawn again with replacement. The same seed draws the same, on any machine.
    """
    shown, owed = np.array(exposures, float), np.array(merits, float)
    count = len(shown)
    generator = np.random.PCG64(zlib.crc32(f"{seed} {key}".encode()))
    drawn = np.empty(DRAWS)
    for turn in range(DRAWS):
        # Raw bits: of numpy's numbers only these are promised never to change.
        picks = ((generator.random_raw(count) >> np.uint64(11)) * (count / 2**53)).astype(int)
        drawn[turn] = shown[picks].sum() / owed[picks].sum()
    return Group(key, count, math.fsum(exposures) / math.fsum(merits), drawn)


def against(one: Group, other: Group) -> Ratio | None:
    """Return the ratio of two classes; None where the other was shown nothing."""
    if not other.value:
        return None
    if one.key == other.key:
        return Ratio(1.0, 1.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.nan_to_num(one.drawn / other.drawn, nan=1.0, posinf=np.inf)
    low, high = (_percentile(drawn, percent) for percent in (LOW, HIGH))
    return Ratio(one.value / other.value, low, high)


def _percentile(values: Floats, percent: float) -> float:
    """An observed value, so that infinite ones do no harm."""
    ordered = np.sort(values)
    return float(ordered[round((len(ordered) - 1) * percent / 100)])


# --- One distribution ---------------------------------------------------------------------------


def gini(values: Sequence[float]) -> float | None:
    """Return 0 when all have the same, near 1 when one has everything; None for nothing at all."""
    total = math.fsum(values)
    if not total:
        return None
    count = len(values)
    weighted = math.fsum((2 * i - count + 1) * v for i, v in enumerate(sorted(values)))
    return max(weighted / (count * total), 0.0)


def lorenz(values: Sequence[float], steps: int = 20) -> list[float]:
    """Return the share that the lower 0, 1/steps … 1 of all have; empty for nothing at all."""
    total = math.fsum(values)
    if not total:
        return []
    below = np.concatenate([[0.0], np.cumsum(np.sort(np.array(values, float)))]) / total
    at = np.linspace(0, len(values), steps + 1)
    points = np.interp(at, np.arange(len(values) + 1), below).tolist()
    return [*points[:-1], 1.0]


def top_share(values: Sequence[float], part: float = 0.01) -> float | None:
    """Return the share of the best-off `part` (one member at least)."""
    total = math.fsum(values)
    if not total:
        return None
    count = max(math.ceil(part * len(values)), 1)
    return math.fsum(sorted(values)[-count:]) / total


def worst_decile(values: Sequence[float]) -> float | None:
    """Return the mean of the worst-off tenth over the mean of all."""
    total = math.fsum(values)
    if not total:
        return None
    count = max(len(values) // 10, 1)
    return math.fsum(sorted(values)[:count]) / count / (total / len(values))


def quantile(values: Sequence[float], part: float) -> float:
    """Return the least value that at least `part` of all do not exceed."""
    return sorted(values)[max(math.ceil(part * len(values)), 1) - 1]


def worst_mean(values: Sequence[float], part: float = 0.05) -> float:
    """Return the mean of the highest `part` of all (one value at least)."""
    count = max(math.ceil(part * len(values)), 1)
    return statistics.fmean(sorted(values)[-count:])


# --- Places -------------------------------------------------------------------------------------


def won(
    places: Iterable[Shown], span: Span, windows: Mapping[int, Span]
) -> dict[str, tuple[int, float]]:
    """Return, for each way to win a place, how many pairs won one and their attention."""
    pairs: defaultdict[str, set[tuple[int, int, int]]] = defaultdict(set)
    parts: defaultdict[str, list[float]] = defaultdict(list)
    for place in places:
        part = share(place.held, span, windows.get(place.call))
        if part:
            pairs[place.how].add((place.list, place.call, place.solution))
            parts[place.how].append(part * attention(place.rank))
    return {how: (len(found), math.fsum(parts[how])) for how, found in pairs.items()}


def kept(
    places: Collection[Shown], moments: Sequence[float], windows: Mapping[int, Span]
) -> dict[int, tuple[int, int]]:
    """Return (places held, of these still held a moment later) of each firm.

    `moments` follow one another, a day apart. A place of a call that has closed meanwhile does
    not count; one that only changed its rank was kept.
    """
    held: Counter[int] = Counter()
    left: Counter[int] = Counter()
    for now, later in itertools.pairwise(moments):
        after = {
            (place.list, place.call, place.solution)
            for place in places
            if place.held.begins <= later < place.held.ends
        }
        for place in places:
            open_ = windows.get(place.call)
            if open_ is None or not (open_.begins <= now and later <= open_.ends):
                continue
            if place.held.begins <= now < place.held.ends:
                held[place.firm] += 1
                left[place.firm] += (place.list, place.call, place.solution) in after
    return {firm: (count, left[firm]) for firm, count in held.items()}


def seen(places: Iterable[Shown], span: Span) -> set[int]:
    """Return the solutions that stood in some list during the span."""
    return {place.solution for place in places if place.held.within(span).length}

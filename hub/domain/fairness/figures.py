"""The public figures of a week, from its basis and its places: plain data in, plain data out."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from hub.domain.fairness import measures
from hub.domain.fairness.basis import DAY, SEEN, Basis
from hub.domain.fairness.dial import Balance
from hub.domain.fairness.groups import (
    AGES,
    CALLS,
    LEAST,
    OTHER,
    SIZES,
    area_path,
    calls_class,
    gathered,
)
from hub.domain.fairness.measures import FOUR_FIFTHS, Group, Shown
from hub.domain.fairness.targets import TARGETS
from hub.domain.rules import RULES
from hub.models.matching import HOWS

DIGITS = 4  # of stored figures
LARGEST = 99.0  # a greater ratio says no more

Figures = dict[str, Any]


def figures(
    basis: Basis, places: Sequence[Shown], towards_towns: Mapping[int, float], seed: str
) -> Figures:
    """Return the public figures. `places` are those of calls' lists, of the last four weeks."""
    span, windows = basis.span, basis.windows
    since = span._replace(begins=span.ends - SEEN.total_seconds())
    exposure = measures.exposure(places, span, windows)
    entitled = [firm for firm in basis.firms if firm.merit > 0]
    shown = [exposure.get(firm.id, 0.0) for firm in entitled]
    merits = [firm.merit for firm in entitled]
    sizes = _groups([firm.size for firm in entitled], shown, merits, seed)
    ages = _groups([AGES[not firm.new] for firm in entitled], shown, merits, seed)
    areas = gathered([area_path(firm.prefecture, firm.region) for firm in entitled])
    found = {
        "span": [_moment(span.begins), _moment(span.ends)],
        "firms": {
            "entitled": len(entitled),
            "shown": sum(value > 0 for value in shown),
            **_waiting(basis.waiting),
        },
        "by_size": _classes(sizes, [firm.size for firm in entitled], SIZES),
        "by_age": _classes(ages, [AGES[not firm.new] for firm in entitled], AGES),
        "by_area": _classes(_groups(areas, shown, merits, seed), areas),
        "balance": _balance(sizes),
        "spread": {
            "gini": measures.gini(shown),
            "top": measures.top_share(shown),
            "worst": measures.worst_decile(shown),
            "lorenz": measures.lorenz(shown) if len(shown) >= LEAST else [],
        },
        "calls": _calls(basis),
        "solutions": _solutions(basis.solutions, measures.seen(places, since)),
        "won": _won(measures.won(places, span, windows)),
        "loss": _loss([dealt.loss for dealt in basis.lists]),
        "kept": _kept(basis, places),
        "replies": _replies(basis, places),
        "towns": _towns(basis, towards_towns, seed),
    }
    rounded: Figures = _rounded(found)
    return rounded


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _groups(
    keys: Sequence[str], shown: Sequence[float], merits: Sequence[float], seed: str
) -> dict[str, Group]:
    """The classes that have enough members to be shown."""
    members: dict[str, list[tuple[float, float]]] = {}
    for key, *pair in zip(keys, shown, merits, strict=True):
        members.setdefault(key, []).append((pair[0], pair[1]))
    return {
        key: measures.group(key, *zip(*pairs, strict=True), seed=seed)
        for key, pairs in sorted(members.items())
        if len(pairs) >= LEAST
    }


def _classes(
    groups: Mapping[str, Group], keys: Sequence[str], order: Sequence[str] = ()
) -> list[Figures]:
    """A row for each class: its ratio to the best one. Small classes have no figures."""
    best = max(groups.values(), key=lambda found: found.value, default=None)
    rows = []
    far = sorted(set(keys), key=lambda key: (key == OTHER, key))
    for name in [key for key in order if key in keys] or far:
        row: Figures = {"key": name, "members": None, "value": None, "ratio": None}
        if name in groups and best is not None:
            found = groups[name]
            row |= {"members": found.members, "value": found.value}
            ratio = measures.against(found, best)
            if ratio is not None:
                row |= {"ratio": ratio.value, "low": ratio.low, "high": ratio.high}
                # As it is printed: nobody should read 0.80 and be told that it is less.
                row["below"] = round(ratio.value, 2) < FOUR_FIFTHS
        rows.append(row)
    return rows


def _balance(sizes: Mapping[str, Group]) -> Figures | None:
    """The two size classes that lie furthest apart, the smaller firms over the larger."""
    known = [sizes[name] for name in SIZES if name in sizes and name != "unknown"]
    if len(known) < 2:
        return None
    lowest = min(known, key=lambda found: found.value)
    highest = max(reversed(known), key=lambda found: found.value)
    smaller, larger = sorted((lowest, highest), key=lambda found: SIZES.index(found.key))
    ratio = measures.against(smaller, larger)
    if ratio is None:
        return None
    return asdict(Balance(smaller.key, larger.key, ratio.value, ratio.low, ratio.high))


def _waiting(days: Sequence[float]) -> Figures:
    return {
        "waiting": len(days),
        "too_long": sum(day > TARGETS.wait_days for day in days),
        "median_wait": measures.quantile(days, 0.5) if days else None,
    }


def _calls(basis: Basis) -> Figures:
    return {
        "open": len(basis.windows),
        "dealt": len(basis.lists),
        "without": sum(dealt.suitable == 0 for dealt in basis.lists),
        "few": sum(dealt.suitable < RULES.floor for dealt in basis.lists),
    }


def _solutions(entitled: Sequence[int], seen: set[int]) -> Figures:
    unseen = sum(id_ not in seen for id_ in entitled)
    share = unseen / len(entitled) if entitled else None
    return {"entitled": len(entitled), "unseen": unseen, "share": share}


def _won(found: Mapping[str, tuple[int, float]]) -> list[Figures]:
    total = math.fsum(attention for _, attention in found.values())
    return [
        {"key": how, "places": places, "share": attention / total if total else None}
        for how in HOWS
        for places, attention in [found.get(how, (0, 0.0))]
    ]


def _loss(losses: Sequence[float]) -> Figures | None:
    if not losses:
        return None
    return {
        "lists": len(losses),
        "mean": math.fsum(losses) / len(losses),
        "p95": measures.quantile(losses, 0.95),
        "max": max(losses),
        "worst": measures.worst_mean(losses),
    }


def _kept(basis: Basis, places: Sequence[Shown]) -> list[Figures]:
    """How many places were still held a day later, of all firms and of each size class."""
    days = int(basis.span.length // DAY)
    moments = [basis.span.begins + day * DAY for day in range(days + 1)]
    current = [place for place in places if place.held.ends > basis.span.begins]
    found = measures.kept(current, moments, basis.windows)
    return _shares(basis, found)


def _replies(basis: Basis, places: Iterable[Shown]) -> list[Figures]:
    """How many pairs that towns were shown they have answered, of each size class."""
    shown: Counter[int] = Counter()
    pairs = {
        (place.firm, place.call, place.solution)
        for place in places
        if measures.share(place.held, basis.span, basis.windows.get(place.call))
    }
    for firm, _call, _solution in pairs:
        shown[firm] += 1
    answered = {firm.id: firm.answered for firm in basis.firms}
    return _shares(
        basis,
        {firm: (count, min(answered.get(firm, 0), count)) for firm, count in shown.items()},
    )


def _shares(basis: Basis, found: Mapping[int, tuple[int, int]]) -> list[Figures]:
    """(of so many, so many) of firms as shares of size classes, after that of all."""
    rows = []
    for name in ("all", *SIZES):
        firms = [f.id for f in basis.firms if f.id in found and name in ("all", f.size)]
        of = sum(found[firm][0] for firm in firms)
        if not of:
            continue
        part = sum(found[firm][1] for firm in firms) / of
        small = len(firms) < LEAST
        rows.append({"key": name, "of": None if small else of, "share": None if small else part})
    return rows


def _towns(basis: Basis, towards: Mapping[int, float], seed: str) -> Figures:
    """The other direction: the attention of firms that the calls of towns had."""
    towns = [town for town in basis.towns if town.merit > 0]
    shown = [towards.get(town.id, 0.0) for town in towns]
    merits = [town.merit for town in towns]
    areas = gathered([area_path(town.prefecture, town.region) for town in towns])
    calls = [calls_class(town.calls) for town in towns]
    return {
        "entitled": len(towns),
        "shown": sum(value > 0 for value in shown),
        "gini": measures.gini(shown),
        "by_area": _classes(_groups(areas, shown, merits, f"{seed} towns"), areas),
        "by_calls": _classes(_groups(calls, shown, merits, f"{seed} towns"), calls, CALLS),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(min(value, LARGEST), DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(found) for key, found in value.items()}
    if isinstance(value, list):
        return [_rounded(found) for found in value]
    return value

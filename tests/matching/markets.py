"""Wild small markets of scored pairs, for the properties of exposure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import blake2b

import numpy as np
from hypothesis import strategies as st

from workers.matching.exposure import Pairs, Placed, Rules

# Few values, so that there are ties, gaps around the cuts, and differences below a dial of 0.05.
VALUES = (0.2, 0.36, 0.41, 0.45, 0.52, 0.53, 0.55, 0.58, 0.6, 0.64, 0.7, 0.8, 0.97)
RULES = Rules(k=4, q=2, floor=2, capacity=3, turns=2)
DIAL = replace(RULES, delta=0.04)


@dataclass(frozen=True, slots=True)
class Row:
    """One scored pair in plain words."""

    call: int
    solution: int
    firm: int
    value: float
    town: int = 0
    offer: int = 0
    original: int = 0
    entitled: bool = True
    text: str = ""


def pairs_of(rows: Iterable[Row]) -> Pairs:
    """Return rows as columns. The tie is a hash of what the texts are, whatever their numbers."""
    found = list(rows)
    columns = {
        "call": [row.call for row in found],
        "solution": [row.solution for row in found],
        "firm": [row.firm for row in found],
        "town": [row.town or row.call for row in found],
        "offer": [row.offer or row.solution for row in found],
        "original": [row.original or row.call for row in found],
    }
    ties = [tie_of(row.text or f"{row.call} {row.solution}") for row in found]
    return Pairs(
        **{name: np.array(column, np.int64) for name, column in columns.items()},
        value=np.array([row.value for row in found], float),
        tie=np.array(ties, np.uint64),
        entitled=np.array([row.entitled for row in found], bool),
    )


def tie_of(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


@st.composite
def markets(draw: st.DrawFn, *, copies: bool = True) -> Pairs:
    """Draw some pairs of up to seven calls and sixteen solutions of up to eight firms."""
    calls = draw(st.integers(1, 7))
    firms = draw(st.lists(st.integers(1, 8), min_size=1, max_size=16))
    verified = draw(st.sets(st.integers(1, 8), min_size=4))
    towns = draw(st.lists(st.integers(1, 3), min_size=calls, max_size=calls))
    offers, originals = list(range(len(firms))), list(range(calls))
    if copies:
        offers = _joined(draw(st.lists(st.integers(0, 40), max_size=16)), offers)
        originals = _joined(draw(st.lists(st.integers(0, 20), max_size=7)), originals)
    chosen = draw(
        st.lists(
            st.tuples(
                st.integers(0, calls - 1),
                st.integers(0, len(firms) - 1),
                st.sampled_from(VALUES),
            ),
            max_size=60,
            unique_by=lambda pair: pair[:2],
        )
    )
    rows = [
        Row(
            call + 1,
            solution + 101,
            firms[solution],
            value,
            towns[call],
            offers[solution] + 101,
            originals[call] + 1,
            firms[solution] in verified,
        )
        for call, solution, value in chosen
    ]
    # Firms that win everywhere by merit, so that the others wait.
    for star in range(draw(st.integers(0, 3))):
        value = draw(st.sampled_from(VALUES[-6:]))
        rows += [
            Row(call + 1, 150 + star, 50 + star, value, towns[call], 0, originals[call] + 1)
            for call in range(calls)
        ]
    return pairs_of(rows)


def _joined(draws: Sequence[int], own: list[int]) -> list[int]:
    """Let some posts be copies of an older one that is canonical."""
    found = list(own)
    for post, older in enumerate(draws[: len(own)]):
        if older < post and found[older] == older:
            found[post] = older
    return found


def joined(*parts: Pairs) -> Pairs:
    """Return the rows of all parts."""
    columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Pairs)}
    return Pairs(**{name: np.concatenate(column) for name, column in columns.items()})


def by_list(places: Iterable[Placed]) -> dict[int, list[Placed]]:
    found: dict[int, list[Placed]] = {}
    for place in places:
        found.setdefault(place.list, []).append(place)
    return found


def ladder(
    pairs: Pairs, call: int, shift: Mapping[int, float], debt: Mapping[int, float], rules: Rules
) -> list[int]:
    """Return the rows that compete for a call, best of each firm, in the order of merit."""
    rows = [
        row
        for row in range(len(pairs))
        if pairs.call[row] == call
        and pairs.solution[row] == pairs.offer[row]
        and pairs.value[row] >= rules.cut_call
    ]
    firms = pairs.firm.tolist()

    def order(row: int) -> tuple[float, float, int]:
        moved = pairs.value[row] + shift.get(firms[row], 0)
        return -moved, -debt.get(firms[row], rules.start), pairs.tie[row]

    rows.sort(key=order)
    firms = [firms[row] for row in rows]
    return [row for i, row in enumerate(rows) if firms[i] not in firms[:i]]

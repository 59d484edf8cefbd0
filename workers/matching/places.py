"""Where a call is and where a solution can be delivered. Codes are JIS X 0401, two digits."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.int64]

NATIONWIDE = "00"
# How far a declared area suits a call: the very prefecture, all of Japan, the same region.
SAME_PREFECTURE, EVERYWHERE, SAME_REGION = 1.0, 0.8, 0.5
# Who names more prefectures than this (half of them) says no more of any than "all of Japan".
MOST_NAMED = 23

_REGIONS = {
    "hokkaido": range(1, 2),
    "tohoku": range(2, 8),
    "kanto": range(8, 15),
    "hokuriku_koshinetsu": range(15, 21),
    "tokai": range(21, 25),
    "kinki": range(25, 31),
    "chugoku": range(31, 36),
    "shikoku": range(36, 40),
    "kyushu_okinawa": range(40, 48),
}
REGION_OF = {f"{number:02}": region for region, numbers in _REGIONS.items() for number in numbers}


def place_fit(prefecture: str | None, areas: Collection[str]) -> float | None:
    """Return 0..1, or None when the call has no place or the solution states no area."""
    if not prefecture or not areas:
        return None
    if prefecture in areas:
        return SAME_PREFECTURE if len(set(areas) - {NATIONWIDE}) <= MOST_NAMED else EVERYWHERE
    if NATIONWIDE in areas:
        return EVERYWHERE
    region = REGION_OF.get(prefecture)
    return SAME_REGION if any(REGION_OF.get(area) == region for area in areas) else 0.0


def excluded(prefecture: str | None, areas: Collection[str]) -> bool:
    """Tell whether the solution's declared area leaves the call's region out."""
    return place_fit(prefecture, areas) == 0.0


def numbers(prefectures: Sequence[str | None]) -> Bits:
    """Return prefectures as numbers 1..47, 0 where there is none."""
    return np.array([_number(code) if code else 0 for code in prefectures], np.int64)


def masks(areas: Sequence[Collection[str]]) -> Bits:
    """Return declared areas as sets of bits: bit n for prefecture n, bit 0 for all of Japan."""
    return np.array([sum(1 << _number(code) for code in set(own)) for own in areas], np.int64)


def place_fits(here: Bits, areas: Bits) -> NDArray[np.float64]:
    """Return `place_fit` for many pairs of a number and a set, NaN for its None."""
    near = np.where(areas & _REGIONAL[here], SAME_REGION, 0.0)
    fits = np.where(areas & 1, EVERYWHERE, near)
    named = np.where(np.bitwise_count(areas >> 1) <= MOST_NAMED, SAME_PREFECTURE, EVERYWHERE)
    fits = np.where(areas >> here & 1, named, fits)
    return np.where((here == 0) | (areas == 0), np.nan, fits)


def _number(code: str) -> int:
    """Return the number of a prefecture; one that is none sits beyond all of them."""
    return int(code) if code in REGION_OF or code == NATIONWIDE else _NOWHERE


_NOWHERE = 48
# The bits of a prefecture's region, by its number.
_REGIONAL = np.array(
    [
        0,
        *(sum(1 << n for n in own) for i in range(1, 48) for own in _REGIONS.values() if i in own),
        0,
    ],
    np.int64,
)

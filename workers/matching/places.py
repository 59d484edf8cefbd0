"""Where a call is and where a solution can be delivered. Codes are JIS X 0401, two digits."""

from collections.abc import Collection

NATIONWIDE = "00"
# How far a declared area suits a call: the very prefecture, all of Japan, the same region.
SAME_PREFECTURE, EVERYWHERE, SAME_REGION = 1.0, 0.8, 0.5

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
        return SAME_PREFECTURE
    if NATIONWIDE in areas:
        return EVERYWHERE
    region = REGION_OF.get(prefecture)
    return SAME_REGION if any(REGION_OF.get(area) == region for area in areas) else 0.0


def excluded(prefecture: str | None, areas: Collection[str]) -> bool:
    """Tell whether the solution's declared area leaves the call's region out."""
    return place_fit(prefecture, areas) == 0.0

"""How alike the themes of two listings are."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

# No theme at all: it says that nothing fitted, which two listings do not have in common.
_NO_THEME = "other"
_FINER_SHARE = 0.5


def rarity(listings: Iterable[tuple[str, ...]]) -> dict[str, float]:
    """Return log((N + 1) / df) for every theme in use, level-1 keys and finer ones alike."""
    themes = [set(spread(own)) for own in listings]
    found = Counter(theme for own in themes for theme in own)
    return {theme: math.log((len(themes) + 1) / df) for theme, df in sorted(found.items())}


def spread(themes: Iterable[str]) -> dict[str, float]:
    """Return theme -> weight: a finer theme ("childcare.birth") also names its parent."""
    weights: dict[str, float] = {}
    for theme in themes:
        parent = theme.partition(".")[0]
        if parent == _NO_THEME:
            continue
        weights[parent] = 1.0
        if theme != parent:
            weights[theme] = _FINER_SHARE
    return weights


def likeness(
    a: Iterable[str], b: Iterable[str], rarities: Mapping[str, float], unseen: float
) -> float | None:
    """Return 3/4 cosine + 1/4 "any in common" (0..1); None when a side names no theme.

    `unseen` is the rarity of a theme that nobody used when `rarities` was counted.
    """
    left, right = spread(a), spread(b)
    if not left or not right:
        return None
    common = left.keys() & right.keys()
    if not common:
        return 0.0

    def size(theme: str, weights: Mapping[str, float]) -> float:
        return weights[theme] * max(rarities.get(theme, unseen), 0.1)

    dot = sum(size(theme, left) * size(theme, right) for theme in sorted(common))
    norms = [math.hypot(*(size(t, side) for t in sorted(side))) for side in (left, right)]
    return min(1.0, 0.75 * dot / (norms[0] * norms[1]) + 0.25)

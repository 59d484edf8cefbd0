"""How unequally something is shared out."""

import numpy as np

from benchmarks.fairmarket import Array


def gini(values: Array) -> float:
    """Return the Gini coefficient: 0 when all have the same, near 1 when one has all."""
    ordered = np.sort(values)
    n = len(ordered)
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float((ranks * ordered).sum() / (n * max(ordered.sum(), 1e-9)))


def top_share(values: Array) -> float:
    """Return what the first 1 % have of everything."""
    ordered = -np.sort(-values)
    return float(ordered[: max(len(values) // 100, 1)].sum() / max(values.sum(), 1e-9))


def worst_tenth(values: Array) -> float:
    """Return the mean of the least 10 % over the mean of all."""
    ordered = np.sort(values)
    return float(ordered[: max(len(ordered) // 10, 1)].mean() / max(ordered.mean(), 1e-9))

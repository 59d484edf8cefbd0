"""Classes of firms and towns. No class that is shown has so few members that one could be known."""

from collections import Counter
from collections.abc import Sequence

LEAST = 5  # members of a class that may be shown
SIZES = ("micro", "small", "medium", "large", "unknown")
AGES = ("new", "known")
CALLS = ("1", "2-4", "5+")
OTHER = "other"

# By employees, as the law on small and medium enterprises draws the lines.
_EMPLOYEES = ((5, "micro"), (20, "small"), (300, "medium"))
# By capital where employees are not known: what a 有限会社 and a 株式会社 once had to have at
# least, and the limit of a small or medium enterprise in manufacturing.
_CAPITAL = ((3_000_000, "micro"), (10_000_000, "small"), (300_000_000, "medium"))


def size_class(employees: int | None, capital_yen: int | None) -> str:
    """Return the size class: by employees, else by capital, else `unknown`."""
    if employees is not None:
        return _class(employees, _EMPLOYEES)
    if capital_yen is not None:
        return _class(capital_yen, _CAPITAL)
    return "unknown"


def _class(value: int, limits: Sequence[tuple[int, str]]) -> str:
    return next((name for limit, name in limits if value <= limit), "large")


def calls_class(calls: int) -> str:
    """Return the class of a town by how many calls it had open."""
    return "1" if calls <= 1 else "2-4" if calls < 5 else "5+"


def area_path(prefecture: str | None, region: str | None) -> tuple[str, ...]:
    """Return where somebody belongs, from near to far: prefecture, rest of the region, rest."""
    return (prefecture, f"{region}+", OTHER) if prefecture else (OTHER,)


def gathered(paths: Sequence[tuple[str, ...]], least: int = LEAST) -> list[str]:
    """Return for each path its nearest step that at least `least` members share.

    Steps that fewer share are merged into the next; a last step may stay small.
    """
    depth = [0] * len(paths)
    while True:
        keys = [path[step] for path, step in zip(paths, depth, strict=True)]
        counts = Counter(keys)
        small = [
            i for i, key in enumerate(keys) if counts[key] < least and depth[i] + 1 < len(paths[i])
        ]
        if not small:
            return keys
        for i in small:
            depth[i] += 1

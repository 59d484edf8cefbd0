"""What a person asks of the index."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STORED = ("kind", "theme", "prefecture", "municipality", "offer", "budget", "amount", "stage")
FACETS = (*STORED, "deadline")  # the deadline is a matter of the clock, so no index stores it
SORTS = ("relevance", "deadline", "newest")
MOST_HITS = 100
_LONGEST_TEXT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A search: several values of one facet widen it, facets narrow one another.

    Without `expand` words are not met by synonyms. `now` (seconds since 1970 UTC) decides what
    is open. The filter value "unstated" asks for listings that say nothing about a facet;
    "deadline" has values for open listings only and knows nothing unstated. `only` narrows
    everything, counts too, to some ids; no ids find nothing; `but` leaves some ids out. Without
    `facets` none are counted. `whole` asks for every word: no listing that lacks one is found. With empty text everything matches; relevance then means the
    deadline order: open ones by nearest deadline, open ones without a deadline, those still to
    open, closed ones. Limits are clamped to 1..100, unknown sorts mean relevance.
    Raises ValueError for a filter field that does not exist.
    """

    text: str = ""
    expand: bool = True
    target: str | None = None
    now: int = 0
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    status: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    but: tuple[str, ...] = ()
    facets: bool = True
    whole: bool = False
    sort: str = "relevance"
    offset: int = 0
    limit: int = 20

    def __post_init__(self) -> None:
        unknown = set(self.filters) - set(FACETS)
        if unknown:
            raise ValueError(f"no such filter: {', '.join(sorted(unknown))}")
        chosen = {name: tuple(map(_sound, values)) for name, values in self.filters.items()}
        chosen = {name: values for name, values in chosen.items() if values}
        object.__setattr__(self, "filters", chosen)
        object.__setattr__(self, "target", _sound(self.target) if self.target else None)
        if self.only is not None:
            object.__setattr__(self, "only", tuple(dict.fromkeys(map(_sound, self.only))))
        object.__setattr__(self, "but", tuple(dict.fromkeys(map(_sound, self.but))))
        object.__setattr__(self, "text", self.text.strip()[:_LONGEST_TEXT])
        object.__setattr__(self, "sort", self.sort if self.sort in SORTS else "relevance")
        object.__setattr__(self, "offset", max(self.offset, 0))
        object.__setattr__(self, "limit", min(max(self.limit, 1), MOST_HITS))


def _sound(value: str) -> str:
    """Return the value without halves of characters, which no engine can hold."""
    return value.encode("utf-8", "replace").decode()

"""A search as one canonical web address. What it is and asks for: `hub.domain.saved_search`."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from hub.domain.saved_search import (
    FIELDS,
    NAMES,
    PER_PAGE,
    TEXT_MAX,
    VALUES_MAX,
    Known,
    Search,
    Unreadable,
)

__all__ = [
    "FIELDS",
    "PER_PAGE",
    "TEXT_MAX",
    "VALUES_MAX",
    "SearchState",
    "Unreadable",
    "is_clean",
    "read",
]


@dataclass(frozen=True, slots=True)
class SearchState(Search):
    """A search and its address."""

    @property
    def url(self) -> str:
        """The one address of this search; first pages and usual orders are not spelled out."""
        return self.url_of("search.show")

    def url_of(self, endpoint: str) -> str:
        """The address of another page about this search."""
        parts: dict[str, Any] = {name: list(values) for name, values in self._parts().items()}
        return url_for(endpoint, **parts)


def read(args: MultiDict[str, str], known: Known) -> SearchState:
    """The search an address asks for. Raises Unreadable."""
    return SearchState.read(args.to_dict(flat=False), known)


def is_clean(args: MultiDict[str, str], state: SearchState) -> bool:
    """Whether the address says what the search is and nothing besides (in any order)."""
    given = [(k, v) for k, v in args.items(multi=True) if k in NAMES and k not in ("q", "page")]
    meant = [(k, v) for k, v in state.pairs() if k not in ("q", "page")]
    if "target" not in args:
        given.append(("target", "call"))
    if args.get("sort") == "relevance":
        given.remove(("sort", "relevance"))
    return sorted(given) == sorted(meant) and ("q" not in args or state.text != "")

"""Asking for a search: page, other forms, map and help all ask here, so that they agree."""

from collections.abc import Callable
from dataclasses import replace

from hub.web.context import now, services
from hub.web.search_state import PER_PAGE, SearchState
from search.index import SearchResult


def result(
    state: SearchState, *, offset: int | None = None, limit: int = PER_PAGE, facets: bool = True
) -> SearchResult:
    """A part of what is found: the state's page, or `limit` listings from `offset` on.

    Raises IndexUnavailable.
    """
    query = state.query(now(), offset=offset, limit=limit)
    return services().index.search(query if facets else replace(query, facets=False))


def counter() -> Callable[[SearchState], int]:
    """A function that tells how many a search finds and asks once for each."""
    known: dict[str, int] = {}

    def count(state: SearchState) -> int:
        if state.url not in known:
            known[state.url] = result(state, limit=1, facets=False).total
        return known[state.url]

    return count

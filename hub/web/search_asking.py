"""Asking for a search: page, other forms, map and help all ask here, so that they agree."""

from collections.abc import Callable
from dataclasses import replace

from hub.domain.understanding import intent_of
from hub.web.context import now, services, session
from hub.web.search_state import PER_PAGE, SearchState
from search.finder import Answer, hints
from search.index import SearchResult


def result(
    state: SearchState, *, offset: int | None = None, limit: int = PER_PAGE, facets: bool = True
) -> SearchResult:
    """What holds the words: the state's page, or `limit` listings from `offset` on.

    Raises IndexUnavailable.
    """
    query = replace(state.query(now(), offset=offset, limit=limit), facets=facets)
    return services().finder.words(query, as_typed=not state.repair)


def answer(
    state: SearchState, *, offset: int | None = None, limit: int = PER_PAGE, facets: bool = True
) -> Answer:
    """The same with what is near in meaning, in the order people see. Raises IndexUnavailable."""
    query = replace(state.query(now(), offset=offset, limit=limit), facets=facets)
    named = hints(intent_of(session(), state.text), state.target) if state.text else ()
    return services().finder.find(query, named=named, as_typed=not state.repair)


def counter() -> Callable[[SearchState], int]:
    """A function that tells how many a search finds and asks once for each."""
    known: dict[str, int] = {}

    def count(state: SearchState) -> int:
        if state.url not in known:
            known[state.url] = result(state, limit=1, facets=False).total
        return known[state.url]

    return count

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
        return self.at("search.show")

    def at(self, endpoint: str, **more: Any) -> str:
        """The address of this search in another form, with `more` for `url_for`."""
        parts: dict[str, Any] = {name: list(values) for name, values in self._parts().items()}
        return url_for(endpoint, **parts, **more)


def read(args: MultiDict[str, str], known: Known) -> SearchState:
    """The search an address asks for. Raises Unreadable."""
    return SearchState.read(args.to_dict(flat=False), known)


def is_clean(args: MultiDict[str, str], state: SearchState) -> bool:
    """Whether the address is the one address of the search; parameters of others do not count.

    Calls are meant where no target is given, so that /search is a search too.
    """
    given = [pair for pair in args.items(multi=True) if pair[0] in NAMES]
    meant = state.pairs()
    if "target" not in args:
        meant.remove(("target", "call"))
    return given == meant

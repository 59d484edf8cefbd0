"""One search of a Meilisearch server: what the text finds, the counts, and the page."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from search.documents import NEVER, TARGETS
from search.index import Hit, SearchResult
from search.meili_filters import (
    MOMENTS,
    NOTHING,
    all_of,
    among,
    chosen,
    moment,
    narrowing,
    status,
)
from search.meili_server import Server
from search.meili_text import Found, found
from search.query import FACETS, STORED, SearchQuery


class _Part(NamedTuple):
    """One of the parts that laid end to end are the list asked for."""

    filter: str = ""
    sort: Sequence[str] = ()


class Search:
    """One query: what its text finds, then the counts, and the page."""

    def __init__(self, server: Server, uid: str, query: SearchQuery) -> None:
        self._server = server
        self._uid = uid
        self._query = query
        self._found = Found(sides=dict.fromkeys(TARGETS, ""))
        if query.text:
            shown = [query.target] if query.target in TARGETS else TARGETS
            self._found = found(
                query.text,
                self._count,
                shown=shown,
                # The counts of the other target are told too, unless nothing is counted.
                counted=TARGETS if query.facets else shown,
                expand=query.expand,
                whole=query.whole,
            )

    def result(self) -> SearchResult:
        """Return the answer."""
        if self._query.only == () or set(self._found.sides.values()) == {NOTHING}:
            names = (*FACETS, "target", "status") if self._query.facets else ()
            return SearchResult(facets={name: {} for name in names}, unmet=self._found.unmet)
        parts = self._parts()
        alone = len(parts) == 1
        wanted = self._counts() if self._query.facets else {}
        asked = [*wanted.values(), self._question()]
        if alone:
            asked.append(self._page(parts[0], self._query.offset, self._query.limit))
        else:
            asked += [self._question(part.filter) for part in parts]
        answers = self._server.search(asked)
        counted, (whole, *others) = answers[: len(wanted)], answers[len(wanted) :]
        pages = [(0, others[0])] if alone else self._pages(parts, list(map(_size, others)))
        facets = _facets(dict(zip(wanted, counted, strict=True))) if wanted else {}
        return SearchResult(self._hits(pages), _size(whole), facets, self._found.unmet)

    def _counts(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the questions for the counts, by facet and value; all values for "".

        The server counts the values of many listings slowly, so where there are few values each
        is asked for itself.
        """
        narrow = chosen(self._query)
        free = [field for field in STORED if field not in narrow]
        asked = {("", ""): {**self._question(), "facets": free}} if free else {}
        for field in STORED:
            if field in narrow:
                asked[field, ""] = {**self._question(but=field), "facets": [field]}
        for value in TARGETS:
            asked["target", value] = self._question(target=value)
        for field, values in MOMENTS.items():
            for value in values:
                own = moment(field, value, self._query.now)
                asked[field, value] = self._question(own, field)
        return asked

    def _parts(self) -> list[_Part]:
        match self._query.sort:
            case "newest":
                return [_Part(sort=["published:desc", "tie:asc"])]
            case "relevance" if self._query.text:
                return [_Part(level) for level in self._found.levels]
        now = self._query.now
        opened, undated = status("open", now), f"closes >= {NEVER}"
        return [
            _Part(f"{opened} AND closes < {NEVER}", ["closes:asc", "tie:asc"]),
            _Part(f"{opened} AND {undated}", ["tie:asc"]),
            _Part(status("upcoming", now), ["opens:asc", "tie:asc"]),
            _Part(status("closed", now), ["closes:desc", "tie:asc"]),
        ]

    def _pages(
        self, parts: Sequence[_Part], sizes: Sequence[int]
    ) -> list[tuple[int, dict[str, Any]]]:
        """Return (place of the part, answer) of those parts that the page runs through."""
        asked = {}
        start, room = self._query.offset, self._query.limit
        for place, (part, size) in enumerate(zip(parts, sizes, strict=True)):
            taken = max(min(size - start, room), 0)
            if taken:
                asked[place] = self._page(part, start, taken)
            start, room = max(start - size, 0), room - taken
        return list(zip(asked, self._server.search(list(asked.values())), strict=True))

    def _hits(self, pages: Sequence[tuple[int, dict[str, Any]]]) -> tuple[Hit, ...]:
        """Return the hits; a score says first how many wants are met, then how well."""
        scored = self._query.sort == "relevance" and bool(self._query.text)
        levels = len(self._found.levels)
        return tuple(
            Hit(
                hit["id"],
                (levels - 1 - place + hit["_rankingScore"]) / levels if scored else 0.0,
                hit["focus"],
            )
            for place, page in pages
            for hit in page["hits"]
        )

    def _page(self, part: _Part, offset: int, limit: int) -> dict[str, Any]:
        question = self._question(part.filter)
        if not part.sort:
            question["q"] = self._found.text
        return question | {
            "offset": offset,
            "limit": limit,
            "showRankingScore": True,
            "sort": list(part.sort),
        }

    def _question(self, extra: str = "", but: str = "", target: str = "") -> dict[str, Any]:
        """Return the query without the choice in the facet `but`, or with another target."""
        filters = narrowing(self._query, "target" if target else but)
        chosen_target = target or self._query.target
        if target:
            filters.append(among("target", [target]))
        filters += [self._found.filter(chosen_target), extra]
        return self._asking(self._found.must, all_of(filters))

    def _asking(self, text: str, passed: str) -> dict[str, Any]:
        return {
            "indexUid": self._uid,
            "q": text,
            "matchingStrategy": "last",
            "attributesToRetrieve": ["id", "focus"],
            "filter": passed,
            "limit": 0,
        }

    def _count(self, text: str, filters: Sequence[str]) -> list[int]:
        """Return how many listings match a text and each filter."""
        asked = {one: self._asking(text, one) for one in filters if one != NOTHING}
        answers = self._server.search(list(asked.values()))
        sizes = dict(zip(asked, map(_size, answers), strict=True))
        return [sizes.get(passed, 0) for passed in filters]


def _facets(answers: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return the counts by facet from answers by facet and value."""
    facets: dict[str, dict[str, int]] = {name: {} for name in (*FACETS, "target", "status")}
    for (field, value), answer in answers.items():
        if not value:
            facets |= counts(answer)
        elif size := _size(answer):
            facets[field][value] = size
    return facets


def counts(answer: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return the counts of an answer by facet and value."""
    told: dict[str, dict[str, int]] = answer["facetDistribution"]
    return {field: dict(values) for field, values in told.items()}


def _size(answer: Mapping[str, Any]) -> int:
    """Return the number of matches; exact, since filters and a word of every listing decide."""
    return int(answer["estimatedTotalHits"])

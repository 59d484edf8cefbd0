"""What a search must answer, written as plainly as possible: every listing looked at in turn."""

from collections import Counter
from collections.abc import Iterable

from search.analysis import tokenize
from search.documents import SearchDocument, tie
from search.lexicon import words_of
from search.query import FACETS, SearchQuery


def status(document: SearchDocument, now: int) -> str:
    if document.closed or (document.closes_at is not None and document.closes_at <= now):
        return "closed"
    if document.opens_at is not None and document.opens_at > now:
        return "upcoming"
    return "open"


def amount(ceiling: int | None) -> str | None:
    if ceiling is None:
        return None
    if ceiling <= 1_000_000:
        return "1m"
    if ceiling <= 3_000_000:
        return "3m"
    if ceiling <= 5_000_000:
        return "5m"
    return "10m" if ceiling <= 10_000_000 else "over"


def deadlines(document: SearchDocument, now: int) -> set[str]:
    if status(document, now) != "open":
        return set()
    if document.closes_at is None:
        return {"none"}
    days = (("3d", 3), ("1w", 7), ("2w", 14), ("1m", 30))
    return {name for name, count in days if document.closes_at <= now + count * 24 * 3600}


def values(document: SearchDocument, facet: str, now: int) -> set[str]:
    if facet == "deadline":
        return deadlines(document, now)
    found: Iterable[str | None] = {
        "kind": document.kinds,
        "theme": document.themes,
        "prefecture": document.prefectures,
        "municipality": (document.municipality,),
        "offer": document.offers,
        "budget": (document.budget,),
        "amount": (amount(document.budget_max),),
        "stage": (document.stage,),
        "target": (document.target,),
        "status": (status(document, now),),
    }[facet]
    return {value for value in found if value} or {"unstated"}


def chosen(query: SearchQuery) -> dict[str, set[str]]:
    found = {facet: set(wanted) for facet, wanted in query.filters.items() if wanted}
    if query.target:
        found["target"] = {query.target}
    if query.status:
        found["status"] = set(query.status)
    return found


def matching(
    documents: Iterable[SearchDocument], query: SearchQuery, but: str = ""
) -> list[SearchDocument]:
    wanted = {facet: options for facet, options in chosen(query).items() if facet != but}
    return [
        document
        for document in documents
        if (query.only is None or document.id in query.only)
        and document.id not in query.but
        and all(values(document, facet, query.now) & some for facet, some in wanted.items())
    ]


def facets(documents: list[SearchDocument], query: SearchQuery) -> dict[str, dict[str, int]]:
    return {
        facet: dict(
            Counter(
                value
                for document in matching(documents, query, but=facet)
                for value in values(document, facet, query.now)
            )
        )
        for facet in (*FACETS, "target", "status")
    }


def by_deadline(document: SearchDocument, now: int) -> tuple[int, int, int]:
    order = tie(document.id)
    place = status(document, now)
    if place == "open" and document.closes_at is not None:
        return 0, document.closes_at, order
    if place == "open":
        return 1, 0, order
    if place == "upcoming":
        return 2, document.opens_at or 0, order
    closing = 0 if document.closed else document.closes_at or 0
    return 3, -closing, order


def newest(document: SearchDocument) -> tuple[int, int]:
    return -document.published_at, tie(document.id)


def ordered(documents: list[SearchDocument], query: SearchQuery) -> list[str]:
    found = matching(documents, query)
    if query.sort == "newest":
        found.sort(key=newest)
    else:
        found.sort(key=lambda document: by_deadline(document, query.now))
    return [document.id for document in found]


def lexicon(documents: Iterable[SearchDocument]) -> Counter[str]:
    return Counter(word for document in documents for word in _said(document))


def _said(document: SearchDocument) -> set[str]:
    parts = (document.title, document.summary, document.body, *document.keywords)
    return words_of(token for part in parts for token in tokenize(part))

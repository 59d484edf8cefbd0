"""What a listing looks like to a search index: plain data, no rules of the marketplace."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from search.enumeration import pieces, prose_factor

UNSTATED = "unstated"
NATIONWIDE = "00"
STATUSES = ("open", "upcoming", "closed")
TARGETS = ("call", "solution")
# Days of 24 hours within which an open listing closes; a wider one holds the narrower ones.
DEADLINES = {"3d": 3, "1w": 7, "2w": 14, "1m": 30}
NO_DEADLINE = "none"
# Bands of the budget's ceiling by the most yen they hold; what is more than all of them is OVER.
AMOUNTS = {"1m": 1_000_000, "3m": 3_000_000, "5m": 5_000_000, "10m": 10_000_000}
OVER = "over"
DAY = 86_400
TIE_BITS = 28
BUCKETS = 256
NEVER = 1 << 34  # a second in the year 2514


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDocument:
    """One public listing. Times are whole seconds since 1970 UTC; codes are those of the hub.

    `id` is "call-12" or "solution-7", `version` is what the database and the index are compared
    by. `keywords` are names people may type that stand in no sentence (themes, kind, places with
    kana); `offers` are the offers of a call or the asks of a solution. A prefecture "00" means
    nationwide. `budget_max` is the ceiling of the budget in whole yen. `closed` says that it was
    closed by hand, whatever its dates. `needs` are the parts of the body that say what it is
    about, the most telling first. `vectors` are (place, float16 numbers) of its passages as far
    as the model has seen them; see search.passages.
    """

    id: str
    version: int
    target: str
    title: str
    summary: str
    body: str
    owner: str
    owner_kana: str = ""
    keywords: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    prefectures: tuple[str, ...] = ()
    municipality: str | None = None
    offers: tuple[str, ...] = ()
    budget: str | None = None
    budget_max: int | None = None
    stage: str | None = None
    opens_at: int | None = None
    closes_at: int | None = None
    published_at: int = 0
    closed: bool = False
    needs: tuple[str, ...] = field(default=(), repr=False)  # all of it stands in the body
    vectors: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)
    vector_model: str = field(default="", repr=False)


def serving(places: Iterable[str]) -> tuple[str, ...]:
    """Return the prefectures of solutions that can be had in these prefectures or municipalities.

    A solution is offered to whole prefectures, or to the whole country.
    """
    return (NATIONWIDE, *dict.fromkeys(code[:2] for code in places))


def facet_values(document: SearchDocument) -> dict[str, tuple[str, ...]]:
    """Return the values of every stored facet; one without a value has the value "unstated"."""
    values = {
        "kind": document.kinds,
        "theme": document.themes,
        "prefecture": document.prefectures,
        "municipality": _optional(document.municipality),
        "offer": document.offers,
        "budget": _optional(document.budget),
        "amount": _optional(amount(document.budget_max)),
        "stage": _optional(document.stage),
    }
    return {facet: tuple(dict.fromkeys(found)) or (UNSTATED,) for facet, found in values.items()}


def amount(ceiling: int | None) -> str | None:
    """Return the band of a budget's ceiling in yen; None without a ceiling."""
    if ceiling is None:
        return None
    return next((band for band, most in AMOUNTS.items() if ceiling <= most), OVER)


def opening(document: SearchDocument) -> int:
    """Return the second from which a listing is open, 0 when it always was."""
    return document.opens_at or 0


def closing(document: SearchDocument) -> int:
    """Return the second at which a listing closes: NEVER without a deadline, 0 closed by hand."""
    if document.closed:
        return 0
    return NEVER if document.closes_at is None else document.closes_at


def focus(document: SearchDocument) -> float:
    """Return by how much a score counts, 0 to 1: less the more of the text is bare enumeration.

    A list of every word that somebody might search by says nothing of what is done; see
    search.enumeration.
    """
    text = f"{document.title}\n{document.summary}\n{document.body}"
    listed = sum(len(piece) for piece, enumerated in pieces(text) if enumerated)
    return prose_factor(listed / len(text))


def tie(document_id: str) -> int:
    """Return a number in [0, 2**28) that orders equal hits: the same each time, owed to nobody."""
    return _hash(document_id) >> (64 - TIE_BITS)


def bucket(document_id: str) -> int:
    """Return which of BUCKETS a listing belongs to, so that an index can be compared by parts."""
    return _hash(document_id) % BUCKETS


def _hash(document_id: str) -> int:
    digest = hashlib.blake2b(document_id.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _optional(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()

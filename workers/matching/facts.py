"""The only things matching may know about a call and about a solution.

There is no field for size, capital, age of the firm, head office, number of posts, payment,
clicks or past success: what has no field cannot reach a score. `id`, `town` and `firm` name
rows and group a list ("one place per firm"); no score reads them, nor the dates.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass

# Names of rows, dates and states: they gate or group, they are not content.
_NOT_CONTENT = frozenset({"id", "town", "firm", "opens_at", "closes_at", "published"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """A call as matching sees it; an empty text, tuple or None means "not stated".

    `prefecture` is a two-digit and `municipality` a six-digit code. Dates are seconds since
    1970 (UTC). `eligibility` holds juridical_person, sole_proprietor_ok, in_prefecture and
    in_municipality.
    """

    id: int
    town: int
    kind: str
    title: str
    summary: str = ""
    vision: str = ""
    problem: str = ""
    tried: str = ""
    offered: str = ""
    wanted: str = ""
    details: str = ""
    themes: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    prefecture: str | None = None
    municipality: str | None = None
    budget_kind: str = "unstated"
    eligibility: tuple[str, ...] = ()
    opens_at: int | None = None
    closes_at: int | None = None
    published: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SolutionFacts:
    """A solution as matching sees it; an empty text, tuple or None means "not stated".

    `kinds` are the kinds of call the firm wishes for (empty: any). `areas` are the prefectures
    where the solution can be delivered, as declared, "00" for all of Japan; never the address
    of the firm. `juridical` tells whether the firm is a juridical person, for eligibility alone.
    """

    id: int
    firm: int
    title: str
    summary: str = ""
    solves: str = ""
    brings: str = ""
    asks_text: str = ""
    evidence: str = ""
    themes: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    stage: str | None = None
    areas: tuple[str, ...] = ()
    juridical: bool | None = None
    published: bool = True


Facts = CallFacts | SolutionFacts


# The kinds of call that a firm can wish for.
CALL_KINDS = frozenset(("pilot", "accelerator", "proposal", "collaboration"))


def wished(kinds: Collection[str]) -> tuple[str, ...]:
    """Return the kinds of call a firm wishes for, sorted: none when it ticked all of them."""
    return () if set(kinds) >= CALL_KINDS else tuple(sorted(set(kinds)))


def fingerprint(facts: Facts) -> str:
    """Return a SHA-256 (hex) of the content: equal for equal content, whatever id or date.

    Order inside tuples does not count. Ids, owner, dates and the published state are left out;
    that a call has a deadline at all is content, since explanations say when it has none.
    """
    content = {
        name: sorted(value) if isinstance(value, tuple) else value
        for name, value in asdict(facts).items()
        if name not in _NOT_CONTENT
    }
    content["deadline"] = isinstance(facts, CallFacts) and facts.closes_at is not None
    text = json.dumps([type(facts).__name__, content], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

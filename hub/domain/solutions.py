"""Solutions ソリューション: posting, changing, withdrawing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.domain import listings
from hub.domain.errors import Problem, Refused, raise_any
from hub.domain.permission import require
from hub.i18n import N_
from hub.models.listing import CALL_KINDS, NATIONWIDE, STAGES, Solution
from hub.models.organisation import Organisation, User
from hub.models.reference import Offer, Prefecture, Theme

LINES = ("title",)
TEXTS = ("summary", "solves", "brings", "asks_text", "evidence")
LABELS = {
    "title": N_("ソリューションの題名"),
    "summary": N_("ひとことで言うと"),
    "solves": N_("何を解決するか"),
    "brings": N_("何を提供するか"),
    "asks_text": N_("自治体に求めること"),
    "evidence": N_("実績や根拠"),
    "themes": N_("分野"),
    "asks": N_("求めるもの（選択）"),
    "kinds": N_("希望する募集の種類"),
    "stage": N_("段階"),
    "areas": N_("対応できる地域"),
}
LIMITS = {
    name: (LABELS[name], limit)
    for name, limit in (
        ("title", listings.TITLE_MAX),
        ("summary", listings.SUMMARY_MAX),
        ("solves", listings.PROMPT_MAX),
        ("brings", listings.PROMPT_MAX),
        ("asks_text", listings.PROMPT_MAX),
        ("evidence", listings.PROMPT_MAX),
    )
}
REQUIRED = {name: LABELS[name] for name in ("title", "solves", "themes")}
_CHOICES = ("themes", "asks", "kinds", "areas")


@dataclass(frozen=True, kw_only=True)
class SolutionValues:
    """Everything a company writes about a solution; a draft may leave anything empty."""

    title: str = ""
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


def create(
    session: Session,
    organisation: Organisation,
    values: SolutionValues,
    *,
    actor: User | None,
    now: datetime,
) -> Solution:
    """Store a draft. Raises Forbidden, Refused."""
    require(actor, "solution.create", organisation)
    found = _checked(session, values)
    solution = Solution(organisation=organisation, created_at=now, updated_at=now)
    listings.apply(solution, found)
    listings.created(session, solution, actor=actor, now=now)
    return solution


def change(
    session: Session,
    solution: Solution,
    values: SolutionValues,
    *,
    actor: User | None,
    now: datetime,
    expected_version: int,
) -> None:
    """Change a draft or a published solution. Raises Forbidden, Conflict, Refused."""
    found = _checked(session, values)
    listings.lock(session, solution, expected_version)
    require(actor, "solution.edit", solution)
    if solution.state == "published" and (problems := listings.missing(found, REQUIRED)):
        raise Refused(*problems)
    listings.save(session, solution, found, actor=actor, now=now)


def publish(
    session: Session,
    solution: Solution,
    *,
    actor: User | None,
    now: datetime,
    expected_version: int,
) -> None:
    """Make the solution public. Raises Forbidden, Conflict, Refused (not ready)."""
    listings.lock(session, solution, expected_version)
    if solution.state == "draft" and (problems := unready(solution)):
        require(actor, "solution.publish", solution)
        raise Refused(*problems)
    listings.move(
        session, solution, "published", actor=actor, now=now, expected_version=expected_version
    )


def close(
    session: Session,
    solution: Solution,
    *,
    actor: User | None,
    now: datetime,
    expected_version: int,
) -> None:
    """Withdraw from lists; the page stays readable. Raises Forbidden, Conflict, Refused."""
    listings.move(
        session, solution, "closed", actor=actor, now=now, expected_version=expected_version
    )


def discard(
    session: Session,
    solution: Solution,
    *,
    actor: User | None,
    now: datetime,
    expected_version: int,
) -> None:
    """Put a draft away for good. Raises Forbidden, Conflict, Refused."""
    listings.move(
        session, solution, "archived", actor=actor, now=now, expected_version=expected_version
    )


def unready(solution: Solution) -> list[Problem]:
    """What still stands between the draft and its publication, one sentence each."""
    return listings.missing(values_of(solution), REQUIRED)


def values_of(solution: Solution) -> dict[str, Any]:
    """The solution's present values, by the names of SolutionValues."""
    found: dict[str, Any] = {}
    for name in SolutionValues.__dataclass_fields__:
        value = getattr(solution, name)
        found[name] = tuple(value) if name in _CHOICES else value
    return found


def _checked(session: Session, values: SolutionValues) -> dict[str, Any]:
    """Clean the texts and check what even a draft must keep to."""
    found = listings.cleaned(values, LINES, TEXTS)
    found["stage"] = found["stage"] or None
    if NATIONWIDE in found["areas"]:
        found["areas"] = (NATIONWIDE,)
    prefectures = frozenset(session.scalars(select(Prefecture.code))) | {NATIONWIDE}
    problems = listings.too_long(found, LIMITS)
    problems += listings.too_many_themes(found)
    problems += listings.bad_choice(
        found,
        {
            "themes": (LABELS["themes"], frozenset(session.scalars(select(Theme.key)))),
            "asks": (LABELS["asks"], frozenset(session.scalars(select(Offer.key)))),
            "kinds": (LABELS["kinds"], frozenset(CALL_KINDS)),
            "stage": (LABELS["stage"], frozenset(STAGES)),
            "areas": (LABELS["areas"], prefectures),
        },
    )
    raise_any(problems)
    return found

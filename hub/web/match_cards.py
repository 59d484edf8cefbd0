"""Matches as cards: how close in words, why, what is missing, and where the score comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from hub.domain import hints
from hub.domain.match_lists import Shown
from hub.domain.weights import WEIGHTS
from hub.models.listing import Call, Solution
from hub.models.matching import Match
from hub.web import present
from hub.web.choices import STAGE_NAMES
from hub.web.context import session
from hub.web.language import chosen
from hub.web.words import _

# On the calibrated scale half of the pairs are at least related at 0.53, and useful at 0.64.
BANDS = (0.80, 0.64, 0.53)
PART_LEVELS = 4


@dataclass(frozen=True, slots=True)
class PartLevel:
    """One part of the score and how full it is: 0 to 4."""

    label: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchCard:
    """What `components/match.html` draws."""

    pair: tuple[int, int]  # call, solution
    url: str
    title: str
    owner: str
    strength: int
    reasons: list[str]
    gaps: list[str]
    parts: list[PartLevel]
    status: present.Status | None = None
    stage: str = ""
    place_note: str = ""
    hint: str = ""


def solution_match(match: Match, how: str = "merit") -> MatchCard:
    """A match as its municipality sees it: the solution; `how` its place in the list was won."""
    solution: Solution = match.solution
    return MatchCard(
        **_shared(match),
        place_note=how_won(how),
        url=url_for("listing.solution", id_=solution.id),
        title=solution.title,
        owner=present.organisation_name(solution.organisation),
        stage=_(STAGE_NAMES[solution.stage]) if solution.stage else "",
    )


def call_match(match: Match, at: datetime, how: str = "merit", hint: str = "") -> MatchCard:
    """A match as its company sees it: the call."""
    call: Call = match.call
    return MatchCard(
        **_shared(match),
        place_note=how_won(how, for_firm=True),
        hint=hint,
        url=url_for("listing.call", id_=call.id),
        title=call.title,
        owner=f"{present.organisation_name(call.organisation)} {call.department}".strip(),
        status=present.status_of(call, at),
    )


def solution_cards(shown: Iterable[Shown]) -> list[MatchCard]:
    """A call's list."""
    return [solution_match(one.match, one.place.how) for one in shown]


def call_cards(matches: Iterable[Match], hows: Mapping[int, str], at: datetime) -> list[MatchCard]:
    """Calls for a firm; `hows` tells by call how places of a dealt list were won."""
    found = list(matches)
    few = hints.few_proposals(session(), [match.call for match in found], at)
    return [
        call_match(
            match,
            at,
            how=hows.get(match.call_id, "merit"),
            hint=_("応募がまだ少ない募集です") if match.call_id in few else "",
        )
        for match in found
    ]


def how_won(how: str, *, for_firm: bool = False) -> str:
    """How a place was won, when not by merit alone."""
    if how == "turn":
        return _("近さがほぼ同じ中での順番です")
    if how == "reserve":
        if for_firm:
            return _("届いた企業がまだ少ない募集です")
        return _("まだどの募集にも表示されていない提案です")
    return ""


def strength(score: float) -> int:
    """1 (a hint) to 4 (very close)."""
    return next((4 - place for place, floor in enumerate(BANDS) if score >= floor), 1)


def part_levels(parts: Mapping[str, float | None]) -> list[PartLevel]:
    """The stated parts of a score in the order of the public table."""
    return [
        PartLevel(_(weight.name), round(value * PART_LEVELS))
        for weight in WEIGHTS
        if (value := parts.get(weight.code)) is not None
    ]


def _shared(match: Match) -> dict[str, Any]:
    language = chosen()
    return {
        "pair": (match.call_id, match.solution_id),
        "strength": strength(match.score),
        "reasons": list((match.reasons or {}).get(language, ())),
        "gaps": list((match.gaps or {}).get(language, ())),
        "parts": part_levels(match.parts),
    }

"""The public pages of a call and of a solution: everything that was written, in reading order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import func, select

from hub.domain import hints, matches
from hub.domain.calls import LABELS as CALL_LABELS
from hub.domain.solutions import LABELS as SOLUTION_LABELS
from hub.i18n import N_
from hub.models.listing import Call, CallTheme, Solution
from hub.models.organisation import Organisation
from hub.policy import allowed
from hub.web import present, rows
from hub.web.access import needs
from hub.web.choices import ELIGIBILITY_NAMES, STAGE_NAMES
from hub.web.context import actor, now, session
from hub.web.language import name_of
from hub.web.search_state import SearchState
from hub.web.why import own_solutions
from hub.web.words import _

bp = Blueprint("listing", __name__)

SIMILAR = 3
CALL_PROMPTS = (
    "vision",
    "problem",
    "tried",
    "offered",
    "wanted",
    "details",
    "eligibility",
    "contact_policy",
)
SOLUTION_PROMPTS = ("solves", "brings", "asks_text", "evidence")


@bp.get("/calls/<int:id_>")
@needs("call.read", Call)
def call(call: Call) -> ResponseReturnValue:
    """A call."""
    return call_page(call)


@bp.get("/solutions/<int:id_>")
@needs("solution.read", Solution)
def solution(solution: Solution) -> ResponseReturnValue:
    """A solution."""
    return solution_page(solution)


@dataclass(frozen=True, slots=True)
class Link:
    """A link with its words."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the text; `id` is its anchor."""

    id: str
    title: str
    text: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """What both kinds of page show."""

    title: str
    summary: str
    status: present.Status
    is_public: bool
    owner: Link
    owner_note: str
    themes: Sequence[Link]
    sections: Sequence[Section]
    tools: Sequence[Link]
    similar: Sequence[present.CallCard]
    more: Link | None
    version: int
    published_at: datetime | None
    updated_at: datetime
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage(ListingPage):
    """A call as its page shows it."""

    kind: str
    kind_note: str
    department: str
    opens_at: datetime | None
    closes_at: datetime | None
    closed_at: datetime | None
    changes: Sequence[rows.DeadlineChange]
    budget: str
    budget_note: str
    offers: Sequence[str]
    conditions: Sequence[str]
    town: Link | None
    place: str
    few: str
    ours: Sequence[Solution]
    why_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SolutionPage(ListingPage):
    """A solution as its page shows it."""

    stage: str
    areas: Sequence[str]
    asks: Sequence[str]
    kinds: Sequence[str]
    website: str


def call_page(call: Call, template: str = "listing/call.html", **extra: Any) -> ResponseReturnValue:
    """Render a call as everyone sees it; `extra` is for templates that build on the page."""
    kind = present.vocabulary().kinds.get(call.kind)
    page = CallPage(
        **_shared(call, "call", _sections(call, CALL_LABELS, CALL_PROMPTS)),
        kind=name_of(kind) if kind else "",
        kind_note=present.kind_note(kind) if kind else "",
        department=call.department,
        opens_at=call.opens_at,
        closes_at=call.closes_at,
        closed_at=call.closed_at,
        changes=rows.deadline_changes(session(), call) if call.published_at else (),
        budget=present.budget_words(call),
        budget_note=call.budget_note,
        offers=present.offer_names(call.offers),
        conditions=[
            _(name) for key, name in ELIGIBILITY_NAMES.items() if key in call.eligibility_codes
        ],
        town=_town(call),
        place=call.place,
        few=_few(call),
        ours=own_solutions(actor()) if call.state == "published" else (),
        why_url=url_for("why.ask", id_=call.id),
    )
    return _render(template, page, call, extra)


def solution_page(
    solution: Solution, template: str = "listing/solution.html", **extra: Any
) -> ResponseReturnValue:
    """Render a solution as everyone sees it; `extra` is for templates that build on the page."""
    page = SolutionPage(
        **_shared(solution, "solution", _sections(solution, SOLUTION_LABELS, SOLUTION_PROMPTS)),
        stage=_(STAGE_NAMES[solution.stage]) if solution.stage else "",
        areas=[present.prefecture_name(code) for code in sorted(solution.areas)],
        asks=present.offer_names(solution.asks),
        kinds=present.kind_names(solution.kinds),
        website=solution.organisation.website,
    )
    return _render(template, page, solution, extra)


def _render(
    template: str, page: ListingPage, row: Call | Solution, extra: dict[str, Any]
) -> ResponseReturnValue:
    description = present.shortened(page.summary or page.title, present.SNIPPET)
    return render_template(
        template, page=page, listing=row, nav=row.subject, description=description, **extra
    )


def _shared(row: Call | Solution, subject: str, sections: list[Section]) -> dict[str, Any]:
    themes = list(row.themes)
    return {
        "title": row.title or _("（題名なし）"),
        "summary": row.summary,
        "status": present.status_of(row, now()),
        "is_public": row.state in ("published", "closed"),
        "owner": Link(
            present.organisation_name(row.organisation), present.organisation_url(row.organisation)
        ),
        "owner_note": _owner_note(row.organisation),
        "themes": _theme_links(themes, subject),
        "sections": sections,
        "tools": _tools(row),
        "similar": [present.call_card(call) for call in _similar(row, themes)],
        "more": Link(_("この分野の募集をすべて見る"), _about(themes).url) if themes else None,
        "version": row.version,
        "published_at": row.published_at,
        "updated_at": row.updated_at,
        "address": url_for(f"listing.{subject}", id_=row.id, lang=None, _external=True),
    }


def _owner_note(organisation: Organisation) -> str:
    place = present.place_of(organisation)
    if place is None:
        return ""
    if organisation.kind == "municipality":
        return present.place_note(place)
    return present.place_name(place)


def _sections(row: Any, labels: dict[str, str], names: Iterable[str]) -> list[Section]:
    """What was written under each prompt; empty ones are left out."""
    return [
        Section(name, _(labels[name]), present.linked(getattr(row, name)))
        for name in names
        if getattr(row, name)
    ]


def _theme_links(keys: Sequence[str], target: str) -> list[Link]:
    names = present.theme_names(keys)
    return [
        Link(name, SearchState(target=target, filters={"theme": (key,)}).url)
        for key, name in zip(keys, names, strict=True)
    ]


def _about(themes: Sequence[str]) -> SearchState:
    return SearchState(filters={"status": ("open",), "theme": tuple(themes)})


def _similar(row: Call | Solution, themes: Sequence[str]) -> Sequence[Call]:
    """Open calls: those that fit a solution best; else those that share most
    themes, nearest deadline first."""
    if isinstance(row, Solution):
        fitting = matches.for_solution(session(), row, now=now(), limit=SIMILAR)
        if fitting:
            wanted = select(Call).where(Call.id.in_([match.call_id for match in fitting]))
            by_id = {call.id: call for call in rows.calls(session(), wanted)}
            return [by_id[match.call_id] for match in fitting]
    shared = (
        select(CallTheme.call_id, func.count().label("number"))
        .where(CallTheme.key.in_(themes))
        .group_by(CallTheme.call_id)
        .subquery()
    )
    found = rows.open_calls(now()).join(shared, shared.c.call_id == Call.id)
    if isinstance(row, Call):
        found = found.where(Call.id != row.id)
    closest = found.order_by(shared.c.number.desc())
    return rows.calls(session(), rows.in_time_order(closest).limit(SIMILAR))


def _few(call: Call) -> str:
    """A hint that few firms have answered the call."""
    count = hints.few_proposals(session(), [call], now()).get(call.id)
    if count is None:
        return ""
    if count == 0:
        return _("応募がまだ少ない募集です。ここで「提案した」と答えた企業は、まだありません。")
    return _(
        "応募がまだ少ない募集です。ここで「提案した」と答えた企業は%(count)s社です。", count=count
    )


def _town(call: Call) -> Link | None:
    """Where it takes place, when that is not the whole area of whoever posted it."""
    town = call.municipality
    if town is None or town.code == call.organisation.municipality_code:
        return None
    return Link(present.full_place_name(town), url_for("town.show", code=town.code))


_TOOLS = {
    "edit": (N_("編集"), "{}_editing.edit"),
    "preview": (N_("確認画面"), "{}_editing.preview"),
    "matches": (N_("マッチ"), "my.{}_matches"),
}


def _tools(row: Call | Solution) -> list[Link]:
    """What members may do from here."""
    if actor() is None:
        return []
    return [
        Link(_(label), url_for(endpoint.format(row.subject), id_=row.id))
        for verb, (label, endpoint) in _TOOLS.items()
        if allowed(actor(), f"{row.subject}.{verb}", row)
    ]

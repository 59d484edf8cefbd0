"""The public page of a company or an intermediary."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hub.models.listing import Solution
from hub.models.organisation import Organisation, Partner
from hub.models.reference import Municipality, Prefecture
from hub.policy import allowed
from hub.web import present, rows
from hub.web.access import needs
from hub.web.choices import KIND_NAMES, LEGAL_FORM_NAMES
from hub.web.context import actor, now, session
from hub.web.words import _

bp = Blueprint("organisation", __name__)


@dataclass(frozen=True, slots=True)
class OrganisationPage:
    """What an organisation says of itself. Its size is not shown and not known here."""

    name: str
    name_kana: str
    kind: str
    legal_form: str
    place: str
    corporate_number: str
    about: str
    website: str
    join_url: str
    enter_url: str


@bp.get("/organisations/<int:id_>")
@needs("organisation.read", Organisation)
def show(organisation: Organisation) -> ResponseReturnValue:
    """A company with its solutions, or an intermediary with its towns."""
    if organisation.body_code:
        return redirect(present.organisation_url(organisation), 303)
    intermediary = organisation.kind == "intermediary"
    return render_template(
        "organisation/show.html",
        page=_page(organisation),
        intermediary=intermediary,
        solutions=[] if intermediary else _solutions(organisation),
        towns=_towns(organisation) if intermediary else [],
        calls=present.partner_calls(organisation) if intermediary else [],
    )


def _page(organisation: Organisation) -> OrganisationPage:
    may_join = allowed(actor(), "organisation.join", organisation)
    may_enter = allowed(actor(), "organisation.enter", organisation)
    place = organisation.prefecture
    return OrganisationPage(
        name=organisation.name,
        name_kana=organisation.name_kana,
        kind=_(KIND_NAMES[organisation.kind]),
        legal_form=_(LEGAL_FORM_NAMES[organisation.legal_form]) if organisation.legal_form else "",
        place=present.place_name(place) if place else "",
        corporate_number=organisation.corporate_number or "",
        about=organisation.about,
        website=organisation.website,
        join_url=url_for("my.join", id_=organisation.id) if may_join else "",
        enter_url=url_for("my.organisation", id_=organisation.id) if may_enter else "",
    )


def _solutions(organisation: Organisation) -> list[present.SolutionCard]:
    offered = (
        select(Solution)
        .where(Solution.organisation_id == organisation.id, Solution.state == "published")
        .order_by(Solution.published_at.desc(), Solution.id.desc())
        .limit(rows.SCAN)
    )
    return [present.solution_card(row) for row in rows.solutions(session(), offered)]


def _towns(intermediary: Organisation) -> list[dict[str, Any]]:
    """The municipalities and prefectures it works with, in the order of their codes."""
    codes = session().scalars(
        select(Partner.body_code).where(Partner.intermediary_id == intermediary.id)
    )
    wanted = sorted(codes)
    towns = session().scalars(
        select(Municipality)
        .options(joinedload(Municipality.prefecture))
        .where(Municipality.code.in_(wanted))
    )
    places: dict[str, Municipality | Prefecture] = {row.code: row for row in towns}
    places |= {row.body_code: row for row in present.vocabulary().prefectures.values()}
    counts = rows.open_counts(session(), now(), rows.town_code)
    return [
        {
            "name": present.full_place_name(places[code]),
            "url": url_for("town.show", code=code),
            "count": counts.get(code, 0),
        }
        for code in wanted
        if code in places
    ]

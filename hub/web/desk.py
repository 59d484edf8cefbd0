"""Desks as everyone reads them: their page, and as cards on town pages and in help."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from sqlalchemy import Select, not_, select
from sqlalchemy.orm import contains_eager, joinedload

from hub.domain import desks
from hub.domain.desks import LABELS
from hub.models.desk import Desk
from hub.models.organisation import Organisation
from hub.models.reference import Municipality
from hub.policy import allowed
from hub.web import present
from hub.web.access import needs
from hub.web.context import actor, now, session
from hub.web.forms import sentence
from hub.web.words import _

bp = Blueprint("desk", __name__)

LINE = 90  # characters of what a desk takes, on a card


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskCard:
    """What desk_card draws."""

    url: str
    name: str
    town: str
    department: str
    takes: str
    reply: str
    status: present.Status
    pause: str


@bp.get("/desks/<int:id_>")
@needs("desk.read", Desk)
def show(desk: Desk) -> ResponseReturnValue:
    """A desk; its members also see what is missing and the buttons."""
    edits = allowed(actor(), "desk.edit", desk)
    card = desk_card(desk)
    return render_template(
        "desk/show.html",
        desk=desk,
        card=card,
        owner_url=present.organisation_url(desk.organisation),
        takes=present.linked(desk.takes),
        rules=present.linked(desk.rules),
        labels={name: _(label) for name, label in LABELS.items()},
        phone_url=f"tel:{''.join(c for c in desk.phone if c.isdigit())}",
        unready=[sentence(problem) for problem in desks.unready(desk)] if edits else [],
        description=present.shortened(desk.takes, present.SNIPPET),
        nav="towns",
    )


def desk_card(desk: Desk) -> DeskCard:
    """The card of a desk; a paused one says so, why, and until when."""
    paused = desks.is_paused(desk, now())
    status = present.Status("open", _("受付中"))
    if desk.state == "draft":
        status = present.Status("draft", _("下書き"))
    elif paused:
        status = present.Status("closed", _("休止中"))
    return DeskCard(
        url=url_for("desk.show", id_=desk.id),
        name=desk.name or _("（題名なし）"),
        town=present.organisation_name(desk.organisation),
        department=desk.department,
        takes=present.shortened(desk.takes, LINE),
        reply=reply_words(desk.reply_days),
        status=status,
        pause=_pause(desk.pause_reason, desk.paused_until) if paused else "",
    )


def reply_words(days: int | None) -> str:
    """The promise: 10営業日以内."""
    return "" if days is None else _("%(count)s営業日以内", count=days)


def _pause(reason: str, until: date | None) -> str:
    if until is None:
        return reason
    day = format_date(until, _("y年M月d日（E）"))  # a pattern of CLDR
    return _("%(reason)s（%(day)sまで）", reason=reason, day=day)


def of_town(body_code: str) -> list[DeskCard]:
    """The public desks of a municipality or prefecture, those that take proposals first."""
    resting = not_(desks.taking(now()))
    found = session().scalars(
        _public().where(Organisation.body_code == body_code).order_by(resting, Desk.id)
    )
    return [desk_card(desk) for desk in found]


def taking_in(prefectures: Collection[str], limit: int) -> list[DeskCard]:
    """Desks that take proposals now in these prefectures, the prefectures' own first."""
    if not prefectures:
        return []
    found = (
        session()
        .scalars(
            _public()
            .where(Organisation.prefecture_code.in_(prefectures), desks.taking(now()))
            .order_by(Desk.id)
        )
        .all()
    )
    turn = sorted(
        found,
        key=lambda desk: (desk.organisation.municipality_code is not None, desks.turn(desk, now())),
    )
    return [desk_card(desk) for desk in turn[:limit]]


def _public() -> Select[Desk]:
    place = joinedload(Organisation.municipality).joinedload(Municipality.prefecture)
    owner = contains_eager(Desk.organisation)
    return (
        select(Desk)
        .join(Desk.organisation)
        .where(Desk.state == "published", Organisation.verified_at.is_not(None))
        .options(owner.options(place, joinedload(Organisation.prefecture)))
    )

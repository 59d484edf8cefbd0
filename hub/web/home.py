"""The front page: the search first, then what is open now."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import pgettext
from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from hub.domain.status import open_at
from hub.models.listing import Call, CallTheme, Solution
from hub.models.reference import Prefecture
from hub.web import present, rows
from hub.web.access import public
from hub.web.context import now, session
from hub.web.search_state import SearchState
from hub.web.words import _

bp = Blueprint("home", __name__)

SHOWN = 3
THEMES_SHOWN = 6


@bp.get("/")
@public
def show() -> ResponseReturnValue:
    """Search, counts, what closes soon, what is new, where, and the ways in."""
    soon = rows.calls(
        session(),
        rows.in_time_order(rows.open_calls(now()).where(Call.closes_at.is_not(None))).limit(SHOWN),
    )
    already = [call.id for call in soon]
    new = rows.calls(
        session(), rows.newest_of_each(Call, open_at(now()) & Call.id.not_in(already), SHOWN)
    )
    solutions = rows.solutions(
        session(), rows.newest_of_each(Solution, Solution.state == "published", SHOWN)
    )
    counts = _counts(session())
    return render_template(
        "home/show.html",
        scope=[
            {"value": "call", "label": _("募集"), "current": True},
            {"value": "solution", "label": _("ソリューション"), "current": False},
        ],
        words=_words(session()),
        figures=_figures(counts),
        soon=[present.call_card(call) for call in soon],
        new=[present.call_card(call) for call in new],
        solutions=[present.solution_card(solution) for solution in solutions],
        prefectures=prefecture_tiles(session(), _open_calls_url),
        open_url=SearchState(filters={"status": ("open",)}).url,
        description=_("自治体の募集と企業のソリューションが出会う場です。だれでも無料で読めます。"),
    )


def _counts(reader: Session) -> dict[str, int]:
    """Open calls, towns that have one, solutions on offer, and companies that offer one."""
    calls = select(func.count(Call.id), func.count(distinct(Call.organisation_id))).where(
        open_at(now())
    )
    offered = select(func.count(Solution.id), func.count(distinct(Solution.organisation_id))).where(
        Solution.state == "published"
    )
    names = ("calls", "towns", "solutions", "companies")
    return dict(
        zip(names, (*reader.execute(calls).one(), *reader.execute(offered).one()), strict=True)
    )


def _figures(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "value": f"{counts['calls']:,}",
            "unit": pgettext("counter", "件"),
            "label": _("受付中の募集"),
            "url": SearchState(filters={"status": ("open",)}).url,
        },
        {
            "value": f"{counts['towns']:,}",
            "unit": pgettext("counter", "団体"),
            "label": _("募集している自治体"),
            "url": url_for("town.index"),
        },
        {
            "value": f"{counts['solutions']:,}",
            "unit": pgettext("counter", "件"),
            "label": _("ソリューション"),
            "url": SearchState(target="solution").url,
        },
        {
            "value": f"{counts['companies']:,}",
            "unit": pgettext("counter", "団体"),
            "label": _("参加する企業・団体"),
        },
    ]


def _words(reader: Session) -> list[dict[str, str]]:
    """The themes that most open calls are about, as searches."""
    counted = (
        select(CallTheme.key, func.count())
        .join(Call, Call.id == CallTheme.call_id)
        .where(open_at(now()))
        .group_by(CallTheme.key)
    )
    themes = present.vocabulary().themes
    totals: dict[str, int] = {}
    for key, count in reader.execute(counted):
        first = themes[key].parent_key or key
        totals[first] = totals.get(first, 0) + count
    most = sorted(totals, key=lambda key: (-totals[key], themes[key].position))[:THEMES_SHOWN]
    return [
        {
            "label": present.theme_names([key])[0],
            "url": SearchState(filters={"theme": (key,)}).url,
        }
        for key in most
    ]


def prefecture_tiles(
    reader: Session, url: Callable[[Prefecture, int], str]
) -> list[dict[str, Any]]:
    """Prefectures with their open calls for the map; `url` says where a tile leads, if anywhere."""
    counts = rows.open_counts(reader, now(), rows.prefecture_code)
    return [
        {
            "code": code,
            "name": present.short_prefecture_name(row),
            "count": counts.get(code, 0),
            "url": url(row, counts.get(code, 0)),
        }
        for code, row in present.vocabulary().prefectures.items()
    ]


def _open_calls_url(prefecture: Prefecture, count: int) -> str:
    filters = {"status": ("open",), "prefecture": (prefecture.code,)}
    return SearchState(filters=filters).url if count else ""

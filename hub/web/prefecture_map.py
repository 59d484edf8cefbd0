"""The open calls of a search by prefecture: as a map, and the same figures as tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hub.models.reference import Prefecture
from hub.web import present, search_asking
from hub.web.access import public
from hub.web.language import name_of
from hub.web.search import refused
from hub.web.search_facets import Values, chips
from hub.web.search_outputs import MAP_ORDERS, map_pairs, map_url, mapped
from hub.web.search_state import FIELDS, SWITCHES, SearchState, Unreadable, read
from hub.web.search_title import subject
from hub.web.words import _
from search.documents import UNSTATED
from search.index import IndexUnavailable

bp = Blueprint("map", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A prefecture or a region with its open calls; `url` is empty where there are none."""

    code: str
    name: str
    region: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The open calls of a search by place, and in all."""

    prefectures: Sequence[Row]
    regions: Sequence[Row]
    total: int


@bp.get("/map")
@public
def show() -> ResponseReturnValue:
    """The map, its tables, and what of the search it keeps."""
    values = Values()
    try:
        state = asked(values)
    except Unreadable as error:
        return refused(_(error.message, **error.values), 400)
    order = request.args.get("order", "code")
    here = map_url(state, order=order)
    if not _is_clean(state, order):
        return redirect(here, 301)
    try:
        found = figures(state, order=order)
    except IndexUnavailable as error:
        current_app.logger.error("search is away: %s", error)
        return refused(_("いま検索を使えません。1分ほど待ってから、もう一度お試しください"), 503)
    rest = state.choosing("status", ())
    return render_template(
        "search/map.html",
        state=state,
        here=here,
        heading=_(
            "%(subject)sの地図（受付中 %(count)s件）",
            subject=subject(rest, values),
            count=found.total,
        ),
        found=found,
        tiles=_tiles(found.prefectures),
        chips=chips(rest, values, map_url),
        clear_url=map_url(rest.cleared()),
        hidden={k: v for k, v in rest.beside_words().items() if k in FIELDS["call"]},
        orders={name: map_url(state, order=name) for name in MAP_ORDERS},
        order=order,
        csv_url=map_url(state, "exports.map_csv", bom="1"),
        nav="call",
        description=_("自治体の募集を、都道府県の地図と表で見られます。登録はいりません。"),
    )


def asked(values: Values) -> SearchState:
    """What of this request's search a map can show: open calls, wherever they are.

    Raises Unreadable.
    """
    return mapped(read(request.args, values.known))


def _is_clean(state: SearchState, order: str) -> bool:
    names = ("q", "target", "sort", "page", "order", *SWITCHES, *FIELDS["call"])
    given = [pair for pair in request.args.items(multi=True) if pair[0] in names]
    return given == map_pairs(state, order)


def figures(state: SearchState, *, order: str = "code") -> Figures:
    """Count the open calls by place. Raises IndexUnavailable."""
    result = search_asking.result(state, limit=1)
    counts = result.facets.get("prefecture", {})
    rows = list(_prefectures(state, counts))
    regions = list(_regions(state, rows))
    if order == "count":
        rows.sort(key=lambda row: -row.count)
    return Figures(rows, regions, result.total)


def _prefectures(state: SearchState, counts: Mapping[str, int]) -> Iterator[Row]:
    for code, prefecture in present.vocabulary().prefectures.items():
        region = name_of(prefecture.region)
        yield _row(state, code, present.place_name(prefecture), region, counts.get(code, 0), code)
    if counts.get(UNSTATED):
        yield _row(state, "", _("記載なし"), "", counts[UNSTATED], UNSTATED)


def _regions(state: SearchState, rows: Sequence[Row]) -> Iterator[Row]:
    """Subtotals, in the order of the regions."""
    prefectures = present.vocabulary().prefectures
    groups: dict[str, list[Prefecture]] = {}
    for prefecture in sorted(prefectures.values(), key=lambda row: (row.region.position, row.code)):
        groups.setdefault(name_of(prefecture.region), []).append(prefecture)
    counts = {row.code: row.count for row in rows}
    for name, members in groups.items():
        codes = [prefecture.code for prefecture in members]
        yield _row(state, "", name, "", sum(counts[code] for code in codes), *codes)


def _row(state: SearchState, code: str, name: str, region: str, count: int, *values: str) -> Row:
    narrowed = state.choosing("prefecture", values)
    return Row(code, name, region, count, narrowed.url if count else "")


def _tiles(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The map's tiles, in the order of their codes."""
    prefectures = present.vocabulary().prefectures
    return [
        {
            "code": row.code,
            "name": present.short_prefecture_name(prefectures[row.code]),
            "count": row.count,
            "url": row.url,
        }
        for row in sorted(rows, key=lambda row: row.code)
        if row.code
    ]

"""A page for every municipality and prefecture of Japan, whether it has joined or not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager

from hub.domain.inputs import clean_line
from hub.domain.status import open_at
from hub.domain.town_search import towns_named, typed
from hub.models.listing import Call
from hub.models.organisation import Organisation, Partner
from hub.models.reference import Municipality, Prefecture
from hub.policy import allowed
from hub.web import present, rows
from hub.web.access import public
from hub.web.context import actor, now, session
from hub.web.desk import of_town
from hub.web.home import prefecture_tiles
from hub.web.language import chosen, name_of
from hub.web.search_state import SearchState
from hub.web.words import _
from search.analysis import fold
from search.documents import serving

bp = Blueprint("town", __name__)

Place = Municipality | Prefecture
MOST_FOUND = 100
NAME_MAX = 50
PAST = 10
NEARBY = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in a list: name, reading, and its open calls."""

    name: str
    note: str
    url: str
    count: int


@dataclass(frozen=True, slots=True)
class Part:
    """A titled list of places."""

    title: str
    entries: Sequence[Entry]


@bp.get("/towns")
@public
def index() -> ResponseReturnValue:
    """Prefectures by region with their open calls, and a search by name or reading."""
    text = clean_line(request.args.get("name", ""))[:NAME_MAX]
    found, total = _found(text) if text else ([], 0)
    return render_template(
        "town/index.html",
        text=text,
        found=found,
        total=total,
        regions=[] if text else _regions(),
        tiles=[] if text else prefecture_tiles(session(), lambda row, _count: _url(row)),
        nav="towns",
    )


@bp.get("/towns/<code>")
@public
def show(code: str) -> ResponseReturnValue:
    """One municipality or prefecture, by its six-digit code."""
    if re.fullmatch("[0-9]{2}", code) and code in present.vocabulary().prefectures:
        body_code = present.vocabulary().prefectures[code].body_code
        return redirect(url_for("town.show", code=body_code), 301)
    place = find(code)
    if place is None:
        abort(404)
    organisation = session().scalar(select(Organisation).where(Organisation.body_code == code))
    here = rows.calls_of_town(code)
    opened, upcoming = _running(here)
    return render_template(
        "town/show.html",
        town=_town(place, code),
        standing=_standing(organisation, code),
        desks=of_town(code),
        open=[present.call_card(call) for call in opened],
        upcoming=[present.call_card(call) for call in upcoming],
        past=_past(here),
        nearby=_nearby(place) if isinstance(place, Prefecture) or not opened else [],
        partners=_partners(code),
        parts=_municipalities(place) if isinstance(place, Prefecture) else [],
        nav="towns",
    )


def find(code: str) -> Place | None:
    """The municipality or prefecture with a six-digit code."""
    if not re.fullmatch("[0-9]{6}", code):
        return None
    prefectures = present.vocabulary().prefectures.values()
    return session().get(Municipality, code) or next(
        (row for row in prefectures if row.body_code == code), None
    )


def _url(place: Place) -> str:
    code = place.code if isinstance(place, Municipality) else place.body_code
    return url_for("town.show", code=code)


# --- The list -----------------------------------------------------------------------------------


def _regions() -> list[Part]:
    counts = rows.open_counts(session(), now(), rows.prefecture_code)
    prefectures = sorted(
        present.vocabulary().prefectures.values(), key=lambda row: (row.region.position, row.code)
    )
    parts: dict[str, list[Entry]] = {}
    for row in prefectures:
        parts.setdefault(name_of(row.region), []).append(_entry(row, counts, row.code))
    return [Part(title, entries) for title, entries in parts.items()]


def _entry(place: Place, counts: Mapping[str, int], code: str, *, full: bool = False) -> Entry:
    name = present.full_place_name(place) if full else present.place_name(place)
    return Entry(name, present.place_note(place), _url(place), counts.get(code, 0))


def _found(text: str) -> tuple[list[Entry], int]:
    """Places of that name or reading, a prefecture's own entry first; and how many there are."""
    wanted, reading = typed(text)
    if not wanted:
        return [], 0
    prefectures = [
        row for row in present.vocabulary().prefectures.values() if _is_called(row, wanted, reading)
    ]
    named = towns_named(text)
    count = session().scalar(select(func.count()).select_from(named.order_by(None).subquery()))
    towns = session().scalars(
        named.options(contains_eager(Municipality.prefecture)).limit(MOST_FOUND)
    )
    counts = rows.open_counts(session(), now(), rows.prefecture_code)
    by_town = rows.open_counts(session(), now(), rows.town_code)
    found = [_entry(row, counts, row.code) for row in prefectures]
    found += [_entry(row, by_town, row.code, full=True) for row in towns]
    return found[:MOST_FOUND], len(prefectures) + (count or 0)


def _is_called(prefecture: Prefecture, wanted: str, reading: str) -> bool:
    return (
        wanted in fold(prefecture.name)
        or prefecture.kana.startswith(reading)
        or prefecture.name_en.lower() == wanted
    )


# --- One place ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Town:
    """The place itself."""

    name: str
    kana: str  # as ruby; empty where the name is not in Japanese
    other_name: str  # the Japanese name, where the name is not in Japanese
    above: str  # its prefecture, or a prefecture's region
    above_url: str
    is_prefecture: bool
    search_url: str
    solutions_url: str
    past_url: str


def _town(place: Place, code: str) -> Town:
    municipal = isinstance(place, Municipality)
    prefecture = place.prefecture if isinstance(place, Municipality) else place
    english = chosen() == "en"
    within = {"municipality": (code,)} if municipal else {"prefecture": (prefecture.code,)}
    return Town(
        name=present.place_name(place),
        kana="" if english else place.kana,
        other_name=present.place_note(place) if english else "",
        above=present.place_name(prefecture) if municipal else name_of(prefecture.region),
        above_url=_url(prefecture) if municipal else url_for("town.index"),
        is_prefecture=not municipal,
        search_url=SearchState(filters=within).url,
        solutions_url=SearchState(
            target="solution", filters={"prefecture": serving([prefecture.code])}
        ).url,
        past_url=SearchState(filters={"status": ("closed",)} | within).url,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the municipality itself is here: state is "confirmed", "waiting" or "absent"."""

    state: str
    verified_at: datetime | None
    about: str
    website: str
    join_url: str
    may_join: bool


def _standing(organisation: Organisation | None, code: str) -> Standing:
    if organisation is None:
        url = url_for("my.new_organisation", kind="municipality", body_code=code)
        return Standing("absent", None, "", "", url, False)
    confirmed = organisation.verified_at is not None  # before that anybody may have written it
    return Standing(
        state="confirmed" if confirmed else "waiting",
        verified_at=organisation.verified_at,
        about=organisation.about if confirmed else "",
        website=organisation.website if confirmed else "",
        join_url=url_for("my.join", id_=organisation.id),
        may_join=allowed(actor(), "organisation.join", organisation),
    )


def _running(here: Select[Any]) -> tuple[list[Call], list[Call]]:
    """Calls that are open, and those that will be, nearest deadline first."""
    is_open = open_at(now())
    opened, upcoming = (
        rows.calls(session(), rows.in_time_order(here.where(*which)).limit(rows.SCAN))
        for which in ((is_open,), (~rows.is_over(now()), ~is_open))
    )
    return list(opened), list(upcoming)


def _past(here: Select[Any]) -> list[dict[str, Any]]:
    """The calls that ended last."""
    over = here.where(rows.is_over(now())).order_by(rows.ended_at.desc(), Call.id.desc())
    found = session().execute(
        over.with_only_columns(Call.id, Call.title, rows.ended_at).limit(PAST)
    )
    return [
        {"title": title, "url": url_for("listing.call", id_=id_), "ended_at": ended_at}
        for id_, title, ended_at in found
    ]


def _nearby(place: Place) -> list[present.CallCard]:
    """Open calls of others in the same prefecture."""
    code = place.prefecture_code if isinstance(place, Municipality) else place.code
    body_code = place.code if isinstance(place, Municipality) else place.body_code
    found = rows.open_calls(now()).where(
        rows.within(code), Organisation.body_code.is_distinct_from(body_code)
    )
    near = rows.calls(session(), rows.in_time_order(found).limit(NEARBY))
    return [present.call_card(call) for call in near]


def _partners(code: str) -> list[dict[str, str]]:
    """Intermediaries that work with the place."""
    found = session().scalars(
        select(Organisation)
        .join(Partner, Partner.intermediary_id == Organisation.id)
        .where(Partner.body_code == code)
        .order_by(Organisation.name, Organisation.id)
    )
    return [{"name": row.name, "url": present.organisation_url(row)} for row in found]


def _municipalities(prefecture: Prefecture) -> list[Part]:
    """Its municipalities, with their open calls."""
    towns = session().scalars(
        select(Municipality)
        .where(Municipality.prefecture_code == prefecture.code)
        .order_by(Municipality.code)
    )
    counts = rows.open_counts(session(), now(), rows.town_code, rows.within(prefecture.code))
    return [Part(_("市区町村"), [_entry(row, counts, row.code) for row in towns])]

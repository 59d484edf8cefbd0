"""Rows as cards and pages show them: plain data in the reader's words, without a query per row.

The cards are what `templates/components/cards.html` draws. Rows must come with
their parts loaded (`hub.web.rows`); names of themes, offers, kinds and prefectures are read once
for each request.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, url_for
from flask_babel import format_date
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hub.clock import to_jst
from hub.domain.closing import closing
from hub.domain.inputs import format_money
from hub.domain.status import status
from hub.models.listing import NATIONWIDE, Call, Solution
from hub.models.organisation import Organisation, Partner
from hub.models.reference import CallKind, Municipality, Offer, Prefecture, Theme
from hub.web import rows
from hub.web.choices import BUDGETS, ELIGIBILITY_NAMES, STAGE_NAMES
from hub.web.context import now, session
from hub.web.language import chosen, name_of
from hub.web.words import _

SNIPPET = 120  # characters
LINE = 60  # characters of a one-line fact on a card
MOST_AREAS = 4  # prefectures named before the rest is counted

Pieces = Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The reference rows by their keys."""

    themes: Mapping[str, Theme]
    offers: Mapping[str, Offer]
    kinds: Mapping[str, CallKind]
    prefectures: Mapping[str, Prefecture]


def vocabulary() -> Vocabulary:
    """The reference rows, read once for each request."""
    if "vocabulary" not in g:
        prefectures = select(Prefecture).options(joinedload(Prefecture.region))
        g.vocabulary = Vocabulary(
            themes={row.key: row for row in session().scalars(_ordered(Theme))},
            offers={row.key: row for row in session().scalars(_ordered(Offer))},
            kinds={row.key: row for row in session().scalars(_ordered(CallKind))},
            prefectures={
                row.code: row for row in session().scalars(prefectures.order_by(Prefecture.code))
            },
        )
    found: Vocabulary = g.vocabulary
    return found


def _ordered(model: Any) -> Any:
    return select(model).order_by(model.position)


# --- Words --------------------------------------------------------------------------------------


def theme_names(keys: Iterable[str]) -> list[str]:
    """Names of themes."""
    themes = vocabulary().themes
    return [name_of(themes[key]) for key in keys]


def offer_names(keys: Iterable[str]) -> list[str]:
    """Names of offers or asks."""
    offers = vocabulary().offers
    return [name_of(offers[key]) for key in keys]


def kind_names(keys: Iterable[str]) -> list[str]:
    """Names of kinds of call; an empty key of a draft is left out."""
    kinds = vocabulary().kinds
    return [name_of(kinds[key]) for key in keys if key in kinds]


def prefecture_name(code: str) -> str:
    """Name of a prefecture, or 全国."""
    if code == NATIONWIDE:
        return _("全国")
    return place_name(vocabulary().prefectures[code])


def short_prefecture_name(prefecture: Prefecture) -> str:
    """The name without its last word, for a map: 宮城, 東京, 北海道; in English Miyagi."""
    if chosen() == "en" or prefecture.name == "北海道":
        return place_name(prefecture)
    return prefecture.name[:-1]


def kind_note(kind: CallKind) -> str:
    """What a kind of call means, in one sentence."""
    return kind.description_en if chosen() == "en" else kind.description_ja


def place_name(place: Prefecture | Municipality) -> str:
    """The name alone: 宮城県, 石巻市; in English Miyagi, Ishinomaki."""
    if chosen() != "en":
        return place.name
    return place.name_en if isinstance(place, Prefecture) else place.romaji.capitalize()


def full_place_name(place: Prefecture | Municipality) -> str:
    """The name with its prefecture: 宮城県石巻市; in English Ishinomaki, Miyagi."""
    if isinstance(place, Prefecture):
        return place_name(place)
    if chosen() != "en":
        return place.full_name
    return f"{place_name(place)}, {place_name(place.prefecture)}"


def place_note(place: Prefecture | Municipality) -> str:
    """What helps to read the name: its kana, or in English the Japanese name."""
    if chosen() != "en":
        return place.kana
    return place.full_name if isinstance(place, Municipality) else place.name


def place_of(organisation: Organisation) -> Prefecture | Municipality | None:
    """The municipality or prefecture that an organisation is, or where it has its seat."""
    return organisation.municipality or organisation.prefecture


def organisation_name(organisation: Organisation) -> str:
    """The name to show; a municipality always with its prefecture."""
    place = place_of(organisation)
    if organisation.kind == "municipality" and place is not None:
        return full_place_name(place)
    return organisation.name


def budget_words(call: Call) -> str:
    """The money of a call in words: なし（双方持ち出し）, 委託（300万円まで）."""
    words = _(BUDGETS[call.budget_kind])
    if call.budget_max_yen is None:
        return words
    amount = _("%(amount)sまで", amount=format_money(call.budget_max_yen, chosen()))
    return _("%(words)s（%(amount)s）", words=words, amount=amount)


def who_words(call: Call) -> str:
    """Who may apply, in one line."""
    codes = [
        _(ELIGIBILITY_NAMES[key]) for key in ELIGIBILITY_NAMES if key in call.eligibility_codes
    ]
    if codes:
        return _("、").join(codes)
    return shortened(_first_sentence(call.eligibility), LINE) or _("記載なし")


def areas_words(solution: Solution) -> str:
    """Where a solution can be delivered, in one line; empty when not stated."""
    names = [prefecture_name(code) for code in sorted(solution.areas)]
    words = _("、").join(names[:MOST_AREAS])
    if len(names) <= MOST_AREAS:
        return words
    return _("%(names)s ほか%(count)s都道府県", names=words, count=len(names) - MOST_AREAS)


def shortened(text: str, limit: int) -> str:
    """The text on one line, cut after `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit].rstrip()}…"


def _first_sentence(text: str) -> str:
    head, stop, _rest = text.partition("。")
    return head + stop


_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


def linked(text: str) -> Markup:
    """The text, escaped, with web addresses as links."""
    parts: list[Markup] = []
    at = 0
    for found in _URL.finditer(text):
        url = found[0].rstrip(".,;:!?)'")
        parts.append(escape(text[at : found.start()]))
        parts.append(Markup('<a href="{0}" rel="nofollow ugc noopener">{0}</a>').format(url))
        at = found.start() + len(url)
    parts.append(escape(text[at:]))
    return Markup("").join(parts)


# --- Status -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """A badge: `code` is its tone, `remaining` what the time left is, in words."""

    code: str
    label: str
    remaining: str = ""


def status_of(listing: Call | Solution, at: datetime) -> Status:
    """The status of a call or solution at a moment."""
    if listing.state == "draft":
        return Status("draft", _("下書き"))
    if listing.state == "archived":
        return Status("closed", _("捨てた下書き"))
    if isinstance(listing, Solution):
        closed = listing.state == "closed"
        return Status("closed", _("掲載終了")) if closed else Status("open", _("掲載中"))
    return _call_status(listing, at)


def _call_status(call: Call, at: datetime) -> Status:
    found = status(call, at)
    if found == "closed":
        return Status("closed", _("受付終了"))
    if found == "upcoming":
        assert call.opens_at is not None
        opens = to_jst(call.opens_at)
        day = format_date(opens.date(), _("M月d日から"))  # a pattern of CLDR
        return Status("upcoming", _("受付前"), day)
    if call.closes_at is None:
        return Status("standing", _("随時受付中"))
    return closing_status(call.closes_at, at)


def closing_status(closes_at: datetime, at: datetime) -> Status:
    """The status of something that is open until a deadline, in words: 本日17:15まで, あと3日."""
    left = closing(closes_at, at)
    if left.state == "closed":
        return Status("closed", _("受付終了"))
    if left.state == "today":
        return Status("today", _("受付中"), _("本日%(time)sまで", time=left.time))
    if left.state == "tomorrow":
        return Status("soon", _("受付中"), _("あす%(time)sまで", time=left.time))
    days = _("あと%(days)s日", days=left.days)
    if left.working is None or left.working == left.days:
        return Status("soon" if left.state == "soon" else "open", _("受付中"), days)
    return Status(
        "soon", _("受付中"), _("%(days)s（営業日%(count)s日）", days=days, count=left.working)
    )


def deadline_words(call: Call, at: datetime) -> str:
    """The deadline in one line of plain text: 2026年12月4日（金） 17:15、あと3日."""
    if call.closes_at is None:
        return _("締切なし")
    local = to_jst(call.closes_at)
    day = format_date(local.date(), _("y年M月d日（E）"))  # a pattern of CLDR
    words = f"{day} {local.strftime('%H:%M')}"
    left = status_of(call, at)
    return _("、").join((words, left.remaining or left.label))


# --- Cards --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCard:
    """What call_card draws."""

    url: str
    title: str
    pieces: Pieces = ()
    status: Status
    kind: str
    town: str
    town_kana: str
    department: str
    snippet: Pieces
    who: str
    budget: str
    offers: list[str]
    themes: list[str]
    deadline: datetime | None
    deadline_text: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolutionCard:
    """What solution_card draws."""

    url: str
    title: str
    pieces: Pieces = ()
    snippet: Pieces
    owner: str
    owner_note: str
    stage: str
    solves: str
    areas: str
    asks: list[str]
    themes: list[str]
    note: str = ""


def call_card(call: Call, *, pieces: Pieces = (), snippet: Pieces = ()) -> CallCard:
    """The card of a call; `pieces` and `snippet` are its title and text with marked words."""
    place = place_of(call.organisation)
    return CallCard(
        url=url_for("listing.call", id_=call.id),
        title=call.title,
        pieces=pieces,
        status=status_of(call, now()),
        kind="".join(kind_names([call.kind])),
        town=organisation_name(call.organisation),
        town_kana=place_note(place) if place else "",
        department=call.department,
        snippet=snippet or _plain(call.summary or call.problem),
        who=who_words(call),
        budget=budget_words(call),
        offers=offer_names(call.offers),
        themes=theme_names(call.themes),
        deadline=call.closes_at,
    )


def solution_card(solution: Solution, *, pieces: Pieces = (), snippet: Pieces = ()) -> SolutionCard:
    """The card of a solution. It shows no size and no form of company."""
    prefecture = solution.organisation.prefecture
    return SolutionCard(
        url=url_for("listing.solution", id_=solution.id),
        title=solution.title,
        pieces=pieces,
        snippet=snippet or _plain(solution.summary or solution.solves),
        owner=organisation_name(solution.organisation),
        owner_note=place_name(prefecture) if prefecture else "",
        stage=_(STAGE_NAMES[solution.stage]) if solution.stage else "",
        solves=shortened(_first_sentence(solution.solves), LINE) if solution.summary else "",
        areas=areas_words(solution),
        asks=offer_names(solution.asks),
        themes=theme_names(solution.themes),
    )


def organisation_url(organisation: Organisation) -> str:
    """Where an organisation is shown: a municipality on its town's page."""
    if organisation.body_code:
        return url_for("town.show", code=organisation.body_code)
    return url_for("organisation.show", id_=organisation.id)


def _plain(text: str) -> Pieces:
    return [(shortened(text, SNIPPET), False)] if text else ()


def partner_calls(intermediary: Organisation) -> list[CallCard]:
    """Open calls of the towns an intermediary works with, nearest deadline first."""
    towns = select(Partner.body_code).where(Partner.intermediary_id == intermediary.id)
    found = rows.open_calls(now()).where(Organisation.body_code.in_(towns)).limit(rows.SCAN)
    return [call_card(call) for call in rows.calls(session(), rows.in_time_order(found))]

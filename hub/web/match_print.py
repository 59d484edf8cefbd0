"""A call's list on paper, for an approval paper 起案: why each is there, and how they are ranked."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from hub.domain import matches
from hub.domain.inputs import format_moment
from hub.domain.weights import WEIGHTS
from hub.models.listing import Call
from hub.web import match_cards, present
from hub.web.access import needs
from hub.web.context import now, session
from hub.web.language import chosen
from hub.web.match_cards import MatchCard
from hub.web.words import _

bp = Blueprint("match_print", __name__)

LEVELS = 4  # of closeness, as cards tell it


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What the sheet says; `facts` are (term, text), `text` is all of it for pasting."""

    title: str
    heading: str
    facts: list[tuple[str, str]]
    ranking: list[str]
    items: list[MatchCard]
    text: str


@bp.get("/calls/<int:id_>/matches/print")
@needs("call.matches", Call)
def show(call: Call) -> ResponseReturnValue:
    """The sheet. It prints on A4 as it is, and can be copied as plain text."""
    items = match_cards.solution_cards(matches.for_call(session(), call, now=now()))
    heading = _("この募集に合うソリューション")
    facts = _facts(call, len(items))
    ranking = _ranking()
    return render_template(
        "match_print/show.html",
        call=call,
        current=matches.is_current(session(), call) or call.state != "published",
        paper=Paper(
            title=call.title,
            heading=heading,
            facts=facts,
            ranking=ranking,
            items=items,
            text="\n".join(_lines(heading, facts, ranking, items)),
        ),
    )


def _facts(call: Call, count: int) -> list[tuple[str, str]]:
    """What the list is of, and of when."""
    made = matches.dealt(session(), call)
    owner = present.organisation_name(call.organisation)
    return [
        (_("募集"), call.title),
        (_("募集する自治体"), f"{owner} {call.department}".strip()),
        (_("締切"), present.deadline_words(call, now())),
        (_("件数"), _("%(count)s件", count=count)),
        *([(_("一覧を作った日時"), _moment(made.dealt_at))] if made else []),
        (_("出力した日時"), _moment(now())),
        (
            _("版"),
            _("募集の第%(version)s版、統計の第%(epoch)s期",
              version=call.version, epoch=made.epoch_id if made else "-"),
        ),
        (_("アドレス"), url_for("listing.call", id_=call.id, lang=None, _external=True)),
    ]  # fmt: skip


def _moment(moment: object) -> str:
    return format_moment(moment, chosen())  # type: ignore[arg-type]


def _ranking() -> list[str]:
    """How the list is ranked, and by what it never is."""
    names = _("、").join(_(weight.name) for weight in WEIGHTS)
    address = url_for("ranking.show", lang=None, _external=True)
    return [
        _("順番は、つぎのものから計算した近さで決まります。%(names)s。", names=names),
        _("会社の大きさ、資本金、従業員の数、創業した年、投稿の数は使っていません。"),
        _("過去の採択、お金の支払い、閲覧やクリックの数、推薦も使っていません。"),
        _("1つの会社が出るのは1つだけです。ほとんど同じ投稿は、さきのものだけが出ます。"),
        _("合うのにまだどこにも表示されていない提案のために、場所を2つまであけています。"),
        _("順番は候補を選ぶためのもので、採否を決めるものではありません。"),
        _("しくみの全部: %(address)s", address=address),
    ]


def _lines(
    heading: str, facts: list[tuple[str, str]], ranking: list[str], items: list[MatchCard]
) -> Iterator[str]:
    yield heading
    yield ""
    for term, text in facts:
        yield _("%(term)s: %(text)s", term=term, text=text)
    for number, item in enumerate(items, 1):
        yield ""
        yield f"{number}. {item.title}"
        yield _("%(term)s: %(text)s", term=_("提供する団体"), text=item.owner)
        yield _("%(term)s: %(text)s", term=_("近さ"), text=closeness(item.strength))
        if item.place_note:
            yield _("%(term)s: %(text)s", term=_("場所の決まり方"), text=item.place_note)
        for term, sentences in ((_("なぜ"), item.reasons), (_("足りないこと"), item.gaps)):
            if sentences:
                yield _("%(term)s:", term=term)
                yield from (_("・%(text)s", text=sentence) for sentence in sentences)
        if item.parts:
            parts = _("、").join(f"{part.label} {part.level}/{LEVELS}" for part in item.parts)
            yield _("%(term)s: %(text)s", term=_("近さの内訳"), text=parts)
    yield ""
    yield _("並べ方")
    yield from (_("・%(text)s", text=sentence) for sentence in ranking)


def closeness(strength: int) -> str:
    """How close a pair is, in the words of the cards."""
    return {1: _("手がかりあり"), 2: _("やや近い"), 3: _("近い"), 4: _("とても近い")}[strength]

"""Why a company's solution is not shown for a call: told to that company alone."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hub.domain import matches, position, questions
from hub.domain.inputs import format_date
from hub.domain.position import Position
from hub.domain.rules import RULES
from hub.domain.weights import WEIGHTS
from hub.i18n import N_
from hub.models.listing import Call, Solution
from hub.models.matching import Question
from hub.models.organisation import User
from hub.policy import allowed
from hub.web import copies, limits, match_cards, present
from hub.web.access import LARGEST_ID, needs
from hub.web.context import actor, commit, now, person, session
from hub.web.language import chosen
from hub.web.limits import limiter
from hub.web.match_cards import PartLevel
from hub.web.words import _

bp = Blueprint("why", __name__)

# What keeps a solution out of the call's list, whatever its score.
GATES = {
    "withdrawn": N_("このソリューションは、いま公開されていません。"),
    "over": N_("この募集は、受付を終わりました。終わった募集に、一覧はありません。"),
    "put_aside_by_town": N_(
        "この自治体が、このソリューションをこの募集の一覧から外しました。"
        "順位や文章の書き方のためではなく、書き直しても一覧には戻りません。"
        "理由はお伝えしていません。ほかの自治体の一覧は変わりません。"
    ),
    "area": N_(
        "募集のある地方が、「届けられる地域」に入っていません。"
        "届けられるなら、地域を加えると比べられるようになります。"
    ),
    "juridical_person": N_(
        "法人が対象の募集です。あなたの団体は個人事業主として登録されています。"
    ),
    "unpublished": N_("どちらかが、いま公開されていません。"),
}
# What keeps the call out of the firm's own list; the call's list does not mind.
APART = {
    "upcoming": N_(
        "この募集は、まだ受付を始めていません。始まるまで、企業のおすすめには出ません。"
    ),
    "resting": N_(
        "この自治体の窓口は、いま受付を休んでいます。休みのあいだ、企業のおすすめには出ません。"
    ),
    "put_aside": N_(
        "あなたの団体が、この募集をおすすめから外しています。自治体が見る一覧は変わりません。"
    ),
}
LABELS = {weight.code: weight.name for weight in WEIGHTS}
LABELS |= {"prose": N_("文の書き方"), "echo": N_("自分のことば")}


@dataclass(frozen=True, slots=True)
class Weak:
    """A part of the score that holds the pair back: what is so, and what would help."""

    label: str
    fact: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """What the matcher says of a pair that nothing but its score keeps apart."""

    verdict: str
    score: str
    rank: str
    list_words: list[str]
    weak: list[Weak]
    parts: list[PartLevel]


def own_solutions(user: User | None) -> list[Solution]:
    """The published solutions of the person's companies, newest first."""
    companies = [
        m.organisation_id
        for m in (user.memberships if user else ())
        if m.state == "active" and m.organisation.kind == "company"
    ]
    if not companies:
        return []
    own = select(Solution).where(
        Solution.organisation_id.in_(companies), Solution.state == "published"
    )
    return list(session().scalars(own.order_by(Solution.published_at.desc(), Solution.id.desc())))


@bp.get("/calls/<int:id_>/why")
@needs("call.why", Call)
def show(call: Call) -> ResponseReturnValue:
    """Why the solution is not in the call's list; without one, which of ours to ask about."""
    if not request.args.get("solution"):
        return _choose(call), 200
    solution = _solution(request.args["solution"])
    asked = questions.find(session(), call, solution)
    where = position.position(session(), call, solution, now=now())
    said = _said(asked)
    gates = _gates(where, said)
    copy = copies.note(solution)
    apart_from_score = bool(gates or copy)
    return render_template(
        "why/show.html",
        call=call,
        town=present.organisation_name(call.organisation),
        solution=solution,
        gates=[_(GATES[gate]) for gate in gates],
        apart=_apart(where),
        put_aside="put_aside" in where.apart,
        shown="" if gates else _shown(where, solution.id),
        copy=copy,
        waiting=not apart_from_score and asked is not None and asked.answer is None,
        why=_why(said, where) if said and not apart_from_score else None,
        current=matches.is_current(session(), call),
    )


@bp.post("/calls/<int:id_>/why")
@limiter.limit(limits.questions, methods=["POST"], key_func=limits.asker)
@needs("call.why", Call)
def ask(call: Call) -> ResponseReturnValue:
    """Ask the matcher, then show what it says."""
    if not request.form.get("solution"):
        return _choose(call), 422
    solution = _solution(request.form["solution"])
    questions.ask(session(), call, solution, actor=person(), now=now())
    commit()
    return redirect(url_for("why.show", id_=call.id, solution=solution.id), 303)


def _choose(call: Call) -> str:
    return render_template("why/choose.html", call=call, solutions=own_solutions(actor()))


def _solution(typed: str) -> Solution:
    """One of ours; anything else is not there."""
    id_ = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 11 else 0
    found = session().get(Solution, id_) if 0 < id_ <= LARGEST_ID else None
    if found is None or not allowed(actor(), "solution.matches", found):
        abort(404)
    return found


def _said(asked: Question | None) -> dict[str, Any]:
    """What the matcher has answered; empty while it has not."""
    if asked is None or asked.answer is None or not questions.is_settled(asked):
        return {}
    return asked.answer


def _gates(where: Position, said: dict[str, Any]) -> list[str]:
    """What the score has nothing to do with, so that nobody rewrites a text in vain."""
    shut = [*where.shut, *said.get("closed", ())]
    if said.get("gone") and not shut:
        shut.append("unpublished")
    return [gate for gate in shut if gate in GATES]


def _apart(where: Position) -> list[str]:
    found = []
    for gate in where.apart:
        found.append(_(APART[gate]))
        if gate == "resting" and where.rests_until:
            day = format_date(where.rests_until, chosen())
            found.append(_("休みは%(day)sまでの予定です。", day=day))
    return found


def _why(said: dict[str, Any], where: Position) -> WhyNot:
    parts: dict[str, float | None] = said["parts"]
    return WhyNot(
        verdict=_verdict(where, said["score"]),
        score=_number(said["score"]),
        rank=_rank(where),
        list_words=_list_words(where),
        weak=[_weak(part) for part in said["weakest"]],
        parts=match_cards.part_levels(parts),
    )


def _shown(where: Position, solution_id: int) -> str:
    """That the firm is in the list after all; empty when it is not."""
    if where.place is None:
        return ""
    if where.place.solution_id == solution_id:
        return _(
            "このソリューションは、この募集の一覧の%(rank)s番目に出ています。",
            rank=where.place.rank,
        )
    return _(
        "あなたの団体の別のソリューションが、この募集の一覧に出ています。一覧に出るのは1社に1つです。"
    )


def _rank(where: Position) -> str:
    if where.rank is None:
        return _("近いものの中に入らなかったため、順位はありません。")
    return _("点数だけで並べると、企業の中で%(rank)s番目です。", rank=where.rank)


def _verdict(where: Position, score: float) -> str:
    """The answer in one sentence; empty where the list holds the firm, or will be made anew."""
    if where.place is not None:
        return ""
    if score < RULES.cut_call:
        return _(
            "点数が%(score)sで、一覧に出す下限の%(cut)sに届いていません。場所があいていても出しません。",
            score=_number(score), cut=_number(RULES.cut_call),
        )  # fmt: skip
    if where.places >= RULES.k:
        return _(
            "一覧の%(count)s件は、ほかの企業のソリューションで埋まっています。", count=where.places
        )
    return ""


def _list_words(where: Position) -> list[str]:
    """What the list is like."""
    found = []
    if where.last is not None:
        found.append(
            _("この募集の一覧は%(count)s件で、点数の順に入った最後の点数は%(score)sです。",
              count=where.places, score=_number(where.last))
        )  # fmt: skip
    elif where.places:
        found.append(_("この募集の一覧は%(count)s件です。", count=where.places))
    else:
        found.append(_("この募集の一覧には、まだどのソリューションも出ていません。"))
    if where.reserved:
        found.append(
            _("うち%(count)s件は、まだどこにも表示されていない提案のための場所です。",
              count=where.reserved)
        )  # fmt: skip
    return found


def _weak(part: dict[str, Any]) -> Weak:
    name = LABELS[part["code"]]
    return Weak(_(name), part["fact"][chosen()], part["help"][chosen()])


def _number(score: float) -> str:
    return f"{score:.2f}"

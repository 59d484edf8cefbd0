"""Who would see a draft: a part of its preview that only its members see."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from hub.domain import questions
from hub.domain.calls import LABELS
from hub.models.listing import Call, Solution
from hub.web import limits, match_cards, present, rows
from hub.web.access import needs
from hub.web.context import commit, now, person, session
from hub.web.language import chosen
from hub.web.limits import limiter
from hub.web.words import _

bp = Blueprint("reach", __name__)

MANY = 10  # firms; fewer are never too many
SHORT = 60  # characters of a problem that leaves most to guess
HELPFUL = ("problem", "wanted", "offered", "tried")


@dataclass(frozen=True, slots=True)
class Reached:
    """One of the first solutions a draft would reach, with a reason."""

    url: str
    title: str
    owner: str
    strength: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What is known of a draft's reach. `state`: ask, waiting, failed or known."""

    state: str
    suitable: int = 0
    first: tuple[Reached, ...] = ()
    warnings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@bp.post("/calls/<int:id_>/reach")
@limiter.limit(limits.questions, methods=["POST"], key_func=limits.asker)
@needs("call.preview", Call)
def ask(call: Call) -> ResponseReturnValue:
    """Ask for the reach of what is saved now."""
    questions.ask(session(), call, actor=person(), now=now())
    commit()
    return redirect(url_for("call_editing.preview", id_=call.id, _anchor="reach"), 303)


def reach_of(call: Call) -> Reach | None:
    """The reach of a draft as far as it is known; None for other calls."""
    if call.state != "draft":
        return None
    asked = questions.find(session(), call)
    if asked is None:
        return Reach(state="ask")
    if asked.answer is None:
        return Reach(state="waiting")
    if not questions.is_settled(asked):
        return Reach(state="failed")
    warnings = _warnings(asked.answer)
    return Reach(
        state="known",
        suitable=asked.answer["suitable"],
        first=_first(asked.answer["first"]),
        warnings=warnings,
        advice=_advice(call) if warnings else (),
    )


def _first(named: list[dict[str, Any]]) -> tuple[Reached, ...]:
    """The solutions that are still public, in the answer's order."""
    ids = [one["solution_id"] for one in named]
    wanted = select(Solution).where(Solution.id.in_(ids), Solution.state == "published")
    found = {row.id: row for row in rows.solutions(session(), wanted)}
    return tuple(
        Reached(
            url=url_for("listing.solution", id_=one["solution_id"]),
            title=found[one["solution_id"]].title,
            owner=present.organisation_name(found[one["solution_id"]].organisation),
            strength=match_cards.strength(one["score"]),
            reason=next(iter(one["reasons"].get(chosen(), ())), ""),
        )
        for one in named
        if one["solution_id"] in found
    )


def _warnings(answer: dict[str, Any]) -> tuple[str, ...]:
    """That the text fits nobody, or about everybody; the matcher's words, then our count."""
    found = [said for warning in answer["warnings"] for said in warning[chosen()]]
    if answer["suitable"] > MANY and 2 * answer["suitable"] > answer["firms"]:
        found.append(_("多くの企業に当てはまる、広すぎる文章です。"))
    return tuple(found)


def _advice(call: Call) -> tuple[str, ...]:
    """What the draft does not say yet."""
    empty = [name for name in HELPFUL if not getattr(call, name).strip()]
    empty += [name for name in ("themes", "offers") if not list(getattr(call, name))]
    found = [_("「%(label)s」がまだ空です", label=_(LABELS[name])) for name in empty]
    if 0 < len(call.problem.strip()) < SHORT:
        found.append(_("「困りごと」に、だれが、どこで、どう困っているかを足せます"))
    return tuple(found)

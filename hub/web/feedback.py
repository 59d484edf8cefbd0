"""Answers to recommended pairs: the buttons of a card, the page where a reason is chosen, the
list of what was said, and the same by the link of a morning's mail.

Whoever opens a link that only a mail holds may do what it is for, so those pages ask for no form
token; opening them changes nothing.
"""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from flask_babel import lazy_gettext
from wtforms import HiddenField, RadioField

from hub.domain import digests, feedback
from hub.domain.digests import Asked
from hub.domain.errors import Refused
from hub.domain.feedback import Pair
from hub.i18n import N_
from hub.models.listing import Call, Solution
from hub.models.matching import Feedback
from hub.models.organisation import Membership, Organisation
from hub.policy import allowed, role_of, verdict
from hub.web import present
from hub.web.access import LARGEST_ID, needs
from hub.web.alert import GUESSES, links, private
from hub.web.answer_cards import answering, in_words
from hub.web.context import SAFE_METHODS, commit, now, person, session
from hub.web.forms import Form, must
from hub.web.language import chosen
from hub.web.limits import limiter
from hub.web.my import tabs
from hub.web.words import _

bp = Blueprint("feedback", __name__)

MOST_LISTED = 200
UNDO = "undo"
BY_MAIL = ("interested", "declined", "hidden")
DONE = {
    "interested": N_("「関心がある」と返事しました"),
    "declined": N_("「今回は対象外」にしました。おすすめから外します"),
    "proposed": N_("提案があったことを記録しました"),
    "hidden": N_("表示しないことにしました。おすすめから外します"),
    UNDO: N_("返事を取り消しました"),
}


class AnswerForm(Form):
    """A reason, for those who decline. What is answered is in the button."""

    kind = HiddenField()
    reason = RadioField(
        lazy_gettext("対象外とする理由"), [must()], choices=[], validate_choice=False
    )

    def offer_reasons(self, kind: str) -> None:
        """Fill in what can be chosen, in the words of this side."""
        side = "town" if kind == "call" else "firm"
        self.reason.choices = [
            (reason.code, _(getattr(reason, side))) for reason in feedback.REASONS
        ]


class LinkForm(AnswerForm):
    """The same behind a link that is itself the permission: no token, no cookie."""

    class Meta:
        """No token: it would set a cookie on pages that promise none."""

        csrf = False


@bp.route("/matches/<int:call_id>/<int:solution_id>/feedback", methods=["GET", "POST"])
@needs("account.use", keeps_form=True)
def answer(call_id: int, solution_id: int) -> ResponseReturnValue:
    """The page where a pair is answered with a reason; the buttons of cards post here, too."""
    pair = _pair(call_id, solution_id)
    form = AnswerForm()
    form.kind.data = pair.kind
    form.offer_reasons(pair.kind)
    if form.sent():
        said = request.form.get("verdict", "")
        try:
            _say(pair, said, form.reason.data or "")
        except Refused as refused:
            form.refuse(refused)
        else:
            commit()
            flash(_(DONE[said]))
            return redirect(_back(pair), 303)
    row = _said(pair)
    page = render_template(
        "feedback/answer.html",
        form=form,
        pair=pair,
        answering=answering(pair, row),
        back=_back(pair),
        back_to=request.values.get("to", ""),
    )
    return page, 200 if request.method in SAFE_METHODS else 422


def _pair(call_id: int, solution_id: int) -> Pair:
    """The pair, if the person may answer it; one of another's list is not known to them.

    `kind` says whose list it is, for people of both sides; without it their own side is meant.
    """
    if max(call_id, solution_id) > LARGEST_ID:
        abort(404)
    kind = request.values.get("kind", "")
    if not kind:
        call = session().get(Call, call_id)
        kind = "call" if call and role_of(person(), call.organisation) else "firm"
    pair = feedback.find_pair(session(), kind, call_id, solution_id)
    if pair is None:
        abort(404)
    decided = verdict(person(), "feedback.give", pair)
    if decided != "yes":
        abort(404 if decided == "unknown" else 403)
    return pair


def _say(pair: Pair, said: str, reason: str) -> None:
    if said == UNDO:
        feedback.undo(session(), pair, actor=person(), now=now())
    else:
        feedback.answer(session(), pair, said, reason=reason, actor=person(), now=now())


def _said(pair: Pair) -> Feedback | None:
    key = (pair.call.id, pair.solution.id)
    return feedback.verdicts(session(), pair.organisation.id, [key]).get(key)


def _back(pair: Pair) -> str:
    """Where the answer was given: the list of answers, or the list that shows the pair."""
    if request.values.get("to") == "answers":
        return url_for("feedback.given", id_=pair.organisation.id)
    if pair.kind == "call":
        return url_for("my.call_matches", id_=pair.call.id)
    return url_for("my.matches", id_=pair.organisation.id)


# --- What was said --------------------------------------------------------------------------------


@bp.get("/my/organisations/<int:id_>/answers")
@needs("organisation.enter", Organisation)
def given(organisation: Organisation) -> ResponseReturnValue:
    """Every answer we gave, to be changed or taken back."""
    rows = feedback.given(session(), organisation)
    kind = digests.KINDS.get(organisation.kind, "")
    return render_template(
        "feedback/given.html",
        organisation=organisation,
        tabs=tabs(organisation, "matches"),
        rows=[_row(kind, row) for row in rows[:MOST_LISTED]],
        more=len(rows) > MOST_LISTED,
        may_answer=allowed(person(), "organisation.answer", organisation),
    )


def _row(kind: str, row: Feedback) -> dict[str, Any]:
    theirs: Call | Solution = row.solution if kind == "call" else row.call
    ours: Call | Solution = row.call if kind == "call" else row.solution
    return {
        "title": theirs.title,
        "url": url_for(f"listing.{theirs.subject}", id_=theirs.id)
        if theirs.state != "archived"
        else "",
        "owner": present.organisation_name(theirs.organisation),
        "ours": ours.title,
        "words": in_words(kind, row),
        "at": row.at,
        "answer_url": url_for(
            "feedback.answer",
            call_id=row.call_id,
            solution_id=row.solution_id,
            kind=kind,
            to="answers",
        ),
    }


# --- By the link of a mail ------------------------------------------------------------------------


def _missing(response: Response) -> bool:
    return response.status_code == 404


@bp.route("/digest/answer/<token>", methods=["GET", "POST"])
@limiter.limit(GUESSES, deduct_when=_missing)
@needs("digest.answer", keeps_form=True)
def by_mail(token: str) -> ResponseReturnValue:
    """The page of a card's link; only its buttons answer, for the member it was sent to."""
    asked = digests.by_answer_token(session(), token, now=now())
    if asked is None:
        return private("feedback/over.html", status=404)
    form = LinkForm()
    form.kind.data = asked.pair.kind
    form.offer_reasons(asked.pair.kind)
    if request.method not in SAFE_METHODS:
        said = request.form.get("verdict", "")
        try:
            feedback.answer(
                session(),
                asked.pair,
                said if said in BY_MAIL else "",
                reason=form.reason.data or "",
                actor=asked.member,
                now=now(),
            )
            digests.keep(session(), asked.digest, now=now())
        except Refused as refused:
            form.refuse(refused)
        else:
            commit()
            return redirect(url_for("feedback.by_mail", token=token), 303)
    return private(
        "feedback/by_mail.html",
        status=200 if request.method in SAFE_METHODS else 422,
        form=form,
        **_shown(asked),
    )


def _shown(asked: Asked) -> dict[str, Any]:
    pair, match, language = asked.pair, asked.match, chosen()
    theirs: Call | Solution = pair.solution if pair.kind == "call" else pair.call
    return {
        "pair": pair,
        "theirs": theirs,
        "owner": present.organisation_name(theirs.organisation),
        "own": present.organisation_name(pair.organisation),
        "url": url_for(f"listing.{theirs.subject}", id_=theirs.id),
        "call_status": present.status_of(pair.call, now()),
        "reasons": list((match.reasons or {}).get(language, ()) if match else ()),
        "gaps": list((match.gaps or {}).get(language, ()) if match else ()),
        "answering": answering(pair, _said(pair)),
    }


@bp.route("/digest/end/<token>", methods=["GET", "POST"])
@limiter.limit(GUESSES, deduct_when=_missing)
@needs("digest.end", keeps_form=True)
def end(token: str) -> ResponseReturnValue:
    """The page of the ending link; a button, or a mail program's post, ends the mails.

    The other button keeps them coming to an address that nobody has answered from.
    """
    digest = digests.by_end_token(session(), token)
    if digest is None:
        return private("feedback/over.html", status=404)
    if request.method not in SAFE_METHODS:  # answered without a redirect, as RFC 8058 wants it
        if request.form.get("wanted") == "yes":
            digests.keep(session(), digest, now=now())
        else:
            digests.end(session(), digest, now=now())
        commit()
    return private(
        "feedback/end.html",
        ended=digest.state == "ended",
        confirmed=digests.is_confirmed(digest),
        kept=request.form.get("wanted") == "yes",
        own=present.organisation_name(digest.membership.organisation),
    )


@bp.post("/memberships/<int:id_>/digest")
@needs("membership.digest", Membership)
def switch(membership: Membership) -> ResponseReturnValue:
    """Begin or end our own morning's mail."""
    wanted = request.form.get("wanted") == "yes"
    digests.switch(
        session(),
        membership,
        wanted,
        language=chosen(),
        links=links(),
        actor=person(),
        now=now(),
    )
    commit()
    flash(_("朝のおすすめメールを受け取ります") if wanted else _("朝のおすすめメールを止めました"))
    return redirect(url_for("my.members", id_=membership.organisation_id), 303)

"""Describing a desk: its list, draft, publish, change, pause, withdraw."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from sqlalchemy import select
from wtforms import BooleanField, HiddenField, StringField, TextAreaField

from hub.clock import to_jst
from hub.domain import desks, listings
from hub.domain.desks import LABELS, LIMITS, REQUIRED, DeskValues
from hub.domain.errors import Conflict, Problem, Refused
from hub.domain.inputs import format_date, parse_date
from hub.i18n import N_
from hub.models.desk import Desk
from hub.models.organisation import Organisation
from hub.web.access import needs
from hub.web.context import commit, now, person, session
from hub.web.desk import desk_card
from hub.web.editing import attempt, clashes, number
from hub.web.forms import Form, at_most, must, sentence
from hub.web.language import chosen
from hub.web.my import tabs
from hub.web.words import _

bp = Blueprint("desk_editing", __name__)

NUMBERS = ("reply_days", "capacity")  # typed as text, kept as numbers


def _field(kind: type, name: str, hint: str = "") -> Any:
    marks: list[Any] = [must()] if name in REQUIRED else []
    if kind is TextAreaField:
        marks.append(at_most(LIMITS[name][1]))
    return kind(lazy_gettext(LABELS[name]), marks, description=lazy_gettext(hint) if hint else "")


class DeskForm(Form):
    """Everything of a desk on one page; a draft may leave anything empty."""

    version = HiddenField()
    name = _field(StringField, "name", N_("例: 官民共創デスク、公民連携の相談窓口"))
    department = _field(StringField, "department", N_("個人の名前ではなく、部署の名前を書きます。"))
    takes = _field(TextAreaField, "takes", N_("歓迎する分野、提供できるもの、受けられないもの。"))
    reply_days = _field(
        StringField, "reply_days", N_("最初の返事までの営業日。提案する前の人に見えます。")
    )
    capacity = _field(
        StringField, "capacity", N_("いちどに見られる提案の数。決まっていなければ空のまま。")
    )
    url = _field(StringField, "url")
    phone = _field(StringField, "phone", N_("部署の番号。例: 0263-12-3456"))
    email = _field(StringField, "email", N_("部署のアドレス。個人のものは書かないでください。"))
    hours = _field(StringField, "hours", N_("例: 平日 8:30から17:15"))
    rules = _field(TextAreaField, "rules", N_("費用の負担、対象にならない提案など。"))
    paused = _field(BooleanField, "paused")
    pause_reason = _field(
        StringField, "pause_reason", N_("休むときは必ず書きます。例: 予算編成の時期のため")
    )
    paused_until = _field(
        StringField, "paused_until", N_("この日まで休みます。決まっていなければ空のまま。")
    )

    def values(self) -> DeskValues:
        """What was typed, as plain data. Raises Refused for a date that cannot be read."""
        texts = {
            name: getattr(self, name).data or "" for name in (*desks.LINES, *desks.TEXTS, *NUMBERS)
        }
        problems: list[Problem] = []
        until: date | None = None
        if self.paused.data:
            until = self.parsed(
                parse_date,
                self.paused_until.data or "",
                today=to_jst(now()).date(),
                field="paused_until",
                problems=problems,
            )
        if problems:
            raise Refused(*problems)
        return DeskValues(**texts, paused=bool(self.paused.data), paused_until=until)


def filled(desk: Desk) -> DeskForm:
    """The form as the desk stands now."""
    data = desks.values_of(desk) | {
        "version": str(desk.version),
        **{name: str(getattr(desk, name) or "") for name in NUMBERS},
        "paused_until": format_date(desk.paused_until, chosen()) if desk.paused_until else "",
    }
    return DeskForm(data=data)


@bp.get("/my/organisations/<int:id_>/desks")
@needs("organisation.enter", Organisation)
def index(organisation: Organisation) -> ResponseReturnValue:
    """Our desks, drafts among them."""
    ours = select(Desk).where(Desk.organisation_id == organisation.id).order_by(Desk.id)
    return render_template(
        "my/desks.html",
        organisation=organisation,
        tabs=tabs(organisation, "desks"),
        cards=[desk_card(desk) for desk in session().scalars(ours)],
    )


@bp.route("/my/organisations/<int:id_>/desks/new", methods=["GET", "POST"])
@needs("desk.create", Organisation, keeps_form=True)
def new(organisation: Organisation) -> ResponseReturnValue:
    """Start a draft."""
    if request.method == "GET":
        return _page(DeskForm(data={}), organisation)
    form = DeskForm()
    if form.sent():
        desk, _conflict = attempt(
            form,
            lambda: desks.create(session(), organisation, form.values(), actor=person(), now=now()),
        )
        if desk is not None:
            return redirect(url_for("desk.show", id_=desk.id), 303)
    return _page(form, organisation, status=422)


@bp.route("/desks/<int:id_>/edit", methods=["GET", "POST"])
@needs("desk.edit", Desk, keeps_form=True)
def edit(desk: Desk) -> ResponseReturnValue:
    """Change or pause a desk. A lost race shows both versions."""
    if request.method == "GET":
        return _page(filled(desk), desk.organisation, desk)
    form = DeskForm()
    if not form.sent():
        return _page(form, desk.organisation, desk, 422)

    def rule() -> bool:
        desks.change(
            session(), desk, form.values(),
            actor=person(), now=now(), expected_version=number(form.version.data),
        )  # fmt: skip
        return True

    done, conflict = attempt(form, rule)
    if done:
        return redirect(url_for("desk.show", id_=desk.id), 303)
    if conflict is not None:
        return _conflict_page(form, desk)
    return _page(form, desk.organisation, desk, 422)


@bp.post("/desks/<int:id_>/publish")
@needs("desk.publish", Desk)
def publish(desk: Desk) -> ResponseReturnValue:
    """Make it public."""
    return _move(desk, "published", desks.publish, _("公開しました"))


@bp.post("/desks/<int:id_>/withdraw")
@needs("desk.withdraw", Desk)
def withdraw(desk: Desk) -> ResponseReturnValue:
    """Take it back into drafts."""
    return _move(desk, "draft", desks.withdraw, _("下書きに戻しました"))


def _move(desk: Desk, target: str, rule: Callable[..., None], done: str) -> ResponseReturnValue:
    """Publish or withdraw by a button; pressing twice is no mistake."""
    to = url_for("desk.show", id_=desk.id)
    if desk.state == target:
        return redirect(to, 303)
    try:
        rule(
            session(), desk,
            actor=person(), now=now(), expected_version=number(request.form.get("version")),
        )  # fmt: skip
        commit()
    except Conflict:
        session().rollback()
        flash(_("ほかの人が先に変更しました。いまの内容を確かめてください"), "error")
    except Refused as refused:
        session().rollback()
        for problem in refused.problems:
            flash(sentence(problem), "error")
    else:
        flash(done)
    return redirect(to, 303)


def _conflict_page(form: DeskForm, desk: Desk) -> ResponseReturnValue:
    session().refresh(desk)
    typed = listings.cleaned(form.values(), desks.LINES, desks.TEXTS)
    stored = desks.values_of(desk)
    resting = LABELS["paused"]
    for side in (typed, stored):
        side["paused"] = _(resting) if side["paused"] else ""
        side |= {name: str(side[name] or "") for name in NUMBERS}
    differing = clashes(typed, stored, LABELS)
    if not differing:  # the same form sent twice
        return redirect(url_for("desk.show", id_=desk.id), 303)
    form.version.data = str(desk.version)
    return _page(form, desk.organisation, desk, 409, differing)


def _page(
    form: DeskForm,
    organisation: Organisation,
    desk: Desk | None = None,
    status: int = 200,
    conflict: list[dict[str, str]] | None = None,
) -> tuple[str, int]:
    html = render_template(
        "desk/edit.html", form=form, organisation=organisation, desk=desk, conflict=conflict
    )
    return html, status

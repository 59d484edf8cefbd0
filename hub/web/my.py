"""My organisation: what we posted, what fits it, who belongs to us."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField

from hub.domain import match_lists, matches, organisations
from hub.domain.errors import Refused
from hub.domain.organisations import Profile
from hub.domain.places import Body, body, find_bodies, one_body
from hub.domain.rules import RULES
from hub.domain.status import status
from hub.i18n import N_
from hub.models.listing import Call, Solution
from hub.models.organisation import Membership, Organisation, User
from hub.models.reference import Municipality
from hub.policy import allowed
from hub.web import answer_cards, choices, copies, match_cards, present
from hub.web.access import needs
from hub.web.answer_cards import Answering
from hub.web.context import commit, now, person, session
from hub.web.editing import attempt, clashes, number
from hub.web.forms import Form, at_most, must
from hub.web.match_cards import MatchCard
from hub.web.words import _

bp = Blueprint("my", __name__)

FIRST = 3  # places of a list where other things stand beside it
CRUMB = 16  # characters of a title on the way to a page, so that a phone shows more of the page


@bp.get("/my")
@needs("account.use")
def home() -> ResponseReturnValue:
    """My organisations; straight on when there is one and nothing else to see here."""
    user = person()
    memberships = _memberships(user)
    active = [m.organisation for m in memberships if m.state == "active"]
    waiting = [m.organisation for m in memberships if m.state == "requested"]
    if len(active) == 1 and not waiting and not user.is_operator:
        return redirect(url_for("my.organisation", id_=active[0].id), 303)
    return render_template("my/home.html", user=user, active=active, waiting=waiting)


def _memberships(user: User) -> list[Membership]:
    """With the organisations' full names, whatever their number."""
    place = joinedload(Organisation.municipality).joinedload(Municipality.prefecture)
    found = select(Membership).where(Membership.user_id == user.id).order_by(Membership.id)
    return list(
        session().scalars(found.options(joinedload(Membership.organisation).options(place)))
    )


class OrganisationForm(Form):
    """A company's or an intermediary's profile."""

    version = HiddenField()
    kind = HiddenField()
    name = StringField(
        lazy_gettext("団体名"), [must()], description=lazy_gettext("屋号やお名前でもかまいません。")
    )
    name_kana = StringField(lazy_gettext("団体名の読み（ひらがな）"))
    legal_form = RadioField(lazy_gettext("法人の形"), [must()], choices=[], validate_choice=False)
    corporate_number = StringField(
        lazy_gettext("法人番号"),
        description=lazy_gettext(
            "13桁の数字。個人事業主など、ない方は空のままにしてください。運営者が確認します。"
        ),
    )
    prefecture_code = SelectField(
        lazy_gettext("所在地の都道府県"), choices=[], validate_choice=False
    )
    about = TextAreaField(lazy_gettext("紹介"), [at_most(organisations.ABOUT_MAX)])
    website = StringField(lazy_gettext("ウェブサイト"))

    def offer_choices(self) -> None:
        """Fill in what can be chosen, in the reader's language."""
        self.legal_form.choices = choices.named(choices.LEGAL_FORM_NAMES)
        self.prefecture_code.choices = [("", _("選ばない")), *choices.prefectures()]

    def profile(self) -> Profile:
        """What was typed, as plain data."""
        return Profile(
            **{name: getattr(self, name).data or "" for name in Profile.__dataclass_fields__}
        )


class MunicipalityForm(Form):
    """Taking up a municipality: its name, reading or code."""

    kind = HiddenField()
    body_code = StringField(
        lazy_gettext("自治体の名前"),
        [must()],
        description=lazy_gettext("例: 石巻市、いしのまきし、東京都府中市、132063"),
    )


@bp.route("/my/organisations/new", methods=["GET", "POST"])
@needs("organisation.create", keeps_form=True)
def new_organisation() -> ResponseReturnValue:
    """Choose a kind of organisation, then register it or ask to join it."""
    kind = request.values.get("kind", "")
    if kind == "municipality":
        return _take_up()
    if kind in ("company", "intermediary"):
        return _register(kind)
    return render_template("my/choose_kind.html")


def _take_up() -> ResponseReturnValue:
    form = MunicipalityForm()
    form.kind.data = "municipality"
    if request.method == "GET":
        known = body(session(), request.args.get("body_code", ""))
        form.body_code.data = known.full_name if known else ""
        return render_template("my/municipality.html", form=form, found=[])
    found: list[Body] = []
    if form.sent():
        typed = form.body_code.data or ""
        found = find_bodies(session(), typed)
        chosen = one_body(session(), typed)
        if chosen is not None:
            membership, _none = attempt(
                form,
                lambda: organisations.claim(session(), chosen.code, actor=person(), now=now()),
            )
            if membership is not None:
                return _joined(membership)
        form.body_code.errors = [_which(form.body_code.data or "", found)]
    return render_template("my/municipality.html", form=form, found=found), 422


def _which(typed: str, found: list[Body]) -> str:
    if not typed.strip():
        return _("「自治体の名前」を入力してください")
    if not found:
        return _("その名前の自治体が見つかりません。都道府県から入力してください")
    return _("どの自治体か決められません。下の候補から選んでください")


def _joined(membership: Membership) -> ResponseReturnValue:
    if membership.state == "active":
        return redirect(url_for("my.organisation", id_=membership.organisation_id), 303)
    flash(_("参加を申請しました。団体の管理者が認めると使えるようになります"))
    return redirect(url_for("my.home"), 303)


def _register(kind: str) -> ResponseReturnValue:
    form = OrganisationForm()
    form.kind.data = kind
    form.offer_choices()
    if request.method == "GET":
        return render_template("my/profile.html", form=form, organisation=None, kind=kind)
    if form.sent():
        organisation, _none = attempt(
            form,
            lambda: organisations.create(
                session(), kind, form.profile(), actor=person(), now=now()
            ),
        )
        if organisation is not None:
            return redirect(url_for("my.organisation", id_=organisation.id), 303)
    return render_template("my/profile.html", form=form, organisation=None, kind=kind), 422


@bp.post("/organisations/<int:id_>/join")
@needs("organisation.join", Organisation)
def join(organisation: Organisation) -> ResponseReturnValue:
    """Ask to be let in."""
    membership = organisations.join(session(), organisation, actor=person(), now=now())
    commit()
    return _joined(membership)


@bp.get("/my/organisations/<int:id_>")
@needs("organisation.enter", Organisation)
def organisation(organisation: Organisation) -> ResponseReturnValue:
    """What we posted, newest first."""
    posted = _posted(organisation)
    counts = _counts(posted)
    partners = present.partner_calls(organisation) if organisation.kind == "intermediary" else []
    published = any(row.state == "published" for row in posted)
    return render_template(
        "my/organisation.html",
        recommended=_recommended(organisation, FIRST)
        if organisation.kind == "company" and published
        else None,
        organisation=organisation,
        tabs=tabs(organisation, "listings"),
        listings=[_row(row, counts.get(row.id, 0)) for row in posted],
        partners=partners,
        user=person(),
    )


def _posted(organisation: Organisation) -> list[Call] | list[Solution]:
    """What the organisation has written, newest first; an intermediary writes nothing."""
    models: dict[str, Any] = {"municipality": Call, "company": Solution}
    model = models.get(organisation.kind)
    if model is None:
        return []
    rows = select(model).where(model.organisation_id == organisation.id, model.state != "archived")
    return list(session().scalars(rows.order_by(model.updated_at.desc(), model.id.desc())))


def _counts(posted: list[Call] | list[Solution]) -> dict[int, int]:
    """How many matches each published listing has, by its id."""
    ids = [row.id for row in posted if row.state == "published"]
    if any(isinstance(row, Call) for row in posted):
        return match_lists.call_counts(session(), ids)
    return match_lists.solution_counts(session(), ids, now=now())


def _row(row: Call | Solution, matching: int) -> dict[str, Any]:
    subject = row.subject
    return {
        "title": row.title or _("（題名なし）"),
        "url": url_for(f"{subject}_editing.preview", id_=row.id),
        "edit_url": url_for(f"{subject}_editing.edit", id_=row.id)
        if allowed(person(), f"{subject}.edit", row)
        else "",
        "matches_url": url_for(f"my.{subject}_matches", id_=row.id)
        if row.state == "published"
        else "",
        "status": present.status_of(row, now()),
        "matches": matching,
        "updated_at": row.updated_at,
    }


def tabs(organisation: Organisation, here: str) -> list[dict[str, Any]]:
    """The menu of an organisation's own pages."""
    words = {
        "municipality": N_("募集"),
        "company": N_("ソリューション"),
        "intermediary": N_("提携先の募集"),
    }
    items = [("listings", "my.organisation", words[organisation.kind])]
    if organisation.kind != "intermediary":
        items.append(("matches", "my.matches", N_("マッチ")))
    if organisation.kind == "municipality":
        items.append(("desks", "desk_editing.index", N_("官民連携窓口")))
    items.append(("members", "my.members", N_("所属")))
    items.append(("profile", "my.profile", N_("団体情報")))
    return [
        {
            "label": _(label),
            "url": url_for(endpoint, id_=organisation.id),
            "current": name == here,
            "count": None,
        }
        for name, endpoint, label in items
        if name != "profile" or allowed(person(), "organisation.edit", organisation)
    ]


@dataclass(frozen=True, slots=True)
class Recommended:
    """The calls recommended to a firm, what it said of them, and whether the list is up to date."""

    items: list[MatchCard]
    answers: dict[tuple[int, int], Answering]
    current: bool


def _recommended(firm: Organisation, limit: int) -> Recommended:
    shown = matches.for_firm(session(), firm, now=now(), limit=limit)
    hows = {one.place.call_id: one.place.how for one in shown}
    found = [one.match for one in shown]
    return Recommended(
        match_cards.call_cards(found, hows, now()),
        answer_cards.answers(firm, "firm", found),
        matches.is_current(session(), firm),
    )


@bp.get("/my/organisations/<int:id_>/matches", endpoint="matches")
@needs("organisation.enter", Organisation)
def all_matches(organisation: Organisation) -> ResponseReturnValue:
    """What is recommended to us: to a town for each of its calls, to a firm in one list."""
    posted = _posted(organisation)
    published = [row for row in posted if row.state == "published"]
    is_firm = organisation.kind == "company"
    lists = {} if is_firm else match_lists.best_for_calls(
        session(), [row.id for row in published], limit=FIRST
    )  # fmt: skip
    counts = _counts(posted) if is_firm else {}
    copied = matches.originals(session(), published) if is_firm else {}
    groups = [
        {
            "title": row.title,
            "url": url_for(f"my.{row.subject}_matches", id_=row.id),
            "items": match_cards.solution_cards(lists.get(row.id, ())),
            "count": counts.get(row.id, 0),
            "copied": row.id in copied,
        }
        for row in published
    ]
    return render_template(
        "my/firm_matches.html" if is_firm else "my/matches.html",
        organisation=organisation,
        tabs=tabs(organisation, "matches"),
        groups=groups,
        all_copied=all(row.id in copied for row in published),
        answers=answer_cards.answers(
            organisation, "call", [one.match for shown in lists.values() for one in shown]
        ),
        recommended=_recommended(organisation, RULES.k) if is_firm else None,
    )


@bp.get("/calls/<int:id_>/matches")
@needs("call.matches", Call)
def call_matches(call: Call) -> ResponseReturnValue:
    """Solutions recommended for our call, with why and what is missing."""
    shown = matches.for_call(session(), call, now=now())
    said = answer_cards.answers(call.organisation, "call", [one.match for one in shown])
    return _match_page(call, match_cards.solution_cards(shown), said)


@bp.get("/solutions/<int:id_>/matches")
@needs("solution.matches", Solution)
def solution_matches(solution: Solution) -> ResponseReturnValue:
    """Calls that fit our solution, with why and what is missing."""
    found = matches.for_solution(session(), solution, now=now())
    said = answer_cards.answers(solution.organisation, "firm", found)
    return _match_page(solution, match_cards.call_cards(found, {}, now()), said)


def _match_page(
    row: Call | Solution, items: list[MatchCard], answers: dict[tuple[int, int], Answering]
) -> ResponseReturnValue:
    return render_template(
        "my/listing_matches.html",
        row=row,
        organisation=row.organisation,
        items=items,
        answers=answers,
        current=matches.is_current(session(), row),
        copy=copies.note(row),
        open=row.state == "published"
        and not (isinstance(row, Call) and status(row, now()) == "closed"),
        short_title=present.shortened(row.title, CRUMB),
    )


@bp.get("/my/organisations/<int:id_>/members")
@needs("organisation.enter", Organisation)
def members(organisation: Organisation) -> ResponseReturnValue:
    """Who belongs to us, and who asks to."""
    belonging = (
        select(Membership)
        .where(Membership.organisation_id == organisation.id)
        .options(joinedload(Membership.user))
        .order_by(Membership.created_at, Membership.id)
    )
    rows = session().scalars(belonging).all()
    return render_template(
        "my/members.html",
        organisation=organisation,
        tabs=tabs(organisation, "members"),
        active=[m for m in rows if m.state == "active"],
        waiting=[m for m in rows if m.state == "requested"],
        roles=choices.named(choices.ROLE_NAMES),
        role_names=dict(choices.named(choices.ROLE_NAMES)),
        own_digest=answer_cards.own_digest(organisation),
    )


@bp.post("/memberships/<int:id_>/answer")
@needs("membership.answer", Membership)
def answer(membership: Membership) -> ResponseReturnValue:
    """Let a person in with a role, or turn the request down."""
    to = url_for("my.members", id_=membership.organisation_id)
    try:
        if request.form.get("answer") == "accept":
            role = request.form.get("role", "")
            organisations.accept(session(), membership, role, actor=person(), now=now())
            done = _("参加を認めました")
        else:
            organisations.decline(session(), membership, actor=person(), now=now())
            done = _("申請を断りました")
    except Refused:
        flash(_("役割を選んでください"), "error")
        return redirect(to, 303)
    commit()
    flash(done)
    return redirect(to, 303)


@bp.route("/my/organisations/<int:id_>/profile", methods=["GET", "POST"])
@needs("organisation.edit", Organisation, keeps_form=True)
def profile(organisation: Organisation) -> ResponseReturnValue:
    """Change what we say of ourselves."""
    if request.method == "GET":
        names = Profile.__dataclass_fields__
        data = {name: getattr(organisation, name) or "" for name in names}
        form = OrganisationForm(data={**data, "version": str(organisation.version)})
        return _profile_page(form, organisation, 200)
    form = OrganisationForm()
    if not form.sent():
        return _profile_page(form, organisation, 422)

    def rule() -> bool:
        organisations.change(
            session(), organisation, form.profile(),
            actor=person(), expected_version=number(form.version.data), now=now(),
        )  # fmt: skip
        return True

    done, conflict = attempt(form, rule)
    if done:
        flash(_("保存しました"))
        return redirect(url_for("my.organisation", id_=organisation.id), 303)
    if conflict is not None:
        return _profile_conflict(form, organisation)
    return _profile_page(form, organisation, 422)


def _profile_conflict(form: OrganisationForm, organisation: Organisation) -> tuple[str, int]:
    session().refresh(organisation)
    names = Profile.__dataclass_fields__
    labels = {name: str(form[name].label.text) for name in names}
    typed = {name: form[name].data for name in names}
    stored = {name: getattr(organisation, name) for name in names}
    differing = clashes(typed, stored, labels)
    form.version.data = str(organisation.version)
    return _profile_page(form, organisation, 409, differing)


def _profile_page(
    form: OrganisationForm,
    organisation: Organisation,
    status: int,
    conflict: list[dict[str, str]] | None = None,
) -> tuple[str, int]:
    form.offer_choices()
    html = render_template(
        "my/profile.html",
        form=form,
        organisation=organisation,
        kind=organisation.kind,
        conflict=conflict,
        tabs=tabs(organisation, "profile"),
    )
    return html, status

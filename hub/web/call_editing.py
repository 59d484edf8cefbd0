"""Writing a call: draft, preview, publish, change, close."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, lazy_gettext
from wtforms import HiddenField, RadioField, StringField, TextAreaField

from hub.clock import to_jst
from hub.domain import calls, listings, questions
from hub.domain.calls import LABELS, LIMITS, CallValues
from hub.domain.errors import Problem, Refused
from hub.domain.inputs import (
    END_OF_OFFICE_DAY,
    ClockTime,
    format_moment,
    parse_moment,
    parse_money,
)
from hub.domain.places import body, find_bodies, one_body
from hub.i18n import N_
from hub.models.listing import Call
from hub.models.organisation import Organisation
from hub.web import choices, copies, listing
from hub.web.access import needs
from hub.web.context import now, person, session
from hub.web.editing import attempt, clashes, move, number
from hub.web.forms import Choices, Form, at_most, must, sentence
from hub.web.language import chosen
from hub.web.reach import reach_of
from hub.web.words import _

bp = Blueprint("call_editing", __name__)

MIDNIGHT = ClockTime(0)


def _label(name: str) -> Any:
    return lazy_gettext(LABELS[name])


def _text(name: str, hint: str) -> TextAreaField:
    marks = [at_most(LIMITS[name][1])]
    if name in calls.REQUIRED:
        marks.append(must())
    return TextAreaField(_label(name), marks, description=lazy_gettext(hint))


class CallForm(Form):
    """Everything of a call on one page; a draft may leave anything empty."""

    places = {  # noqa: RUF012 - WTForms wants a plain attribute
        "opens_at": "opens_on",
        "closes_at": "closes_on",
        "budget_max_yen": "budget_max",
        "municipality_code": "where",
    }
    version = HiddenField()
    title = StringField(
        _label("title"),
        [must()],
        description=lazy_gettext(
            "願いごとのように書くと伝わります。60文字くらいが読みやすいです。"
        ),
    )
    kind = RadioField(_label("kind"), [must()], choices=[], validate_choice=False)
    summary = _text("summary", N_("はじめて読む人に、150文字で。一覧と検索に出ます。"))
    vision = _text("vision", N_("どんなまちにしたいかを、ふだんの言葉で書いてください。"))
    problem = _text("problem", N_("だれが、どこで、どう困っているか。数字があると伝わります。"))
    tried = _text("tried", N_("これまでにやってみたことと、うまくいかなかった理由。"))
    offered = _text("offered", N_("場所、データ、人、広報など。お金がなくても出せるものを。"))
    wanted = _text("wanted", N_("どんな提案がほしいか。対象外のものも書けます。"))
    details = _text("details", N_("選び方、日程、条件など。募集要項の文章をそのまま貼れます。"))
    themes = Choices(
        _label("themes"),
        validators=[must()],
        description=lazy_gettext("3つまで。細かい分野も数に入ります。"),
    )
    fine_themes = Choices(lazy_gettext("細かい分野"))
    offers = Choices(_label("offers"))
    budget_kind = RadioField(_label("budget_kind"), choices=[], validate_choice=False)
    budget_max = StringField(
        lazy_gettext("上限の金額"), description=lazy_gettext("例: 300万円、3,000,000")
    )
    budget_note = StringField(_label("budget_note"))
    eligibility_codes = Choices(_label("eligibility_codes"))
    eligibility = _text(
        "eligibility", N_("だれが応募できるか。個人事業主でもよければそう書いてください。")
    )
    place = StringField(
        _label("place"), description=lazy_gettext("例: 市役所本庁舎、南部の中山間地、市内全域")
    )
    where = StringField(
        _label("municipality_code"),
        description=lazy_gettext("県の募集で場所が決まっているときだけ。名前か団体コードで。"),
    )
    department = StringField(
        _label("department"), description=lazy_gettext("個人の名前は書かないでください。")
    )
    contact_policy = _text(
        "contact_policy", N_("部署の電話かメールと、返事までの日数の目安。だれでも見られます。")
    )
    opens_on = StringField(lazy_gettext("日付"))
    opens_time = StringField(lazy_gettext("時刻"))
    closes_on = StringField(lazy_gettext("日付"))
    closes_time = StringField(lazy_gettext("時刻"))

    def offer_choices(self) -> None:
        """Fill in what can be chosen, in the reader's language."""
        self.kind.choices = choices.call_kinds_explained()
        self.themes.choices = choices.themes()
        self.fine_themes.choices = choices.fine_themes()
        self.offers.choices = choices.offers()
        self.budget_kind.choices = choices.named(choices.BUDGETS)
        self.eligibility_codes.choices = choices.named(choices.ELIGIBILITY_NAMES)

    def values(self, organisation: Organisation, today: date) -> CallValues:
        """What was typed, as plain data. Raises Refused with every part that cannot be read."""
        problems: list[Problem] = []
        opens_at = self.parsed(
            parse_moment, self.opens_on.data or "", self.opens_time.data or "",
            today=today, field="opens_on", time_field="opens_time", default=MIDNIGHT,
            problems=problems,
        )  # fmt: skip
        closes_at = self.parsed(
            parse_moment, self.closes_on.data or "", self.closes_time.data or "",
            today=today, field="closes_on", time_field="closes_time", problems=problems,
        )  # fmt: skip
        budget_max = self.parsed(
            parse_money, self.budget_max.data or "", field="budget_max", problems=problems
        )
        code = self._town_code(problems, organisation)
        if problems:
            raise Refused(*problems)
        texts = {
            name: getattr(self, name).data or "" for name in (*calls.LINES, *calls.TEXTS, "kind")
        }
        return CallValues(
            **texts,
            themes=tuple(dict.fromkeys((*self.themes.keys, *self.fine_themes.keys))),
            offers=self.offers.keys,
            budget_kind=self.budget_kind.data or "unstated",
            budget_max_yen=budget_max,
            eligibility_codes=self.eligibility_codes.keys,
            municipality_code=code,
            opens_at=opens_at,
            closes_at=closes_at,
        )

    def _town_code(self, problems: list[Problem], organisation: Organisation) -> str | None:
        if organisation.municipality_code:
            return organisation.municipality_code
        typed = (self.where.data or "").strip()
        if not typed:
            return None
        town = one_body(session(), typed)
        if town is not None and not town.is_prefecture:
            return town.code
        found = [b.full_name for b in find_bodies(session(), typed) if not b.is_prefecture]
        names = _("、").join(found)
        message = (
            N_("どの市区町村か決められません。都道府県から入力してください（候補: %(names)s）")
            if found
            else N_("その名前の市区町村が見つかりません。都道府県から入力してください")
        )
        problems.append(Problem("where", message, {"names": names} if found else {}))
        return None


def filled(call: Call) -> CallForm:
    """The form as the call stands now."""
    data: dict[str, Any] = {name: getattr(call, name) for name in (*calls.LINES, *calls.TEXTS)}
    data |= {
        "version": str(call.version),
        "kind": call.kind,
        "themes": [key for key in call.themes if "." not in key],
        "fine_themes": [key for key in call.themes if "." in key],
        "offers": list(call.offers),
        "budget_kind": call.budget_kind,
        "budget_max": "" if call.budget_max_yen is None else f"{call.budget_max_yen:,}",
        "eligibility_codes": list(call.eligibility_codes),
        "where": _place_name(call),
    }
    for name in ("opens", "closes"):
        moment: datetime | None = getattr(call, f"{name}_at")
        if moment is not None:
            local = to_jst(moment)
            data[f"{name}_on"] = format_date(local.date(), _("y年M月d日"))  # a pattern of CLDR
            data[f"{name}_time"] = f"{local.hour}:{local.minute:02}"
    return CallForm(data=data)


def _place_name(call: Call) -> str:
    found = body(session(), call.municipality_code) if call.municipality_code else None
    return found.full_name if found else ""


def _page(
    form: CallForm,
    organisation: Organisation,
    call: Call | None = None,
    status: int = 200,
    conflict: list[dict[str, str]] | None = None,
) -> tuple[str, int]:
    form.offer_choices()
    today = to_jst(now()).date()
    html = render_template(
        "call_editing/edit.html",
        form=form,
        organisation=organisation,
        call=call,
        conflict=conflict,
        opens_echo=_echo(form.opens_on.data, form.opens_time.data, today, MIDNIGHT),
        closes_echo=_echo(form.closes_on.data, form.closes_time.data, today, END_OF_OFFICE_DAY),
    )
    return html, status


def _echo(day: str | None, time: str | None, today: date, default: ClockTime) -> str:
    """How a typed date was understood, with its weekday; nothing when it was not."""
    try:
        moment = parse_moment(day or "", time or "", today=today, default=default)
    except Refused:
        return ""
    return (
        _("%(moment)s として受け付けます", moment=format_moment(moment, chosen())) if moment else ""
    )


@bp.route("/my/organisations/<int:id_>/calls/new", methods=["GET", "POST"])
@needs("call.create", Organisation, keeps_form=True)
def new(organisation: Organisation) -> ResponseReturnValue:
    """Start a draft."""
    if request.method == "GET":
        return _page(
            CallForm(data={"budget_kind": "unstated", "closes_time": "17:15"}), organisation
        )
    form = CallForm()
    if form.sent():

        def create() -> Call:
            values = form.values(organisation, to_jst(now()).date())
            made = calls.create(session(), organisation, values, actor=person(), now=now())
            questions.ask(session(), made, actor=person(), now=now())
            return made

        call, _conflict = attempt(form, create)
        if call is not None:
            return redirect(url_for("call_editing.preview", id_=call.id), 303)
    return _page(form, organisation, status=422)


@bp.route("/calls/<int:id_>/edit", methods=["GET", "POST"])
@needs("call.edit", Call, keeps_form=True)
def edit(call: Call) -> ResponseReturnValue:
    """Change a draft or a published call. A lost race shows both versions and loses neither."""
    organisation = call.organisation
    if request.method == "GET":
        return _page(filled(call), organisation, call)
    form = CallForm()
    if not form.sent():
        return _page(form, organisation, call, 422)

    def rule() -> bool:
        values = form.values(organisation, to_jst(now()).date())
        calls.change(
            session(), call, values,
            actor=person(), now=now(), expected_version=number(form.version.data),
        )  # fmt: skip
        if call.state == "draft":
            questions.ask(session(), call, actor=person(), now=now())
        return True

    done, conflict = attempt(form, rule)
    if done:
        return redirect(url_for("call_editing.preview", id_=call.id), 303)
    if conflict is not None:
        return _conflict_page(form, call)
    return _page(form, organisation, call, 422)


def _conflict_page(form: CallForm, call: Call) -> ResponseReturnValue:
    session().refresh(call)
    yours = form.values(call.organisation, to_jst(now()).date())
    typed = listings.cleaned(yours, calls.LINES, calls.TEXTS)
    differing = clashes(typed, calls.values_of(call), LABELS | DATE_LABELS)
    if not differing:  # the same form sent twice
        return redirect(url_for("call_editing.preview", id_=call.id), 303)
    form.version.data = str(call.version)
    return _page(form, call.organisation, call, 409, differing)


DATE_LABELS = {
    "opens_at": N_("受付開始"),
    "closes_at": N_("締切"),
    "budget_max_yen": N_("上限の金額"),
}


@bp.get("/calls/<int:id_>/preview")
@needs("call.preview", Call)
def preview(call: Call) -> ResponseReturnValue:
    """The call as everyone will see it, with what is still missing and the buttons."""
    return listing.call_page(
        call,
        "call_editing/preview.html",
        unready=[sentence(problem) for problem in calls.unready(call, now())],
        reach=reach_of(call),
        copy=copies.note(call),
    )


@bp.post("/calls/<int:id_>/publish")
@needs("call.publish", Call)
def publish(call: Call) -> ResponseReturnValue:
    """Make it public."""
    to = url_for("my.call_matches", id_=call.id)
    return move(
        call, "published", calls.publish, request.form.get("version"), _("公開しました"), to
    )


@bp.post("/calls/<int:id_>/close")
@needs("call.close", Call)
def close(call: Call) -> ResponseReturnValue:
    """Close it by hand."""
    to = url_for("listing.call", id_=call.id)
    return move(
        call, "closed", calls.close, request.form.get("version"), _("募集を締め切りました"), to
    )


@bp.post("/calls/<int:id_>/discard")
@needs("call.discard", Call)
def discard(call: Call) -> ResponseReturnValue:
    """Put a draft away."""
    to = url_for("my.organisation", id_=call.organisation_id)
    return move(
        call, "archived", calls.discard, request.form.get("version"), _("下書きを捨てました"), to
    )

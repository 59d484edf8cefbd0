"""Writing a solution: draft, preview, publish, change, withdraw."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from wtforms import HiddenField, RadioField, StringField, TextAreaField

from hub.domain import listings, solutions
from hub.domain.solutions import LABELS, LIMITS, SolutionValues
from hub.i18n import N_
from hub.models.listing import NATIONWIDE, Solution
from hub.models.organisation import Organisation
from hub.web import choices, copies, listing
from hub.web.access import needs
from hub.web.context import now, person, session
from hub.web.editing import attempt, clashes, move, number
from hub.web.forms import Choices, Form, at_most, must, sentence
from hub.web.words import _

bp = Blueprint("solution_editing", __name__)


def _label(name: str) -> Any:
    return lazy_gettext(LABELS[name])


def _text(name: str, hint: str) -> TextAreaField:
    marks = [at_most(LIMITS[name][1])]
    if name in solutions.REQUIRED:
        marks.append(must())
    return TextAreaField(_label(name), marks, description=lazy_gettext(hint))


class SolutionForm(Form):
    """Everything of a solution on one page; a draft may leave anything empty."""

    version = HiddenField()
    title = StringField(
        _label("title"),
        [must()],
        description=lazy_gettext(
            "だれの、どんな困りごとに効くかがわかる題名に。60文字くらいが読みやすいです。"
        ),
    )
    summary = _text("summary", N_("はじめて読む人に、150文字で。一覧と検索に出ます。"))
    solves = _text("solves", N_("だれの、どんな困りごとを、どう楽にするか。"))
    brings = _text("brings", N_("製品、人手、知識、資金など、あなたが持ちよるもの。"))
    asks_text = _text("asks_text", N_("自治体にしてほしいこと。場所、データ、住民への声かけなど。"))
    evidence = _text("evidence", N_("実績や試験の結果。なければ空のままで、不利になりません。"))
    themes = Choices(
        _label("themes"),
        validators=[must()],
        description=lazy_gettext("3つまで。細かい分野も数に入ります。"),
    )
    fine_themes = Choices(lazy_gettext("細かい分野"))
    asks = Choices(_label("asks"))
    kinds = Choices(
        _label("kinds"), description=lazy_gettext("空なら、どの種類でもよいことになります。")
    )
    stage = RadioField(_label("stage"), choices=[], validate_choice=False)
    areas = Choices(_label("areas"))

    def offer_choices(self) -> None:
        """Fill in what can be chosen, in the reader's language."""
        self.themes.choices = choices.themes()
        self.fine_themes.choices = choices.fine_themes()
        self.asks.choices = choices.offers()
        self.kinds.choices = choices.call_kinds_explained()
        self.stage.choices = choices.named(choices.STAGE_NAMES)
        self.areas.choices = [(NATIONWIDE, _("全国")), *choices.prefectures()]

    def values(self) -> SolutionValues:
        """What was typed, as plain data."""
        texts = {
            name: getattr(self, name).data or "" for name in (*solutions.LINES, *solutions.TEXTS)
        }
        return SolutionValues(
            **texts,
            themes=tuple(dict.fromkeys((*self.themes.keys, *self.fine_themes.keys))),
            asks=self.asks.keys,
            kinds=self.kinds.keys,
            stage=self.stage.data or None,
            areas=self.areas.keys,
        )


def filled(solution: Solution) -> SolutionForm:
    """The form as the solution stands now."""
    data: dict[str, Any] = {
        name: getattr(solution, name) for name in (*solutions.LINES, *solutions.TEXTS)
    }
    data |= {
        "version": str(solution.version),
        "themes": [key for key in solution.themes if "." not in key],
        "fine_themes": [key for key in solution.themes if "." in key],
        "asks": list(solution.asks),
        "kinds": list(solution.kinds),
        "stage": solution.stage or "",
        "areas": list(solution.areas),
    }
    return SolutionForm(data=data)


def _page(
    form: SolutionForm,
    organisation: Organisation,
    solution: Solution | None = None,
    status: int = 200,
    conflict: list[dict[str, str]] | None = None,
) -> tuple[str, int]:
    form.offer_choices()
    html = render_template(
        "solution_editing/edit.html",
        form=form,
        organisation=organisation,
        solution=solution,
        conflict=conflict,
    )
    return html, status


@bp.route("/my/organisations/<int:id_>/solutions/new", methods=["GET", "POST"])
@needs("solution.create", Organisation, keeps_form=True)
def new(organisation: Organisation) -> ResponseReturnValue:
    """Start a draft."""
    if request.method == "GET":
        return _page(SolutionForm(data={}), organisation)
    form = SolutionForm()
    if form.sent():
        solution, _conflict = attempt(
            form,
            lambda: solutions.create(
                session(), organisation, form.values(), actor=person(), now=now()
            ),
        )
        if solution is not None:
            return redirect(url_for("solution_editing.preview", id_=solution.id), 303)
    return _page(form, organisation, status=422)


@bp.route("/solutions/<int:id_>/edit", methods=["GET", "POST"])
@needs("solution.edit", Solution, keeps_form=True)
def edit(solution: Solution) -> ResponseReturnValue:
    """Change a draft or a published solution. A lost race shows both versions."""
    organisation = solution.organisation
    if request.method == "GET":
        return _page(filled(solution), organisation, solution)
    form = SolutionForm()
    if not form.sent():
        return _page(form, organisation, solution, 422)

    def rule() -> bool:
        solutions.change(
            session(), solution, form.values(),
            actor=person(), now=now(), expected_version=number(form.version.data),
        )  # fmt: skip
        return True

    done, conflict = attempt(form, rule)
    if done:
        return redirect(url_for("solution_editing.preview", id_=solution.id), 303)
    if conflict is not None:
        return _conflict_page(form, solution)
    return _page(form, organisation, solution, 422)


def _conflict_page(form: SolutionForm, solution: Solution) -> ResponseReturnValue:
    session().refresh(solution)
    typed = listings.cleaned(form.values(), solutions.LINES, solutions.TEXTS)
    differing = clashes(typed, solutions.values_of(solution), LABELS)
    if not differing:  # the same form sent twice
        return redirect(url_for("solution_editing.preview", id_=solution.id), 303)
    form.version.data = str(solution.version)
    return _page(form, solution.organisation, solution, 409, differing)


@bp.get("/solutions/<int:id_>/preview")
@needs("solution.preview", Solution)
def preview(solution: Solution) -> ResponseReturnValue:
    """The solution as everyone will see it, with what is still missing and the buttons."""
    return listing.solution_page(
        solution,
        "solution_editing/preview.html",
        unready=[sentence(problem) for problem in solutions.unready(solution)],
        copy=copies.note(solution),
    )


@bp.post("/solutions/<int:id_>/publish")
@needs("solution.publish", Solution)
def publish(solution: Solution) -> ResponseReturnValue:
    """Make it public."""
    to = url_for("my.solution_matches", id_=solution.id)
    return move(
        solution, "published", solutions.publish, request.form.get("version"), _("公開しました"), to
    )


@bp.post("/solutions/<int:id_>/close")
@needs("solution.close", Solution)
def close(solution: Solution) -> ResponseReturnValue:
    """Withdraw it from lists."""
    to = url_for("my.organisation", id_=solution.organisation_id)
    return move(
        solution, "closed", solutions.close, request.form.get("version"), _("掲載を終えました"), to
    )


@bp.post("/solutions/<int:id_>/discard")
@needs("solution.discard", Solution)
def discard(solution: Solution) -> ResponseReturnValue:
    """Put a draft away."""
    to = url_for("my.organisation", id_=solution.organisation_id)
    return move(
        solution,
        "archived",
        solutions.discard,
        request.form.get("version"),
        _("下書きを捨てました"),
        to,
    )

"""Alerts by mail: asking for one, beginning and ending it by the links of its mails.

None of these pages needs an account or a cookie. Whoever opens a link that only a mail holds may
do what it is for, so confirming and ending ask for no form token; mail programs end an alert by
posting to the same address (RFC 8058).
"""

import hashlib
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from flask_babel import lazy_gettext
from flask_limiter.util import get_remote_address
from wtforms import StringField

from hub.domain import alerts
from hub.domain.alert_text import Links
from hub.domain.alerts import TITLE_MAX
from hub.domain.errors import Refused
from hub.domain.inputs import parse_email
from hub.models.alert import Alert
from hub.web.access import needs
from hub.web.context import SAFE_METHODS, commit, now, services, session
from hub.web.forms import Form, must
from hub.web.language import chosen
from hub.web.limits import limiter
from hub.web.search_facets import Values
from hub.web.search_state import SearchState, Unreadable, read
from hub.web.words import _

bp = Blueprint("alert", __name__)

FOR_ONE_MAILBOX = "10 per day"
GUESSES = "30 per hour"  # reference numbers tried that do not exist


class AlertForm(Form):
    """The address that is to be told. The search is in the address of the page."""

    email = StringField(lazy_gettext("メールアドレス"), [must()])
    wants_token = False

    class Meta:
        """No token: it would set a cookie on pages that promise none."""

        csrf = False

    def sent(self) -> bool:
        """Whether the form was sent from a page of ours: by the browser's own word on it.

        A browser that says nothing gets the form again, this time with a token.
        """
        if request.method in SAFE_METHODS:
            return False
        self.wants_token = not from_our_page()
        return super().sent() if self.wants_token else True


def from_our_page() -> bool:
    """Whether the browser says that a page of this site sent this request."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc == request.host


def links() -> Links:
    """Addresses for mails, whatever name this request was sent to."""
    settings = services().settings
    return Links(settings.origin, settings.secret)


def _limit() -> str:
    return services().settings.alert_limit


def _mailbox() -> str:
    """The mailbox that is to be written to, whoever asks and however it is spelled."""
    typed = request.form.get("email", "")
    try:
        address = parse_email(typed)[1]
    except Refused:
        return f"asker:{get_remote_address()}"
    return f"mailbox:{hashlib.sha256(address.encode()).hexdigest()}"


def _missing(response: Response) -> bool:
    return response.status_code in (404, 422)


# --- Asking -------------------------------------------------------------------------------------


@bp.route("/alerts/new", methods=["GET", "POST"])
@limiter.limit(_limit, methods=["POST"])
@limiter.limit(FOR_ONE_MAILBOX, methods=["POST"], key_func=_mailbox)
@needs("alert.subscribe", keeps_form=True)
def subscribe() -> ResponseReturnValue:
    """Ask for mails about a search. The answer is the same whether the address has one or not."""
    values = Values()
    try:
        state = read(request.args, values.known).lasting()
    except Unreadable:
        abort(400)
    form = AlertForm()
    if form.sent():
        try:
            alerts.subscribe(
                session(),
                email=form.email.data or "",
                search=state,
                title=title_of(state, values),
                language=chosen(),
                links=links(),
                now=now(),
            )
        except Refused as refused:
            form.refuse(refused)
        else:
            commit()
            return redirect(url_for("alert.sent"), 303)
    page = render_template(
        "alert/new.html", form=form, state=state, title=title_of(state, values), nav=state.target
    )
    return page, 200 if request.method in SAFE_METHODS else 422


def title_of(state: SearchState, values: Values) -> str:
    """The search in the reader's words, for mails."""
    words = [state.text] if state.text else []
    words += [values.full_name(*condition) for condition in state.conditions()]
    title = _("・").join(words) or _("すべて")
    return title if len(title) <= TITLE_MAX else f"{title[: TITLE_MAX - 1]}…"


@bp.get("/alerts/sent")
@needs("alert.subscribe")
def sent() -> ResponseReturnValue:
    """What to do next: open the mail."""
    return render_template("alert/sent.html", to_folder=not services().settings.mail_url)


# --- Beginning and ending -----------------------------------------------------------------------


@bp.route("/alerts/confirm/<token>", methods=["GET", "POST"])
@limiter.limit(GUESSES, deduct_when=_missing)
@needs("alert.confirm", keeps_form=True)
def confirm(token: str) -> ResponseReturnValue:
    """The page of the confirming link; only its button begins the alert."""
    alert = alerts.by_token(session(), "confirm", token, now=now())
    if alert is None:
        return private("alert/over.html", status=404)
    if request.method not in SAFE_METHODS:
        alerts.confirm(session(), alert, now=now())
        commit()
        return redirect(url_for("alert.confirm", token=token), 303)
    return private("alert/confirm.html", alert=alert, search_url=_search_url(alert))


@bp.route("/alerts/end/<token>", methods=["GET", "POST"])
@limiter.limit(GUESSES, deduct_when=_missing)
@needs("alert.end", keeps_form=True)
def end(token: str) -> ResponseReturnValue:
    """The page of the ending link; its button, or a mail program's post, ends the alert."""
    alert = alerts.by_token(session(), "end", token, now=now())
    if alert is None:
        return private("alert/over.html", status=404)
    if request.method not in SAFE_METHODS:  # answered without a redirect, as RFC 8058 wants it
        alerts.end(session(), alert, now=now())
        commit()
    return private("alert/end.html", alert=alert, search_url=_search_url(alert))


# --- Reference numbers --------------------------------------------------------------------------


@bp.get("/r")
@needs("alert.read")
def find() -> ResponseReturnValue:
    """Where a reference number is typed."""
    typed = request.args.get("number", "")
    number = alerts.parse_reference(typed)
    if number:
        return redirect(url_for("alert.reference", number=number), 303)
    return render_template("alert/find.html", typed=typed), 422 if typed else 200


@bp.route("/r/<number>", methods=["GET", "POST"])
@limiter.limit(GUESSES, deduct_when=_missing)
@needs("alert.read", keeps_form=True)
def reference(number: str) -> ResponseReturnValue:
    """What a reference number stands for. Who knows the address too can begin or end it here."""
    alert = alerts.by_reference(session(), number, now=now())
    if alert is None:
        return private("alert/find.html", status=404, typed=number)
    form = AlertForm()
    if form.sent():
        try:
            alerts.check_address(alert, form.email.data or "")
        except Refused as refused:
            form.refuse(refused)
        else:
            rule = alerts.confirm if alert.state == "pending" else alerts.end
            rule(session(), alert, now=now())
            commit()
            return redirect(url_for("alert.reference", number=alert.reference), 303)
    return private(
        "alert/reference.html",
        status=200 if request.method in SAFE_METHODS else 422,
        form=form,
        alert=alert,
        search_url=_search_url(alert),
    )


def _search_url(alert: Alert) -> str:
    state = SearchState.read(parse_qs(alert.search), Values().known)
    return (state.choosing("status", ("open",)) if state.target == "call" else state).url


def private(template: str, status: int = 200, **values: object) -> ResponseReturnValue:
    """A page whose address is a secret: kept by nobody, listed nowhere."""
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return render_template(template, **values), status, headers

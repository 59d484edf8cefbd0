"""Registering, signing in and out."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from flask_babel import lazy_gettext
from flask_login import current_user, login_user, logout_user
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import RequestRedirect
from wtforms import HiddenField, PasswordField, StringField

from hub.domain import accounts
from hub.domain.errors import Refused
from hub.domain.inputs import fold
from hub.models.organisation import User
from hub.web.access import needs, public
from hub.web.context import Person, actor, commit, now, services, session
from hub.web.forms import Form, must
from hub.web.limits import attempts, limiter
from hub.web.words import _

bp = Blueprint("account", __name__)


class SignInForm(Form):
    """Address and password; `next` is where the person was going."""

    email = StringField(lazy_gettext("メールアドレス"), [must()])
    password = PasswordField(lazy_gettext("パスワード"), [must()])
    next = HiddenField()


class RegisterForm(Form):
    """A new account."""

    name = StringField(lazy_gettext("お名前"), [must()])
    email = StringField(lazy_gettext("メールアドレス"), [must()])
    password = PasswordField(lazy_gettext("パスワード"), [must()])
    next = HiddenField()


def _failed(response: Response) -> bool:
    return response.status_code == 422


def _account() -> str:
    """The account that someone tries to enter, whatever address they try from."""
    return f"account:{fold(request.form.get('email', ''))[:320]}"


@bp.route("/sign-in", methods=["GET", "POST"])
@limiter.limit(attempts, methods=["POST"], deduct_when=_failed)
@limiter.limit(attempts, methods=["POST"], deduct_when=_failed, key_func=_account)
@public
def sign_in() -> ResponseReturnValue:
    """Sign in; afterwards to where the person was going."""
    form = SignInForm()
    if request.method == "GET":
        if actor() is not None:
            return redirect(url_for("my.home"), 303)
        form.next.data = request.args.get("next", "")
        return render_template("account/sign_in.html", form=form)
    if form.sent():
        with services().database.session() as reader:  # no lock while the hash is computed
            user = accounts.check_password(reader, form.email.data or "", form.password.data or "")
        if user is not None:
            _enter(user)
            return redirect(safe_target(form.next.data), 303)
        form.form_errors.append(_("メールアドレスかパスワードが違います。もう一度入力してください"))
    return render_template("account/sign_in.html", form=form), 422


@bp.route("/register", methods=["GET", "POST"])
@limiter.limit(attempts, methods=["POST"])
@public
def register() -> ResponseReturnValue:
    """Make an account and sign in."""
    form = RegisterForm()
    if request.method == "GET":
        form.next.data = request.args.get("next", "")
        return render_template("account/register.html", form=form)
    if form.sent():
        try:
            user = accounts.register(
                session(),
                email=form.email.data or "",
                name=form.name.data or "",
                password=form.password.data or "",
                now=now(),
            )
        except Refused as refused:
            form.refuse(refused)
        else:
            _enter(user)
            flash(_("登録しました。つぎに、あなたの団体を登録してください"))
            return redirect(safe_target(form.next.data, "my.new_organisation"), 303)
    return render_template("account/register.html", form=form), 422


@bp.post("/sign-out")
@needs("account.use")
def sign_out() -> ResponseReturnValue:
    """End this browser's sign-in on our side as well."""
    accounts.sign_out(session(), current_user.token, now=now())
    commit()
    logout_user()
    flash(_("ログアウトしました"))
    return redirect(url_for("home.show"), 303)


def _enter(user: User) -> None:
    user = session().get_one(User, user.id)
    token = accounts.sign_in(session(), user, now=now())
    commit()
    login_user(Person(user, token))


def safe_target(wanted: str | None, otherwise: str = "my.home") -> str:
    """`wanted` if it is a page of ours that can be read, else the page named `otherwise`."""
    home = url_for(otherwise)
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return home
    if "\\" in wanted or any(ord(char) < 0x20 for char in wanted):
        return home
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc:
        return home
    try:
        current_app.url_map.bind("").match(parts.path, method="GET")
    except (NotFound, RequestRedirect, HTTPException):
        return home
    return wanted

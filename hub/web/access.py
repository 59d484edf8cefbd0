"""Every view says who may reach it: `@public` aloud, or `@needs(action)` by the permission table.

A test walks all routes and fails on a view that says neither.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms import ValidationError

from hub.policy import verdict
from hub.web.context import SAFE_METHODS, actor, session
from hub.web.errors import sentence_page

LARGEST_ID = 2**31 - 1  # of an integer column

View = Callable[..., ResponseReturnValue]
TOKEN = "csrf_token"  # noqa: S105 - the name of a form field


def public(view: View) -> View:
    """Anyone may come here, without an account."""
    return _guard(view, "public", lambda kwargs: None, keeps_form=True)


def needs(
    action: str, model: type | None = None, *, keeps_form: bool = False
) -> Callable[[View], View]:
    """Only who the permission table lets do `action`; with `model`, to the row named by `id_`.

    The view gets the row instead of the id. `keeps_form` says that the view itself shows its
    form again when the form's token is stale; other views answer such a post with a page that
    says what to do.
    """

    def decorate(view: View) -> View:
        def authorise(kwargs: dict[str, Any]) -> ResponseReturnValue | None:
            subject = None
            if model is not None:
                id_ = kwargs.pop("id_")
                subject = session().get(model, id_) if id_ <= LARGEST_ID else None
                if subject is None:
                    abort(404)
                kwargs["subject"] = subject
            return _answer(verdict(actor(), action, subject))

        return _guard(view, action, authorise, keeps_form=keeps_form)

    return decorate


def _guard(
    view: View,
    policy: str,
    authorise: Callable[[dict[str, Any]], ResponseReturnValue | None],
    *,
    keeps_form: bool,
) -> View:
    @wraps(view)
    def guarded(**kwargs: Any) -> ResponseReturnValue:
        refusal = authorise(kwargs)
        if refusal is not None:
            return refusal
        if token_is_stale() and not keeps_form:
            return sentence_page(422, "stale")
        if "subject" in kwargs:
            return view(kwargs.pop("subject"), **kwargs)
        return view(**kwargs)

    guarded.policy = policy  # type: ignore[attr-defined]
    return guarded


def _answer(answer: str) -> ResponseReturnValue | None:
    if answer == "yes":
        return None
    if answer == "sign in":
        if request.method in SAFE_METHODS:
            return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")), 303)
        return sentence_page(401, "sign-in")
    return abort(404 if answer == "unknown" else 403)


def token_is_stale() -> bool:
    """Whether this request would change something but carries no valid form token."""
    if request.method in SAFE_METHODS:
        return False
    if "token_is_stale" not in g:
        try:
            validate_csrf(request.form.get(TOKEN))
            g.token_is_stale = False
        except ValidationError:
            g.token_is_stale = True
    return bool(g.token_is_stale)


def csrf_token() -> str:
    """The token that a form of this page must carry."""
    return str(generate_csrf())

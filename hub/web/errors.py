"""Error pages: what happened, and what to do now, in the reader's language."""

import logging

from flask import Flask, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import AnonymousUserMixin
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from hub.domain.errors import Forbidden
from hub.i18n import N_
from search.index import IndexUnavailable

log = logging.getLogger(__name__)

# name or status -> (title, what to do)
PAGES = {
    "400": (
        N_("この依頼は受け取れませんでした"),
        N_("送られた内容に読めないところがあります。前のページに戻って、もう一度お試しください。"),
    ),
    "401": (
        N_("ログインが必要です"),
        N_("この操作にはログインが必要です。ログインしてから、もう一度お試しください。"),
    ),
    "sign-in": (
        N_("ログインが切れています"),
        N_(
            "入力した内容は前のページに残っています。別のタブでログインしてから、"
            "ブラウザの「戻る」で前のページに戻り、もう一度ボタンを押してください。"
        ),
    ),
    "403": (
        N_("この操作はできません"),
        N_(
            "あなたの役割か、団体のいまの状態では、この操作はできません。団体の管理者に頼んでください。"
        ),
    ),
    "404": (
        N_("ページが見つかりません"),
        N_("アドレス（URL）が変わったか、公開されていないページです。検索でさがしてみてください。"),
    ),
    "405": (
        N_("この操作はできません"),
        N_("このページでは使えない操作です。前のページに戻って、もう一度お試しください。"),
    ),
    "413": (
        N_("送られた内容が大きすぎます"),
        N_(
            "一度に送れるのは2メガバイトまでです。ブラウザの「戻る」で入力に戻れます。"
            "文章を短くして、もう一度送ってください。"
        ),
    ),
    "429": (
        N_("しばらく待ってからお試しください"),
        N_("短い時間に何度も試されたため、少しのあいだ受け付けを止めています。"),
    ),
    "stale": (
        N_("もう一度ボタンを押してください"),
        N_(
            "ページを開いてから時間がたったため、まだ実行していません。"
            "前のページに戻り、ページを開き直してから、もう一度ボタンを押してください。"
        ),
    ),
    "500": (
        N_("うまくいきませんでした"),
        N_(
            "このサイトの不具合です。少し待ってから、もう一度お試しください。"
            "何かを送ったところなら、まだ保存されていません。"
            "ブラウザの「戻る」で、入力した内容に戻れます。"
        ),
    ),
    "503": (
        N_("ただいま混み合っています"),
        N_("いま、この機能を使えません。1分ほど待ってから、もう一度お試しください。"),
    ),
}


def sentence_page(status: int, name: str = "") -> ResponseReturnValue:
    """A page with one clear sentence, and its status."""
    title, text = PAGES.get(name or str(status), PAGES["400" if status < 500 else "500"])
    page = render_template(
        "errors/error.html", title=gettext(title), text=gettext(text), status=status
    )
    headers = {"Retry-After": "60"} if status in (429, 503) else {}
    return page, status, headers


def init_app(app: Flask) -> None:
    """Answer every failure with a page of our own; nothing half done is kept."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        if error.code is None or error.code < 400:
            return error
        if isinstance(error, SecurityError):  # an unknown host: no link of ours can be built
            return "unknown host", 400, {"Content-Type": "text/plain"}
        return sentence_page(error.code)

    @app.errorhandler(Forbidden)
    def forbidden(_error: Forbidden) -> ResponseReturnValue:
        return sentence_page(403)

    @app.errorhandler(IndexUnavailable)
    @app.errorhandler(OperationalError)
    def unavailable(error: Exception) -> ResponseReturnValue:
        log.error("a part is away: %s", error)
        _forget()
        return sentence_page(503)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        log.exception("unexpected error", exc_info=error)
        _forget()
        return sentence_page(500)


def _forget() -> None:
    """Drop the broken session; the error page asks no database who is signed in."""
    opened = g.pop("session", None)
    if opened is not None:
        opened.close()
    g._login_user = AnonymousUserMixin()  # where Flask-Login keeps the person of the request

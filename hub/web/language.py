"""Japanese first, English complete: chosen by `?lang=`, else by the browser's wish. No cookie."""

import re
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, request
from flask_babel import Babel, get_locale
from markupsafe import Markup

LANGUAGES = {"ja": "日本語", "en": "English"}
_JAPANESE = re.compile(r"[\u3041-\u30fa\u4e00-\u9fff]")


def chosen() -> str:
    """The language of this request."""
    explicit = request.args.get("lang")
    if explicit in LANGUAGES:
        return explicit
    return request.accept_languages.best_match(list(LANGUAGES), default="ja") or "ja"


def links() -> list[dict[str, Any]]:
    """The same page in each language."""
    here = chosen()
    found = []
    for code, label in LANGUAGES.items():
        args = request.args.copy()
        args["lang"] = code
        query = urlencode(list(args.items(multi=True)))
        found.append(
            {
                "code": code,
                "label": label,
                "url": f"{request.path}?{query}",
                "current": code == here,
            }
        )
    return found


def name_of(row: Any) -> str:
    """The name of a reference row in the reader's language."""
    return str(row.name_en if str(get_locale()) == "en" else row.name_ja)


def written(text: object) -> object:
    """What people wrote, marked as Japanese where the page around it speaks another language.

    Screen readers then read it in Japanese (WCAG 3.1.2), and browsers choose Japanese letter forms.
    """
    if str(get_locale()) == "ja" or not _JAPANESE.search(str(text)):
        return text
    return Markup('<span lang="ja">{}</span>').format(text)


def init_app(app: Flask) -> None:
    """Choose the language, carry an explicit choice along in every link, and tell caches."""
    Babel(app, locale_selector=chosen, default_locale="ja", default_timezone="Asia/Tokyo")
    app.add_template_filter(written, "written")

    @app.url_defaults
    def carry(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint != "static" and "lang" not in values and request:
            explicit = request.args.get("lang")
            if explicit in LANGUAGES:
                values["lang"] = explicit

    @app.after_request
    def tell(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.headers["Content-Language"] = chosen()
            response.vary.add("Accept-Language")
        return response

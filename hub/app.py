"""The application: a list of parts and blueprints."""

from datetime import timedelta
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from hub import policy
from hub.api import exports
from hub.clock import to_jst
from hub.config import Settings
from hub.services import Services
from hub.web import (
    access,
    account,
    alert,
    call_editing,
    context,
    desk,
    desk_editing,
    errors,
    feedback,
    health,
    home,
    language,
    limits,
    listing,
    match_print,
    my,
    operator,
    organisation,
    pages,
    prefecture_map,
    ranking,
    reach,
    search,
    security,
    solution_editing,
    suggest,
    town,
    why,
)
from search.analysis import tokenize

TEMPLATES = Path(__file__).parent.parent / "templates"
BODY_MAX = 2 * 1024 * 1024  # bytes of one request
BLUEPRINTS = (
    home.bp,
    search.bp,
    suggest.bp,
    exports.bp,
    prefecture_map.bp,
    listing.bp,
    town.bp,
    organisation.bp,
    ranking.bp,
    pages.bp,
    account.bp,
    alert.bp,
    feedback.bp,
    my.bp,
    call_editing.bp,
    reach.bp,
    why.bp,
    match_print.bp,
    solution_editing.bp,
    desk.bp,
    desk_editing.bp,
    operator.bp,
    health.bp,
)


def create_app(settings: Settings | None = None, services: Services | None = None) -> Flask:
    """The marketplace for these settings; tests hand over services of their own."""
    settings = settings or (services.settings if services else Settings())
    app = Flask("hub", template_folder=str(TEMPLATES))
    _configure(app, settings)
    app.extensions["hub"] = services or _opened(settings)
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    for part in (language, context, errors, security, limits):
        part.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    _prepare_templates(app, settings)
    return app


def _opened(settings: Settings) -> Services:
    """The real parts; the dictionary is read now, so that nobody's first search waits for it."""
    tokenize("まち")
    return Services.of(settings)


def _configure(app: Flask, settings: Settings) -> None:
    hosts = [host.strip() for host in settings.trusted_hosts.split(",") if host.strip()]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.config.update(
        SECRET_KEY=settings.secret,
        MAX_CONTENT_LENGTH=BODY_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_MAX,
        MAX_FORM_PARTS=1000,
        TRUSTED_HOSTS=hosts or None,
        SESSION_COOKIE_NAME="__Host-hub" if settings.secure_cookies else "hub",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        WTF_CSRF_TIME_LIMIT=8 * 3600,
        WTF_CSRF_SSL_STRICT=False,
        BABEL_TRANSLATION_DIRECTORIES=str(Path(__file__).parent / "translations"),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
    )


def _prepare_templates(app: Flask, settings: Settings) -> None:
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.add_template_filter(to_jst, "jst")
    app.add_template_global(access.csrf_token, "csrf_token")

    @app.context_processor
    def everywhere() -> dict[str, object]:
        return {
            "lang_links": language.links(),
            "operator": settings.operator_name,
            "may": lambda action, subject=None: policy.allowed(context.actor(), action, subject),
        }

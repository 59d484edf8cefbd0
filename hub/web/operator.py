"""The operator's page: confirm that municipalities and firms are who they say."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from hub.domain import mails, organisations, vectors
from hub.models.organisation import Organisation
from hub.web.access import needs
from hub.web.context import commit, now, person, session
from hub.web.words import _

bp = Blueprint("operator", __name__)


@bp.get("/operator")
@needs("operator.enter")
def home() -> ResponseReturnValue:
    """Who is to be confirmed, with who asked; lost mails; how far the vectors are."""
    return render_template(
        "operator/home.html",
        waiting=[_row(found) for found in organisations.unverified(session())],
        firms=[_row(found) for found in organisations.unidentified(session())],
        vectors=vectors.progress(session(), now=now()),
        mails=mails.troubles(session()),
        overdue=mails.overdue(session(), now()),
    )


def _row(organisation: Organisation) -> dict[str, Any]:
    return {
        "id": organisation.id,
        "name": organisation.full_name,
        "body_code": organisation.body_code,
        "website": organisation.website,
        "since": organisation.created_at,
        "people": [
            f"{membership.user.name} <{membership.user.email}>"
            for membership in organisation.memberships
            if membership.state == "active"
        ],
    }


@bp.post("/operator/organisations/<int:id_>/verify")
@needs("organisation.verify", Organisation)
def verify(organisation: Organisation) -> ResponseReturnValue:
    """Confirm a municipality, which can then publish, or a firm, for which places are kept."""
    organisations.verify(session(), organisation, actor=person(), now=now())
    commit()
    flash(_("%(name)sを確認ずみにしました", name=organisation.full_name))
    return redirect(url_for("operator.home"), 303)


@bp.post("/operator/organisations/<int:id_>/refuse")
@needs("organisation.refuse", Organisation)
def refuse(organisation: Organisation) -> ResponseReturnValue:
    """Refuse a claim: the municipality is nobody's again."""
    organisations.refuse_claim(session(), organisation, actor=person(), now=now())
    commit()
    flash(_("%(name)sの申請を断りました", name=organisation.full_name))
    return redirect(url_for("operator.home"), 303)

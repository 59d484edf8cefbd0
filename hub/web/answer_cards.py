"""What cards show of answers: what was said of a pair, and where to say it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import url_for

from hub.domain import digests, feedback
from hub.domain.feedback import Pair
from hub.i18n import N_
from hub.models.matching import Feedback, Match
from hub.models.organisation import Organisation
from hub.policy import allowed
from hub.web.context import now, person, session
from hub.web.words import _

WORDS = {
    "call": {
        "interested": N_("関心がある"),
        "declined": N_("今回は対象外"),
        "proposed": N_("提案を受けた"),
        "hidden": N_("表示しない"),
    },
    "firm": {
        "interested": N_("関心がある"),
        "declined": N_("今回は対象外"),
        "proposed": N_("提案した"),
        "hidden": N_("表示しない"),
    },
}


@dataclass(frozen=True, slots=True)
class Answering:
    """What `feedback/actions.html` draws: what was said of a pair, and where to say it."""

    url: str
    kind: str
    title: str
    verdict: str
    words: str
    proposed: str


def answers(
    organisation: Organisation, kind: str, matches: Iterable[Match]
) -> dict[tuple[int, int], Answering]:
    """By pair what the buttons show; nothing for those who may not answer."""
    found = list(matches)
    if not allowed(person(), "organisation.answer", organisation):
        return {}
    keys = {(match.call_id, match.solution_id) for match in found}
    said = feedback.verdicts(session(), organisation.id, keys)
    return {
        key: answering(Pair(kind, match.call, match.solution), said.get(key))
        for match in found
        if (key := (match.call_id, match.solution_id))
    }


def answering(pair: Pair, row: Feedback | None) -> Answering:
    """The same of one pair, of which `row` was said."""
    theirs = pair.solution if pair.kind == "call" else pair.call
    proposed = WORDS[pair.kind]["proposed"]
    return Answering(
        url=url_for(
            "feedback.answer", call_id=pair.call.id, solution_id=pair.solution.id, kind=pair.kind
        ),
        kind=pair.kind,
        title=theirs.title,
        verdict=row.verdict if row else "",
        words=in_words(pair.kind, row),
        proposed=_(proposed),
    )


def in_words(kind: str, row: Feedback | None) -> str:
    """What was said, with its reason: 今回は対象外（分野が違う）."""
    if row is None:
        return ""
    word = WORDS[kind][row.verdict]
    said = _(word)
    reason = feedback.BY_CODE.get(row.reason)
    if reason is None:
        return said
    why = _(reason.town) if kind == "call" else _(reason.firm)
    return _("%(said)s（%(why)s）", said=said, why=why)


def own_digest(organisation: Organisation) -> dict[str, Any] | None:
    """Our own morning's mail of this organisation: whether it comes; None if there can be none."""
    for membership in person().memberships:
        if membership.organisation_id == organisation.id and digests.may_answer(membership):
            digest = digests.of(session(), membership)
            return {
                "url": url_for("feedback.switch", id_=membership.id),
                "on": digest is None or digest.state == "active",
                "confirmed": person().email_confirmed_at is not None,
                "most": digests.UNCONFIRMED,
                "held": digest is not None and digests.is_held(digest),
                "may_ask_again": digest is not None and digests.may_ask_again(digest, now()),
                "email": person().email,
            }
    return None

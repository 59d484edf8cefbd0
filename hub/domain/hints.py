"""Hints on calls that few have answered yet. They are shown beside a call and rank nothing."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.domain.status import status
from hub.models.listing import Call
from hub.models.matching import Feedback

FEW = 2  # firms
LONG_OPEN = timedelta(days=7)
SOON_OVER = timedelta(days=14)


def few_proposals(session: Session, calls: Iterable[Call], now: datetime) -> dict[int, int]:
    """How many firms said that they proposed, for the open calls where it is time to say so.

    That is: at most two did, and the call has been open for a week or is over within two.
    """
    asked = {call.id for call in calls if _is_time(call, now)}
    if not asked:
        return {}
    said = (
        select(Feedback.call_id, func.count(Feedback.organisation_id.distinct()))
        .where(Feedback.call_id.in_(asked), Feedback.verdict == "proposed")
        .join(Call, Call.id == Feedback.call_id)
        .where(Feedback.organisation_id != Call.organisation_id)
        .group_by(Feedback.call_id)
    )
    counts = dict.fromkeys(asked, 0) | {row[0]: row[1] for row in session.execute(said)}
    return {id_: count for id_, count in counts.items() if count <= FEW}


def _is_time(call: Call, now: datetime) -> bool:
    if status(call, now) != "open" or call.published_at is None:
        return False
    began = max(call.published_at, call.opens_at or call.published_at)
    ends_soon = call.closes_at is not None and call.closes_at - now <= SOON_OVER
    return now - began >= LONG_OPEN or ends_soon

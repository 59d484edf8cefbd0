"""A market with a history of lists, for the audit: many firms, two calls, places since long ago."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from hub.domain.fairness.weeks import Week
from hub.models import Call, Match, MatchList, Organisation, Place, SizeFacts, Solution
from tests import market
from tests.conftest import NOW

WEEK = Week.parse("2026-W48")  # over since the day before NOW
LONG_AGO = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def make(session: Session, sizes: Sequence[int | None], *, score: float = 0.73) -> list[Solution]:
    """Publish two calls and a firm of each size (employees), suitable for the first call.

    The firms stand in its list by their order, ten at most, since before WEEK.
    """
    officer = market.town(session)
    calls = [market.publish_call(session, officer, now=LONG_AGO) for _ in range(2)]
    posts = []
    for number, employees in enumerate(sizes):
        owner = market.firm(session, f"会社{number}")
        post = market.publish_solution(session, owner, now=LONG_AGO)
        posts.append(post)
        if employees is not None:
            session.add(SizeFacts(organisation_id=post.organisation_id, employees=employees))
        session.add(market.pair(calls[0], post, score))
    session.flush()
    for rank, post in enumerate(posts[:10], 1):
        session.add(place(calls[0], post, rank))
    for call, suitable in zip(calls, (len(posts), 0), strict=True):
        session.add(dealt(call, suitable=suitable, loss=0.02 if suitable else 0.0))
    return posts


def first_call(session: Session) -> Call:
    """The call that firms stand in the list of."""
    return session.query(Call).order_by(Call.id).first()  # type: ignore[return-value]


def place(
    call: Call,
    post: Solution,
    rank: int,
    *,
    begins: datetime = LONG_AGO,
    ends: datetime | None = None,
    how: str = "merit",
    kind: str = "call",
) -> Place:
    """A place of the call's list, or of the firm's."""
    return Place(
        kind=kind,
        owner_id=call.id if kind == "call" else post.organisation_id,
        rank=rank,
        call_id=call.id,
        solution_id=post.id,
        firm_id=post.organisation_id,
        town_id=call.organisation_id,
        value=0.73,
        how=how,
        begins_at=begins,
        ends_at=ends,
    )


def dealt(call: Call, *, suitable: int, loss: float) -> MatchList:
    """The list of a call."""
    return MatchList(
        kind="call", owner_id=call.id, epoch_id=1, dealt_at=NOW, suitable=suitable, loss=loss
    )


def forget_scores(session: Session) -> None:
    """What a new epoch and a busy week do to the facts a report was measured by."""
    session.query(Match).delete()
    session.query(SizeFacts).delete()
    for listing in session.query(MatchList):
        listing.suitable, listing.loss = 7, 0.5
    for call in session.query(Call):
        call.closes_at = NOW + 300 * DAY
    for organisation in session.query(Organisation):
        organisation.prefecture_code = "13"
    for held in session.query(Place).filter(Place.ends_at.is_(None)):
        held.ends_at = NOW

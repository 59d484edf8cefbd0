"""A small market for tests, made through the rules: a town, a firm, their listings."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import Database
from hub.domain import accounts, calls, desks, organisations, solutions
from hub.domain.calls import CallValues
from hub.domain.desks import DeskValues
from hub.domain.organisations import Profile
from hub.domain.solutions import SolutionValues
from hub.models import (
    Call,
    Desk,
    Epoch,
    Match,
    MatchList,
    Organisation,
    Place,
    Solution,
    User,
)
from tests.conftest import NOW
from workers.jobs import deal, explaining, matching

ISHINOMAKI = "042021"
CALL = CallValues(
    title="放課後の居場所を一緒につくる事業者を募集",
    summary="共働き家庭の小学生が夕方まで安心して過ごせる場所を増やします。",
    kind="pilot",
    department="子育て支援課",
    problem="学童保育に入れない子どもが増え、夕方に一人で過ごす家庭があります。",
    wanted="空き教室を使った見守りと学びの提案を求めます。",
    themes=("childcare",),
    offers=("field", "facility"),
    budget_kind="none",
    contact_policy="kosodate@city.example.jp",
    closes_at=NOW + timedelta(days=30),
)
SOLUTION = SolutionValues(
    title="小学生の放課後を見守る学びの広場",
    summary="空き教室で宿題と遊びを支え、保護者に帰宅を知らせます。",
    solves="学童保育に入れない子どもが放課後を一人で過ごす問題を解決します。",
    brings="指導員と入退室を知らせる仕組みを提供します。",
    themes=("childcare",),
    asks=("facility",),
    kinds=("pilot",),
    stage="product",
    areas=("00",),
)
DESK = DeskValues(
    name="まちの共創デスク",
    department="企画課",
    takes="分野は問いません。小さく試せる提案を歓迎します。",
    reply_days="10",
    phone="0225-00-1234",
    email="kikaku@city.example.jp",
    url="https://city.example.jp/kyoso",
    hours="平日 8:30から17:15",
    rules="提案の費用は、提案する方のご負担です。",
)
_numbers = count(1)


def person(session: Session) -> User:
    """A new person who cannot sign in with a password."""
    number = next(_numbers)
    return accounts.register(
        session, email=f"person{number}@example.jp", name="試験 花子", password=None, now=NOW
    )


def town(session: Session, body_code: str = ISHINOMAKI) -> User:
    """The owner of a confirmed municipality."""
    officer = person(session)
    membership = organisations.claim(session, body_code, actor=officer, now=NOW)
    organisations.verify(session, membership.organisation, actor=None, now=NOW)
    return officer


def firm(session: Session, name: str = "株式会社ひだまり") -> User:
    """The owner of a company."""
    owner = person(session)
    profile = Profile(name=name, legal_form="corporation")
    organisations.create(session, "company", profile, actor=owner, now=NOW)
    return owner


def organisation_of(session: Session, member: User) -> Organisation:
    """The one organisation the person belongs to."""
    found = session.scalars(
        select(Organisation).where(Organisation.memberships.any(user_id=member.id))
    ).one()
    session.refresh(member, ["memberships"])
    return found


def publish_call(
    session: Session, officer: User, *, now: datetime = NOW, **changes: object
) -> Call:
    """A published call; `changes` replace values of CALL."""
    values = replace(CALL, **changes)  # type: ignore[arg-type]
    call = calls.create(session, organisation_of(session, officer), values, actor=officer, now=now)
    calls.publish(session, call, actor=officer, now=now, expected_version=call.version)
    return call


def publish_solution(
    session: Session, owner: User, *, now: datetime = NOW, **changes: object
) -> Solution:
    """A published solution; `changes` replace values of SOLUTION."""
    values = replace(SOLUTION, **changes)  # type: ignore[arg-type]
    solution = solutions.create(
        session, organisation_of(session, owner), values, actor=owner, now=NOW
    )
    solutions.publish(session, solution, actor=owner, now=now, expected_version=solution.version)
    return solution


def rewrite(session: Session, solution: Solution, *, now: datetime, **changes: object) -> None:
    """Change what a solution says, as its firm would; `changes` replace present values."""
    values = SolutionValues(**solutions.values_of(solution) | changes)
    owner = solution.organisation.memberships[0].user
    solutions.change(
        session, solution, values, actor=owner, now=now, expected_version=solution.version
    )


def publish_desk(
    session: Session, officer: User, *, now: datetime = NOW, **changes: object
) -> Desk:
    """A published desk; `changes` replace values of DESK."""
    values = replace(DESK, **changes)  # type: ignore[arg-type]
    desk = desks.create(session, organisation_of(session, officer), values, actor=officer, now=now)
    desks.publish(session, desk, actor=officer, now=now, expected_version=desk.version)
    return desk


def pair(call: Call, solution: Solution, score: float = 0.5, **values: object) -> Match:
    """A scored pair as a worker would store it; `values` replace those of the row."""
    row = {
        "call_id": call.id,
        "solution_id": solution.id,
        "epoch_id": 1,
        "original_id": call.id,
        "town_id": call.organisation_id,
        "firm_id": solution.organisation_id,
        "score": score,
        "raw": score,
        "prose": 1.0,
        "tie": f"{call.id:08}{solution.id:08}",
        "parts": {},
        "reasons": {"ja": [], "en": []},
        "gaps": {"ja": [], "en": []},
    }
    return Match(**row | values)


def place(owner: Call | Organisation, match: Match, rank: int = 1, **values: object) -> Place:
    """A place of the list of a call or a firm, as a worker would store it."""
    row = {
        "kind": "call" if isinstance(owner, Call) else "firm",
        "owner_id": owner.id,
        "rank": rank,
        "call_id": match.call_id,
        "solution_id": match.solution_id,
        "firm_id": match.firm_id,
        "town_id": match.town_id,
        "value": match.score,
        "how": "merit",
        "begins_at": NOW,
    }
    return Place(**row | values)


def dealt(
    session: Session, owner: Call | Organisation, *matches: Match, **values: object
) -> list[Place]:
    """Store the list of a call or a firm with these pairs in this order, dealt in epoch 1.

    Pairs must be in the database; `values` replace those of every place.
    """
    session.merge(Epoch(id=1, version="test", made_at=NOW, calls=1, solutions=1, snapshot=b""))
    kind = "call" if isinstance(owner, Call) else "firm"
    row = MatchList(
        kind=kind, owner_id=owner.id, epoch_id=1, dealt_at=NOW, suitable=len(matches), loss=0.0
    )
    session.merge(row)
    places = [place(owner, match, rank, **values) for rank, match in enumerate(matches, 1)]
    session.add_all(places)
    session.flush()
    return places


def work_off(database: Database, folder: Path, *, clock: Callable[[], datetime]) -> None:
    """Match, deal and explain until nothing is due, as the workers' jobs do one after another."""
    assert matching.drain(database, folder, clock=clock)
    assert deal.drain(database, clock=clock)
    assert explaining.drain(database, folder, clock=clock)

"""Matches of several listings at once: the same as one by one, in a fixed number of queries."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from hub.domain import match_lists, matches, organisations, solutions
from hub.models import Call, Match, Organisation, Solution, User
from hub.services import Services
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import queries
from tests.market import (
    firm,
    organisation_of,
    pair,
    person,
    publish_call,
    publish_solution,
    town,
)

TOWNS = ("042021", "011002", "131016")


def scored(call: Call, solution: Solution, score: float, original: int | None = None) -> Match:
    """A stored match."""
    tie = f"{call.id * 31 % 7}-{solution.id * 17 % 5}-{call.id}-{solution.id}"
    return pair(call, solution, score, original_id=original or call.id, tie=tie)


def market(session: Session) -> tuple[list[Call], list[Solution]]:
    """Calls and solutions in every state with pairs of many scores, ties and copies among them."""
    officers = [town(session, code) for code in TOWNS]
    owners = [firm(session, f"会社{number}") for number in range(4)]
    posted = [
        publish_call(session, officer, closes_at=NOW + timedelta(days=days))
        for officer in officers
        for days in (1, 10)
    ]
    offered = [publish_solution(session, owner) for owner in owners for _ in range(2)]
    gone = offered[-1]
    solutions.close(session, gone, actor=owners[-1], now=NOW, expected_version=gone.version)
    random = Random(7)
    for call in posted:
        for solution in offered:
            original = posted[1].id if call in posted[1:4] else None
            score = random.choice((0.2, 0.35, 0.39, 0.4, 0.6, 0.6, 0.8))
            session.add(scored(call, solution, score, original))
    session.flush()
    return posted, offered


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_together_as_one_by_one(services: Services, limit: int) -> None:
    later = NOW + timedelta(days=2)  # half of the calls are over
    with services.database.unit_of_work() as session:
        posted, offered = market(session)
        counts = match_lists.call_counts(session, [row.id for row in posted])
        best = match_lists.best_for_calls(session, [row.id for row in posted], limit=limit)
        for call in posted:
            alone = matches.for_call(session, call, now=later, limit=limit)
            assert best.get(call.id, []) == alone
            assert counts.get(call.id, 0) == matches.count(session, call, now=later)
        ids = [row.id for row in offered]
        counts = match_lists.solution_counts(session, ids, now=later)
        best = match_lists.best_for_solutions(session, ids, now=later, limit=limit)
        for solution in offered:
            found = matches.for_solution(session, solution, now=later, limit=limit)
            assert best.get(solution.id, []) == found
            assert counts.get(solution.id, 0) == matches.count(session, solution, now=later)
        assert {len(found) for found in best.values()} != {0}


def test_only_the_listings_asked_for(services: Services) -> None:
    with services.database.unit_of_work() as session:
        posted, _offered = market(session)
        assert set(match_lists.call_counts(session, [posted[0].id])) == {posted[0].id}
        assert match_lists.call_counts(session, []) == {}
        assert match_lists.best_for_solutions(session, [], now=NOW, limit=3) == {}


# --- The pages ----------------------------------------------------------------------------------

Grow = Callable[[Session, Organisation, User, int], None]


def more_calls(session: Session, ours: Organisation, member: User, number: int) -> None:
    """A call of ours, matched by a firm of another prefecture."""
    call = publish_call(session, member)
    solution = publish_solution(session, firm(session, f"会社{number}"))
    solution.organisation.prefecture_code = f"{number + 10}"
    session.add(scored(call, solution, 0.9))


def more_solutions(session: Session, ours: Organisation, member: User, number: int) -> None:
    """A solution of ours, matched by a call of another town."""
    solution = publish_solution(session, member)
    call = publish_call(session, town(session, TOWNS[number % 3]))
    session.add(scored(call, solution, 0.9))


def more_people(session: Session, ours: Organisation, member: User, number: int) -> None:
    """One more member, and one who asks."""
    organisations.add_member(session, ours, person(session), "viewer", now=NOW)
    organisations.join(session, ours, actor=person(session), now=NOW)


def more_organisations(session: Session, ours: Organisation, member: User, number: int) -> None:
    """One more organisation that the person belongs to."""
    officer = town(session, TOWNS[number % 3])
    theirs = organisation_of(session, officer)
    organisations.add_member(session, theirs, member, "viewer", now=NOW)


def operator(session: Session) -> User:
    """Someone who confirms municipalities."""
    founder = firm(session)
    founder.is_operator = True
    return founder


def more_claims(session: Session, ours: Organisation, member: User, number: int) -> None:
    """One more municipality that waits for confirmation."""
    organisations.claim(session, TOWNS[number % 3], actor=person(session), now=NOW)


@pytest.mark.parametrize(
    ("founder", "page", "grow"),
    [
        (town, "/my/organisations/{}", more_calls),
        (town, "/my/organisations/{}/matches", more_calls),
        (town, "/my/organisations/{}/members", more_people),
        (firm, "/my/organisations/{}", more_solutions),
        (firm, "/my/organisations/{}/matches", more_solutions),
        (firm, "/my", more_organisations),
        (operator, "/operator", more_claims),
    ],
)
def test_more_rows_need_no_more_queries(
    app: Flask,
    services: Services,
    clock: Clock,
    founder: Callable[[Session], User],
    page: str,
    grow: Grow,
) -> None:
    with services.database.unit_of_work() as session:
        member = founder(session)
    asked, sizes = [], []
    numbers = iter(range(3))
    for batch in (1, 2):
        with services.database.unit_of_work() as session:
            member = session.merge(member)
            ours = min(
                (m.organisation for m in member.memberships),
                key=lambda organisation: organisation.id,
            )
            for _ in range(batch):
                grow(session, ours, member, next(numbers))
        browser = Browser(app, member)
        with queries(services.database) as counted:
            response = browser.get(page.format(ours.id))
        assert response.status_code == 200
        asked.append(len(counted.statements))
        sizes.append(len(text_of(response)))
    assert sizes[0] < sizes[1]
    assert asked[0] == asked[1]

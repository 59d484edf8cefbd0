"""Recommended lists: what may be shown now, several at once, in a fixed number of queries."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from hub.domain import calls, match_lists, matches, organisations, outbox, solutions
from hub.models import Call, Desk, Feedback, Match, Organisation, Place, Solution, User
from hub.services import Services
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import queries
from tests.market import (
    dealt,
    firm,
    organisation_of,
    pair,
    person,
    place,
    publish_call,
    publish_desk,
    publish_solution,
    town,
)

TOWNS = ("042021", "011002", "131016")
LATER = NOW + timedelta(days=2)


def scored(call: Call, solution: Solution, score: float, original: int | None = None) -> Match:
    """A stored match."""
    tie = f"{call.id * 31 % 7}-{solution.id * 17 % 5}-{call.id}-{solution.id}"
    return pair(call, solution, score, original_id=original or call.id, tie=tie)


def market(session: Session) -> tuple[list[Call], list[Solution]]:
    """Calls and solutions in every state with pairs of many scores, ties and copies among them.

    A list is dealt to every call and every firm, of places in an order that is not by score.
    """
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
    publish_desk(session, officers[2], paused=True, pause_reason="予算編成のため")
    random = Random(7)
    pairs = {}
    for call in posted:
        for solution in offered:
            original = posted[1].id if call in posted[1:4] else None
            score = random.choice((0.2, 0.35, 0.39, 0.4, 0.6, 0.6, 0.8))
            pairs[call, solution] = scored(call, solution, score, original)
    session.add_all(pairs.values())
    session.flush()
    for call in posted:
        dealt(session, call, *(pairs[call, s] for s in random.sample(offered, 5)))
    for number, owner in enumerate(owners):
        own = offered[2 * number : 2 * number + 2]
        chosen = [pairs[c, random.choice(own)] for c in random.sample(posted, 5)]
        dealt(session, organisation_of(session, owner), *chosen)
    for call, solution in ((posted[0], offered[0]), (posted[3], offered[2])):
        for reader, verdict in ((call, "hidden"), (solution, "declined")):
            put(session, reader.organisation_id, call, solution, verdict)
    return posted, offered


def put(session: Session, reader: int, call: Call, solution: Solution, verdict: str) -> None:
    """Store what an organisation said of a pair."""
    said = Feedback(
        organisation_id=reader, call_id=call.id, solution_id=solution.id, verdict=verdict, at=NOW
    )
    session.merge(said)
    session.flush()


def expected(session: Session, kind: str, owner: int) -> list[tuple[int, int]]:
    """The pairs of a list at LATER, told once more in plain words."""
    found = []
    for row in session.query(Place).filter_by(kind=kind, owner_id=owner).order_by(Place.rank):
        call = session.get_one(Call, row.call_id)
        solution = session.get_one(Solution, row.solution_id)
        said = session.get(Feedback, (call.organisation_id, call.id, solution.id))
        if kind == "firm":
            said = session.get(Feedback, (row.firm_id, call.id, solution.id))
            assert call.closes_at is not None
            resting = call.organisation.body_code == TOWNS[2]
            if call.closes_at <= LATER or resting:
                continue
        if solution.state == "published" and said is None:
            found.append((call.id, solution.id))
    return found


def ids(shown: list[match_lists.Shown]) -> list[tuple[int, int]]:
    assert all((s.place.call_id, s.place.solution_id) == key(s.match) for s in shown)
    return [key(one.match) for one in shown]


def key(match: Match) -> tuple[int, int]:
    return match.call_id, match.solution_id


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_together_as_one_by_one(services: Services, limit: int) -> None:
    with services.database.unit_of_work() as session:
        posted, offered = market(session)
        counts = match_lists.call_counts(session, [row.id for row in posted])
        best = match_lists.best_for_calls(session, [row.id for row in posted], limit=limit)
        for call in posted:
            assert best.get(call.id, []) == matches.for_call(session, call, now=LATER, limit=limit)
            wanted = expected(session, "call", call.id)
            assert ids(best.get(call.id, [])) == wanted[:limit]
            assert counts.get(call.id, 0) == len(wanted)
        firms = {row.organisation_id: row.organisation for row in offered}
        best = match_lists.best_for_firms(session, firms, now=LATER, limit=limit)
        for id_, owner in firms.items():
            assert best.get(id_, []) == matches.for_firm(session, owner, now=LATER, limit=limit)
            assert ids(best.get(id_, [])) == expected(session, "firm", id_)[:limit]
        assert {len(found) for found in best.values()} != {0}


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_solutions_own_list_goes_by_score_and_shows_one_of_copies(
    services: Services, limit: int
) -> None:
    with services.database.unit_of_work() as session:
        posted, offered = market(session)
        own = [row.id for row in offered]
        counts = match_lists.solution_counts(session, own, now=LATER)
        best = match_lists.best_for_solutions(session, own, now=LATER, limit=limit)
        for solution in offered:
            alone = matches.for_solution(session, solution, now=LATER, limit=limit)
            assert best.get(solution.id, []) == alone
            said = session.get(Feedback, (solution.organisation_id, posted[3].id, solution.id))
            pairs = [
                session.get_one(Match, (call.id, solution.id))
                for call in (posted[1], posted[3])  # open, and their towns' desks do not rest
            ]
            wanted = sorted(
                (m for m in pairs if m.score >= 0.35 and not (said and m.call_id == posted[3].id)),
                key=lambda m: (-m.score, m.tie),
            )[:1]  # the two are copies
            assert alone == wanted
            assert counts.get(solution.id, 0) == len(wanted)


def test_only_the_lists_asked_for(services: Services) -> None:
    with services.database.unit_of_work() as session:
        posted, _offered = market(session)
        assert set(match_lists.call_counts(session, [posted[1].id])) == {posted[1].id}
        assert match_lists.call_counts(session, []) == {}
        assert match_lists.best_for_firms(session, [], now=NOW) == {}
        assert match_lists.best_for_solutions(session, [], now=NOW, limit=3) == {}


# --- What takes effect at once ------------------------------------------------------------------


class Pair:
    """One call and one solution with a place in each other's list, and their people."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.officer, self.owner = town(session), firm(session)
        self.call = publish_call(session, self.officer)
        self.solution = publish_solution(session, self.owner)
        self.firm = organisation_of(session, self.owner)
        session.add(pair(self.call, self.solution, 0.7))
        session.flush()
        match = session.get_one(Match, (self.call.id, self.solution.id))
        dealt(session, self.call, match)
        dealt(session, self.firm, match)

    def seen(self, at: timedelta = timedelta()) -> tuple[bool, bool, bool]:
        """Whether the pair is shown to the town, to the firm, on the solution's own list."""
        found = (
            matches.for_call(self.session, self.call, now=NOW + at),
            matches.for_firm(self.session, self.firm, now=NOW + at),
            matches.for_solution(self.session, self.solution, now=NOW + at),
        )
        return bool(found[0]), bool(found[1]), bool(found[2])


def test_a_deadline_ends_the_firms_lists_but_not_the_towns_own(services: Services) -> None:
    with services.database.unit_of_work() as session:
        one = Pair(session)
        assert one.seen(timedelta(days=30) - timedelta(minutes=1)) == (True, True, True)
        assert one.seen(timedelta(days=30)) == (True, False, False)


def test_a_withdrawn_solution_is_gone_at_once(services: Services) -> None:
    with services.database.unit_of_work() as session:
        one = Pair(session)
        version = one.solution.version
        solutions.close(session, one.solution, actor=one.owner, now=NOW, expected_version=version)
        assert one.seen() == (False, False, True)  # its own list is its firm's to read


def test_a_closed_call_is_gone_at_once(services: Services) -> None:
    with services.database.unit_of_work() as session:
        one = Pair(session)
        calls.close(
            session, one.call, actor=one.officer, now=NOW, expected_version=one.call.version
        )
        assert one.seen() == (True, False, False)


def test_a_resting_desk_takes_its_towns_calls_out_of_firms_lists(services: Services) -> None:
    with services.database.unit_of_work() as session:
        one = Pair(session)
        until = date(2026, 12, 3)
        desk = publish_desk(
            session, one.officer, paused=True, pause_reason="予算編成", paused_until=until
        )
        assert one.seen() == (True, False, False)
        assert one.seen(timedelta(days=3)) == (True, True, True)  # the pause is over
        other = publish_desk(session, one.officer)  # another desk of the town takes proposals
        assert one.seen() == (True, True, True)
        session.execute(update(Desk).where(Desk.id == other.id).values(state="draft"))
        assert one.seen() == (True, False, False)
        session.execute(update(Desk).where(Desk.id == desk.id).values(state="draft"))
        assert one.seen() == (True, True, True)  # a draft says nothing yet


@pytest.mark.parametrize("verdict", ["hidden", "declined", "interested", "proposed"])
def test_what_an_organisation_put_aside_is_gone_for_it_alone(
    services: Services, verdict: str
) -> None:
    kept = verdict in ("interested", "proposed")
    with services.database.unit_of_work() as session:
        one = Pair(session)
        put(session, one.firm.id, one.call, one.solution, verdict)
        assert one.seen() == (True, kept, kept)
        put(session, one.call.organisation_id, one.call, one.solution, verdict)
        assert one.seen() == (kept, kept, kept)


def test_places_that_have_ended_are_history(services: Services) -> None:
    with services.database.unit_of_work() as session:
        one = Pair(session)
        session.execute(update(Place).values(ends_at=NOW))
        assert one.seen() == (False, False, True)
        match = session.get_one(Match, (one.call.id, one.solution.id))
        session.add(place(one.call, match, 4, how="reserve"))
        session.flush()
        (shown,) = matches.for_call(session, one.call, now=NOW)
        assert (shown.place.rank, shown.place.how) == (4, "reserve")


def test_a_list_is_current_when_dealt_in_this_epoch_and_nothing_waits(services: Services) -> None:
    with services.database.unit_of_work() as session:
        one = Pair(session)
        session.query(outbox.OutboxTask).delete()
        owners = {"call": one.call, "firm": one.firm}
        assert all(matches.is_current(session, owner) for owner in owners.values())
        for kind, subject, id_, stale in (
            ("deal", "call", one.call.id, "call"),
            ("deal", "firm", one.firm.id, "firm"),
            ("match", "call", one.call.id, "call"),
            ("match", "solution", one.solution.id, "firm"),
            ("index", "call", one.call.id, None),
        ):
            outbox.note_ids(session, subject, [id_], cause="test", now=NOW, kinds=(kind,))
            session.flush()
            found = {name: matches.is_current(session, owner) for name, owner in owners.items()}
            assert found == {name: name != stale for name in owners}, (kind, subject)
            session.query(outbox.OutboxTask).delete()
        assert not matches.is_current(session, publish_call(session, one.officer))


# --- The pages ----------------------------------------------------------------------------------

Grow = Callable[[Session, Organisation, User, int], None]


def more_calls(session: Session, ours: Organisation, member: User, number: int) -> None:
    """A call of ours, matched by a firm of another prefecture."""
    call = publish_call(session, member)
    solution = publish_solution(session, firm(session, f"会社{number}"))
    solution.organisation.prefecture_code = f"{number + 10}"
    match = scored(call, solution, 0.9)
    session.add(match)
    session.flush()
    dealt(session, call, match)


def more_solutions(session: Session, ours: Organisation, member: User, number: int) -> None:
    """A solution of ours, matched by a call of another town."""
    solution = publish_solution(session, member)
    call = publish_call(session, town(session, TOWNS[number % 3]))
    match = scored(call, solution, 0.9)
    session.add(match)
    session.flush()
    session.add(place(ours, match, number + 1))


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

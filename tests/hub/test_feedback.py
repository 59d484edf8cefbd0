"""Answers to recommended pairs: they move the lists of who gives them, and nobody else's."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hub.domain import feedback, organisations
from hub.domain.errors import Forbidden, Refused
from hub.domain.feedback import Pair
from hub.domain.rules import RULES
from hub.domain.weights import WEIGHTS
from hub.models import (
    AuditEvent,
    Call,
    Feedback,
    Match,
    OutboxTask,
    Place,
    Solution,
    Standing,
    User,
)
from hub.services import Services
from tests.conftest import NOW
from tests.market import (
    firm,
    organisation_of,
    pair,
    person,
    publish_call,
    publish_desk,
    publish_solution,
    town,
)

DAY = timedelta(days=1)
PARTS = {"text": 0.9, "themes": 0.0, "stage": 0.5, "kind": None}


@pytest.fixture
def session(services: Services) -> Iterator[Session]:
    with services.database.unit_of_work() as session:
        yield session


def placed(session: Session, kind: str, call: Call, solution: Solution, rank: int = 1) -> Pair:
    """A pair that a list shows."""
    if session.get(Match, (call.id, solution.id)) is None:
        session.add(pair(call, solution, 0.7, parts=PARTS))
    session.add(
        Place(
            kind=kind,
            owner_id=call.id if kind == "call" else solution.organisation_id,
            rank=rank,
            call_id=call.id,
            solution_id=solution.id,
            firm_id=solution.organisation_id,
            town_id=call.organisation_id,
            value=0.7,
            how="merit",
            begins_at=NOW,
            ends_at=None,
        )
    )
    session.flush()
    found = feedback.find_pair(session, kind, call.id, solution.id)
    assert found is not None
    return found


def deals(session: Session) -> list[tuple[str, int]]:
    """The lists that are to be dealt anew; then none are."""
    tasks = session.scalars(select(OutboxTask).where(OutboxTask.kind == "deal"))
    found = sorted((task.subject, task.subject_id) for task in tasks)
    session.execute(delete(OutboxTask))
    return found


def proposed(session: Session, call: Call, number: int, days: int = 0) -> Pair:
    """A firm that says it proposed to a call that its list had shown, some days ago."""
    owner = firm(session, f"提案{number}")
    organisation_of(session, owner).verified_at = NOW
    shown = placed(session, "firm", call, publish_solution(session, owner))
    feedback.answer(session, shown, "proposed", actor=owner, now=NOW - days * DAY)
    return shown


# --- Giving, changing, taking back ---------------------------------------------------------------


def test_an_answer_keeps_what_was_seen_and_asks_for_our_list_alone(session: Session) -> None:
    officer, owner = town(session), firm(session)
    call, solution = publish_call(session, officer), publish_solution(session, owner)
    shown = placed(session, "call", call, solution, rank=3)
    deals(session)
    row = feedback.answer(session, shown, "declined", reason="theme", actor=officer, now=NOW)
    assert (row.verdict, row.reason, row.user_id) == ("declined", "theme", officer.id)
    assert row.organisation_id == call.organisation_id
    assert row.seen == {
        "list": "call",
        "parts": PARTS,
        "prose": 1.0,
        "rank": 3,
        "value": 0.7,
        "how": "merit",
    }
    assert deals(session) == [("call", call.id)]
    event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.action, event.subject, event.subject_id) == ("feedback.give", "call", call.id)
    assert event.after == {"solution": solution.id, "verdict": "declined", "reason": "theme"}


def test_a_firm_answers_for_its_own_list(session: Session) -> None:
    officer, owner = town(session), firm(session)
    call, solution = publish_call(session, officer), publish_solution(session, owner)
    shown = placed(session, "firm", call, solution)
    deals(session)
    feedback.answer(session, shown, "hidden", actor=owner, now=NOW)
    assert deals(session) == [("firm", solution.organisation_id)]
    ours = solution.organisation_id
    assert feedback.closed_pairs(session, "firm", [ours, ours + 1]) == {
        ours: {(call.id, solution.id)}
    }
    assert feedback.closed_pairs(session, "call", [call.id]) == {}


def test_an_answer_is_changed_and_undone(session: Session) -> None:
    officer = town(session)
    call = publish_call(session, officer)
    shown = placed(session, "call", call, publish_solution(session, firm(session)))
    deals(session)
    feedback.answer(session, shown, "hidden", actor=officer, now=NOW)
    # The pair leaves the list; what was seen then is kept however often the answer changes.
    session.scalars(select(Place)).one().ends_at = NOW
    feedback.answer(session, shown, "interested", actor=officer, now=NOW + DAY)
    row = session.scalars(select(Feedback)).one()
    assert (row.verdict, row.at, row.seen["rank"]) == ("interested", NOW + DAY, 1)
    assert feedback.closed_pairs(session, "call", [call.id]) == {}
    assert deals(session) == [("call", call.id)] * 2, "it left the list and came back"
    feedback.undo(session, shown, actor=officer, now=NOW + DAY)
    feedback.undo(session, shown, actor=officer, now=NOW + DAY)
    assert session.scalars(select(Feedback)).all() == []
    assert deals(session) == [], "a list without gaps stays as it is"
    actions = session.scalars(select(AuditEvent.action).where(AuditEvent.action.like("feedback%")))
    assert list(actions) == ["feedback.give", "feedback.give", "feedback.undo"]


def test_the_same_answer_again_changes_nothing(session: Session) -> None:
    officer = town(session)
    call = publish_call(session, officer)
    shown = placed(session, "call", call, publish_solution(session, firm(session)))
    feedback.answer(session, shown, "interested", actor=officer, now=NOW)
    deals(session)
    feedback.answer(session, shown, "interested", actor=officer, now=NOW + DAY)
    assert session.scalars(select(Feedback.at)).one() == NOW
    assert deals(session) == []


def test_only_editors_of_the_lists_own_organisation_answer(session: Session) -> None:
    officer, owner, stranger = town(session), firm(session), firm(session, "よそ")
    reader = person(session)
    call = publish_call(session, officer)
    organisations.add_member(session, call.organisation, reader, "viewer", now=NOW)
    shown = placed(session, "call", call, publish_solution(session, owner))
    for actor in (None, owner, stranger, reader):
        with pytest.raises(Forbidden):
            feedback.answer(session, shown, "interested", actor=actor, now=NOW)
        with pytest.raises(Forbidden):
            feedback.undo(session, shown, actor=actor, now=NOW)


@pytest.mark.parametrize(
    ("verdict", "reason", "field"),
    [("", "", "verdict"), ("loved", "", "verdict"), ("declined", "", "reason"),
     ("declined", "size", "reason")],
)  # fmt: skip
def test_what_is_no_answer_is_refused(
    session: Session, verdict: str, reason: str, field: str
) -> None:
    officer = town(session)
    call = publish_call(session, officer)
    shown = placed(session, "call", call, publish_solution(session, firm(session)))
    with pytest.raises(Refused) as refused:
        feedback.answer(session, shown, verdict, reason=reason, actor=officer, now=NOW)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert session.scalars(select(Feedback)).all() == []


def test_pairs_that_were_never_compared_cannot_be_answered(session: Session) -> None:
    call = publish_call(session, town(session))
    solution = publish_solution(session, firm(session))
    assert feedback.find_pair(session, "call", call.id, solution.id) is None
    assert feedback.find_pair(session, "call", call.id, 0) is None
    assert feedback.find_pair(session, "town", call.id, solution.id) is None


# --- Nothing for anybody else --------------------------------------------------------------------


def test_answers_touch_no_pair_no_place_and_no_other_list(session: Session) -> None:
    officers = [town(session, code) for code in ("042021", "011002")]
    calls = [publish_call(session, officer) for officer in officers]
    solutions = [publish_solution(session, firm(session, f"会社{n}")) for n in range(4)]
    for call in calls:
        for rank, solution in enumerate(solutions, 1):
            placed(session, "call", call, solution, rank)

    def kept() -> list[object]:
        return [
            [tuple(row) for row in session.execute(select(*table.__table__.columns))]
            for table in (Match, Place, Standing, Solution, Call)
        ]

    before = kept()
    deals(session)
    for solution in solutions:
        shown = Pair("call", calls[0], solution)
        feedback.answer(session, shown, "declined", reason="theme", actor=officers[0], now=NOW)
    assert kept() == before
    assert set(deals(session)) == {("call", calls[0].id)}
    both = [call.id for call in calls]
    assert set(feedback.closed_pairs(session, "call", both)) == {calls[0].id}
    assert set(feedback.tastes(session, "call", both, NOW)) == {calls[0].id}
    firms = [solution.organisation_id for solution in solutions]
    assert feedback.closed_pairs(session, "firm", firms) == {}
    assert feedback.tastes(session, "firm", firms, NOW) == {}


# --- Tastes --------------------------------------------------------------------------------------


def decline(session: Session, officer: User, call: Call, reason: str, count: int) -> None:
    for number in range(count):
        solution = publish_solution(session, firm(session, f"{reason}{number}"))
        shown = placed(
            session, "call", call, solution, rank=len(list(session.scalars(select(Place)))) + 1
        )
        feedback.answer(session, shown, "declined", reason=reason, actor=officer, now=NOW)


def test_three_equal_reasons_shift_what_they_name(session: Session) -> None:
    officer = town(session)
    call, second = publish_call(session, officer), publish_call(session, officer)
    decline(session, officer, call, "theme", 2)
    assert feedback.tastes(session, "call", [call.id], NOW) == {}
    deals(session)
    decline(session, officer, call, "theme", 1)
    # The part saw no fit in what was declined: it was right, and counts more. In all our lists.
    assert feedback.tastes(session, "call", [call.id, second.id], NOW) == {
        call.id: {"themes": 1.2},
        second.id: {"themes": 1.2},
    }
    assert deals(session) == [("call", call.id), ("call", second.id)]
    later = NOW + feedback.REMEMBERED
    assert feedback.tastes(session, "call", [call.id], later) == {}


def test_a_part_that_saw_a_fit_counts_less(session: Session) -> None:
    officer = town(session)
    call = publish_call(session, officer)
    decline(session, officer, call, "problem", 3)
    assert feedback.tastes(session, "call", [call.id], NOW) == {call.id: {"text": 0.84}}


@pytest.mark.parametrize("reason", ["timing", "have", "other", "kind", "stage"])
def test_reasons_that_blame_no_part_shift_nothing(session: Session, reason: str) -> None:
    """No part behind it, a part that was not stated, one that said neither."""
    officer = town(session)
    call = publish_call(session, officer)
    decline(session, officer, call, reason, 4)
    assert feedback.tastes(session, "call", [call.id], NOW) == {}


def test_a_firms_taste_is_its_own(session: Session) -> None:
    owner = firm(session)
    solution = publish_solution(session, owner)
    for rank, code in enumerate(("042021", "011002", "131016"), 1):
        shown = placed(session, "firm", publish_call(session, town(session, code)), solution, rank)
        feedback.answer(session, shown, "declined", reason="theme", actor=owner, now=NOW)
    ours = solution.organisation_id
    assert feedback.tastes(session, "firm", [ours], NOW) == {ours: {"themes": 1.2}}


def test_reasons_name_parts_of_the_score() -> None:
    assert {reason.part for reason in feedback.REASONS} - {""} <= {w.code for w in WEIGHTS}
    assert all(reason.fit for reason in feedback.REASONS if reason.part)


# --- How much a town can take --------------------------------------------------------------------


def test_three_firms_without_an_answer_overload_a_town(session: Session) -> None:
    officer = town(session)
    call = publish_call(session, officer)
    ours = call.organisation_id
    waiting = [proposed(session, call, number, days=60) for number in range(2)]
    proposed(session, call, 2, days=59)
    assert feedback.overloaded(session, [ours], NOW) == set()
    assert feedback.overloaded(session, [ours], NOW + DAY) == {ours}
    assert feedback.capacities(session, [ours], NOW + DAY) == {ours: RULES.floor}
    answered = Pair("call", call, waiting[0].solution)
    feedback.answer(session, answered, "interested", actor=officer, now=NOW + DAY)
    assert feedback.overloaded(session, [ours], NOW + DAY) == set()
    assert feedback.capacities(session, [ours], NOW + DAY) == {ours: None}


def test_firms_that_could_be_anybody_fill_no_desk(session: Session) -> None:
    officer = town(session)
    call = publish_call(session, officer)
    publish_desk(session, officer).capacity = 1
    for number in range(3):
        pair = proposed(session, call, number, days=70)
        pair.solution.organisation.verified_at = None
    session.flush()
    assert feedback.overloaded(session, [call.organisation_id], NOW) == set()
    assert feedback.capacities(session, [call.organisation_id], NOW) == {call.organisation_id: None}


def test_one_firm_alone_overloads_nobody(session: Session) -> None:
    officer, owner = town(session), firm(session)
    solution = publish_solution(session, owner)
    for rank in range(1, 5):
        call = publish_call(session, officer)
        shown = placed(session, "firm", call, solution, rank)
        feedback.answer(session, shown, "proposed", actor=owner, now=NOW - 70 * DAY)
    assert feedback.overloaded(session, [call.organisation_id], NOW) == set()


def test_what_was_not_recommended_does_not_count(session: Session) -> None:
    call = publish_call(session, town(session))
    for number in range(4):
        owner = firm(session, f"押売{number}")
        solution = publish_solution(session, owner)
        session.add(pair(call, solution))
        session.flush()
        feedback.answer(
            session, Pair("firm", call, solution), "proposed", actor=owner, now=NOW - 70 * DAY
        )
    assert feedback.overloaded(session, [call.organisation_id], NOW) == set()


def test_a_town_at_its_capacity_gets_the_floor_until_it_answers(session: Session) -> None:
    officer = town(session)
    calls = [publish_call(session, officer) for _ in range(2)]
    publish_call(session, officer, opens_at=NOW + DAY)
    ours = organisation_of(session, officer).id
    desk = publish_desk(session, officer)
    first = proposed(session, calls[0], 1)
    assert feedback.capacities(session, [ours], NOW) == {ours: None}
    desk.capacity = 2
    assert feedback.capacities(session, [ours], NOW) == {ours: None}
    proposed(session, calls[1], 2)
    assert feedback.capacities(session, [ours], NOW) == {ours: 2 * RULES.floor}
    reply = Pair("call", first.call, first.solution)
    feedback.answer(session, reply, "declined", reason="have", actor=officer, now=NOW)
    assert feedback.capacities(session, [ours], NOW) == {ours: None}
    feedback.undo(session, reply, actor=officer, now=NOW)
    assert feedback.capacities(session, [ours], NOW) == {ours: 2 * RULES.floor}


def test_a_paused_town_takes_nothing(session: Session) -> None:
    officer = town(session)
    publish_call(session, officer)
    ours = organisation_of(session, officer).id
    publish_desk(session, officer, paused=True, pause_reason="議会のため")
    assert feedback.capacities(session, [ours, ours + 1], NOW) == {ours: 0, ours + 1: None}
    publish_desk(session, officer)  # another desk takes proposals
    assert feedback.capacities(session, [ours], NOW) == {ours: None}

"""Calls and solutions: drafts, publication, changes, closing, and the trail they leave."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hub.db import Database
from hub.domain import calls, organisations, solutions
from hub.domain.calls import CallValues
from hub.domain.errors import Conflict, Forbidden, Refused
from hub.domain.solutions import SolutionValues
from hub.domain.status import open_at, status
from hub.models import AuditEvent, Call, OutboxTask
from tests.conftest import NOW
from tests.market import (
    CALL,
    SOLUTION,
    firm,
    organisation_of,
    person,
    publish_call,
    publish_solution,
    town,
)


def problems(refused: pytest.ExceptionInfo[Refused]) -> dict[str, str]:
    return {problem.field: str(problem) for problem in refused.value.problems}


def test_a_draft_may_be_empty_but_is_not_published_so(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        hall = organisation_of(session, officer)
        call = calls.create(session, hall, CallValues(), actor=officer, now=NOW)
        with pytest.raises(Refused) as refused:
            calls.publish(session, call, actor=officer, now=NOW, expected_version=1)
        assert problems(refused) == {
            "title": "「募集の題名」を入力してください",
            "kind": "「募集の種類」を選んでください",
            "problem": "「困りごと」を入力してください",
            "contact_policy": "「応募と質問の送り先」を入力してください",
            "themes": "「分野」を選んでください",
        }
        assert (call.state, session.query(OutboxTask).count()) == ("draft", 0)


def test_publishing_notes_index_and_match_in_the_same_transaction(database: Database) -> None:
    with database.unit_of_work() as session:
        call = publish_call(session, town(session))
        noted = {(task.kind, task.subject, task.subject_id) for task in session.query(OutboxTask)}
        assert noted == {("index", "call", call.id), ("match", "call", call.id)}
        session.rollback()
    with database.session() as session:
        assert session.query(OutboxTask).count() == session.query(Call).count() == 0


def test_an_unconfirmed_town_drafts_but_does_not_publish(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = person(session)
        hall = organisations.claim(session, "132128", actor=officer, now=NOW).organisation
        call = calls.create(session, hall, CALL, actor=officer, now=NOW)
        with pytest.raises(Forbidden):
            calls.publish(session, call, actor=officer, now=NOW, expected_version=call.version)


def test_a_deadline_in_the_past_is_refused(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        hall = organisation_of(session, officer)
        values = replace(CALL, closes_at=NOW)
        call = calls.create(session, hall, values, actor=officer, now=NOW)
        with pytest.raises(Refused) as refused:
            calls.publish(session, call, actor=officer, now=NOW, expected_version=call.version)
        assert set(problems(refused)) == {"closes_on"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "あ" * 101}, "title"),
        ({"summary": "あ" * 151}, "summary"),
        ({"problem": "あ" * 4001}, "problem"),
        ({"themes": ("childcare", "elderly", "disaster", "tourism")}, "themes"),
        ({"themes": ("no-such-theme",)}, "themes"),
        ({"offers": ("money",)}, "offers"),
        ({"kind": "party"}, "kind"),
        ({"budget_kind": "gold"}, "budget_kind"),
        ({"budget_max_yen": 10**13, "budget_kind": "fixed"}, "budget_max"),
        ({"budget_max_yen": 100}, "budget_max"),
        ({"municipality_code": "999999"}, "municipality_code"),
        ({"opens_at": NOW + timedelta(days=60)}, "closes_on"),
    ],
)
def test_what_even_a_draft_must_keep_to(
    database: Database, change: dict[str, object], field: str
) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        hall = organisation_of(session, officer)
        with pytest.raises(Refused) as refused:
            calls.create(session, hall, replace(CALL, **change), actor=officer, now=NOW)
        assert set(problems(refused)) == {field}
        assert session.query(Call).count() == 0


def test_the_second_of_two_changes_is_told_and_nothing_is_lost(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        opened = call.version
        mine, theirs = replace(CALL, title="わたしの題名"), replace(CALL, title="先の題名")
        calls.change(session, call, theirs, actor=officer, now=NOW, expected_version=opened)
        with pytest.raises(Conflict) as conflict:
            calls.change(session, call, mine, actor=officer, now=NOW, expected_version=opened)
        assert conflict.value.current.title == "先の題名"


def test_a_change_leaves_what_changed_in_the_trail(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        themes = ("elderly", "childcare")
        values = replace(CALL, title="直した題名", themes=themes, opens_at=call.opens_at)
        calls.change(session, call, values, actor=officer, now=NOW, expected_version=call.version)
        event = session.query(AuditEvent).filter_by(action="call.change").one()
        assert event.before == {"title": CALL.title, "themes": ["childcare"]}
        assert event.after == {
            "title": "直した題名",
            "themes": ["elderly", "childcare"],
            "version": call.version,
        }
        assert event.actor_id == officer.id
    with database.session() as session:
        assert list(session.get_one(Call, call.id).themes) == ["elderly", "childcare"]


def test_saving_without_a_change_changes_nothing(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        version, tasks = call.version, session.query(OutboxTask).count()
        same = CallValues(**calls.values_of(call))
        calls.change(session, call, same, actor=officer, now=NOW, expected_version=version)
        assert (call.version, session.query(OutboxTask).count()) == (version, tasks)


def test_a_published_call_cannot_be_emptied(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        with pytest.raises(Refused):
            calls.change(
                session, call, replace(CALL, problem=" "),
                actor=officer, now=NOW, expected_version=call.version,
            )  # fmt: skip
        assert call.problem == CALL.problem


@pytest.mark.parametrize("state", ["draft", "published", "closed", "archived"])
@pytest.mark.parametrize("verb", ["publish", "close", "discard"])
def test_only_legal_moves(database: Database, state: str, verb: str) -> None:
    legal = {("draft", "publish"), ("published", "close"), ("draft", "discard")}
    with database.unit_of_work() as session:
        officer = town(session)
        hall = organisation_of(session, officer)
        call = calls.create(session, hall, CALL, actor=officer, now=NOW)
        if state in ("published", "closed"):
            calls.publish(session, call, actor=officer, now=NOW, expected_version=call.version)
        if state == "closed":
            calls.close(session, call, actor=officer, now=NOW, expected_version=call.version)
        if state == "archived":
            calls.discard(session, call, actor=officer, now=NOW, expected_version=call.version)
        move = getattr(calls, verb)
        if (state, verb) in legal:
            move(session, call, actor=officer, now=NOW, expected_version=call.version)
            assert call.state != state
        else:
            with pytest.raises((Refused, Forbidden)):
                move(session, call, actor=officer, now=NOW, expected_version=call.version)
            assert call.state == state


def test_solutions_live_the_same_way(database: Database) -> None:
    with database.unit_of_work() as session:
        owner = firm(session)
        company = organisation_of(session, owner)
        empty = solutions.create(session, company, SolutionValues(), actor=owner, now=NOW)
        with pytest.raises(Refused) as refused:
            solutions.publish(session, empty, actor=owner, now=NOW, expected_version=1)
        assert set(problems(refused)) == {"title", "solves", "themes"}
        solution = publish_solution(session, owner, areas=("13", "00"))
        assert list(solution.areas) == ["00"]
        values = replace(SOLUTION, asks=("data", "field"))
        solutions.change(
            session, solution, values, actor=owner, now=NOW, expected_version=solution.version
        )
        assert list(solution.asks) == ["data", "field"]
        solutions.close(session, solution, actor=owner, now=NOW, expected_version=solution.version)
        assert solution.state == "closed"


moments = st.one_of(st.none(), st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days)))


@given(cases=st.lists(st.tuples(st.sampled_from(["draft", "published", "closed", "archived"]), moments, moments), min_size=1, max_size=6))  # fmt: skip
def test_status_by_the_clock_is_the_same_in_python_and_sql(cases: list[tuple]) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    from hub.models import Base, Organisation

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        hall = Organisation(kind="municipality", name="例", created_at=NOW)
        for state, opens_at, closes_at in cases:
            if opens_at and closes_at and closes_at <= opens_at:
                continue
            session.add(
                Call(
                    organisation=hall, state=state, opens_at=opens_at, closes_at=closes_at,
                    created_at=NOW, updated_at=NOW,
                )
            )  # fmt: skip
        session.flush()
        by_sql = set(session.scalars(select(Call.id).where(open_at(NOW))))
        by_python = {c.id for c in session.scalars(select(Call)) if status(c, NOW) == "open"}
        assert by_sql == by_python
    engine.dispose()

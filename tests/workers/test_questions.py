"""Questions of pages: what a worker answers, once, and what becomes of lost and stale ones."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rq import Queue as RqQueue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import Database
from hub.domain import calls, questions, solutions
from hub.models import Call, Match, Question, Solution, User
from hub.queue import JOBS, MATCH, Queue
from tests import market
from tests.conftest import NOW, Once
from tests.store import Store
from tests.workers.test_matching import TOPICS, call_on, solution_on
from workers.jobs import questions as job
from workers.schedule import Scheduler


def clock() -> datetime:
    return NOW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "epochs"


def make_matched(database: Database, folder: Path) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for number, topic in enumerate(TOPICS):
            call_on(session, officer, topic)
            solution_on(session, market.firm(session, f"株式会社{number}"), topic)
    market.work_off(database, folder, clock=clock)


@pytest.fixture
def matched(once: Once, database: Database, folder: Path) -> Database:
    """A call and a firm's solution on each of four topics, matched and dealt."""
    once(make_matched, database, folder)
    return database


def member(session: Session, listing: Call | Solution) -> User:
    return listing.organisation.memberships[0].user


def draft_on(session: Session, topic: str, **changes: object) -> Call:
    officer = session.get_one(Call, 1).organisation.memberships[0].user
    title, problem = TOPICS[topic]
    values = replace(
        market.CALL, title=title, summary=title, problem=problem, wanted=problem, themes=(topic,)
    )
    values = replace(values, **changes)  # type: ignore[arg-type]
    return calls.create(
        session, market.organisation_of(session, officer), values, actor=officer, now=NOW
    )


def asked(session: Session, call: Call, solution: Solution | None = None) -> Question:
    by = member(session, call if solution is None else solution)
    return questions.ask(session, call, solution, actor=by, now=NOW)


def answers(database: Database) -> list[dict[str, Any] | None]:
    with database.session() as session:
        return list(session.scalars(select(Question.answer).order_by(Question.id)))


def test_a_draft_learns_whom_it_would_reach_and_leaves_nothing_behind(
    matched: Database, folder: Path
) -> None:
    with matched.unit_of_work() as session:
        before = session.query(Match).count()
        draft = draft_on(session, "snow")
        asked(session, draft)
    job.drain(matched, folder, clock=clock)
    (said,) = answers(matched)
    assert said is not None
    assert said["firms"] == 4
    assert said["suitable"] == 1
    first = said["first"][0]
    assert first["solution_id"] == 2
    assert first["reasons"]["ja"]
    assert len(first["reasons"]["ja"]) == len(first["reasons"]["en"]) == 1
    with matched.session() as session:
        assert session.query(Match).count() == before
        assert session.query(Match).filter_by(call_id=draft.id).count() == 0


def test_a_draft_about_something_else_reaches_nobody(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        asked(session, draft_on(session, "snow", title="相談", summary="", problem="検討中です。", wanted="", themes=()))  # fmt: skip
    job.drain(matched, folder, clock=clock)
    (said,) = answers(matched)
    assert said is not None
    assert (said["suitable"], said["first"]) == (0, [])
    assert {warning["code"] for warning in said["warnings"]} >= {"nobody"}
    assert all(warning["ja"] and warning["en"] for warning in said["warnings"])


def test_one_place_for_each_firm_and_none_for_whom_a_gate_is_shut(
    matched: Database, folder: Path
) -> None:
    with matched.unit_of_work() as session:
        owner = member(session, session.get_one(Solution, 2))
        solution_on(session, owner, "snow", title="雪かきの手を集める当番表")
        far = market.firm(session, "株式会社はるか")
        solution_on(session, far, "snow", title="屋根の雪を下ろす道具", areas=("47",))
    market.work_off(matched, folder, clock=clock)
    with matched.unit_of_work() as session:
        asked(session, draft_on(session, "snow"))
    job.drain(matched, folder, clock=clock)
    (said,) = answers(matched)
    assert said is not None
    assert said["suitable"] == 1


def test_why_not_tells_score_parts_and_what_is_missing(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        asked(session, session.get_one(Call, 1), session.get_one(Solution, 1))
        asked(session, session.get_one(Call, 1), session.get_one(Solution, 2))
    job.drain(matched, folder, clock=clock)
    near, far = answers(matched)
    assert near is not None
    assert far is not None
    with matched.session() as session:
        stored = session.get_one(Match, (1, 1))
        assert near["score"] == stored.score
        assert near["parts"] == stored.parts
    assert near["score"] > far["score"]
    assert far["parts"]["themes"] == 0
    assert near["closed"] == far["closed"] == []
    weakest = {weak["code"]: weak for weak in far["weakest"]}
    assert "themes" in weakest
    assert all(
        weak[part][to]
        for weak in weakest.values()
        for part in ("fact", "help")
        for to in ("ja", "en")
    )


def test_why_not_names_the_gates_that_are_shut(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        far = market.firm(session, "株式会社はるか")
        away = market.publish_solution(session, far, title="屋根の雪を下ろす道具", summary="", solves="屋根に登らず雪を落とします。", brings="道具一式", areas=("47",))  # fmt: skip
        bodies = call_on(
            session, member(session, session.get_one(Call, 1)), "snow",
            title="法人と雪かきを", eligibility_codes=("juridical_person",),
        )  # fmt: skip
        alone = market.firm(session, "雪かき 太郎")
        market.organisation_of(session, alone).legal_form = "sole_proprietor"
        own = solution_on(session, alone, "snow", title="ひとりの雪かき", solves="玄関先の雪をどけます。")  # fmt: skip
        ids = away.id, own.id, bodies.id
        asked(session, session.get_one(Call, 2), away)
    job.drain(matched, folder, clock=clock)
    assert answers(matched) == [{"early": True}]
    market.work_off(matched, folder, clock=lambda: NOW + timedelta(hours=1))
    with matched.unit_of_work() as session:
        for call, solution in ((2, ids[0]), (ids[2], ids[1])):
            asked(session, session.get_one(Call, call), session.get_one(Solution, solution))
    job.drain(matched, folder, clock=clock)
    area, body = answers(matched)
    assert area is not None
    assert body is not None
    assert area["closed"] == ["area"]
    assert body["closed"] == ["juridical_person"]


def test_what_was_withdrawn_meanwhile_is_gone(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        solution = session.get_one(Solution, 1)
        asked(session, session.get_one(Call, 1), solution)
        solutions.close(session, solution, actor=member(session, solution), now=NOW, expected_version=solution.version)  # fmt: skip
    job.drain(matched, folder, clock=clock)
    assert answers(matched) == [{"gone": True}]


def test_before_the_first_epoch_a_draft_reaches_nobody(database: Database, folder: Path) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        draft = calls.create(
            session, market.organisation_of(session, officer), market.CALL, actor=officer, now=NOW
        )
        questions.ask(session, draft, actor=officer, now=NOW)
    job.drain(database, folder, clock=clock)
    assert answers(database) == [{"firms": 0, "suitable": 0, "first": [], "warnings": []}]


def test_two_workers_write_one_answer(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        asked(session, draft_on(session, "snow"))
    with matched.session() as session:
        (first,), (second,) = (questions.waiting(session, limit=9) for _ in range(2))
    with matched.unit_of_work() as session:
        assert questions.answer(session, first, {"firms": 1}, now=NOW)
    with matched.unit_of_work() as session:
        assert not questions.answer(session, second, {"firms": 2}, now=NOW)
    assert answers(matched) == [{"firms": 1}]


def test_an_answer_to_an_older_text_is_not_taken(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        draft = draft_on(session, "snow")
        asked(session, draft)
    with matched.session() as session:
        (before,) = questions.waiting(session, limit=9)
    with matched.unit_of_work() as session:
        draft = session.get_one(Call, draft.id)
        draft.version += 1
        asked(session, draft)
    with matched.unit_of_work() as session:
        assert not questions.answer(session, before, {"firms": 1}, now=NOW)
    job.drain(matched, folder, clock=clock)
    with matched.session() as session:
        draft = session.get_one(Call, draft.id)
        found = questions.find(session, draft)
        assert found is not None
        assert found.answer is not None
        assert found.answer["suitable"] == 1


def test_what_cannot_be_answered_says_so_and_is_asked_anew_by_hand(
    matched: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with matched.unit_of_work() as session:
        draft = draft_on(session, "snow")
        asked(session, draft)
    with monkeypatch.context() as patch:
        patch.setattr(job, "explain", _fail)
        job.drain(matched, folder, clock=clock)
    assert answers(matched) == [{"failed": True}]
    with matched.unit_of_work() as session:
        assert asked(session, session.get_one(Call, draft.id)).answer is None
    job.drain(matched, folder, clock=clock)
    (said,) = answers(matched)
    assert said is not None
    assert said["suitable"] == 1


def test_a_lost_ping_answers_late_not_never(matched: Database, store: Store) -> None:
    with matched.unit_of_work() as session:
        asked(session, draft_on(session, "snow"))  # nobody pings
    waiting = RqQueue(MATCH, connection=store.connect())
    Scheduler(matched, Queue(store.connect())).tick(NOW)
    assert JOBS["questions"].function in [found.func_name for found in waiting.jobs]


def test_nothing_is_woken_where_nothing_is_asked(matched: Database, store: Store) -> None:
    Scheduler(matched, Queue(store.connect())).tick(NOW)
    assert len(RqQueue(MATCH, connection=store.connect())) == 0


def test_old_questions_are_forgotten(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        asked(session, draft_on(session, "snow"))
    job.drain(matched, folder, clock=clock)
    for days, left in ((30, 1), (31, 0)):
        with matched.unit_of_work() as session:
            questions.forget(session, now=NOW + timedelta(days=days))
        assert len(answers(matched)) == left


def _fail(*_args: object) -> None:
    raise ValueError("no sentence")

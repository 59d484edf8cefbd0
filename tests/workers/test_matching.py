"""The matching job: what becomes of pairs when listings come, change and go."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.orm import Session

from hub.db import Database
from hub.domain import calls, facts, match_lists, matches, outbox, solutions
from hub.models import (
    Call,
    Epoch,
    Match,
    MatchState,
    Organisation,
    OutboxTask,
    SizeFacts,
    Solution,
    User,
    Vector,
)
from tests import market
from tests.conftest import NOW, Once
from workers.jobs import epochs, matching, stock

TOPICS = {
    "childcare": ("放課後の居場所", "学童保育に入れない小学生が夕方を一人で過ごしています。"),
    "snow": ("除雪の担い手", "高齢者の家の雪かきをする人手が足りず、通院にも困っています。"),
    "tourism": ("観光客の周遊", "観光客が駅前だけで帰り、山あいの集落に足を運んでくれません。"),
    "circular": ("生ごみの堆肥化", "家庭の生ごみが焼却炉を傷め、処理の費用がかさんでいます。"),
}


def clock(later: timedelta = timedelta()) -> Callable[[], datetime]:
    return lambda: NOW + later


def drain(database: Database, folder: Path) -> None:
    market.work_off(database, folder, clock=clock())


def call_on(session: Session, officer: User, topic: str, **changes: object) -> Call:
    title, problem = TOPICS[topic]
    values = {"title": f"{title}を募集", "summary": title, "problem": problem, "wanted": problem}
    return market.publish_call(session, officer, themes=(topic,), **values | changes)


def solution_on(session: Session, owner: User, topic: str, **changes: object) -> Solution:
    title, problem = TOPICS[topic]
    values = {"title": f"{title}の仕組み", "summary": title, "solves": problem, "brings": title}
    return market.publish_solution(session, owner, themes=(topic,), **values | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "epochs"


def make_matched(database: Database, folder: Path) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for number, topic in enumerate(TOPICS):
            call_on(session, officer, topic)
            solution_on(session, market.firm(session, f"株式会社{number}"), topic)
    drain(database, folder)


@pytest.fixture
def matched(once: Once, database: Database, folder: Path) -> Database:
    """A call and a firm's solution on each of four topics, matched."""
    once(make_matched, database, folder)
    return database


def pairs(database: Database) -> dict[tuple[int, int], tuple[float, str, object, object, int]]:
    """Everything that is stored of pairs, but for the epoch."""
    with database.session() as session:
        return {
            (m.call_id, m.solution_id): (m.score, m.tie, m.parts, m.reasons, m.original_id)
            for m in session.scalars(select(Match))
        }


def test_each_call_finds_its_solution_first_and_says_why(matched: Database) -> None:
    with matched.session() as session:
        for call in session.scalars(select(Call)):
            best = matches.for_call(session, call, now=NOW)[0].match
            assert best.solution.themes == call.themes
            assert best.reasons["ja"]
            assert len(best.reasons["en"]) == len(best.reasons["ja"])
            assert matches.for_solution(session, best.solution, now=NOW)[0].call_id == call.id
            assert matches.is_current(session, call)
        assert session.scalars(select(OutboxTask).where(OutboxTask.kind == "match")).all() == []


def test_working_twice_changes_nothing(matched: Database, folder: Path) -> None:
    before = pairs(matched)
    with matched.unit_of_work() as session:
        outbox.note_ids(session, "call", [1, 2], cause="test", now=NOW)
        outbox.note_ids(session, "solution", [1], cause="test", now=NOW)
    drain(matched, folder)
    assert pairs(matched) == before


def test_a_changed_listing_is_matched_by_what_it_says_now(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        call = session.get_one(Call, 1)
        title, problem = TOPICS["snow"]
        call.title, call.summary, call.problem, call.wanted = title, title, problem, problem
        call.themes = ["snow"]
        outbox.note(session, call, cause="test", now=NOW)
    with matched.session() as session:
        assert not matches.is_current(session, session.get_one(Call, 1))
    drain(matched, folder)
    with matched.session() as session:
        call = session.get_one(Call, 1)
        assert matches.for_call(session, call, now=NOW)[0].place.solution_id == 2
        assert matches.is_current(session, call)


def test_an_epoch_killed_half_way_hides_no_change(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        snow = Solution.title.startswith(TOPICS["snow"][0])
        solution = session.scalars(select(Solution).where(snow)).one()
        values = solutions.SolutionValues(
            title="山あいの集落へ行く小さなバス",
            solves="駅前だけで帰る観光客を、山あいの集落まで運びます。",
            themes=("tourism",),
        )
        owner = solution.organisation.memberships[0].user
        solutions.change(
            session, solution, values, actor=owner, now=NOW, expected_version=solution.version
        )
    matching.everything(matched, "solution", "")  # what a new epoch does before it is stored
    drain(matched, folder)
    with matched.session() as session:
        by_score = select(Match).order_by(Match.score.desc())
        best = session.scalars(by_score.where(Match.solution_id == solution.id)).first()
        assert best is not None
        assert best.call.title.startswith(TOPICS["tourism"][0])


def test_an_epoch_killed_half_way_hides_no_copy(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        older = solution_on(session, market.firm(session, "株式会社さきがけ"), "childcare")
        older.published_at = NOW - timedelta(days=1)
    matching.everything(matched, "solution", "")
    drain(matched, folder)
    assert (1, older.id) in pairs(matched)
    assert (1, 1) not in pairs(matched)
    assert originals(matched, "solution") == {1: older.id}


def test_rows_that_older_rules_made_are_read_anew(
    matched: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pairs(matched)
    with matched.unit_of_work() as session:
        session.execute(update(Vector).values(data=b"in another form", fingerprint="of old"))
        session.execute(update(Epoch).values(version="older rules"))
        outbox.note_ids(session, "call", [1], cause="test", now=NOW, kinds=("match",))
    shutil.rmtree(folder)
    drain(matched, folder)
    assert pairs(matched) == before


def test_what_is_withdrawn_leaves_nothing_behind(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        owner = session.get_one(Solution, 1).organisation.memberships[0].user
        solutions.close(
            session, session.get_one(Solution, 1), actor=owner, now=NOW, expected_version=2
        )
        officer = session.get_one(User, 1)
        calls.close(session, session.get_one(Call, 2), actor=officer, now=NOW, expected_version=2)
    with matched.session() as session:  # lists know at once …
        assert all(
            one.place.solution_id != 1
            for one in matches.for_call(session, session.get_one(Call, 1), now=NOW)
        )
    drain(matched, folder)  # … the tables a moment later
    assert not [pair for pair in pairs(matched) if pair[0] == 2 or pair[1] == 1]
    with matched.session() as session:
        for model in (Vector, MatchState):
            rows = select(model.subject, model.subject_id)
            live = rows.where(Vector.gone.is_(False)) if model is Vector else rows
            keys = session.execute(live).all()
            assert ("solution", 1) not in keys
            assert ("call", 2) not in keys


def test_lists_ask_the_clock_when_they_are_read(matched: Database) -> None:
    with matched.session() as session:
        solution = session.get_one(Solution, 1)
        call = session.get_one(Call, 1)
        assert call.closes_at is not None
        last = call.closes_at - timedelta(seconds=1)
        assert matches.for_solution(session, solution, now=last)
        assert match_lists.solution_counts(session, [solution.id], now=last) == {solution.id: 1}
        assert matches.for_solution(session, solution, now=call.closes_at) == []
        assert matches.for_call(session, call, now=call.closes_at)  # the town still sees its own


def test_a_firm_has_one_place_in_a_list(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        owner = session.get_one(Solution, 1).organisation.memberships[0].user
        other = solution_on(
            session,
            owner,
            "childcare",
            title="学びと遊びの広場",
            brings="元教員と遊び場を用意します。",
        )
    drain(matched, folder)
    with matched.session() as session:
        call = session.get_one(Call, 1)
        shown = matches.for_call(session, call, now=NOW)
        assert len([one for one in shown if one.place.solution_id in (1, other.id)]) == 1
        assert match_lists.call_counts(session, [call.id]) == {call.id: len(shown)}


def test_a_copy_gains_nothing_and_takes_over_when_the_first_post_goes(
    matched: Database, folder: Path
) -> None:
    before = pairs(matched)
    with matched.unit_of_work() as session:
        copy = solution_on(session, market.firm(session, "株式会社まねた"), "childcare")
        copy.published_at = NOW + timedelta(hours=1)
    drain(matched, folder)
    assert pairs(matched) == before
    assert originals(matched, "solution") == {copy.id: 1}
    with matched.unit_of_work() as session:
        first = session.get_one(Solution, 1)
        owner = first.organisation.memberships[0].user
        solutions.close(session, first, actor=owner, now=NOW, expected_version=2)
    drain(matched, folder)
    after = pairs(matched)
    assert (1, copy.id) in after
    assert (1, 1) not in after
    assert originals(matched, "solution") == {}


def test_a_copy_that_becomes_something_else_stands_for_itself(
    matched: Database, folder: Path
) -> None:
    with matched.unit_of_work() as session:
        copy = solution_on(session, market.firm(session, "株式会社まねた"), "childcare")
        copy.published_at = NOW + timedelta(hours=1)
    drain(matched, folder)
    assert originals(matched, "solution") == {copy.id: 1}
    title, solves = TOPICS["tourism"]
    with matched.unit_of_work() as session:
        ours = session.get_one(Solution, copy.id)
        values = replace(
            market.SOLUTION, title=title, summary="宿の空きを知らせます。", solves=solves, brings=""
        )
        owner = ours.organisation.memberships[0].user
        solutions.change(session, ours, values, actor=owner, now=NOW, expected_version=ours.version)
    drain(matched, folder)
    assert originals(matched, "solution").get(copy.id) != 1


def originals(database: Database, subject: str) -> dict[int, int]:
    """Which listings count as copies, and of what."""
    with database.session() as session:
        rows = session.scalars(select(MatchState).where(MatchState.subject == subject))
        return {row.subject_id: row.original_id for row in rows if row.original_id is not None}


DAY = timedelta(days=1)
OLD = {
    "title": "ゴルフのスイングを動画で診断",
    "summary": "昔からあるゴルフの教室です。",
    "solves": "ひとりで練習していると、悪い癖に気づけません。",
    "brings": "動画で体の動きをなぞり、先生が言葉で直します。",
}


def words_of(solution: Solution) -> dict[str, str]:
    return {name: getattr(solution, name) for name in OLD}


def old_post(database: Database, **changes: object) -> int:
    """What another firm than the first published a year before the others, about something else."""
    with database.unit_of_work() as session:
        owner = market.firm(session, "株式会社古株")
        post = market.publish_solution(session, owner, now=NOW - 400 * DAY, **OLD | changes)
        post.created_at = NOW - 400 * DAY
    return post.id


def edit(database: Database, id_: int, now: datetime, **changes: object) -> None:
    with database.unit_of_work() as session:
        market.rewrite(session, session.get_one(Solution, id_), now=now, **changes)


def stands_for(database: Database, folder: Path, ids: set[int]) -> set[int]:
    """Those of some solutions that have pairs once all is worked off, however that comes about."""

    def voices() -> set[int]:
        market.work_off(database, folder, clock=clock(99 * DAY))
        return {solution for _, solution in pairs(database)} & ids

    found = voices()
    matching.new_epoch(database, now=NOW + 99 * DAY)
    assert voices() == found, "after a new epoch"
    with database.unit_of_work() as session:
        for model in (Vector, Match, MatchState):
            session.execute(delete(model))
        for subject in stock.SUBJECTS:
            outbox.note_ids(session, subject, list(facts.load(session, subject)), cause="", now=NOW)
    shutil.rmtree(folder)
    assert voices() == found, "after all that workers keep was lost"
    return found


def test_an_old_post_that_takes_over_a_text_is_younger_than_the_text(
    matched: Database, folder: Path
) -> None:
    old = old_post(matched)
    with matched.session() as session:
        said = words_of(session.get_one(Solution, 1))
    drain(matched, folder)
    edit(matched, old, NOW + DAY, themes=("childcare",), **said)
    assert stands_for(matched, folder, {1, old}) == {1}


def test_a_text_set_beside_the_old_one_is_no_older(matched: Database, folder: Path) -> None:
    long = {"solves": "".join(f"{way}の癖も、動画で直します。" for way in ("肩", "肘", "腰"))}
    old = old_post(matched, **long)
    with matched.session() as session:
        first = session.get_one(Solution, 1)
        said = "".join(words_of(first).values())
    drain(matched, folder)
    edit(matched, old, NOW + DAY, summary=said[:140], brings=said, evidence=said)
    assert stands_for(matched, folder, {1, old}) == {1}


def test_a_text_taken_over_in_small_edits_is_no_older(matched: Database, folder: Path) -> None:
    old = old_post(matched)
    with matched.session() as session:
        said = words_of(session.get_one(Solution, 1))
    for number, name in enumerate(("brings", "summary", "title", "solves")):
        edit(matched, old, NOW + (1 + number) * DAY, **{name: said[name]})
        drain(matched, folder)
    assert stands_for(matched, folder, {1, old}) == {1}


def test_a_text_that_was_away_for_a_moment_is_as_old_as_its_return(
    matched: Database, folder: Path
) -> None:
    with matched.unit_of_work() as session:
        said = words_of(session.get_one(Solution, 1))
        copy = solution_on(session, market.firm(session, "株式会社まねた"), "childcare")
        copy.published_at = NOW + DAY
    drain(matched, folder)
    edit(matched, 1, NOW + 2 * DAY, **OLD)
    edit(matched, 1, NOW + 3 * DAY, **said)  # before any worker looked
    assert stands_for(matched, folder, {1, copy.id}) == {copy.id}


def test_a_post_that_is_corrected_and_shortened_keeps_its_age(
    matched: Database, folder: Path
) -> None:
    with matched.unit_of_work() as session:
        copy = solution_on(session, market.firm(session, "株式会社まねた"), "childcare")
        copy.published_at = NOW + DAY
    edit(matched, 1, NOW + 2 * DAY, evidence="二つの町で使われています。")
    edit(matched, 1, NOW + 3 * DAY, evidence="", summary="")
    edit(matched, 1, NOW + 4 * DAY, kinds=(), stage="proven")
    assert stands_for(matched, folder, {1, copy.id}) == {1}


def test_a_town_with_the_same_call_gets_answers_and_firms_see_one_of_them(
    matched: Database, folder: Path
) -> None:
    with matched.unit_of_work() as session:
        officer = market.town(session, "032018")
        copy = call_on(session, officer, "childcare")
        copy.published_at = NOW + timedelta(hours=1)
    drain(matched, folder)
    assert originals(matched, "call") == {copy.id: 1}
    with matched.session() as session:
        assert (
            matches.for_call(session, session.get_one(Call, copy.id), now=NOW)[0].place.solution_id
            == 1
        )
        solution = session.get_one(Solution, 1)
        assert (
            len(
                [
                    m
                    for m in matches.for_solution(session, solution, now=NOW)
                    if m.call_id in (1, copy.id)
                ]
            )
            == 1
        )


def test_a_new_epoch_matches_everything_again(matched: Database, folder: Path) -> None:
    before = pairs(matched)
    matching.new_epoch(matched, now=NOW)
    with matched.session() as session:
        assert not matches.is_current(session, session.get_one(Call, 1))
    drain(matched, folder)
    with matched.session() as session:
        epoch = session.scalar(select(func.max(Epoch.id)))
        assert epoch == 2
        assert set(session.scalars(select(Match.epoch_id))) == {2}
        assert set(session.scalars(select(MatchState.epoch_id))) == {2}
    assert pairs(matched) == before


def test_two_workers_make_one_epoch(matched: Database) -> None:
    with matched.session() as session:
        before = epochs.current(session)
        listed = [stock.listings(session, subject, None) for subject in stock.SUBJECTS]
    made = matching.statistics.build(*listed)
    ids = []
    for _ in range(2):
        with matched.unit_of_work() as session:
            ids.append(epochs.store(session, made, (4, 4), (), after=before, now=NOW))
    assert ids == [2, None]


def test_a_market_that_has_outgrown_its_epoch_gets_a_new_one(
    matched: Database, folder: Path
) -> None:
    with matched.unit_of_work() as session:
        officer = session.get_one(User, 1)
        for _ in range(epochs.SLACK + 3):
            call_on(session, officer, "childcare")
    drain(matched, folder)
    with matched.session() as session:
        assert session.scalar(select(func.max(Epoch.id))) == 2


def test_older_rules_ask_for_a_new_epoch(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        session.execute(update(Epoch).values(version="older rules"))
        outbox.note_ids(session, "call", [1], cause="test", now=NOW, kinds=("match",))
    drain(matched, folder)
    with matched.session() as session:
        assert set(session.scalars(select(MatchState.epoch_id))) == {2}


def test_another_machine_unpacks_the_epoch_and_agrees(matched: Database, tmp_path: Path) -> None:
    before = pairs(matched)
    with matched.unit_of_work() as session:
        session.execute(delete(Match))
        for subject in stock.SUBJECTS:
            outbox.note_ids(session, subject, [1, 2, 3, 4], cause="test", now=NOW)
    drain(matched, tmp_path / "another machine")
    assert pairs(matched) == before
    with matched.session() as session:
        assert session.scalar(select(func.max(Epoch.id))) == 1


def test_a_damaged_base_is_made_again(matched: Database, folder: Path) -> None:
    before = pairs(matched)
    for base in (folder / "1").glob("base-*"):
        (base / "market.json").write_text("{")
    with matched.unit_of_work() as session:
        session.execute(delete(Match))
        outbox.note_ids(session, "call", [1, 2, 3, 4], cause="test", now=NOW)
    drain(matched, folder)
    assert pairs(matched) == before


def test_a_listing_that_cannot_be_matched_holds_up_nobody(
    matched: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choke(values: object) -> object:
        if "雪" in str(values):
            raise ValueError("cannot read this one")
        return genuine(values)

    genuine = stock.profile
    monkeypatch.setattr(stock, "profile", choke)
    with matched.unit_of_work() as session:
        for call in session.scalars(select(Call)):
            call.details = "くわしく書き足しました。"
            outbox.note(session, call, cause="test", now=NOW)
    drain(matched, folder)
    with matched.session() as session:
        (task,) = session.scalars(select(OutboxTask).where(OutboxTask.kind == "match"))
        assert task.subject_id == 2
        assert task.last_error == "ValueError: cannot read this one"
        assert matches.is_current(session, session.get_one(Call, 1))


def test_a_changing_market_is_looked_at_again(
    matched: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker's step between our look and our writing makes us look again."""
    genuine, interrupted = stock.alone, []

    def interrupt(session: Session) -> None:
        if not interrupted:
            interrupted.append(True)
            # What another worker would have committed just before we got the lock.
            stock.forget(session, "call", 2)
            session.execute(update(Call).where(Call.id == 2).values(state="archived"))
            session.commit()
        genuine(session)

    monkeypatch.setattr(stock, "alone", interrupt)
    with matched.unit_of_work() as session:
        outbox.note_ids(session, "solution", [2], cause="test", now=NOW, kinds=("match",))
        session.execute(delete(Match))
    drain(matched, folder)
    assert interrupted
    assert (2, 2) not in pairs(matched)
    assert (1, 2) in pairs(matched) or (3, 2) in pairs(matched)


def test_workers_at_the_same_time_write_one_result(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        for call in session.scalars(select(Call)):
            call.details = "くわしく書き足しました。"
            outbox.note(session, call, cause="test", now=NOW)
        for solution in session.scalars(select(Solution)):
            solution.evidence = "三つの町で使われています。"
            outbox.note(session, solution, cause="test", now=NOW)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            deadline = 60
            for _ in range(deadline):
                matching.drain(matched, folder.parent / f"machine {number}", clock=clock())
                with matched.unit_of_work() as session:
                    outbox.hurry(session, "match", now=NOW)
                    if not session.scalar(
                        select(func.count(OutboxTask.id)).where(OutboxTask.kind == "match")
                    ):
                        return
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    drain(matched, folder)
    together = pairs(matched)
    with matched.unit_of_work() as session:
        session.execute(delete(Match))
        for subject in stock.SUBJECTS:
            outbox.note_ids(session, subject, [1, 2, 3, 4], cause="test", now=NOW)
    drain(matched, folder)
    assert pairs(matched) == together


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def test_size_is_not_even_loaded(matched: Database, folder: Path) -> None:
    with matched.unit_of_work() as session:
        for call in session.scalars(select(Call)):
            call.details = "くわしく書き足しました。"
            outbox.note(session, call, cause="test", now=NOW)
        outbox.note_ids(session, "solution", [1, 2, 3, 4], cause="test", now=NOW)
    with statements(matched) as seen:
        drain(matched, folder)
    assert seen
    told = " ".join(seen).lower()
    for word in ("size_facts", "employees", "capital", "founded", "sign_in", "organisation.name"):
        assert word not in told


def test_size_name_and_post_count_move_no_rank(matched: Database, folder: Path) -> None:
    """The counterfactual: the same texts from a giant with fifty posts."""
    before = pairs(matched)
    with matched.unit_of_work() as session:
        for number, firm in enumerate(
            session.scalars(select(Organisation).where(Organisation.kind == "company"))
        ):
            firm.name = f"世界最大株式会社{number}"
            session.add(
                SizeFacts(
                    organisation_id=firm.id,
                    employees=300_000 * (number % 2),
                    capital_yen=10**12 * (number % 2),
                    founded_year=1900 + number,
                )
            )
        owner = session.get_one(Solution, 1).organisation.memberships[0].user
        for _ in range(20):
            copy = solution_on(session, owner, "childcare")
            copy.published_at = NOW + timedelta(hours=1)
        for subject in stock.SUBJECTS:
            outbox.note_ids(session, subject, [1, 2, 3, 4], cause="test", now=NOW)
        session.execute(update(Epoch).values(solutions=100))  # this epoch stays
    drain(matched, folder)
    assert pairs(matched) == before


EVENTS = st.lists(
    st.tuples(st.sampled_from(["add", "change", "close", "rewrite", "work"]), st.integers(0, 99)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15)
@given(events=EVENTS)
def test_step_by_step_is_the_same_as_all_at_once(
    matched: Database, folder: Path, events: list[tuple[str, int]]
) -> None:
    officer, owner = _begin_anew(matched, folder)
    for kind, number in events:
        if kind == "work":
            market.work_off(matched, folder, clock=clock(DAY))
            continue
        with matched.unit_of_work() as session:
            _happen(session, kind, number, session.merge(officer), session.merge(owner))
    market.work_off(matched, folder, clock=clock(DAY))
    step_by_step = pairs(matched)
    with matched.unit_of_work() as session:
        session.execute(delete(Match))
        session.execute(delete(Vector))
        for subject in stock.SUBJECTS:
            ids = list(facts.load(session, subject))
            outbox.note_ids(session, subject, ids, cause="test", now=NOW)
    shutil.rmtree(folder)
    market.work_off(matched, folder, clock=clock(DAY))
    assert pairs(matched) == step_by_step


def _begin_anew(database: Database, folder: Path) -> tuple[User, User]:
    """Examples share a database: each starts with listings and pairs of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    with database.unit_of_work() as session:
        for model in (Match, MatchState, Vector, OutboxTask):
            session.execute(delete(model))
        for model in (Call, Solution):
            session.execute(update(model).values(state="archived"))
        session.execute(update(Epoch).values(calls=10**6, solutions=10**6))  # stays
        officer = session.get_one(User, 1)
        owner = session.get_one(Solution, 1).organisation.memberships[0].user
        for topic in TOPICS:
            call_on(session, officer, topic)
            solution_on(session, owner, topic)
    return officer, owner


def _happen(session: Session, kind: str, number: int, officer: User, owner: User) -> None:
    topic = list(TOPICS)[number % 4]
    if kind == "add":
        if number % 2:
            call_on(session, officer, topic, tried=f"{number}年前に試しました。")
        else:
            solution_on(session, owner, topic, evidence=f"{number}の町で使われています。")
        return
    model = Call if number % 2 else Solution
    live = session.scalars(select(model).where(model.state == "published").order_by(model.id)).all()
    if not live:
        return
    row = live[number % len(live)]
    if kind == "rewrite":
        if isinstance(row, Solution):
            title, problem = TOPICS[topic]
            changes = {"title": f"{title}の仕組み", "summary": title, "solves": problem}
            now = NOW + timedelta(minutes=number)
            market.rewrite(session, row, now=now, brings=title, **changes)
        return
    if kind == "change":
        row.summary = TOPICS[topic][1]
    else:
        row.state = "closed"
    outbox.note(session, row, cause="test", now=NOW)

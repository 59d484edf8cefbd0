"""The deal: who stands in whose list, and since when."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

import seeds
from hub.db import Database
from hub.domain import calls, dealing, desks, feedback, outbox, solutions
from hub.domain.desks import DeskValues
from hub.models import (
    AuditReport,
    Call,
    Desk,
    Match,
    MatchList,
    Organisation,
    OutboxTask,
    Place,
    Solution,
    Standing,
    User,
)
from tests import market
from tests.conftest import NOW, Once
from workers.jobs import deal, matching
from workers.matching.exposure import RULES

OTHERS = Path(seeds.__file__).parent / "demo" / "solutions" / "work_and_city_hall.json"
TOPICS = {
    "childcare": ("放課後の居場所", "学童保育に入れない小学生が夕方を一人で過ごしています。"),
    "snow": ("除雪の担い手", "高齢者の家の雪かきをする人手が足りず、通院にも困っています。"),
    "circular": ("生ごみの堆肥化", "家庭の生ごみが焼却炉を傷め、処理の費用がかさんでいます。"),
}
WAYS = (
    "元教員が集会所で宿題を見て、家まで送り届けます。",
    "シャッターの下りた商店の二階を、夕方だけ開きます。",
    "大学生が校庭で遊びを教え、けんかの仲裁もします。",
    "給食の調理場を借りて、補食とおやつを一緒に作ります。",
    "見守りの当番表を保護者どうしで組める仕組みです。",
    "習い事と居場所のあいだを、小さな車で回ります。",
    "農家の納屋を直し、動物の世話をしながら待てます。",
    "寺の本堂で、和尚さんと習字や座禅を楽しみます。",
    "移動図書館の車庫を、静かに読める分室にします。",
    "空いた保育室を、夕方からは学年の混ざる部屋にします。",
    "体育館の器具庫を片づけ、卓球と将棋の場にします。",
    "川沿いの倉庫を塗り直し、工作と木工を教えます。",
    "温泉宿の広間を借り、湯上がりまで預かります。",
    "漁港の競り場で、魚のさばき方を習いながら待てます。",
)


def clock(later: timedelta = timedelta()) -> Callable[[], datetime]:
    return lambda: NOW + later


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "epochs"


def work_off(database: Database, folder: Path, later: timedelta = timedelta()) -> None:
    market.work_off(database, folder, clock=clock(later))


def make_dealt(database: Database, folder: Path) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for topic in TOPICS:
            call_on(session, officer, topic)
            solution_on(session, known_firm(session), topic)
    work_off(database, folder)


@pytest.fixture
def dealt(once: Once, database: Database, folder: Path) -> Database:
    """A call and a known firm's solution on each topic, matched and dealt."""
    once(make_dealt, database, folder)
    return database


def call_on(session: Session, officer: User, topic: str, **changes: object) -> Call:
    title, problem = TOPICS[topic]
    values = {"title": f"{title}を募集", "summary": title, "problem": problem, "wanted": problem}
    return market.publish_call(session, officer, themes=(topic,), **values | changes)


def solution_on(session: Session, owner: User, topic: str, **changes: object) -> Solution:
    title, problem = TOPICS[topic]
    values = {"title": f"{title}の仕組み", "summary": title, "solves": problem, "brings": title}
    return market.publish_solution(session, owner, themes=(topic,), **values | changes)


def known_firm(session: Session) -> User:
    """The owner of a firm whose identity was confirmed."""
    count = session.scalar(select(func.count()).select_from(Organisation))
    owner = market.firm(session, f"株式会社{count}")
    market.organisation_of(session, owner).verified_at = NOW
    return owner


def current(session: Session, kind: str, owner_id: int) -> list[Place]:
    return dealing.current(session, kind, [owner_id]).get(owner_id, [])


def shown(session: Session, kind: str, owner_id: int) -> list[tuple[int, int]]:
    return [(place.call_id, place.solution_id) for place in current(session, kind, owner_id)]


def waiting(session: Session) -> set[str]:
    return set(session.scalars(select(OutboxTask.kind).where(OutboxTask.kind != "index")))


def test_every_call_and_every_firm_has_a_list_and_its_places_say_why(dealt: Database) -> None:
    with dealt.session() as session:
        for call in session.scalars(select(Call)):
            first = current(session, "call", call.id)[0]
            match = session.get_one(Match, (first.call_id, first.solution_id))
            assert match.solution.themes == call.themes
            assert match.reasons
            assert match.reasons["ja"]
            assert (first.rank, first.how, first.begins_at) == (1, "merit", NOW)
            assert first.value == match.score
            assert shown(session, "firm", first.firm_id)[0] == (call.id, first.solution_id)
        assert {row.kind for row in session.scalars(select(MatchList))} == {"call", "firm"}
        assert waiting(session) == set()


def test_dealing_twice_changes_nothing(dealt: Database, folder: Path) -> None:
    with dealt.unit_of_work() as session:
        before = session.execute(select(Place.id, Place.ends_at)).all()
        outbox.note_ids(session, "call", [1, 2, 3], cause="test", now=NOW, kinds=("deal",))
        outbox.note_ids(session, "market", [1], cause="test", now=NOW, kinds=("deal",))
    work_off(dealt, folder, timedelta(hours=1))
    with dealt.session() as session:
        assert session.execute(select(Place.id, Place.ends_at)).all() == before


def test_a_place_that_goes_is_kept_with_its_end(dealt: Database, folder: Path) -> None:
    later = timedelta(hours=2)
    with dealt.unit_of_work() as session:
        place = current(session, "call", 1)[0]
        solution = session.get_one(Solution, place.solution_id)
        owner = solution.organisation.memberships[0].user
        solutions.close(session, solution, actor=owner, now=NOW + later, expected_version=2)
    work_off(dealt, folder, later)
    with dealt.session() as session:
        assert solution.id not in {pair[1] for pair in shown(session, "call", 1)}
        gone = session.get_one(Place, place.id)
        assert (gone.begins_at, gone.ends_at) == (NOW, NOW + later)
        assert shown(session, "firm", place.firm_id) == []


def test_a_deadline_empties_the_lists_without_a_change(dealt: Database, folder: Path) -> None:
    with dealt.session() as session:
        closes_at = session.get_one(Call, 1).closes_at
        assert closes_at is not None
        assert not dealing.due(session, closes_at - timedelta(seconds=1))
        assert dealing.due(session, closes_at)
    work_off(dealt, folder, closes_at - NOW)
    with dealt.session() as session:
        assert current(session, "call", 1) == []
        assert not session.scalars(
            select(Place.id).where(Place.call_id == 1, Place.ends_at.is_(None))
        ).all()
        assert not dealing.due(session, closes_at)


def test_a_call_reaches_firms_when_it_opens(dealt: Database, folder: Path) -> None:
    opens = NOW + timedelta(days=3)
    with dealt.unit_of_work() as session:
        officer = session.get_one(User, 1)
        call = call_on(
            session,
            officer,
            "snow",
            title="来月からの除雪",
            opens_at=opens,
            tried="去年試しました。",
        )
    work_off(dealt, folder)
    with dealt.session() as session:
        assert current(session, "call", call.id)  # its town may look ahead
        firm = current(session, "call", call.id)[0].firm_id
        assert call.id not in {pair[0] for pair in shown(session, "firm", firm)}
        assert not dealing.due(session, opens - timedelta(seconds=1))
        assert dealing.due(session, opens)
    work_off(dealt, folder, opens - NOW)
    with dealt.session() as session:
        assert call.id in {pair[0] for pair in shown(session, "firm", firm)}
        assert not dealing.due(session, opens)


def test_a_call_that_is_extended_after_its_deadline_comes_back_at_once(
    dealt: Database, folder: Path
) -> None:
    with dealt.session() as session:
        closes_at = session.get_one(Call, 1).closes_at
        assert closes_at is not None
        firm = current(session, "call", 1)[0].firm_id
        assert 1 in {pair[0] for pair in shown(session, "firm", firm)}
    over = closes_at - NOW
    work_off(dealt, folder, over)
    with dealt.session() as session:
        assert 1 not in {pair[0] for pair in shown(session, "firm", firm)}
    with dealt.unit_of_work() as session:
        call = session.get_one(Call, 1)
        values = calls.CallValues(**calls.values_of(call))
        calls.change(
            session,
            call,
            replace(values, closes_at=closes_at + timedelta(days=7)),
            actor=call.organisation.memberships[0].user,
            now=closes_at + timedelta(hours=1),
            expected_version=call.version,
        )
    work_off(dealt, folder, over + timedelta(hours=2))
    with dealt.session() as session:
        assert current(session, "call", 1)
        assert 1 in {pair[0] for pair in shown(session, "firm", firm)}


def many_offers(session: Session, count: int) -> None:
    """Offers of as many firms that fit the childcare call, each in its own way."""
    for way in WAYS[:count]:
        owner = known_firm(session)
        title, said = (
            f"{way[:9]}放課後の居場所",
            f"学童保育に入れず夕方を一人で過ごす小学生に。{way}",
        )
        solution_on(session, owner, "childcare", title=title, summary="", solves=said)


def make_crowded(database: Database, folder: Path) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for topic in TOPICS:
            call_on(session, officer, topic)
        many_offers(session, len(WAYS))
        other = known_firm(session)
        for row in json.loads(OTHERS.read_text(encoding="utf-8")):
            said = {name: row[name] for name in ("title", "summary", "solves", "brings")}
            market.publish_solution(session, other, themes=tuple(row["themes"]), **said)
    work_off(database, folder)


@pytest.fixture
def crowded(once: Once, database: Database, folder: Path) -> Database:
    """One call that fourteen confirmed firms could answer, among offers of other things."""
    once(make_crowded, database, folder)
    return database


def reserve(database: Database) -> set[int]:
    """The firms that hold a reserve place in the first call's list."""
    with database.session() as session:
        places = current(session, "call", 1)
        return {place.firm_id for place in places if place.how == "reserve"}


def test_the_last_places_go_to_firms_that_nobody_has_seen(crowded: Database) -> None:
    with crowded.session() as session:
        places = current(session, "call", 1)
        assert [place.rank for place in places] == list(range(1, RULES.k + 1))
        assert len({place.firm_id for place in places}) == RULES.k
        assert session.get_one(MatchList, ("call", 1)).suitable > RULES.k
        assert len(reserve(crowded)) == RULES.q
        for place in places:
            standing = session.get_one(Standing, place.firm_id)
            assert (standing.placed_at, standing.waits_since) == (NOW, None)
        unseen = session.scalars(select(Standing).where(Standing.placed_at.is_(None))).all()
        assert unseen
        assert {standing.waits_since for standing in unseen} == {NOW}


def test_reserve_places_stay_through_the_week_and_move_on_after_it(
    crowded: Database, folder: Path
) -> None:
    first = reserve(crowded)
    with crowded.unit_of_work() as session:
        outbox.note_ids(session, "call", [1], cause="test", now=NOW, kinds=("deal",))
        outbox.note_ids(session, "solution", [4, 9], cause="test", now=NOW)
    work_off(crowded, folder, timedelta(days=1))
    assert reserve(crowded) == first
    week = timedelta(days=7)
    matching.new_epoch(crowded, now=NOW + week)
    work_off(crowded, folder, week)
    assert reserve(crowded).isdisjoint(first)


@pytest.mark.parametrize("how", ["withdrawn", "made another one"])
def test_posting_a_shown_offer_anew_leaves_the_place_to_an_unseen_one(
    crowded: Database, folder: Path, how: str
) -> None:
    """Two firms are placed elsewhere; each has one more offer, and one of these can be shown."""
    with crowded.unit_of_work() as session:
        own = select(Match).where(Match.call_id == 1).order_by(Match.score.desc())
        rows = session.scalars(own).all()
        least = [row.solution_id for row in rows[:2]]
        for number, row in enumerate(rows[2:]):
            row.score = 0.99 - number / 1000 if number < RULES.k - 1 else 0.1
        for id_, topic in zip(least, ("snow", "circular"), strict=True):
            owner = session.get_one(Solution, id_).organisation.memberships[0].user
            solution_on(session, owner, topic)
        session.execute(delete(Place))  # nobody has seen anything yet

    def offered(week: int) -> int:
        """Which of the two offers holds a place in the first list."""
        later = week * timedelta(days=7)
        with crowded.unit_of_work() as session:
            outbox.note_ids(session, "market", [1], cause="test", now=NOW, kinds=("deal",))
        work_off(crowded, folder, later)
        with crowded.session() as session:
            inside = [p for p in current(session, "call", 1) if p.solution_id in (*least, *anew)]
            assert [place.how for place in inside] == ["reserve"]
            return inside[0].solution_id

    anew: list[int] = []
    first = offered(0)
    now = NOW + timedelta(days=7)  # before anybody else could be shown
    with crowded.unit_of_work() as session:
        post = session.get_one(Solution, first)
        owner = post.organisation.memberships[0].user
        said = solutions.values_of(post)
        if how == "withdrawn":
            solutions.close(session, post, actor=owner, now=now, expected_version=2)
        else:
            text = dict.fromkeys(("solves", "brings"), "庭木の枝を切り、運び出します。")
            market.rewrite(session, post, now=now, title="庭の手入れ", summary="", **text)
        anew.append(market.publish_solution(session, owner, now=now, **said).id)
    assert {first, offered(1)} == set(least)


def test_everybody_who_suits_is_shown_within_weeks(crowded: Database, folder: Path) -> None:
    with crowded.session() as session:
        entitled = set(session.scalars(select(Standing.organisation_id)))
    weeks = -(-(len(entitled) - RULES.k) // RULES.q)
    for number in range(1, weeks + 1):
        later = number * timedelta(days=7)
        matching.new_epoch(crowded, now=NOW + later)
        work_off(crowded, folder, later)
    with crowded.session() as session:
        placed = set(session.scalars(select(Place.firm_id).where(Place.kind == "call")))
        assert placed == entitled
        assert len(entitled) > RULES.k
        assert all(0 <= debt <= 9 for debt in session.scalars(select(Standing.debt)))


def test_a_firm_that_could_be_anybody_wins_no_reserve_place(
    crowded: Database, folder: Path
) -> None:
    with crowded.unit_of_work() as session:
        session.execute(update(Organisation).values(verified_at=None))
    matching.new_epoch(crowded, now=NOW)
    work_off(crowded, folder)
    with crowded.session() as session:
        assert {place.how for place in current(session, "call", 1)} == {"merit"}


def test_a_hidden_pair_leaves_its_own_list_alone(dealt: Database, folder: Path) -> None:
    with dealt.unit_of_work() as session:
        place = current(session, "call", 1)[0]
        pair = feedback.find_pair(session, "call", 1, place.solution_id)
        assert pair is not None
        officer = session.get_one(User, 1)
        feedback.answer(session, pair, "hidden", actor=officer, now=NOW)
    work_off(dealt, folder)
    with dealt.session() as session:
        assert (1, place.solution_id) not in shown(session, "call", 1)
        assert (1, place.solution_id) in shown(session, "firm", place.firm_id)
        assert session.get_one(Match, (1, place.solution_id)).score == place.value


def test_a_resting_desk_is_recommended_to_nobody_until_it_is_back(
    dealt: Database, folder: Path
) -> None:
    with dealt.unit_of_work() as session:
        firm = current(session, "call", 1)[0].firm_id
        desk = market.publish_desk(session, session.get_one(User, 1))
    work_off(dealt, folder)
    with dealt.session() as session:
        before = shown(session, "firm", firm)
        assert before

    def pause(paused: bool) -> None:
        with dealt.unit_of_work() as session:
            row = session.get_one(Desk, desk.id)
            values = DeskValues(
                **{name: getattr(row, name) for name in DeskValues.__dataclass_fields__}
                | {"reply_days": "10", "paused": paused, "pause_reason": "年度末のため"}
                | ({"capacity": ""} if "capacity" in DeskValues.__dataclass_fields__ else {})
            )
            officer = session.get_one(User, 1)
            desks.change(session, row, values, actor=officer, now=NOW, expected_version=row.version)
        work_off(dealt, folder)

    pause(True)
    with dealt.session() as session:
        assert shown(session, "firm", firm) == []
        assert current(session, "call", 1)  # the town itself may look
    pause(False)
    with dealt.session() as session:
        assert shown(session, "firm", firm) == before


def test_a_list_that_cannot_be_dealt_says_so_and_waits(
    dealt: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choke(*_args: object, **_named: object) -> None:
        raise ValueError("cannot deal this one")

    monkeypatch.setattr(deal.exposure, "deal_calls", choke)
    with dealt.unit_of_work() as session:
        outbox.note_ids(session, "call", [1], cause="test", now=NOW, kinds=("deal",))
    assert deal.drain(dealt, clock=clock())
    with dealt.session() as session:
        (task,) = session.scalars(select(OutboxTask).where(OutboxTask.kind == "deal"))
        assert task.last_error == "ValueError: cannot deal this one"
        assert current(session, "call", 1)


def test_withdrawing_a_call_ends_its_list(dealt: Database, folder: Path) -> None:
    with dealt.unit_of_work() as session:
        officer = session.get_one(User, 1)
        calls.close(session, session.get_one(Call, 1), actor=officer, now=NOW, expected_version=2)
    work_off(dealt, folder)
    with dealt.session() as session:
        assert session.get(MatchList, ("call", 1)) is None
        assert current(session, "call", 1) == []


def test_a_rest_that_is_over_ends_in_the_night(dealt: Database, folder: Path) -> None:
    with dealt.unit_of_work() as session:
        firm = current(session, "call", 1)[0].firm_id
        before = shown(session, "firm", firm)
        desk = market.publish_desk(session, session.get_one(User, 1))
        desk.paused, desk.pause_reason, desk.paused_until = True, "年度末のため", NOW.date()
        dealing.ask_for_town(session, desk.organisation_id, cause="test", now=NOW)
    work_off(dealt, folder)
    later = timedelta(days=2)
    with dealt.unit_of_work() as session:
        assert shown(session, "firm", firm) == []
        deal.ask_for_all(session, NOW + later)
    work_off(dealt, folder, later)
    with dealt.session() as session:
        assert shown(session, "firm", firm) == before


def test_the_dial_raises_who_is_seen_less_than_suits_them(crowded: Database, folder: Path) -> None:
    with crowded.unit_of_work() as session:
        report = AuditReport(week="2026-W48", made_at=NOW, dial=0.0, next_dial=0.05, figures={})
        session.add(report)
    for day in range(1, 5):
        with crowded.unit_of_work() as session:
            deal.ask_for_all(session, NOW + timedelta(days=day))
        work_off(crowded, folder, timedelta(days=day))
    with crowded.session() as session:
        shifts = session.scalars(select(Standing.shift)).all()
        assert max(shifts) > 0 > min(shifts)
        assert max(map(abs, shifts)) <= 0.05
        assert "turn" in {place.how for place in current(session, "call", 1)}
        values = [place.value for place in current(session, "call", 1)[: RULES.k - RULES.q]]
        assert all(a >= b - 2 * 0.05 for a, b in pairwise(values))

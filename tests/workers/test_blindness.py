"""Size, capital, number of posts and clicks move no rank, and are not even loaded."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from hub.app import create_app
from hub.db import Database
from hub.domain import facts, matches, outbox, solutions
from hub.models import Call, Match, Organisation, SizeFacts, Solution
from hub.models.listing import CALL_KINDS
from hub.services import Services
from tests import market as jobs
from tests.conftest import NOW, Once
from tests.market import SOLUTION, firm, organisation_of, publish_call, publish_solution, town
from workers.jobs import epochs
from workers.matching.places import REGION_OF

TEXTS = {
    "見守り": "放課後の小学生を地域の大人が見守り、空き教室で宿題を手伝います。",
    "学童": "学童保育の待機をなくすため、商店の二階を夕方の居場所に変えます。",
    "送迎": "共働き家庭の子どもを、習い事と学童のあいだで送り迎えします。",
    "除雪": "道路の雪を、近所で分けあう小さな除雪機で片づけます。",
    "給食": "学校給食の残りを減らし、堆肥にして畑に返します。",
    "図書": "夜の図書館を中高生の学びの場として開きます。",
}


def make_market(services: Services) -> Call:
    with services.database.unit_of_work() as session:
        call = publish_call(session, town(session))
        for name, text in TEXTS.items():
            owner = firm(session, f"{name}の会社")
            publish_solution(session, owner, title=f"{name}のしくみ", solves=text, brings="")
    work_off(services)
    return call


@pytest.fixture
def market(once: Once, services: Services) -> Call:
    made: Call = once(make_market, services)
    return made


def work_off(services: Services) -> None:
    folder = epochs.root(services.settings.data_dir)
    jobs.work_off(services.database, folder, clock=lambda: NOW + timedelta(minutes=1))


def lists(database: Database, call: Call) -> tuple[list[str], list[tuple[str, list[int]]]]:
    """The call's list by title, and every solution's list of calls."""
    with database.session() as session:
        for_call = matches.for_call(session, session.get_one(Call, call.id), now=NOW, limit=50)
        per_solution = [
            (s.title, [m.call_id for m in matches.for_solution(session, s, now=NOW, limit=50)])
            for s in session.query(Solution).order_by(Solution.title)
        ]
        return [shown.match.solution.title for shown in for_call], per_solution


def forget_matches(services: Services) -> None:
    """Make the workers score everything again."""
    with services.database.unit_of_work() as session:
        session.query(Match).delete()
        ids = [s.id for s in session.query(Solution)]
        outbox.note_ids(session, "solution", ids, cause="test", now=NOW)
        outbox.note_ids(session, "call", [c.id for c in session.query(Call)], cause="test", now=NOW)


@pytest.mark.parametrize("giant", TEXTS)
def test_becoming_a_giant_moves_no_rank(services: Services, market: Call, giant: str) -> None:
    before = lists(services.database, market)
    assert len(before[0]) >= 2
    with services.database.unit_of_work() as session:
        for organisation in session.query(Organisation).filter_by(kind="company"):
            large = organisation.name.startswith(giant)
            session.add(
                SizeFacts(
                    organisation_id=organisation.id,
                    employees=50_000 if large else 1,
                    capital_yen=10**11 if large else None,
                    founded_year=1890 if large else 2026,
                )
            )
    forget_matches(services)
    work_off(services)
    assert lists(services.database, market) == before


def test_posting_the_same_thing_many_times_buys_nothing(services: Services, market: Call) -> None:
    before, _ = lists(services.database, market)
    with services.database.unit_of_work() as session:
        first = session.query(Solution).filter_by(title="見守りのしくみ").one()
        owner = next(m.user for m in first.organisation.memberships)
        for _copy in range(20):
            publish_solution(
                session, owner, title=first.title, solves=first.solves, brings=first.brings
            )
    work_off(services)
    after, _ = lists(services.database, market)
    assert after == before


def test_other_posts_of_a_firm_move_no_rank(services: Services, market: Call) -> None:
    before, _ = lists(services.database, market)
    with services.database.unit_of_work() as session:
        first = session.query(Solution).filter_by(title=before[0]).one()
        owner = next(m.user for m in first.organisation.memberships)
        organisation = organisation_of(session, owner)
        for number in range(10):
            made = solutions.create(session, organisation, SOLUTION, actor=owner, now=NOW)
            made.title = f"川の水位を知らせる浮き {number}"
            made.solves = f"橋の下の浮きが水位を測り、{number}分ごとに消防団へ知らせます。"
            solutions.publish(session, made, actor=owner, now=NOW, expected_version=made.version)
    work_off(services)
    after, _ = lists(services.database, market)
    assert after == before


def test_ticking_everything_is_the_same_as_ticking_nothing(
    services: Services, market: Call
) -> None:
    """Every kind of call is none in particular, every prefecture is all of Japan."""

    def told(areas: tuple[str, ...], kinds: tuple[str, ...]) -> dict[int, tuple[object, ...]]:
        with services.database.unit_of_work() as session:
            for solution in session.query(Solution):
                jobs.rewrite(session, solution, now=NOW, areas=areas, kinds=kinds)
        work_off(services)
        with services.database.session() as session:
            return {
                m.solution_id: (m.score, m.parts, m.reasons, m.gaps) for m in session.query(Match)
            }

    every = tuple(REGION_OF)
    plain = told(("00",), ())
    assert told(("00",), CALL_KINDS) == plain
    ticked = told(every, CALL_KINDS)
    assert {id_: found[:2] for id_, found in ticked.items()} == {
        id_: found[:2] for id_, found in plain.items()
    }
    assert told(tuple(set(every) - {"47"}), ()).keys() == plain.keys()
    with services.database.session() as session:
        assert {m.solution_id: m.score for m in session.query(Match)} == {
            id_: found[0] for id_, found in plain.items()
        }
    assert all(told(("04",), ("pilot",))[id_][0] > found[0] for id_, found in plain.items())


def test_views_move_no_rank(services: Services, market: Call) -> None:
    before = lists(services.database, market)
    client = create_app(services=services).test_client()
    with services.database.session() as session:
        last = session.query(Solution).filter_by(title=before[0][-1]).one().id
    for _view in range(50):
        assert client.get(f"/solutions/{last}").status_code == 200
    forget_matches(services)
    work_off(services)
    assert lists(services.database, market) == before


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement.lower())

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


FORBIDDEN = (
    "size_facts",
    "employees",
    "capital",
    "founded",
    "count(",
    "sign_in",
    "organisation.name",
)


def test_what_the_scoring_loads_holds_no_size(
    services: Services, market: Call, statements: list[str]
) -> None:
    with services.database.session() as session:
        facts.calls(session)
        facts.solutions(session)
    assert statements
    assert [s for s in statements if any(word in s for word in FORBIDDEN)] == []


def test_the_whole_job_never_touches_the_table_of_sizes(
    services: Services, market: Call, statements: list[str]
) -> None:
    forget_matches(services)
    statements.clear()
    work_off(services)
    assert any('insert into "match"' in s or "insert into match " in s for s in statements)
    assert [s for s in statements if "size_facts" in s] == []

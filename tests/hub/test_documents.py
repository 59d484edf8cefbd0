"""Listings as search documents."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from hub.db import Database
from hub.domain import calls, documents, organisations, solutions
from hub.domain.organisations import Profile
from hub.models.listing import CALL_KINDS
from tests import market
from tests.conftest import NOW


@pytest.fixture
def listed(database: Database) -> Database:
    """One published call and one published solution."""
    with database.unit_of_work() as session:
        market.publish_call(session, market.town(session))
        market.publish_solution(session, market.firm(session), areas=("04", "03"))
    return database


def test_a_call_says_what_people_search_for(listed: Database) -> None:
    with listed.session() as session:
        found = documents.load(session, ["call-1"])["call-1"]
    assert found.owner == "宮城県石巻市 子育て支援課"
    assert found.owner_kana == "みやぎけんいしのまきし"
    assert {"子育て", "Childcare", "実証フィールド", "石巻市", "いしのまきし", "東北"} <= set(
        found.keywords
    )
    assert (found.prefectures, found.municipality) == (("04",), "042021")
    assert (found.kinds, found.offers, found.budget) == (("pilot",), ("field", "facility"), "none")
    assert found.closes_at == int((NOW + timedelta(days=30)).timestamp())
    assert "一人で過ごす家庭" in found.body
    assert not found.closed


def test_a_solution_is_placed_where_it_can_be_delivered(listed: Database) -> None:
    with listed.session() as session:
        found = documents.load(session, ["solution-1"])["solution-1"]
    assert found.owner == "株式会社ひだまり"
    assert found.prefectures == ("03", "04")
    assert (found.municipality, found.budget, found.stage) == (None, None, "product")
    assert "宮城県" in found.keywords


def test_a_solution_for_any_kind_of_call_is_found_under_each(database: Database) -> None:
    with database.unit_of_work() as session:
        market.publish_solution(session, market.firm(session), kinds=())
        market.publish_solution(session, market.firm(session), kinds=("pilot",))
        found = documents.load(session, ["solution-1", "solution-2"])
    assert set(found["solution-1"].kinds) == set(CALL_KINDS)
    assert found["solution-2"].kinds == ("pilot",)
    assert "実証実験" not in found["solution-1"].keywords  # nobody wrote that


def test_a_fine_theme_is_found_under_the_wide_one(database: Database) -> None:
    with database.unit_of_work() as session:
        market.publish_call(session, market.town(session), themes=("childcare.afterschool",))
        found = documents.load(session, ["call-1"])["call-1"]
    assert found.themes == ("childcare.afterschool", "childcare")


def test_an_unstated_budget_is_no_value(database: Database) -> None:
    with database.unit_of_work() as session:
        market.publish_call(session, market.town(session), budget_kind="unstated")
        assert documents.load(session, ["call-1"])["call-1"].budget is None


def test_only_public_listings_have_a_document(database: Database) -> None:
    with database.unit_of_work() as session:
        officer, owner = market.town(session), market.firm(session)
        town = market.organisation_of(session, officer)
        draft = calls.create(session, town, market.CALL, actor=officer, now=NOW)
        gone = calls.create(session, town, market.CALL, actor=officer, now=NOW)
        calls.discard(session, gone, actor=officer, now=NOW, expected_version=gone.version)
        shut = market.publish_solution(session, owner)
        solutions.close(session, shut, actor=owner, now=NOW, expected_version=shut.version)
        ids = [f"call-{draft.id}", f"call-{gone.id}", f"solution-{shut.id}", "call-999"]
        found = documents.load(session, ids)
        assert found.keys() == {f"solution-{shut.id}"}
        assert found[f"solution-{shut.id}"].closed
        assert documents.versions(session).keys() == found.keys()


def test_the_version_follows_the_listing_and_its_owner(listed: Database) -> None:
    with listed.unit_of_work() as session:
        first = documents.versions(session)
        assert documents.versions(session) == first
        owner = session.get_one(market.User, 2)
        organisations.change(
            session,
            market.organisation_of(session, owner),
            Profile(name="株式会社ひなた", legal_form="corporation"),
            actor=owner,
            expected_version=1,
            now=NOW,
        )
        session.flush()
        renamed = documents.versions(session)
    assert renamed["call-1"] == first["call-1"]
    assert renamed["solution-1"] != first["solution-1"]
    assert all(0 < version < 2**53 for version in renamed.values())


def test_documents_are_loaded_in_few_queries(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for _ in range(3):
            market.publish_call(session, officer)
    counts = []
    for ids in (["call-1"], ["call-1", "call-2", "call-3"]):
        statements: list[str] = []
        with database.session() as session:
            event.listen(
                database.engine,
                "before_cursor_execute",
                lambda _c, _cursor, statement, *_rest, seen=statements: seen.append(statement),
            )
            documents.load(session, ids)
        counts.append(len(statements))
    assert counts[0] == counts[1]

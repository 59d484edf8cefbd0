"""Creating, joining, describing and confirming organisations."""

import pytest

from hub.db import Database
from hub.domain import accounts, calls, organisations
from hub.domain.codes import municipality_corporate_number
from hub.domain.errors import Conflict, Forbidden, Refused
from hub.domain.organisations import Profile
from hub.models import AuditEvent, Membership, OutboxTask
from tests.conftest import NOW
from tests.market import CALL, ISHINOMAKI, firm, organisation_of, person, publish_call, town

TOKYO = "130001"


def problems(refused: pytest.ExceptionInfo[Refused]) -> dict[str, str]:
    return {problem.field: str(problem) for problem in refused.value.problems}


def test_a_sole_proprietor_needs_no_corporate_number(database: Database) -> None:
    with database.unit_of_work() as session:
        owner = person(session)
        made = organisations.create(
            session, "company", Profile(name="花子工房", legal_form="sole_proprietor"),
            actor=owner, now=NOW,
        )  # fmt: skip
        assert (made.corporate_number, made.memberships[0].role) == (None, "owner")


def test_a_given_number_is_checked_and_kept_in_one_form(database: Database) -> None:
    with database.unit_of_work() as session:
        profile = Profile(
            name="例", legal_form="corporation", corporate_number="Ｔ７０００－０１２０－５０００２"
        )
        made = organisations.create(session, "company", profile, actor=person(session), now=NOW)
        assert made.corporate_number == "7000012050002"


@pytest.mark.parametrize("number", ["7000012050003", "123", "七"])
def test_a_wrong_number_is_refused(database: Database, number: str) -> None:
    with database.unit_of_work() as session, pytest.raises(Refused) as refused:
        profile = Profile(name="例", legal_form="corporation", corporate_number=number)
        organisations.create(session, "company", profile, actor=person(session), now=NOW)
    assert set(problems(refused)) == {"corporate_number"}


def test_one_number_belongs_to_one_organisation(database: Database) -> None:
    profile = Profile(name="例", legal_form="corporation", corporate_number="7000012050002")
    with database.unit_of_work() as session:
        organisations.create(session, "company", profile, actor=person(session), now=NOW)
        with pytest.raises(Refused) as refused:
            organisations.create(session, "company", profile, actor=person(session), now=NOW)
        assert "参加を申請" in problems(refused)["corporate_number"]


def test_the_first_claims_a_town_and_the_second_asks(database: Database) -> None:
    with database.unit_of_work() as session:
        first, second = person(session), person(session)
        owner = organisations.claim(session, ISHINOMAKI, actor=first, now=NOW)
        asking = organisations.claim(session, ISHINOMAKI, actor=second, now=NOW)
        assert (owner.role, owner.state) == ("owner", "active")
        assert (asking.role, asking.state) == ("viewer", "requested")
        assert owner.organisation.full_name == "宮城県石巻市"
        assert owner.organisation.verified_at is None
        with pytest.raises(Forbidden):
            organisations.accept(session, asking, "editor", actor=second, now=NOW)
        organisations.accept(session, asking, "editor", actor=first, now=NOW)
        assert (asking.role, asking.state) == ("editor", "active")


def test_a_prefecture_is_a_body_too(database: Database) -> None:
    with database.unit_of_work() as session:
        made = organisations.claim(session, TOKYO, actor=person(session), now=NOW).organisation
        assert (made.full_name, made.prefecture_code, made.municipality_code) == (
            "東京都",
            "13",
            None,
        )


def test_an_unknown_code_is_refused(database: Database) -> None:
    with database.unit_of_work() as session, pytest.raises(Refused):
        organisations.claim(session, "999999", actor=person(session), now=NOW)


def test_asking_twice_changes_nothing(database: Database) -> None:
    with database.unit_of_work() as session:
        owner, other = firm(session), person(session)
        company = organisation_of(session, owner)
        first = organisations.join(session, company, actor=other, now=NOW)
        assert organisations.join(session, company, actor=other, now=NOW) is first
        assert session.query(Membership).count() == 2


def test_declining_removes_the_request(database: Database) -> None:
    with database.unit_of_work() as session:
        owner, other = firm(session), person(session)
        company = organisation_of(session, owner)
        asked = organisations.join(session, company, actor=other, now=NOW)
        organisations.decline(session, asked, actor=owner, now=NOW)
        session.flush()
        assert session.query(Membership).count() == 1


def test_two_people_changing_the_profile(database: Database) -> None:
    with database.unit_of_work() as session:
        owner = firm(session)
        company = organisation_of(session, owner)
        profile = Profile(name="新しい名前", legal_form="corporation")
        organisations.change(session, company, profile, actor=owner, expected_version=1, now=NOW)
        with pytest.raises(Conflict):
            organisations.change(
                session, company, profile, actor=owner, expected_version=1, now=NOW
            )
        event = session.query(AuditEvent).filter_by(action="organisation.change").one()
        assert event.after == {"name": "新しい名前"}


def test_a_new_name_reaches_the_index(database: Database) -> None:
    with database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        session.query(OutboxTask).delete()
        organisations.change(
            session, call.organisation, Profile(name="", about="港町です"),
            actor=officer, expected_version=call.organisation.version, now=NOW,
        )  # fmt: skip
        session.flush()
        tasks = {(task.kind, task.subject_id) for task in session.query(OutboxTask)}
        assert ("index", call.id) in tasks


def test_a_refused_claim_leaves_the_town_to_the_next(database: Database) -> None:
    with database.unit_of_work() as session:
        operator, squatter, officer = person(session), person(session), person(session)
        accounts.make_operator(session, operator, now=NOW)
        hall = organisations.claim(session, ISHINOMAKI, actor=squatter, now=NOW).organisation
        hall.about = "うその紹介"
        draft = calls.create(session, hall, CALL, actor=squatter, now=NOW)
        organisations.refuse_claim(session, hall, actor=operator, now=NOW)
        session.flush()
        session.expire_all()
        assert (hall.about, draft.state, hall.memberships) == ("", "archived", [])
        assert organisations.unverified(session) == []
        owner = organisations.claim(session, ISHINOMAKI, actor=officer, now=NOW)
        assert (owner.role, owner.state, owner.organisation_id) == ("owner", "active", hall.id)


def test_a_company_cannot_take_a_towns_number(database: Database) -> None:
    with database.unit_of_work() as session:
        number = municipality_corporate_number(ISHINOMAKI)
        profile = Profile(name="例", legal_form="corporation", corporate_number=number)
        with pytest.raises(Refused) as refused:
            organisations.create(session, "company", profile, actor=person(session), now=NOW)
        assert "自治体として登録" in problems(refused)["corporate_number"]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name_kana": "あ" * 241}, "name_kana"), ({"prefecture_code": "99"}, "prefecture_code"),
     ({"prefecture_code": "\x00"}, None), ({"website": "javascript:alert(1)"}, "website")],
)  # fmt: skip
def test_odd_profiles(database: Database, change: dict[str, str], field: str | None) -> None:
    with database.unit_of_work() as session:
        profile = Profile(**{"name": "例", "legal_form": "zzz", **change})
        if field is None:
            made = organisations.create(
                session, "intermediary", profile, actor=person(session), now=NOW
            )
            assert (made.prefecture_code, made.legal_form) == (None, None)
        else:
            with pytest.raises(Refused) as refused:
                organisations.create(
                    session, "intermediary", profile, actor=person(session), now=NOW
                )
            assert set(problems(refused)) == {field}

"""Registering, passwords, signing in and out."""

from datetime import timedelta

import pytest

from hub.db import Database
from hub.domain import accounts
from hub.domain.errors import Refused
from hub.models import User
from tests.conftest import NOW

GOOD = {"email": "Hana@Example.jp", "name": "山田 花子", "password": "こんにちは世界のみなさん"}


def problems(refused: pytest.ExceptionInfo[Refused]) -> dict[str, str]:
    return {problem.field: str(problem) for problem in refused.value.problems}


def test_registering_and_signing_in(database: Database) -> None:
    with database.unit_of_work() as session:
        accounts.register(session, **GOOD, now=NOW)
    with database.session() as session:
        assert accounts.check_password(session, "ｈａｎａ＠example.jp ", GOOD["password"])
        assert accounts.check_password(session, GOOD["email"], "wrong password") is None
        assert accounts.check_password(session, "nobody@example.jp", GOOD["password"]) is None


def test_everything_wrong_is_told_at_once(database: Database) -> None:
    with database.unit_of_work() as session, pytest.raises(Refused) as refused:
        accounts.register(session, email="hana", name=" ", password="short", now=NOW)
    assert set(problems(refused)) == {"email", "name", "password"}
    assert problems(refused)["password"] == (
        "パスワードは10文字以上にしてください（いま5文字です）"
    )


@pytest.mark.parametrize("password", ["1234567890", "aaaaaaaaaaaa", "hana@example.jp"])
def test_a_guessable_password_is_refused(database: Database, password: str) -> None:
    with database.unit_of_work() as session, pytest.raises(Refused) as refused:
        accounts.register(session, **{**GOOD, "password": password}, now=NOW)
    assert set(problems(refused)) == {"password"}


def test_an_address_is_used_once_whatever_its_case(database: Database) -> None:
    with database.unit_of_work() as session:
        accounts.register(session, **GOOD, now=NOW)
    with database.unit_of_work() as session, pytest.raises(Refused) as refused:
        accounts.register(session, **{**GOOD, "email": "hana@EXAMPLE.JP"}, now=NOW)
    assert set(problems(refused)) == {"email"}
    with database.session() as session:
        assert session.query(User).count() == 1


def test_an_account_without_a_password_cannot_sign_in(database: Database) -> None:
    with database.unit_of_work() as session:
        accounts.register(session, **{**GOOD, "password": None}, now=NOW)
    with database.session() as session:
        assert accounts.check_password(session, GOOD["email"], "") is None


def test_signing_out_ends_a_copied_cookie(database: Database) -> None:
    with database.unit_of_work() as session:
        user = accounts.register(session, **GOOD, now=NOW)
        token = accounts.sign_in(session, user, now=NOW)
    with database.unit_of_work() as session:
        assert accounts.signed_in_by(session, token, now=NOW)
        accounts.sign_out(session, token, now=NOW)
    with database.session() as session:
        assert accounts.signed_in_by(session, token, now=NOW) is None


def test_a_sign_in_grows_old(database: Database) -> None:
    with database.unit_of_work() as session:
        user = accounts.register(session, **GOOD, now=NOW)
        token = accounts.sign_in(session, user, now=NOW)
        assert accounts.signed_in_by(session, token, now=NOW + timedelta(days=6))
        assert accounts.signed_in_by(session, token, now=NOW + timedelta(days=8)) is None
        accounts.touch(session, token, now=NOW + timedelta(days=6))
        session.expire_all()
        assert accounts.signed_in_by(session, token, now=NOW + timedelta(days=8))
        for days in range(6, 31, 6):
            accounts.touch(session, token, now=NOW + timedelta(days=days))
        session.expire_all()
        assert accounts.signed_in_by(session, token, now=NOW + timedelta(days=31)) is None


def test_the_secret_of_a_sign_in_is_not_in_the_database(database: Database) -> None:
    with database.unit_of_work() as session:
        user = accounts.register(session, **GOOD, now=NOW)
        token = accounts.sign_in(session, user, now=NOW)
    with database.session() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM sign_in").all()
    assert token not in str(rows)

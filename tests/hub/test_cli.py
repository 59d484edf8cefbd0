"""The `hub` command: what it says, what it changes, how it exits."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from hub.cli import main
from hub.db import Database
from hub.domain import organisations
from hub.index import rebuild
from hub.models import Organisation, OutboxTask, User
from search.embedded import EmbeddedIndex
from tests import market
from tests.conftest import NOW


@pytest.fixture
def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run `hub …` on the test's installation, whose queue store does not run."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, words, input=typed)

    return run


def test_wrong_settings_are_named(hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "a hundred")
    result = hub("doctor")
    assert result.exit_code == 1
    assert "PORT: Input should be a valid integer" in result.output
    assert "Traceback" not in result.output


def test_doctor_exits_by_what_it_finds_and_repair_queues_tasks(
    hub, database: Database, tmp_path: Path
) -> None:
    rebuild(database, EmbeddedIndex(tmp_path / "index"))
    healthy = hub("doctor")
    assert healthy.exit_code == 0
    assert healthy.output.count("in step") == 3
    with database.unit_of_work() as session:
        market.publish_call(session, market.town(session), closes_at=None)
        for task in session.scalars(select(OutboxTask)):
            session.delete(task)
    ill = hub("doctor")
    assert ill.exit_code == 1
    assert "missing 1: call-1" in ill.output
    assert "tasks waiting: 0" in ill.output
    repaired = hub("doctor", "--repair")
    assert repaired.exit_code == 1
    assert "repairs queued: 3" in repaired.output
    assert "tasks waiting: 3" in hub("doctor").output


def test_index_rebuild_fills_and_compares(hub, database: Database, tmp_path: Path) -> None:
    with database.unit_of_work() as session:
        market.publish_call(session, market.town(session))
    result = hub("index", "rebuild")
    assert result.exit_code == 0, result.output
    assert "rebuilt: 1 listings" in result.output
    assert EmbeddedIndex(tmp_path / "index").versions().keys() == {"call-1"}


def test_index_rebuild_beside_another_writer_says_so(hub, tmp_path: Path) -> None:
    with EmbeddedIndex(tmp_path / "index").rebuilding():
        result = hub("index", "rebuild")
    assert result.exit_code == 1
    assert "another writer holds the index" in result.output


def test_migrate_and_seed_may_be_repeated(
    hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/new.sqlite3")
    assert hub("migrate").exit_code == 0
    first, second = hub("seed"), hub("seed")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "Reference data loaded" in first.output
    assert second.output == ""


def test_a_database_without_tables_is_named(
    hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "not yet there"))
    monkeypatch.setenv("DATABASE_URL", "")
    result = hub("doctor")
    assert result.exit_code == 1
    assert "has `hub migrate` been run?" in result.output
    assert hub("migrate").exit_code == 0
    assert hub("doctor").exit_code == 0


def test_a_municipality_is_confirmed_by_its_code(hub, database: Database) -> None:
    with database.unit_of_work() as session:
        organisations.claim(session, market.ISHINOMAKI, actor=market.person(session), now=NOW)
    result = hub("organisation", "verify", market.ISHINOMAKI)
    assert result.exit_code == 0
    assert "宮城県石巻市" in result.output
    with database.session() as session:
        assert session.scalars(select(Organisation)).one().verified_at is not None
    assert hub("organisation", "verify", "999999").exit_code == 1


def test_an_operator_is_made_of_somebody_known_or_new(hub, database: Database) -> None:
    with database.unit_of_work() as session:
        email = market.person(session).email
    assert hub("operator", "add", email).exit_code == 0
    typed = "運営 太郎\n" + "a long enough secret\n" * 2
    made = hub("operator", "add", "new@example.jp", typed=typed)
    assert made.exit_code == 0, made.output
    with database.session() as session:
        people = session.scalars(select(User).where(User.is_operator)).all()
    assert {person.email for person in people} == {email, "new@example.jp"}


def test_a_bad_new_operator_is_refused_in_words(hub, database: Database) -> None:
    refused = hub("operator", "add", "new@example.jp", typed="運営 太郎\nshort\nshort\n")
    assert refused.exit_code == 1
    assert "パスワード" in refused.output
    assert "Traceback" not in refused.output
    with database.session() as session:
        assert session.scalars(select(User)).all() == []


def test_processes_get_the_data_folder_whatever_folder_they_start_in(
    hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    became: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("os.execve", lambda *what: became.append(what))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", "here")
    for command in ("web", "worker", "schedule"):
        hub(command)
    assert [line[2] for _, line, _ in became] == ["gunicorn", "workers", "workers"]
    assert {env["DATA_DIR"] for *_, env in became} == {str(tmp_path / "here")}

"""The weekly report and the running week, as background jobs and as a command."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from hub.cli import main
from hub.db import Database
from hub.domain.fairness import report
from hub.domain.fairness.weeks import Week
from hub.models import AuditReport, Place
from hub.services import Services
from tests.conftest import NOW, Clock
from tests.hub.fairness.market import DAY, WEEK, forget_scores, make
from workers.jobs import audit

TEN = [1] * 5 + [900] * 5


@pytest.fixture
def here(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """An installation whose first places began three weeks before NOW."""
    monkeypatch.setattr(audit, "opened", lambda: services)
    with services.database.unit_of_work() as session:
        make(session, TEN)
        for held in session.scalars(select(Place)):
            held.begins_at = WEEK.previous.begins_at + DAY
    return services


def rows(database: Database) -> dict[str, tuple[bool, object]]:
    with database.session() as session:
        return {row.week.name: (row.final, row.figures) for row in report.history(session)}


def test_weeks_that_were_missed_are_caught_up_once(here: Services) -> None:
    audit.run()
    made = rows(here.database)
    assert {name: final for name, (final, _) in made.items()} == {
        WEEK.previous.name: True,
        WEEK.name: True,
    }
    with here.database.unit_of_work() as session:
        forget_scores(session)
        times = session.scalars(select(AuditReport.made_at)).all()
    audit.run()
    assert rows(here.database) == made
    with here.database.session() as session:
        assert session.scalars(select(AuditReport.made_at)).all() == times


def test_the_running_week_becomes_final_when_it_is_over(here: Services, clock: Clock) -> None:
    audit.running()
    running = Week.of(NOW).name
    assert rows(here.database)[running][0] is False
    first = rows(here.database)[running][1]
    clock.moment = NOW + timedelta(minutes=10)
    audit.running()
    assert rows(here.database)[running][1] == first  # nothing new to tell yet
    clock.moment = NOW + 2 * DAY
    audit.running()
    assert rows(here.database)[running][1] != first
    clock.moment = NOW + 7 * DAY
    audit.run()
    assert rows(here.database)[running][0] is True
    assert len(rows(here.database)) == 3


def test_a_market_without_lists_has_no_reports(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "opened", lambda: services)
    audit.run()
    audit.running()
    assert rows(services.database) == {}


# --- The command ----------------------------------------------------------------------------------


@pytest.fixture
def hub(here: Services, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run `hub …` on the same installation at the same time."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setattr("hub.cli.services", lambda: here)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["match", "audit", *words])

    return run


def test_the_command_reproduces_the_report(hub, here: Services) -> None:
    audit.run()
    with here.database.unit_of_work() as session:
        forget_scores(session)
    found = hub()
    assert found.exit_code == 0, found.output
    assert found.output.startswith(WEEK.name)
    assert "equal to the stored report" in found.output
    assert "by_size" in found.output


def test_the_command_tells_a_report_that_was_changed(hub, here: Services) -> None:
    audit.run()
    with here.database.unit_of_work() as session:
        row = session.get_one(AuditReport, WEEK.name)
        changed = json.loads(json.dumps(row.figures))
        changed["public"]["spread"]["gini"] = 0.01
        row.figures = changed
    found = hub("--week", WEEK.name)
    assert found.exit_code == 1
    assert "differs from the stored report: 1" in found.output
    assert "spread.gini" in found.output
    data = json.loads(hub("--json").output)
    assert (data["equal"], data["differences"]) == (False, ["spread.gini"])
    assert hub("--store").exit_code == 0
    assert hub().exit_code == 0


def test_the_command_measures_a_week_without_a_report(hub, here: Services) -> None:
    found = hub("--json")
    assert found.exit_code == 0
    data = json.loads(found.output)
    assert (data["week"], data["stored"], data["equal"]) == (WEEK.name, False, None)
    assert data["figures"]["firms"]["entitled"] == 10
    assert rows(here.database) == {}
    running = hub("--week", Week.of(NOW).name, "--store")
    assert "stored" in running.output
    assert rows(here.database).keys() == {Week.of(NOW).name}


@pytest.mark.parametrize("name", ["2026-48", "last week", "2026-W54", "2024-W01"])
def test_the_command_names_what_is_no_week_or_unknown(hub, name: str) -> None:
    found = hub("--week", name)
    assert found.exit_code == 1
    assert "Traceback" not in found.output
    assert "Error" in found.output

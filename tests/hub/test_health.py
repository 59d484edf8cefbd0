"""What /healthz says of each part."""

from datetime import UTC, datetime
from pathlib import Path

from hub import health
from hub.config import Settings
from hub.db import Database
from hub.index import rebuild
from hub.models import Base
from hub.queue import Health
from hub.services import Services


class Store:
    """A queue in a chosen state."""

    def __init__(self, reachable: bool, workers: int) -> None:
        self.state = Health(reachable, workers)

    def health(self) -> Health:
        return self.state


def services(settings: Settings, queue: Store) -> Services:
    made = Services.of(settings)
    made.queue = queue  # type: ignore[assignment]
    made.clock = lambda: datetime.now(UTC)
    return made


def test_ready_when_every_part_is(settings: Settings) -> None:
    here = services(settings, Store(True, 1))
    rebuild(here.database, here.index)
    assert health.check(here) == dict.fromkeys(
        ("web", "database", "queue", "worker", "index"), "ok"
    )


def test_what_is_not_ready_is_said(settings: Settings) -> None:
    assert health.check(services(settings, Store(False, 0))) == {
        "web": "ok",
        "database": "ok",
        "queue": "unreachable",
        "worker": "none alive",
        "index": "not built",
    }


def test_a_database_without_schema_or_reference_data_is_not_ready(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/new.sqlite3")
    here = services(settings, Store(True, 1))
    assert health.check(here)["database"] == "unreachable"
    Base.metadata.create_all(Database(settings.database).engine)
    assert health.check(here)["database"] == "no reference data"

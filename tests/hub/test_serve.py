"""`hub serve`: starts, stays, stops, and leaves nobody behind."""

import signal
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from hub import doctor, queue
from hub.clock import utcnow
from hub.config import Settings
from hub.db import Database
from hub.serve import MOST_DEATHS, Child, Supervisor, _trim
from hub.services import Services
from search.query import SearchQuery
from tests import market
from tests.embedder import needs_model
from tests.installation import PATIENCE, Installation, until

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that was started once; everything it started is gone afterwards."""
    made = Installation(tmp_path_factory.mktemp("installation") / "data").start()
    yield made
    family = made.everyone()
    made.stop(signal.SIGTERM)
    for process in family:
        if process.is_running():
            process.kill()


@pytest.fixture
def installation(started: Installation) -> Installation:
    """A ready installation, whatever a test before did to it."""
    if not started.everyone():
        started.start()
    return started.wait_ready()


def gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def test_life_of_an_installation(installation: Installation) -> None:
    """Ready, refuses a second one, stops on Ctrl-C with nobody left, starts again with its data."""
    status, parts = installation.health()
    assert status == 200
    assert set(parts) == {"web", "database", "queue", "worker", "index"}
    assert installation.children().keys() == {"valkey", "worker", "schedule", "web"}
    assert f"Ready:  http://127.0.0.1:{installation.port}/" in installation.said()

    second = Installation(installation.data_dir).start()
    assert second.process is not None
    assert second.process.wait(PATIENCE) == 1
    assert "Another `hub serve` is running on this data folder" in installation.said()
    assert installation.ready()

    family = installation.everyone()
    store = queue.connect(Settings(data_dir=installation.data_dir, redis_url=""))
    store.set("kept", "over a restart")
    assert installation.stop() == 0
    until(lambda: gone(family), "every process has ended")
    assert not queue.socket_path(installation.data_dir).parent.exists()

    installation.start().wait_ready()
    assert store.get("kept") == b"over a restart"
    assert installation.said().count("Reference data loaded") == 1


def test_a_killed_child_comes_back(installation: Installation) -> None:
    for name in ("valkey", "worker", "schedule", "web"):
        until(lambda: name in installation.children(), f"{name} runs")  # noqa: B023
        killed = installation.children()[name]
        below = killed.children(recursive=True)
        killed.kill()
        until(lambda: installation.runs_another(name, killed), f"{name} starts again")  # noqa: B023
        until(lambda: gone(below), "nothing of the killed one is left")  # noqa: B023
        until(installation.ready, "ready again")


def test_a_killed_supervisor_leaves_nobody_and_a_new_one_starts(
    installation: Installation,
) -> None:
    family = installation.everyone()
    installation.stop(signal.SIGKILL)
    installation.start()  # at once, while the old children are still ending
    installation.wait_ready()
    until(lambda: gone(family), "every process of the old supervisor has ended")


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        made = Installation(tmp_path / "data", PORT=str(other.getsockname()[1])).start()
        assert made.process is not None
        assert made.process.wait(PATIENCE) == 1
    assert "Choose another one, such as PORT=8001" in made.said()
    assert not (tmp_path / "data" / "logs").exists()


def test_a_child_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    made = Installation(tmp_path / "data", REDIS_URL="", SIGN_IN_LIMIT="").start()
    made.environment["DATABASE_URL"] = "sqlite:////nowhere/at/all.sqlite3"
    made.stop(signal.SIGTERM)
    made.start()
    assert made.process is not None
    assert made.process.wait(PATIENCE) == 1
    assert "unable to open database file" in made.said()
    assert "The database could not be prepared" in made.said()


def test_a_stop_during_the_start_is_heard(tmp_path: Path) -> None:
    made = Installation(tmp_path / "data").start()
    until(lambda: (tmp_path / "data" / "logs" / "valkey.log").exists(), "the start has begun")
    family = made.everyone()
    assert made.stop(signal.SIGINT) == 0
    until(lambda: gone(family), "every process has ended")


def test_a_long_log_is_kept_beside_and_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.serve.LOG_BYTES", 10)
    log = tmp_path / "web.log"
    with log.open("a") as writer:
        writer.write("x" * 11)
        writer.flush()
        _trim(log)
        writer.write("after")
    assert log.read_text() == "after"
    assert (tmp_path / "web.log.1").read_text() == "x" * 11


def test_a_socket_folder_of_somebody_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    settings = Settings(data_dir=tmp_path / "data", redis_url="")
    folder = queue.socket_path(settings.data_dir).parent
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    monkeypatch.setattr(Supervisor, "_listen_for_signals", lambda self: None)
    monkeypatch.setattr(Supervisor, "_check_port", lambda self, patience: None)
    assert Supervisor(settings).run() == 1
    assert "only its owner may use" in capsys.readouterr().out
    with pytest.raises(PermissionError):
        queue.url(settings)


@needs_model
def test_the_bundled_model_runs_beside_and_gives_new_listings_their_vectors(
    tmp_path: Path, database_url: str
) -> None:
    database = Database(database_url)
    data_dir = tmp_path / "data"
    installation = Installation(data_dir, SEMANTIC="auto", DATABASE_URL=database_url).start()
    try:
        installation.wait_ready()
        until(lambda: "embedder" in installation.children(), "the model runs")
        with database.unit_of_work() as session:
            now = utcnow()
            market.publish_call(
                session, market.town(session), now=now, closes_at=now + timedelta(days=30)
            )
        here = Services.of(Settings(data_dir=data_dir, database_url=database_url, redis_url=""))
        here.queue.ping("index")

        def found() -> bool:
            asked = here.finder.vectors.of("学童に入れない子の放課後")
            return asked is not None and bool(
                here.index.nearest(asked.values, SearchQuery(), 5, model=asked.model)
            )

        until(found, "the listing is found by its meaning")
        killed = installation.children()["embedder"]
        killed.kill()
        until(lambda: installation.runs_another("embedder", killed), "the model comes back")
        until(lambda: doctor.examine(database, here.index).clean, "the doctor is content")
    finally:
        installation.stop(signal.SIGTERM)
    assert not queue.socket_path(data_dir).parent.exists()


def test_a_child_that_we_can_do_without_is_given_up_when_it_keeps_dying(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(Settings(data_dir=tmp_path), say=said.append)
    broken = Child("broken", [sys.executable, "-c", "raise SystemExit(3)"], optional=True)
    supervisor._launch(broken)
    for _ in range(3 * MOST_DEATHS):
        if broken.process is not None:
            broken.process.wait()
        broken.rests_until = 0
        supervisor._look_after()
    assert len(said) == MOST_DEATHS
    assert "broken ended, going on without it" in said[-1]
    assert not broken.alive()

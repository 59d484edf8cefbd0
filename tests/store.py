"""A real queue store for tests: the embedded server in a folder of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from hub import commands
from tests.installation import PATIENCE, until


class Store:
    """A Valkey server that can be stopped, killed and started again on its data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self.process = subprocess.Popen(
            commands.valkey(self.folder, self.socket), stdout=subprocess.DEVNULL
        )
        until(self.answers, "the store answers")

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return bool(self.connect().ping())
        except RedisError:
            return False

    def connect(self) -> Redis:
        """A connection of its own."""
        return Redis.from_url(self.url, socket_timeout=PATIENCE)

    def kill(self) -> None:
        """End it without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def server() -> Iterator[Store]:
    """One server for a test process."""
    folder = Path(tempfile.mkdtemp(prefix="hub-"))  # short: socket paths must be
    store = Store(folder)
    store.start()
    yield store
    store.kill()
    shutil.rmtree(folder)


@pytest.fixture
def store(server: Store) -> Store:
    """An empty store."""
    if not server.answers():
        server.start()
    server.connect().flushall()
    return server

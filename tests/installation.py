"""A real installation for tests: `hub serve` in a process of its own, and its children."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
PATIENCE = 240.0  # seconds for what takes a few: other tests use the same cores
NAMES = {  # a word of a child's command line -> its name
    "valkey-server": "valkey",
    "worker": "worker",
    "schedule": "schedule",
    "gunicorn": "web",
    "embedder": "embedder",
}


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until `holds()`; an AssertionError when that takes far too long."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.05)


class Installation:
    """`hub serve` on a data folder, without a model. What it says goes to `output`."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            "WEB_PROCESSES": "1",
            "SEMANTIC": "off",  # most tests need no model and no heat
            **settings,
        }
        self.output = data_dir.parent / f"{data_dir.name}.out"
        self.said_before = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Installation":
        """Start the supervisor; returns before it is ready."""
        self.said_before = len(self.said())
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub", "serve"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def ready(self) -> bool:
        """Whether /healthz answers 200."""
        return self.health()[0] == 200

    def health(self) -> tuple[int, dict[str, str]]:
        """Status and body of /healthz; (0, {}) while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=30) as got:
                return got.status, json.load(got)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def wait_ready(self) -> "Installation":
        """Wait for /healthz and the supervisor's word; shows the logs when they do not come."""
        try:
            until(self.ready, "ready")
            until(lambda: "Ready:" in self.said()[self.said_before :], "said to be ready")
        except AssertionError:
            raise AssertionError(self.said() + self.logs()) from None
        return self

    def said(self) -> str:
        """What the supervisor printed."""
        return self.output.read_text() if self.output.exists() else ""

    def logs(self) -> str:
        """The end of every child's log."""
        files = sorted((self.data_dir / "logs").glob("*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text()[-2000:]}" for file in files)

    def children(self) -> dict[str, psutil.Process]:
        """The supervisor's children by what they run: valkey, worker, schedule, web, embedder."""
        assert self.process is not None
        found = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it may die while we look
                line = " ".join(child.cmdline()).split()  # servers like to rewrite theirs
                for word, name in NAMES.items():
                    if any(part == word or part.endswith(f"/{word}") for part in line):
                        found[name] = child
        return found

    def runs_another(self, name: str, former: psutil.Process) -> bool:
        """Whether a child of this name runs that is not the former one."""
        child = self.children().get(name)
        return child is not None and child.pid != former.pid

    def everyone(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        assert self.process is not None
        try:
            supervisor = psutil.Process(self.process.pid)
            return [supervisor, *supervisor.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `hub …` on this installation."""
        return subprocess.run(
            [sys.executable, "-m", "hub", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop it as a person would; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

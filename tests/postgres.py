"""Run a command with TEST_DATABASE_URL pointing at a private, throw-away PostgreSQL.

    python tests/postgres.py python -m pytest

The cluster lives in a temporary folder, listens on a socket there only, and is gone afterwards.
PostgreSQL refuses to run as root, so for root it runs as `nobody`.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FAST = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


def binaries() -> Path | None:
    """The folder of the newest server binaries, or None when there is no server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@contextmanager
def cluster() -> Iterator[str]:
    """A running private cluster; gives its SQLAlchemy URL."""
    bin_ = binaries()
    if bin_ is None:
        raise SystemExit(
            "PostgreSQL の実行ファイルがありません。apt-get install postgresql で入れてください。\n"
            "No PostgreSQL server binaries here. Install them, e.g. apt-get install postgresql"
        )
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_user = ["runuser", "-u", "nobody", "--"]
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run(
            str(bin_ / "initdb"), "-D", str(data), "-U", "app", "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(f"unix_socket_directories = '{folder}'\n")
            conf.writelines(f"{name} = '{value}'\n" for name, value in FAST.items())
        run(str(bin_ / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://app@/postgres?host={folder}"
        finally:
            run(str(bin_ / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the command line's command against a fresh cluster; returns its exit code."""
    with cluster() as url:
        return subprocess.run(
            sys.argv[1:], env={**os.environ, "TEST_DATABASE_URL": url}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())

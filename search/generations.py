"""Index folders beside one another, a pointer to the one in use, and one writer at a time.

    <root>/current            first line: generation in use; second: the one before it
    <root>/<rules>-<number>   a generation; `rules` names its schema and analysis
    <root>/lock               held by the writer

The pointer is replaced atomically after everything it names is on disk, so a killed process
leaves either the old generation or the new one in use, never half of one.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.index import IndexBusy

_POINTER, _LOCK = "current", "lock"


class Generations:
    """The generations below one folder; `rules` are those of this program."""

    def __init__(self, root: Path, rules: str) -> None:
        self.root = root
        self.rules = rules

    def current(self) -> Path | None:
        """Return the generation in use, None when there is none."""
        names = self._pointed()
        return self.root / names[0] if names else None

    def fits(self, generation: Path) -> bool:
        """Tell whether a generation was built by the rules of this program."""
        return generation.name.rpartition("-")[0] == self.rules

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer of all processes and threads. Raises IndexBusy at once."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / _LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise IndexBusy("another writer holds the search index") from None
            yield

    def create(self) -> Path:
        """Make an empty folder for a new generation; only while writing."""
        self._remove_unpointed()
        taken = [int(path.name.rpartition("-")[2]) for path in self._folders()]
        fresh = self.root / f"{self.rules}-{max(taken, default=0) + 1:06d}"
        fresh.mkdir()
        return fresh

    def switch(self, generation: Path) -> None:
        """Put a complete generation in use, keep the one before it, remove older ones."""
        names = [generation.name, *self._pointed()][:2]
        partial = self.root / f"{_POINTER}.new"
        with partial.open("w") as file:
            file.write("\n".join(names))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.root / _POINTER)
        folder = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._remove_unpointed()

    def drop(self, generation: Path) -> None:
        """Remove a generation that was not put in use."""
        shutil.rmtree(generation, ignore_errors=True)

    def _pointed(self) -> list[str]:
        try:
            return (self.root / _POINTER).read_text().split()
        except FileNotFoundError:
            return []

    def _folders(self) -> list[Path]:
        return [
            path
            for path in self.root.iterdir()
            if path.is_dir() and path.name.rpartition("-")[2].isdecimal()
        ]

    def _remove_unpointed(self) -> None:
        keep = self._pointed()
        for path in self._folders():
            if path.name not in keep:
                self.drop(path)

"""The outside parts an application process holds, made once from the settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hub.clock import utcnow
from hub.config import Settings
from hub.db import Database
from hub.queue import Queue, embedder_path
from search.embedding import UNIX, Embedder, HttpEmbedder, QueryVectors, bundled
from search.finder import Finder
from search.index import SearchIndex, open_index


@dataclass
class Services:
    """Settings, database, search index, queue, clock and model of one process."""

    settings: Settings
    database: Database
    index: SearchIndex
    queue: Queue
    clock: Callable[[], datetime] = field(default=utcnow)
    embedder: Embedder | None = None

    def __post_init__(self) -> None:
        self.finder = Finder(self.index, QueryVectors(self.embedder))

    @classmethod
    def of(cls, settings: Settings) -> "Services":
        """The real parts that the settings name."""
        return cls(
            settings=settings,
            database=Database(settings.database),
            index=open_index(
                data_dir=settings.data_dir,
                meili_url=settings.meili_url or None,
                meili_key=settings.meili_key or None,
            ),
            queue=Queue.of(settings),
            embedder=embedder(settings),
        )


def embedder(settings: Settings) -> Embedder | None:
    """The model that the settings name, else the bundled one if installed, else none."""
    if settings.semantic == "off":
        return None
    if settings.embedder_url:
        return HttpEmbedder(settings.embedder_url, settings.embedder_model, settings.embedder_key)
    return HttpEmbedder(f"{UNIX}{embedder_path(settings)}") if bundled() else None

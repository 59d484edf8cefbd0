"""The outside parts an application process holds, made once from the settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hub.clock import utcnow
from hub.config import Settings
from hub.db import Database
from hub.queue import Queue
from search.index import SearchIndex, open_index


@dataclass
class Services:
    """Settings, database, search index, queue and clock of one process."""

    settings: Settings
    database: Database
    index: SearchIndex
    queue: Queue
    clock: Callable[[], datetime] = field(default=utcnow)

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
        )

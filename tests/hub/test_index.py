"""Filling the index anew."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.db import Database
from hub.index import RebuildRefused, rebuild
from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.index import FreshIndex
from tests import market


@pytest.fixture
def filled(database: Database) -> Database:
    with database.unit_of_work() as session:
        officer = market.town(session)
        for _ in range(3):
            market.publish_call(session, officer)
        market.publish_solution(session, market.firm(session))
    return database


def test_everything_public_is_written_and_progress_is_told(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.domain.documents.BATCH", 2)
    index, told = EmbeddedIndex(tmp_path / "index"), list[int]()
    assert rebuild(filled, index, told.append) == 4
    assert told == [2, 3, 4]
    assert index.versions().keys() == {"call-1", "call-2", "call-3", "solution-1"}


def test_a_fresh_index_that_lost_something_is_not_put_in_use(
    filled: Database, tmp_path: Path
) -> None:
    class Losing(EmbeddedIndex):
        """Its fresh index forgets the last document of each batch."""

        @contextmanager
        def rebuilding(self) -> Iterator[FreshIndex]:
            with super().rebuilding() as fresh:
                genuine = fresh.apply

                def apply(batch: Sequence[SearchDocument]) -> None:
                    genuine(batch[:-1])

                fresh.apply = apply  # type: ignore[method-assign]
                yield fresh

    index = Losing(tmp_path / "index")
    EmbeddedIndex.apply(index, [], ["nothing"])
    with pytest.raises(RebuildRefused):
        rebuild(filled, index)
    assert index.versions() == {}
    assert index.ready()

"""What only the embedded index promises: one writer, whole generations, and no panic outside."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.index import IndexBusy, IndexUnavailable
from search.query import SearchQuery

ROOT = Path(__file__).parents[2]
# Writes listings one commit at a time until it is killed; says when the first one is there.
WRITER = """
import sys
from pathlib import Path
from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
index, n = EmbeddedIndex(Path(sys.argv[1])), 0
while True:
    n += 1
    index.apply([SearchDocument(id=f"call-{n}", version=n, target="call", title="除雪",
                                summary="", body="", owner="")], [])
    print(n, flush=True)
"""


def listing(number: int, title: str = "除雪の担い手", version: int = 1) -> SearchDocument:
    return SearchDocument(
        id=f"call-{number}",
        version=version,
        target="call",
        title=title,
        summary="",
        body="",
        owner="",
    )


@pytest.fixture
def index(tmp_path: Path) -> EmbeddedIndex:
    return EmbeddedIndex(tmp_path / "index")


def test_before_the_first_write_it_says_that_it_must_be_built(index: EmbeddedIndex) -> None:
    assert not index.ready()
    with pytest.raises(IndexUnavailable, match="must be built"):
        index.search(SearchQuery())
    index.apply([listing(1)], [])
    assert index.ready()


def test_a_second_writer_is_told_to_come_back(tmp_path: Path, index: EmbeddedIndex) -> None:
    other = EmbeddedIndex(tmp_path / "index")
    with index.rebuilding() as fresh:
        fresh.apply([listing(1)])
        for write in (
            lambda: other.apply([listing(2)], []),
            lambda: other.rebuilding().__enter__(),
        ):
            with pytest.raises(IndexBusy):
                write()
    other.apply([listing(2)], [])
    assert set(index.versions()) == {"call-1", "call-2"}


def test_one_old_generation_is_kept_and_leftovers_are_removed(
    tmp_path: Path, index: EmbeddedIndex
) -> None:
    (tmp_path / "index" / "v1-dead-000099").mkdir(parents=True)
    for number in range(4):
        with index.rebuilding() as fresh:
            fresh.apply([listing(number)])
    folders = [path.name for path in (tmp_path / "index").iterdir() if path.is_dir()]
    assert len(folders) == 2
    current, before = (tmp_path / "index" / "current").read_text().split()
    assert {current, before} == set(folders)
    assert index.versions() == {"call-3": 1}


def test_an_index_of_other_rules_is_not_used_but_can_be_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    EmbeddedIndex(tmp_path).apply([listing(1)], [])
    monkeypatch.setattr("search.embedded.ANALYSIS_VERSION", "another dictionary")
    newer = EmbeddedIndex(tmp_path)
    assert not newer.ready()
    with pytest.raises(IndexUnavailable):
        newer.apply([listing(2)], [])
    with newer.rebuilding() as fresh:
        fresh.apply([listing(3)])
    assert newer.versions() == {"call-3": 1}


def test_another_reader_sees_writes_and_switches_at_once(tmp_path: Path) -> None:
    writer, reader = EmbeddedIndex(tmp_path), EmbeddedIndex(tmp_path)
    for number in range(3):
        writer.apply([listing(number)], [])
        assert reader.search(SearchQuery(text="除雪")).total == number + 1
    for number in range(3):
        with writer.rebuilding() as fresh:
            fresh.apply([listing(number)])
        assert reader.versions() == {f"call-{number}": 1}


def test_a_killed_writer_leaves_a_whole_index_and_no_lock(
    tmp_path: Path, index: EmbeddedIndex
) -> None:
    for _ in range(2):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "index")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(3)]
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        seen = int(lines[-1])
        versions = index.versions()
        assert {f"call-{n}" for n in range(1, seen + 1)} <= set(versions)
        index.apply([listing(9_999)], list(versions))
        assert index.versions() == {"call-9999": 1}
        index.apply([], ["call-9999"])


def test_readers_in_threads_never_fail_while_generations_change(index: EmbeddedIndex) -> None:
    index.apply([listing(1)], [])
    stop, failures = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                assert index.search(SearchQuery(text="除雪")).total == 1
            except (AssertionError, IndexUnavailable) as error:
                failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(5):
        with index.rebuilding() as fresh:
            fresh.apply([listing(number)])
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


def damage_meta(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


def damage_files(folder: Path) -> None:
    for path in folder.glob("*.*"):
        if path.suffix != ".json":
            path.write_bytes(b"\x00" * 100)


def damage_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("damage", [damage_meta, damage_files, damage_folder])
def test_a_damaged_index_is_unavailable_and_a_rebuild_heals_it(
    tmp_path: Path, damage: object
) -> None:
    EmbeddedIndex(tmp_path).apply([listing(1)], [])
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    damage(folder)  # type: ignore[operator]
    index = EmbeddedIndex(tmp_path)
    assert not index.ready()
    with pytest.raises(IndexUnavailable):
        index.search(SearchQuery(text="除雪"))
    with index.rebuilding() as fresh:
        fresh.apply([listing(2)])
    assert index.versions() == {"call-2": 1}


def test_a_shared_character_pair_alone_finds_nothing(index: EmbeddedIndex) -> None:
    index.apply([listing(1, "子育て支援金"), listing(2, "水害の支援員")], [])
    assert index.search(SearchQuery(text="地域支店")).total == 0


def test_words_may_be_missing_only_until_a_page_is_filled(index: EmbeddedIndex) -> None:
    both = [listing(n, "除雪とドローン") for n in range(20)]
    one = [listing(n, "除雪の担い手") for n in range(20, 50)]
    index.apply([*both[:19], *one], [])
    assert index.search(SearchQuery(text="除雪 ドローン")).total == 49
    index.apply(both, [])
    assert index.search(SearchQuery(text="除雪 ドローン")).total == 20
    assert index.search(SearchQuery(text="除雪 ドローン", filters={"kind": ("x",)})).total == 0


def test_what_was_typed_ranks_above_its_synonyms(index: EmbeddedIndex) -> None:
    index.apply([listing(1, "高齢者の外出"), listing(2, "シニアの外出")], [])
    for typed, first in (("高齢者", "call-1"), ("シニア", "call-2")):
        hits = index.search(SearchQuery(text=typed)).hits
        assert hits[0].id == first
        assert len(hits) == 2

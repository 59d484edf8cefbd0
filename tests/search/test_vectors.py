"""Vector files: exact, shared, and true whatever a crash leaves behind."""

import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.documents import SearchDocument
from search.embedding import Vectors, unit
from search.vectors import VectorFiles

MODEL = "a model/4/1"
DOCUMENT = SearchDocument(
    id="call-1", version=1, target="call", title="", summary="", body="", owner=""
)


def document(number: int, *rows: list[float], version: int = 1, model: str = MODEL):
    vectors = tuple((place, np.array(row, np.float16).tobytes()) for place, row in enumerate(rows))
    return replace(
        DOCUMENT, id=f"call-{number}", version=version, vectors=vectors, vector_model=model
    )


def aim(*values: float) -> Vectors:
    return unit(np.array([values], np.float32))[0]


class Held:
    """What an index holds: everything it was told, unless it is hidden by a filter."""

    def __init__(self, *documents: SearchDocument) -> None:
        self.versions = {one.id: one.version for one in documents}
        self.hidden: set[str] = set()
        self.asked = 0

    def __call__(self, ids: Collection[str]) -> dict[str, int]:
        self.asked += 1
        return {id_: v for id_, v in self.versions.items() if id_ in ids and id_ not in self.hidden}


EAST, NORTH, WEST = [1.0, 0, 0, 0], [0, 1.0, 0, 0], [-1.0, 0, 0, 0]


def test_the_best_passage_decides(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path)
    rows = [document(1, NORTH, [1, 1, 0, 0]), document(2, EAST, WEST), document(3, WEST)]
    files.append(rows)
    found = files.nearest(MODEL, aim(1, 0, 0, 0), 9, Held(*rows))
    assert [id_ for id_, _ in found] == ["call-2", "call-1", "call-3"]
    np.testing.assert_allclose([score for _, score in found], [1, 0.5**0.5, -1], atol=1e-3)


def test_no_file_another_model_or_another_dimension_is_nothing_found(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path)
    one = document(1, EAST)
    assert files.nearest(MODEL, aim(1, 0, 0, 0), 5, Held(one)) == []
    files.append([one, document(2)])
    assert files.nearest("another", aim(1, 0, 0, 0), 5, Held(one)) == []
    assert files.nearest(MODEL, aim(1, 0), 5, Held(one)) == []
    assert len(files.nearest(MODEL, aim(1, 0, 0, 0), 5, Held(one))) == 1


def test_models_beside_one_another_are_kept_apart(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path)
    one, two = document(1, EAST), document(2, [0, 0, 1], model="other/3/1")
    files.append([one, two])
    held = Held(one, two)
    assert [h[0] for h in files.nearest(MODEL, aim(0, 0, 1, 0), 5, held)] == ["call-1"]
    assert [h[0] for h in files.nearest("other/3/1", aim(0, 0, 1), 5, held)] == ["call-2"]


def test_what_the_index_does_not_hold_in_this_version_is_not_found(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path)
    old, new = document(1, EAST), document(1, NORTH, version=2)
    files.append([old])
    files.append([new, document(2, EAST)])  # the index never committed call-2
    ((id_, score),) = files.nearest(MODEL, aim(1, 0, 0, 0), 5, Held(new))
    assert (id_, round(score)) == ("call-1", 0)
    assert files.nearest(MODEL, aim(1, 0, 0, 0), 5, Held(old))[0][1] == pytest.approx(1)


def test_filters_that_eat_the_nearest_make_it_look_farther(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path)
    rows = [document(number, [1, number / 1000, 0, 0]) for number in range(1000)]
    files.append(rows)
    held = Held(*rows)
    held.hidden = {one.id for one in rows[:990]}
    found = files.nearest(MODEL, aim(1, 0, 0, 0), 3, held)
    assert [id_ for id_, _ in found] == ["call-990", "call-991", "call-992"]
    assert held.asked <= 4


def test_another_reader_sees_what_was_appended(tmp_path: Path) -> None:
    writer, reader = VectorFiles(tmp_path), VectorFiles(tmp_path)
    rows = [document(1, EAST), document(2, EAST)]
    held = Held(*rows)
    writer.append(rows[:1])
    assert len(reader.nearest(MODEL, aim(1, 0, 0, 0), 5, held)) == 1
    writer.append(rows[1:])
    assert len(reader.nearest(MODEL, aim(1, 0, 0, 0), 5, held)) == 2


@pytest.mark.parametrize("lost", [1, 40, 79, 80])
def test_a_torn_tail_is_ignored_and_cut_off_by_the_next_writer(tmp_path: Path, lost: int) -> None:
    rows = [document(1, EAST), document(2, EAST), document(3, EAST)]
    VectorFiles(tmp_path).append(rows[:2])
    (path,) = tmp_path.glob("*.f32")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - lost)
    files, held = VectorFiles(tmp_path), Held(*rows)
    assert [h[0] for h in files.nearest(MODEL, aim(1, 0, 0, 0), 5, held)] == ["call-1"]
    files.append(rows[2:])
    assert {h[0] for h in files.nearest(MODEL, aim(1, 0, 0, 0), 5, held)} == {"call-1", "call-3"}


@pytest.mark.parametrize("data", [b"", b"hub-vec1", b"x" * 400, b"\0" * 400])
def test_a_file_that_is_none_of_ours_is_nothing_found(tmp_path: Path, data: bytes) -> None:
    VectorFiles(tmp_path).append([document(1, EAST)])
    (path,) = tmp_path.glob("*.f32")
    path.write_bytes(data)
    files = VectorFiles(tmp_path)
    assert files.nearest(MODEL, aim(1, 0, 0, 0), 5, Held(document(1))) == []
    files.compact(dict, 0)


def test_compacting_keeps_what_counts_and_readers_notice(tmp_path: Path) -> None:
    writer, reader = VectorFiles(tmp_path), VectorFiles(tmp_path)
    gone, kept = document(1, EAST), document(2, NORTH, EAST)
    for version in range(50):
        writer.append([replace(gone, version=version), replace(kept, version=version)])
    writer.append([replace(kept, version=49)])  # the same again, after a crash
    held = Held(replace(kept, version=49))
    before = reader.nearest(MODEL, aim(1, 1, 0, 0), 5, held)
    (path,) = tmp_path.glob("*.f32")
    writer.compact(lambda: held.versions, 1_000)
    assert path.stat().st_size == 256 + 152 * 80
    writer.compact(lambda: held.versions, 10)
    assert path.stat().st_size == 256 + 2 * 80
    assert reader.nearest(MODEL, aim(1, 1, 0, 0), 5, held) == before
    writer.append([document(3, EAST)])
    assert len(reader.nearest(MODEL, aim(1, 0, 0, 0), 5, Held(document(3)))) == 1


def test_threads_may_ask_while_one_appends(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path)
    rows = [document(number, EAST, NORTH) for number in range(200)]
    held, wrong = Held(*rows), []
    files.append(rows[:1])
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            found = files.nearest(MODEL, aim(1, 0, 0, 0), 500, held)
            if not found or any(score < 0.99 for _, score in found):
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for one in rows[1:]:
        files.append([one])
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(files.nearest(MODEL, aim(1, 0, 0, 0), 500, held)) == 200


_row = st.lists(st.integers(-9, 9), min_size=4, max_size=4).filter(any)
_batch = st.lists(st.tuples(st.integers(0, 5), st.lists(_row, max_size=3)), max_size=5)


@given(
    st.lists(_batch, max_size=5),
    _row,
    st.sets(st.integers(0, 5)),
    st.none() | st.sets(st.integers(0, 7)),
    st.booleans(),
)
def test_the_answer_is_that_of_looking_at_every_passage(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[int, list[list[float]]]]],
    wanted: list[float],
    hidden: set[int],
    asked: set[int] | None,
    compacted: bool,
) -> None:
    files = VectorFiles(tmp_path_factory.mktemp("v"))
    latest: dict[str, SearchDocument] = {}
    for number, batch in enumerate(batches):
        some = {number_: document(number_, *rows, version=number) for number_, rows in batch}
        files.append(some.values())
        latest |= {one.id: one for one in some.values()}
    held = Held(*latest.values())
    held.hidden = {f"call-{number}" for number in hidden}
    if compacted:
        files.compact(lambda: held.versions, 0)
    vector = aim(*wanted)
    only = None if asked is None else [f"call-{number}" for number in asked]
    found = files.nearest(MODEL, vector, 3, held, only)
    naive = {
        id_: max(
            float(unit(np.array([np.frombuffer(data, np.float16)], np.float32))[0] @ vector)
            for _, data in one.vectors
        )
        for id_, one in latest.items()
        if one.vectors and id_ not in held.hidden and (only is None or id_ in only)
    }
    assert [score for _, score in found] == pytest.approx(
        sorted(naive.values(), reverse=True)[:3], abs=1e-6
    )
    assert all(score == pytest.approx(naive[id_], abs=1e-6) for id_, score in found)

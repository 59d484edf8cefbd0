"""The vectors of an embedded index: one append-only file per model, shared by all processes.

    header   256 bytes: magic, dimension, the model's name
    record   document, version and place of a passage (64 bytes), then its float32 vector

A writer (there is one at a time) appends whole records and flushes them before the index commits
the versions they belong to, so a record counts only when the index holds its document in its
version: what a crash or a later change leaves behind is never found. A torn tail is ignored by
readers and cut off by the next writer. Readers map the file and look again when it has grown or
was replaced by a compact one.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.documents import SearchDocument, tie
from search.embedding import Vectors
from search.passages import GIST

_MAGIC = b"hub-vec1"
_HEADER = 256
_HEAD = np.dtype([("magic", "S8"), ("dimension", "<u4"), ("model", "S200")])
_FIRST = 8  # candidates looked at for each hit wanted, before filters eat some of them
_WIDER = 8

# Which of the listings with these ids may be found: id -> version the index holds.
Allowed = Callable[[Collection[str]], Mapping[str, int]]


def with_gist(vectors: Sequence[tuple[int, bytes]]) -> tuple[tuple[int, bytes], ...]:
    """Return (place, float16 vector) of passages, each read together with the gist of the listing.

    A passage alone may be near to anything, and a gist alone is vague: the mean of both finds
    better than either. Without a gist the passages stay as they are.
    """
    rows = {place: np.frombuffer(data, np.float16).astype(np.float32) for place, data in vectors}
    if GIST not in rows:
        return tuple(vectors)
    joined = ((place, row + rows[GIST]) for place, row in rows.items())
    return tuple((p, (row / np.linalg.norm(row)).astype(np.float16).tobytes()) for p, row in joined)


class VectorFiles:
    """The vector files in the folder of one generation. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[str, _Opened] = {}

    def append(self, documents: Iterable[SearchDocument]) -> None:
        """Write the vectors of documents; durable on return. Only for the one writer."""
        by_model: dict[str, list[SearchDocument]] = {}
        for document in documents:
            if document.vectors:
                by_model.setdefault(document.vector_model, []).append(document)
        for model, some in by_model.items():
            _append(self._path(model), model, some)

    def compact(self, held: Callable[[], Mapping[str, int]], most_rows: int) -> None:
        """Drop what the index no longer holds where a file has too many rows. For the writer."""
        for path in self._folder.glob("vectors-*.f32"):
            if _size(path) > most_rows and (opened := _open(path)):
                _rewrite(path, opened, held())

    def nearest(
        self,
        model: str,
        vector: Vectors,
        limit: int,
        allowed: Allowed,
        only: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """Return (document id, score) of the nearest listings, best first.

        A listing's score is the cosine of its best passage. With `only` no other listings are
        looked at. Empty for a model without vectors and for a vector of another dimension.
        """
        opened = self._current(model)
        if opened is None or vector.shape != (opened.rows.shape[1],):
            return []
        runs = None if only is None else opened.runs(only)
        scores = opened.scores(vector, runs)
        window = _FIRST * limit
        while True:
            best = _best(scores, window)
            places = (best if runs is None else runs[best]).tolist()
            ids = [id_.decode() for id_ in opened.ids[places].tolist()]
            held = allowed(ids)
            found: dict[str, float] = {}
            for id_, run, score in zip(ids, places, scores[best].tolist(), strict=True):
                if held.get(id_) == opened.versions[run]:
                    found[id_] = max(score, found.get(id_, -1.0))
            if len(found) >= limit or window >= len(scores):
                return sorted(found.items(), key=lambda hit: (-hit[1], tie(hit[0])))[:limit]
            window *= _WIDER

    def _current(self, model: str) -> "_Opened | None":
        path = self._path(model)
        known = self._opened.get(model)
        try:
            state = path.stat()
        except FileNotFoundError:
            return None
        if known is None or known.state != (state.st_ino, state.st_size):
            known = _open(path, known)
            if known is None or known.model != model:
                return None
            self._opened[model] = known
        return known

    def _path(self, model: str) -> Path:
        mark = blake2b(model.encode(), digest_size=6).hexdigest()
        return self._folder / f"vectors-{mark}.f32"


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """A mapped file. Records of one document and version that follow one another are a run."""

    model: str
    state: tuple[int, int]  # inode and size when it was opened
    records: NDArray[Any]
    starts: NDArray[np.intp]
    ids: NDArray[np.bytes_]
    versions: list[int]
    order: NDArray[np.intp]  # the runs by document

    @property
    def rows(self) -> Vectors:
        rows: Vectors = self.records["vector"]
        return rows

    def runs(self, ids: Collection[str]) -> NDArray[np.intp]:
        """Return the runs of some documents."""
        wanted = np.array([id_.encode() for id_ in dict.fromkeys(ids)], self.ids.dtype)
        first = np.searchsorted(self.ids, wanted, "left", sorter=self.order)
        last = np.searchsorted(self.ids, wanted, "right", sorter=self.order)
        spans = [self.order[a:b] for a, b in zip(first, last, strict=True)]
        return np.sort(np.concatenate([self.order[:0], *spans]))

    def scores(self, vector: Vectors, runs: NDArray[np.intp] | None = None) -> Vectors:
        """Return the greatest cosine of each run, or of each of some."""
        starts, rows = self.starts, self.rows
        if runs is not None:
            ends = np.append(self.starts[1:], len(self.records))[runs]
            sizes = ends - starts[runs]
            starts = np.cumsum(sizes) - sizes
            rows = rows[np.repeat(self.starts[runs] - starts, sizes) + np.arange(sizes.sum())]
        if not len(starts):
            return np.zeros(0, np.float32)
        cosines = rows @ vector.astype(np.float32)
        best: Vectors = np.maximum.reduceat(cosines, starts)
        return best


def _record(dimension: int) -> np.dtype[Any]:
    return np.dtype(
        [
            ("document", "S48"),
            ("version", "<i8"),
            ("place", "<u2"),
            ("spare", "V6"),
            ("vector", "<f4", (dimension,)),
        ]
    )


def _size(path: Path) -> int:
    """Return how many records a file has, 0 when it is none of ours."""
    with path.open("rb") as file:
        head = _head(file.read(_HEADER))
    return (path.stat().st_size - _HEADER) // head[1].itemsize if head else 0


def _open(path: Path, before: _Opened | None = None) -> _Opened | None:
    """Map a file; None when it is none of ours. Of a file known before only the rest is read."""
    with path.open("rb") as file:
        head = _head(file.read(_HEADER))
        if head is None:
            return None
        model, record = head
        state = os.fstat(file.fileno())
        count = (state.st_size - _HEADER) // record.itemsize
        if count:
            records: NDArray[Any] = np.memmap(file, record, "r", _HEADER, (count,))
        else:
            records = np.zeros(0, record)
    records = records.view(np.ndarray)
    grown = before is not None and before.state[0] == state.st_ino
    known = before if grown and before is not None and len(before.records) <= count else None
    starts, ids, versions = _runs(records[len(known.records) if known else 0 :])
    if known:
        starts = np.concatenate([known.starts, starts + len(known.records)])
        ids = np.concatenate([known.ids, ids])
        versions = [*known.versions, *versions]
    order = np.argsort(ids, kind="stable")
    return _Opened(model, (state.st_ino, state.st_size), records, starts, ids, versions, order)


def _runs(records: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.bytes_], list[int]]:
    """Return where each run begins, its document and its version; the first record begins one."""
    ids, versions = np.array(records["document"]), np.array(records["version"])
    places = np.array(records["place"])
    differs = (ids[1:] != ids[:-1]) | (versions[1:] != versions[:-1]) | (places[1:] <= places[:-1])
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(records), 1), bool), differs]))
    return starts, ids[starts], versions[starts].tolist()


def _head(data: bytes) -> tuple[str, np.dtype[Any]] | None:
    if len(data) < _HEADER:
        return None
    head = np.frombuffer(data, _HEAD, 1)[0]
    if head["magic"] != _MAGIC or not head["dimension"]:
        return None
    return head["model"].decode(), _record(int(head["dimension"]))


def _append(path: Path, model: str, documents: Iterable[SearchDocument]) -> None:
    made = [(document, _rows(document)) for document in documents]
    dimension = next((rows.shape[1] for _, rows in made if len(rows)), 0)
    parts = [
        _records(document, rows, dimension) for document, rows in made if rows.shape[1] == dimension
    ]
    if dimension:
        if not path.exists():
            _replace(path, _header(model, dimension))
        _write(path, np.concatenate(parts))


def _rows(document: SearchDocument) -> Vectors:
    """Return the vectors of a document as float32, at length one."""
    rows = np.array([np.frombuffer(data, np.float16) for _, data in document.vectors], np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled


def _records(document: SearchDocument, rows: Vectors, dimension: int) -> NDArray[Any]:
    records = np.zeros(len(rows), _record(dimension))
    records["document"] = document.id.encode()
    records["version"] = document.version
    records["place"] = [place for place, _ in document.vectors]
    records["vector"] = rows
    return records


def _header(model: str, dimension: int) -> bytes:
    head = np.array([(_MAGIC, dimension, model.encode())], _HEAD)
    return head.tobytes().ljust(_HEADER, b"\0")


def _write(path: Path, records: NDArray[Any]) -> None:
    """Append records behind the last whole one."""
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.truncate(size - (size - _HEADER) % records.itemsize)
        file.seek(0, os.SEEK_END)
        file.write(records.tobytes())
        file.flush()
        os.fsync(file.fileno())


def _rewrite(path: Path, opened: _Opened, held: Mapping[str, int]) -> None:
    """Replace a file by one that holds only what the index holds."""
    ids = [id_.decode() for id_ in opened.ids.tolist()]
    last = {
        id_: run
        for run, (id_, version) in enumerate(zip(ids, opened.versions, strict=True))
        if held.get(id_) == version
    }
    ends = [*opened.starts[1:].tolist(), len(opened.records)]
    kept = [opened.records[opened.starts[run] : ends[run]] for run in sorted(last.values())]
    body = b"".join(part.tobytes() for part in kept)
    _replace(path, _header(opened.model, opened.rows.shape[1]) + body)


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_suffix(".new")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _best(scores: Vectors, count: int) -> NDArray[np.intp]:
    """Return the positions of the greatest scores, at most `count`, in no order."""
    if count >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(-scores, count - 1)[:count]

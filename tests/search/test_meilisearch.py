"""What is sent to the server, and what becomes of its answers, good and bad.

The server itself is met in tests/contract; here a small stand-in on this machine records.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from search.armour import armour, unarmour
from search.documents import NEVER, SearchDocument, tie
from search.index import Hit, IndexBusy, IndexUnavailable
from search.meilisearch import (
    MeilisearchIndex,
    among,
    filters,
    query_text,
    rendered,
    settings,
    status_filter,
)
from search.query import SearchQuery

LISTING = SearchDocument(
    id="call-7",
    version=3,
    target="call",
    title="商店街の除雪",
    summary="",
    body="空家を使います。費用は市が持ちます。",
    owner="石巻市",
    owner_kana="いしのまきし",
    keywords=("子育て", "Childcare"),
    themes=("childcare",),
    closes_at=1_800_000_000,
    published_at=1_790_000_000,
)
Answer = tuple[int, Any]


@dataclass
class Server:
    """A stand-in: answers by (method, path), `default` for the rest; keeps what it was asked."""

    url: str = ""
    answers: dict[tuple[str, str], Answer | Callable[[Any], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> Answer:
        self.asked.append((method, path, body))
        found = self.answers.get((method, path.partition("?")[0]))
        if found is not None:
            return found(body) if callable(found) else found
        if path.startswith("/tasks/"):
            return 200, {"status": "succeeded"}
        if method != "GET":
            return 202, {"taskUid": 1}
        return 404, {"code": "index_not_found", "message": "none"}

    def bodies(self, method: str, path: str) -> list[Any]:
        return [body for verb, where, body in self.asked if (verb, where) == (method, path)]


@pytest.fixture
def server() -> Iterator[Server]:
    stand_in = Server()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            lines = [json.loads(line) for line in raw.splitlines()]
            ndjson = self.headers.get("Content-Type") == "application/x-ndjson"
            body = lines if ndjson else (lines[0] if lines else None)
            code, answer = stand_in.answer(self.command, self.path, body)
            sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_DELETE = respond

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield stand_in
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def index(server: Server) -> MeilisearchIndex:
    return MeilisearchIndex(server.url, "key", prefix="t-")


def exists(server: Server, uid: str) -> None:
    answer = 200, {"uid": uid, "updatedAt": "2001-01-01T00:00:00.123456789Z"}
    server.answers["GET", f"/indexes/{uid}"] = answer


def plain(text: str) -> str:
    return unarmour(text)


def test_a_listing_is_rendered_with_opaque_words_and_plain_facets() -> None:
    row = rendered(LISTING)
    assert plain(row["tok_title"]) == "商店街 商店 除雪"
    assert plain(row["tok_body"]) == "空き家 使う. 費用 市 持つ"
    assert "いしのまきし" in plain(row["tok_reading"])
    assert "こそだて" in plain(row["tok_reading"])
    assert row["theme"] == ["childcare"]
    assert row["kind"] == row["stage"] == ["unstated"]
    assert (row["opens"], row["closes"], row["tie"]) == (0, 1_800_000_000, tie("call-7"))
    assert {"title", "body"}.isdisjoint(row)


def spoken(document: SearchDocument, *rows: list[float]) -> SearchDocument:
    data = (np.array(row, np.float16).tobytes() for row in rows)
    return replace(document, vectors=tuple(enumerate(data)), vector_model="m/2/1")


def test_vectors_are_always_named_because_the_server_keeps_what_is_left_out() -> None:
    assert rendered(LISTING)["_vectors"] == {"sem": None}
    row = rendered(spoken(LISTING, [1, 0], [0.5, 0.5]))
    embeddings = {"embeddings": [[1.0, 0.0], [0.5, 0.5]], "regenerate": False}
    assert (row["_vectors"], row["vector_model"]) == ({"sem": embeddings}, "m/2/1")


def test_the_first_vectors_decide_the_size_and_others_are_left_out(
    server: Server, index: MeilisearchIndex
) -> None:
    exists(server, index.uid)
    settings_path = f"/indexes/{index.uid}/settings"
    server.answers["GET", f"{settings_path}/embedders"] = 200, {}
    index.apply([spoken(LISTING, [1, 0])], [])
    embedder = {"sem": {"source": "userProvided", "dimensions": 2}}
    assert server.bodies("PATCH", settings_path) == [{"embedders": embedder}]
    server.answers["GET", f"{settings_path}/embedders"] = 200, embedder
    index.apply([spoken(LISTING, [1, 0, 0])], [])
    sent = server.bodies("POST", f"/indexes/{index.uid}/documents?primaryKey=id")
    assert sent == [[rendered(spoken(LISTING, [1, 0]))], [rendered(LISTING)]]
    assert len(server.bodies("PATCH", settings_path)) == 1


def test_the_nearest_are_asked_for_within_the_filters(
    server: Server, index: MeilisearchIndex
) -> None:
    exists(server, index.uid)
    embedder = {"sem": {"source": "userProvided", "dimensions": 2}}
    server.answers["GET", f"/indexes/{index.uid}/settings/embedders"] = 200, embedder
    hits = [{"id": "call-7", "_rankingScore": 0.9}]
    server.answers["POST", "/multi-search"] = 200, {"results": [{"hits": hits}]}
    query = SearchQuery(text="not asked", target="call", now=5)
    vector = np.array([0.6, 0.8], np.float32)
    (hit,) = index.nearest(vector, query, 9, model="m/2/1")
    assert (hit.id, hit.score) == ("call-7", pytest.approx(0.8))
    ((asked,),) = [body["queries"] for body in server.bodies("POST", "/multi-search")]
    assert asked["filter"] == ['target IN ["call"]', 'vector_model IN ["m/2/1"]']
    assert asked["hybrid"] == {"embedder": "sem", "semanticRatio": 1.0}
    assert (asked["limit"], "q" in asked) == (9, False)
    assert index.nearest(np.ones(3, np.float32), query, 9, model="m/2/1") == ()


def test_every_field_the_settings_name_is_in_a_rendered_listing() -> None:
    row, named = rendered(LISTING), settings()
    listed = {name for rule in named["filterableAttributes"] for name in rule["attributePatterns"]}
    assert listed | {*named["searchableAttributes"], *named["sortableAttributes"]} <= set(row)
    assert named["rankingRules"][0] == "sort"
    assert named["rankingRules"][-1] == "tie:asc"


def test_synonyms_are_opaque_and_hold_both_ways() -> None:
    synonyms = settings()["synonyms"]
    assert armour("官民連携") in synonyms["ppp"]
    assert "ppp" in synonyms[armour("官民連携")]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("空家 活用", "空き家 "),
        ("活用", "活用 "),
        ("実証実験", "実証 実験 "),
        ("みまもり", "みまもり "),
        ("ＥＶ", "ev "),
        ("の", ""),
    ],
)
def test_a_query_is_sent_as_finished_words(typed: str, sent: str) -> None:
    assert plain(query_text(typed)) == sent


def test_no_more_words_are_sent_than_the_server_keeps() -> None:
    assert len(query_text("港 川 山 海 森 畑 橋 駅 雪 風 雨 空 星 石").split()) == 10


def test_filters_quote_what_they_are_given() -> None:
    hostile = 'x"] OR id IN ["call-1\\'
    assert among("theme", ["a", hostile]) == ('theme IN ["a", "x\\"] OR id IN [\\"call-1\\\\"]')
    query = SearchQuery(
        target="call", now=5, filters={"kind": ("pilot", "unstated")}, status=("open", "closed")
    )
    assert filters(query) == {
        "kind": 'kind IN ["pilot", "unstated"]',
        "target": 'target IN ["call"]',
        "status": "(opens <= 5 AND closes > 5) OR (closes <= 5)",
    }
    assert status_filter("loud", 5) == "opens < 0"


def test_changes_are_sent_once_each_and_waited_for(server: Server, index: MeilisearchIndex) -> None:
    exists(server, index.uid)
    waits = iter([{"status": "enqueued"}, {"status": "processing"}, {"status": "succeeded"}])
    server.answers["GET", "/tasks/1"] = lambda _: (200, next(waits, {"status": "succeeded"}))
    index.apply([LISTING, LISTING], ["call-9"])
    documents = f"/indexes/{index.uid}/documents"
    assert server.bodies("POST", f"{documents}/delete-batch") == [["call-9"]]
    assert server.bodies("POST", f"{documents}?primaryKey=id") == [[rendered(LISTING)]]
    assert len(server.bodies("GET", "/tasks/1")) == 4


def test_nothing_to_do_sends_nothing(server: Server, index: MeilisearchIndex) -> None:
    exists(server, index.uid)
    index.apply([], [])
    assert {method for method, _, _ in server.asked} == {"GET"}


def test_a_failed_task_is_an_error(server: Server, index: MeilisearchIndex) -> None:
    exists(server, index.uid)
    failed = {"status": "failed", "error": {"code": "internal", "message": "disk full"}}
    server.answers["GET", "/tasks/1"] = 200, failed
    with pytest.raises(IndexUnavailable, match="disk full"):
        index.apply([LISTING], [])


def test_without_an_index_nothing_is_written(server: Server, index: MeilisearchIndex) -> None:
    assert not index.ready()
    with pytest.raises(IndexUnavailable, match="must be built"):
        index.apply([LISTING], [])
    assert {method for method, _, _ in server.asked} == {"GET"}


def test_changes_wait_while_a_fresh_index_is_built(server: Server, index: MeilisearchIndex) -> None:
    exists(server, index.uid)
    exists(server, f"{index.uid}-next")
    with pytest.raises(IndexBusy):
        index.apply([LISTING], [])


def canary(server: Server, found: list[bool]) -> None:
    answers = iter(found)

    def search(_: Any) -> Answer:
        return 200, {"results": [{"hits": [{"id": "canary"}] if next(answers) else []}]}

    server.answers["POST", "/multi-search"] = search


@pytest.mark.parametrize("already", [True, False])
def test_a_rebuild_makes_configures_fills_swaps_and_drops(
    server: Server, index: MeilisearchIndex, already: bool
) -> None:
    if already:
        exists(server, index.uid)
    canary(server, [True, True, False, False])
    fresh_uid = f"{index.uid}-next"
    with index.rebuilding() as fresh:
        exists(server, fresh_uid)
        fresh.apply([LISTING])
    writes = [(method, path) for method, path, _ in server.asked if method != "GET"]
    documents = f"/indexes/{fresh_uid}/documents"
    assert writes == [
        ("POST", "/indexes"),
        ("PATCH", f"/indexes/{fresh_uid}/settings"),
        ("POST", f"{documents}?primaryKey=id"),
        *[("POST", "/multi-search")] * 4,
        ("POST", f"{documents}/delete-batch"),
        ("POST", f"{documents}?primaryKey=id"),
        ("POST", "/swap-indexes"),
        ("DELETE", f"/indexes/{fresh_uid}"),
    ]
    swap = {"indexes": [fresh_uid, index.uid], "rename": not already}
    assert server.bodies("POST", "/swap-indexes") == [[swap]]


def rebuild(index: MeilisearchIndex, error: Exception | None = None) -> None:
    with index.rebuilding():
        if error:
            raise error


def test_a_server_that_cuts_words_is_refused(server: Server, index: MeilisearchIndex) -> None:
    canary(server, [True, True, True, False])
    with pytest.raises(IndexUnavailable, match="words whole"):
        rebuild(index)
    assert not server.bodies("POST", "/swap-indexes")


def test_a_failed_rebuild_does_not_swap(server: Server, index: MeilisearchIndex) -> None:
    canary(server, [True, True, False, False])
    with pytest.raises(RuntimeError, match="database"):
        rebuild(index, RuntimeError("database"))
    assert not server.bodies("POST", "/swap-indexes")


def test_a_rebuild_beside_another_is_refused(server: Server, index: MeilisearchIndex) -> None:
    server.answers["GET", f"/indexes/{index.uid}-next"] = (
        200,
        {"updatedAt": "2999-01-01T00:00:00Z"},
    )
    with pytest.raises(IndexBusy):
        rebuild(index)
    del server.answers["GET", f"/indexes/{index.uid}-next"]
    lost_race = {"status": "failed", "error": {"code": "index_already_exists"}}
    server.answers["GET", "/tasks/1"] = 200, lost_race
    with pytest.raises(IndexBusy):
        rebuild(index)


def test_an_abandoned_rebuild_is_taken_over(server: Server, index: MeilisearchIndex) -> None:
    exists(server, f"{index.uid}-next")
    canary(server, [True, True, False, False])
    rebuild(index)
    assert [m for m, path, _ in server.asked if path == f"/indexes/{index.uid}-next"].count(
        "DELETE"
    ) == 2


def counting(server: Server, sizes: dict[str, int]) -> list[list[dict[str, Any]]]:
    """Answer searches: sizes by text within the filter; keep the questions."""
    seen: list[list[dict[str, Any]]] = []

    def search(body: Any) -> Answer:
        seen.append(body["queries"])
        return 200, {"results": [one(question) for question in body["queries"]]}

    def one(question: dict[str, Any]) -> dict[str, Any]:
        joined = " & ".join(question["filter"])
        size = next((count for part, count in sizes.items() if part in joined), sizes[""])
        names = question.get("facets", [])
        hits = [{"id": f"call-{n}", "_rankingScore": 0.5} for n in range(question.get("limit", 0))]
        return {"hits": hits, "facetDistribution": {name: {"call": size} for name in names}}

    server.answers["POST", "/multi-search"] = search
    return seen


def test_counts_beside_a_chosen_value_leave_that_choice_out(
    server: Server, index: MeilisearchIndex
) -> None:
    seen = counting(server, {"kind": 3, "": 40})
    result = index.search(SearchQuery(text="空家", target="call", filters={"kind": ("pilot",)}))
    assert result.total == 3
    assert result.facets["kind"] == {"call": 40}
    assert result.facets["theme"] == {"call": 3}
    assert result.hits[0] == Hit("call-0", 0.5)
    (page,) = seen[-1]
    assert (page["offset"], page["limit"], page["matchingStrategy"]) == (0, 3, "all")
    assert page["q"] == armour("空き家") + " "
    assert "sort" not in page


def test_when_few_hold_every_word_common_words_are_dropped(
    server: Server, index: MeilisearchIndex
) -> None:
    seen = counting(server, {"": 19})
    index.search(SearchQuery(text="空家 除雪", target="call"))
    assert seen[0][0]["matchingStrategy"] == "all"
    assert seen[0][0]["filter"] == []
    assert {question["matchingStrategy"] for question in seen[-1]} == {"frequency"}


def test_a_page_by_deadline_runs_through_its_parts(server: Server, index: MeilisearchIndex) -> None:
    sizes = {f"closes < {NEVER}": 4, f"closes >= {NEVER}": 3, "opens > 9": 2, "closes <= 9": 5}
    seen = counting(server, {**sizes, "": 14})
    result = index.search(SearchQuery(now=9, offset=3, limit=5))
    asked = [(page["offset"], page["limit"], page["sort"]) for page in seen[-1]]
    assert asked == [
        (3, 1, ["closes:asc", "tie:asc"]),
        (0, 3, ["tie:asc"]),
        (0, 1, ["opens:asc", "tie:asc"]),
    ]
    assert [hit.score for hit in result.hits] == [0.0] * 5


def test_a_query_without_words_finds_nothing(server: Server, index: MeilisearchIndex) -> None:
    result = index.search(SearchQuery(text="！？"))
    assert (result.total, result.hits, server.asked) == (0, (), [])


def test_versions_are_fetched_by_id_in_pages(server: Server, index: MeilisearchIndex) -> None:
    rows = [{"id": f"call-{n}", "version": n} for n in range(1_001)]
    fetch = f"/indexes/{index.uid}/documents/fetch"
    server.answers["POST", fetch] = lambda body: (
        200,
        {"results": rows[body["offset"] : body["offset"] + body["limit"]]},
    )
    assert len(index.versions()) == 1_001
    assert index.versions([]) == {}
    index.versions(["call-2", "call-1"])
    assert server.bodies("POST", fetch)[-1]["filter"] == 'id IN ["call-1", "call-2"]'


@pytest.mark.parametrize(
    "answer",
    [
        (503, {"code": "too_many_search_requests", "message": "busy"}),
        (403, {"code": "invalid_api_key", "message": "no"}),
        (200, {"results": [{"unexpected": True}] * 20}),
        (200, {}),
        (200, b"<html>proxy</html>"),
        (500, b""),
    ],
)
def test_a_server_in_trouble_is_unavailable_and_nothing_else(
    server: Server, index: MeilisearchIndex, answer: Answer
) -> None:
    server.answers["POST", "/multi-search"] = answer
    with pytest.raises(IndexUnavailable):
        index.search(SearchQuery(text="空家"))


def test_no_server_at_all_is_unavailable() -> None:
    gone = MeilisearchIndex("http://127.0.0.1:9", "key")
    assert not gone.ready()
    with pytest.raises(IndexUnavailable):
        gone.search(SearchQuery())
    with pytest.raises(IndexUnavailable):
        rebuild(gone)

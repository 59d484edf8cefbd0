"""What the Meilisearch engine does when things go wrong, and what it sends.

What it must find is in tests/contract. Here it speaks over a line that can be cut, to the server
that MEILI_URL names, or else to a stand-in.
"""

import os
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests

from search import meilisearch
from search.armour import armour, unarmour
from search.documents import SearchDocument, bucket, tie
from search.index import DocumentsRefused, IndexBusy, IndexUnavailable
from search.meili_rows import rendered, settings
from search.meilisearch import MeilisearchIndex
from search.query import SearchQuery
from tests.search.line import Line
from tests.search.standin import StandIn, running

MEILI_URL, MEILI_KEY = os.environ.get("MEILI_URL", ""), os.environ.get("MEILI_KEY")
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
EVERYTHING = SearchQuery()


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with running() as server:
        yield server


@pytest.fixture
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    url = MEILI_URL or request.getfixturevalue("standin").url
    place = urlsplit(url)
    line = Line(place.hostname or "", place.port or 80)
    yield line
    line.cut()


@pytest.fixture
def index(line: Line) -> Iterator[MeilisearchIndex]:
    opened = MeilisearchIndex(line.url, MEILI_KEY, prefix=f"test-{uuid.uuid4().hex[:8]}-")
    rebuild(opened)
    yield opened
    opened.drop()


@pytest.fixture
def odd(standin: StandIn) -> MeilisearchIndex:
    """An index on a server whose oddities a test chooses."""
    opened = MeilisearchIndex(standin.url, prefix="t-")
    rebuild(opened)
    return opened


def listings(count: int) -> list[SearchDocument]:
    return [replace(LISTING, id=f"call-{number}", version=number) for number in range(count)]


def rebuild(index: MeilisearchIndex, *rows: SearchDocument, error: Exception | None = None) -> None:
    with index.rebuilding() as fresh:
        fresh.apply(rows)
        if error:
            raise error


def seconds(index: MeilisearchIndex) -> float:
    """Return how long it takes to say that there is no answer."""
    begun = time.monotonic()
    with pytest.raises(IndexUnavailable):
        index.search(EVERYTHING)
    return time.monotonic() - begun


# What is sent


def test_a_listing_is_rendered_with_opaque_words_and_plain_values() -> None:
    row = rendered(LISTING)
    assert unarmour(row["tok_title"]) == "商店街 商店 除雪"
    assert unarmour(row["tok_exact"]).startswith("商 店 街 の 除 雪. ")
    assert {"空き家", "除雪"} <= set(row["words"])
    assert {"いしのまきし", "こそだて"} <= set(row["kana"])
    assert row["names"] == ["^/石/巻/市/", "^/い/し/の/ま/き/し/"]
    assert row["theme"] == ["childcare"]
    assert row["kind"] == row["stage"] == ["unstated"]
    assert (row["opens"], row["closes"], row["tie"]) == (0, 1_800_000_000, tie("call-7"))
    assert {"title", "body"}.isdisjoint(row)


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


def spoken(document: SearchDocument, *rows: list[float]) -> SearchDocument:
    data = (np.array(row, np.float16).tobytes() for row in rows)
    return replace(document, vectors=tuple(enumerate(data)), vector_model="m/2/1")


def test_vectors_are_always_named_because_the_server_keeps_what_is_left_out() -> None:
    assert rendered(LISTING)["_vectors"] == {"sem": None}
    row = rendered(spoken(LISTING, [1, 0], [0.5, 0.5]))
    embeddings = {"embeddings": [[1.0, 0.0], [0.5, 0.5]], "regenerate": False}
    assert (row["_vectors"], row["vector_model"]) == ({"sem": embeddings}, "m/2/1")


def test_the_first_vectors_decide_the_size_and_others_are_left_out(
    odd: MeilisearchIndex, standin: StandIn
) -> None:
    odd.apply([spoken(LISTING, [1, 0])], [])
    held = standin.indexes[odd.uid]
    assert held["embedders"] == {"sem": {"source": "userProvided", "dimensions": 2}}
    odd.apply([spoken(LISTING, [1, 0, 0]), replace(LISTING, id="call-8")], [])
    assert [row["vector_model"] for row in held["rows"].values()] == ["", ""]


# Connections


def test_one_connection_is_kept_for_each_thread(index: MeilisearchIndex, line: Line) -> None:
    for _ in range(5):
        index.apply([LISTING], [])
        index.search(EVERYTHING)
    assert line.connections == 1
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: index.search(EVERYTHING).total, range(30)))
    assert found == [1] * 30
    assert line.connections <= 4


def test_a_forked_process_makes_its_own(index: MeilisearchIndex, line: Line) -> None:
    index.apply([LISTING], [])
    child = os.fork()
    if not child:
        os._exit(0 if index.versions() == {"call-7": 3} else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert index.versions() == {"call-7": 3}
    assert line.connections == 2


def test_a_server_that_is_gone_is_said_within_a_second_and_missed_no_longer_when_back(
    index: MeilisearchIndex, line: Line
) -> None:
    index.apply([LISTING], [])
    line.cut()
    assert seconds(index) < 1
    assert not index.ready()
    with pytest.raises(IndexUnavailable):
        index.apply([LISTING], [])
    with pytest.raises(IndexUnavailable):
        rebuild(index)
    line.mend()
    assert index.ready()
    assert index.search(EVERYTHING).total == 1


def test_a_server_that_hangs_is_said_within_a_second(index: MeilisearchIndex, line: Line) -> None:
    line.held = True
    begun = time.monotonic()
    assert not index.ready()
    assert time.monotonic() - begun < 1
    assert seconds(index) < 1
    line.held = False
    assert index.search(EVERYTHING).total == 0


def test_a_busy_server_that_says_it_is_well_gets_its_time(
    odd: MeilisearchIndex, standin: StandIn
) -> None:
    standin.pause = 0.6
    assert odd.search(EVERYTHING).total == 0


def test_a_write_whose_answer_is_lost_is_not_sent_again(
    index: MeilisearchIndex, line: Line
) -> None:
    line.lose = b"/documents?"
    index.apply([LISTING], [])
    assert index.versions() == {"call-7": 3}
    headers = {"Authorization": f"Bearer {MEILI_KEY}"}
    tasks = requests.get(
        f"{line.url}/tasks?indexUids={index.uid}&limit=100", headers=headers, timeout=5
    ).json()["results"]
    assert sum(bool(task.get("customMetadata")) for task in tasks) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (503, b'{"code": "too_many_search_requests", "message": "busy"}'),
        (403, b'{"code": "invalid_api_key", "message": "no"}'),
        (200, b'{"results": [{"unexpected": true}]}'),
        (200, b"{}"),
        (200, b"[]"),
        (200, b"<html>proxy</html>"),
        (500, b""),
    ],
)
def test_a_server_in_trouble_is_unavailable_and_nothing_else(
    odd: MeilisearchIndex, standin: StandIn, answer: tuple[int, bytes]
) -> None:
    standin.answer = answer
    with pytest.raises(IndexUnavailable):
        odd.search(SearchQuery(text="空家"))


# Unfit listings


def test_an_unfit_listing_is_named_and_the_others_are_written(index: MeilisearchIndex) -> None:
    rows = listings(9)
    rows[3], rows[8] = replace(rows[3], id="call 3"), replace(rows[8], id="call-\ud800")
    with pytest.raises(DocumentsRefused) as refused:
        index.apply(rows, ["call-99"])
    assert refused.value.reasons.keys() == {"call 3", "call-\ud800"}
    assert "call 3" in refused.value.reasons["call 3"]
    assert index.versions() == {f"call-{n}": n for n in (0, 1, 2, 4, 5, 6, 7)}


def test_an_index_is_built_anew_without_the_unfit(
    index: MeilisearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meilisearch, "_BULK", 4)
    with index.rebuilding() as fresh:
        for row in [*listings(9), replace(LISTING, id="no id")]:
            fresh.apply([row])
        assert len(fresh.versions()) == 9
        assert fresh.refused.keys() == {"no id"}
    assert index.versions() == {f"call-{n}": n for n in range(9)}


def test_a_server_that_fails_is_no_fault_of_the_listings(
    odd: MeilisearchIndex, standin: StandIn
) -> None:
    standin.failure = {"code": "no_space_left_on_device", "type": "system", "message": "disk full"}
    before = len(standin.tasks)
    with pytest.raises(IndexUnavailable, match="disk full"):
        odd.apply(listings(9), [])
    assert len(standin.tasks) == before + 1


# Building anew


def test_without_an_index_nothing_is_answered_or_written(line: Line) -> None:
    index = MeilisearchIndex(line.url, MEILI_KEY, prefix="test-never-built-")
    assert not index.ready()
    with pytest.raises(IndexUnavailable, match="must be built"):
        index.search(EVERYTHING)
    with pytest.raises(IndexUnavailable, match="must be built"):
        index.apply([LISTING], [])


def test_changes_and_other_builders_wait_while_an_index_is_built(index: MeilisearchIndex) -> None:
    with index.rebuilding():
        with pytest.raises(IndexBusy):
            index.apply([LISTING], [])
        with pytest.raises(IndexBusy):
            rebuild(index)
    index.apply([LISTING], [])


def test_an_abandoned_rebuild_is_taken_over_and_its_builder_stopped(
    index: MeilisearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meilisearch, "_ABANDONED_SECONDS", -1)
    other = index.rebuilding()
    with pytest.raises(IndexBusy, match="took over"), index.rebuilding() as fresh:
        fresh.apply(listings(3))
        second = other.__enter__()
    second.apply(listings(2))
    other.__exit__(None, None, None)
    assert index.versions() == {"call-0": 0, "call-1": 1}


def test_a_failed_rebuild_changes_nothing_and_lets_go(index: MeilisearchIndex) -> None:
    index.apply([LISTING], [])
    with pytest.raises(RuntimeError, match="database"):
        rebuild(index, *listings(3), error=RuntimeError("database"))
    assert index.versions() == {"call-7": 3}
    rebuild(index, *listings(3))
    assert len(index.versions()) == 3


# The canary


def test_a_server_that_cuts_words_is_refused(standin: StandIn) -> None:
    standin.cuts = True
    index = MeilisearchIndex(standin.url)
    with pytest.raises(IndexUnavailable, match="words whole"):
        rebuild(index)
    assert index.uid not in standin.indexes


def test_the_canary_is_asked_at_first_use_and_after_trouble(
    odd: MeilisearchIndex, standin: StandIn
) -> None:
    standin.cuts = True
    assert odd.search(EVERYTHING).total == 0
    another = MeilisearchIndex(standin.url, prefix="t-")
    assert not another.ready()
    with pytest.raises(IndexUnavailable, match="words whole"):
        another.search(EVERYTHING)
    standin.answer = 500, b""
    with pytest.raises(IndexUnavailable):
        odd.search(EVERYTHING)
    standin.answer = None
    with pytest.raises(IndexUnavailable, match="words whole"):
        odd.search(EVERYTHING)


# Drift


def test_every_kind_of_difference_is_seen(index: MeilisearchIndex) -> None:
    rebuild(index, *listings(6))
    expected = {f"call-{n}": n for n in range(6)}
    assert not index.drift(expected).all
    found = index.drift({**expected, "call-2": 9, "call-6": 1, "solution-1": 1} | {"call-0": 0})
    assert (found.missing, found.stale) == ({"call-6", "solution-1"}, {"call-2"})
    del expected["call-5"]
    assert index.drift(expected).orphaned == {"call-5"}


def test_of_a_large_index_equal_buckets_are_read_in_turn(
    index: MeilisearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meilisearch, "_FEW", 0)
    rebuild(index, *listings(6))
    expected = {f"call-{n}": n for n in range(6)}
    stale = {**expected, "call-3": 99}
    turn = bucket("call-3") % 16
    assert index.drift(stale, turn=turn).stale == {"call-3"}
    assert not index.drift(stale, turn=turn + 1).all
    missing: dict[str, Any] = {**expected, "call-8": 1}
    assert index.drift(missing, turn=bucket("call-8") + 1).missing == {"call-8"}

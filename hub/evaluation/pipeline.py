"""A throw-away installation: posting through the rules, working through the real queue."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import func, select

from hub import commands, migrate
from hub.config import Settings
from hub.evaluation.labelled import LabelledSet
from hub.evaluation.market import Market, post
from hub.evaluation.matching import List, Lists
from hub.models.work import CHANGE_KINDS, OutboxTask
from hub.processes import die_with_parent
from hub.queue import connect, embedder_path, socket_path
from hub.services import Services
from search.embedding import EmbedderUnavailable, bundled
from seeds.reference import load_reference

START_SECONDS = 20
IDLE_ROUNDS = 6  # bursts without progress, each a second later than the last


class Unfinished(Exception):
    """The workers left tasks in the outbox."""


@dataclass(frozen=True)
class Installation:
    """A set that has been posted, indexed and matched."""

    services: Services
    market: Market
    seconds: float  # from the last publication to an empty outbox


@contextmanager
def installed(
    labelled: LabelledSet, kinds: tuple[str, ...] = CHANGE_KINDS
) -> Iterator[Installation]:
    """Post the set into a temporary folder and let the workers finish; the folder goes after.

    `kinds` are the outbox tasks that must be worked off: "index", "match" and "embed", which does
    nothing without a model. Raises Unfinished when the workers get no further.
    """
    with tempfile.TemporaryDirectory(prefix="localhub-") as folder:
        settings = Settings(data_dir=Path(folder), database_url="", redis_url="", meili_url="")
        services = Services.of(settings)
        migrate.upgrade(services.database)
        with services.database.unit_of_work() as session:
            load_reference(session)
            market = post(session, labelled)
        with _store(settings), _model(services, wanted="embed" in kinds):
            started = time.monotonic()
            _work_off(services, kinds)
            yield Installation(services, market, time.monotonic() - started)
        services.database.engine.dispose()


@dataclass(frozen=True)
class Scored:
    """A set that has been posted and scored, pair by pair, in every way.

    `variants` name the ways: "meaning", "words" and "without …" for each part; `pairs` are the
    judged or unjudged pairs with their sub-scores and r.
    """

    variants: dict[str, Lists]
    pairs: list[dict[str, Any]]


def scored(
    labelled: LabelledSet,
    vectors: Path | None = None,
    factors: Mapping[str, float] = MappingProxyType({}),
) -> Scored:
    """Post the set into a temporary folder and score every pair by the pure functions.

    No queue takes part, and nothing is stored. `vectors` is a file to keep vectors in. With
    `factors` of the weights, the pairs are scored by those too ("refitted …").
    """
    with tempfile.TemporaryDirectory(prefix="localhub-") as folder:
        settings = Settings(data_dir=Path(folder), database_url="", redis_url="", meili_url="")
        services = Services.of(settings)
        migrate.upgrade(services.database)
        with services.database.unit_of_work() as session:
            load_reference(session)
            market = post(session, labelled)
        out = Path(folder) / "pairs.json"
        with _model(services, wanted=True):
            subprocess.run(  # noqa: S603 - our own command line
                commands.judge(out, vectors, factors), env=_environment(settings), check=True
            )
        services.database.engine.dispose()
        found = json.loads(out.read_text())
    ids = {"call": market.calls, "solution": market.solutions}
    return Scored(
        variants={name: _lists(own, ids) for name, own in found["variants"].items()},
        pairs=[
            {**pair, **{side: known[pair[side]] for side, known in ids.items()}}
            for pair in found["pairs"]
        ],
    )


def _lists(found: dict[str, Any], ids: dict[str, dict[int, str]]) -> Lists:
    """Lists by the set's own ids."""
    others = {"call": ids["solution"], "solution": ids["call"]}
    return {
        side: {
            ids[side][int(number)]: List(
                tuple(others[side][other] for other in own["ranked"]), own["shown"]
            )
            for number, own in rows.items()
        }
        for side, rows in found.items()
    }


@contextmanager
def _store(settings: Settings) -> Iterator[None]:
    folder = settings.data_dir / "valkey"
    folder.mkdir()
    path = socket_path(settings.data_dir)
    path.parent.mkdir(mode=0o700)
    server = subprocess.Popen(  # noqa: S603 - our own command line
        commands.valkey(folder, path),
        stdout=subprocess.DEVNULL,
        preexec_fn=partial(die_with_parent, os.getpid()),
    )
    try:
        _await(settings)
        yield
    finally:
        server.terminate()
        server.wait()
        path.unlink(missing_ok=True)
        path.parent.rmdir()


@contextmanager
def _model(services: Services, *, wanted: bool) -> Iterator[None]:
    """The model that the settings name, answering; the bundled one runs only meanwhile."""
    settings = services.settings
    if not wanted or services.embedder is None:
        yield
        return
    server = None
    if not settings.embedder_url and bundled():
        server = subprocess.Popen(  # noqa: S603 - our own command line
            commands.embedder(),
            env=_environment(settings),
            stdout=subprocess.DEVNULL,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    try:
        _await_model(services)
        yield
    finally:
        if server is not None:
            server.terminate()
            server.wait()
            embedder_path(settings).unlink(missing_ok=True)


def _await_model(services: Services) -> None:
    assert services.embedder is not None
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            assert services.embedder.model
        except EmbedderUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _await(settings: Settings) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connect(settings, seconds=0.5).ping()
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _work_off(services: Services, kinds: tuple[str, ...]) -> None:
    """Run workers until no task is left."""
    idle = 0
    left = _waiting(services, kinds)
    while left:
        services.queue.ping(*kinds)
        subprocess.run(  # noqa: S603 - our own command line
            [*commands.worker(), "--burst"],
            env=_environment(services.settings),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before, left = left, _waiting(services, kinds)
        idle = 0 if left < before else idle + 1
        if idle == IDLE_ROUNDS:
            raise Unfinished(f"{left} tasks do not finish: {_complaints(services)}")
        time.sleep(idle)


def _environment(settings: Settings) -> dict[str, str]:
    outside = ("DATABASE_URL", "REDIS_URL", "MEILI_URL")
    return {k: v for k, v in commands.environment(settings).items() if k not in outside}


def _waiting(services: Services, kinds: tuple[str, ...]) -> int:
    """Tasks of these kinds in the outbox."""
    with services.database.session() as session:
        tasks = select(func.count()).select_from(OutboxTask).where(OutboxTask.kind.in_(kinds))
        return session.scalar(tasks) or 0


def _complaints(services: Services) -> str:
    with services.database.session() as session:
        return "; ".join(session.scalars(select(OutboxTask.last_error).distinct().limit(3)))

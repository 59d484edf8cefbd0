"""Matching a whole market anew as the product does it: outbox, steps, rows, lists, sentences.

    python -m benchmarks.rematching [--calls 200] [--solutions 2000] [--database URL]

A database is filled through the rules, then one worker matches everything in a new epoch, deals
every list and explains it. The baseline is the bare arithmetic of the same market in the same
process: its candidate lists and the scores of all pairs, without a database. Writes
benchmarks/results/rematching.md and .json.
"""

import argparse
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from benchmarks.corpus import Corpus
from benchmarks.measure import Spent, memory, spent
from hub import migrate
from hub.db import Database
from hub.models import Match, Municipality, Place
from seeds.reference import load_reference
from tests.conftest import NOW
from tests.market import firm, publish_call, publish_solution, town
from workers.jobs import deal, explaining, matching
from workers.matching.edges import rescore, shards

RESULTS = Path(__file__).parent / "results"
_POSTS_OF_FIRM, _CALLS_OF_TOWN = 3, 4
_KINDS = ("pilot", "accelerator", "proposal", "collaboration")
_STAGES = ("concept", "prototype", "product", "proven")


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--solutions", type=int, default=2_000)
    parser.add_argument("--database", help="an empty database; a new SQLite file when not given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.database or f"sqlite:///{folder}/hub.sqlite3"
        found = run(Database(url), Path(folder), asked.calls, asked.solutions)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "rematching.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "rematching.md").write_text(report(found))
    print(report(found))


def run(database: Database, folder: Path, calls: int, solutions: int) -> dict[str, Any]:
    """Return all measurements."""
    migrate.upgrade(database)
    with database.unit_of_work() as session:
        load_reference(session)
    filled = spent(lambda: _fill(database, calls, solutions))
    moment = NOW + timedelta(hours=1)
    clock = lambda: moment  # noqa: E731
    first = spent(lambda: matching.drain(database, folder, clock=clock))
    steps: dict[str, Callable[[], object]] = {
        "epoch": lambda: matching.new_epoch(database, now=moment),
        "pairs": lambda: matching.drain(database, folder, clock=clock),
        "lists": lambda: deal.drain(database, clock=clock),
        "sentences": lambda: explaining.drain(database, folder, clock=clock),
    }
    taken: dict[str, dict[str, float]] = {}
    for name, work in steps.items():
        with _transactions(database) as writing:
            took = spent(work)
        taken[name] = {**_seconds(took), "longest": round(max(writing, default=0.0), 2)}
    market = matching.ready(database, folder, None, now=moment).market
    bare = spent(lambda: [rescore(market, shard) for shard in shards(market, 1)])
    with database.session() as session:
        rows = {
            "pairs": session.scalar(select(func.count()).select_from(Match)),
            "places": session.scalar(
                select(func.count()).select_from(Place).where(Place.ends_at.is_(None))
            ),
        }
    return {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[1], 1),
        "database": database.engine.dialect.name,
        "calls": calls,
        "solutions": solutions,
        "filled": _seconds(filled),
        "first": _seconds(first),
        "steps": taken,
        "bare": _seconds(bare),
        "memory": memory(),
        **rows,
    }


def report(found: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    steps = found["steps"]
    pairs = steps["epoch"]["processor"] + steps["pairs"]["processor"]
    whole = sum(step["processor"] for step in steps.values())
    lines = [
        "# Matching a whole market anew, through the database",
        "",
        f"`python -m benchmarks.rematching --calls {found['calls']} --solutions "
        f"{found['solutions']}`; {found['machine']}, {found['database']}. One worker, by words. "
        f"The machine's load was {found['load']}.",
        "",
        f"{found['pairs']:,} pairs, {found['places']:,} places. Epoch and pairs take "
        f"**{pairs / found['bare']['processor']:.1f} times** the bare arithmetic of the same market "
        f"(candidate lists and scores, no database), everything together "
        f"{whole / found['bare']['processor']:.1f} times.",
        "",
        "| step | processor s | clock s | longest writing transaction, clock s |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {step['processor']} | {step['wall']} | {step['longest']} |"
            for name, step in steps.items()
        ),
        f"| bare arithmetic | {found['bare']['processor']} | {found['bare']['wall']} | |",
        f"| (reading and matching all texts for the first time) | {found['first']['processor']} | "
        f"{found['first']['wall']} | |",
        "",
        f"Memory of the process at its greatest: {found['memory']['greatest']:,} MB.",
        "",
    ]
    return "\n".join(lines)


def _seconds(took: Spent) -> dict[str, float]:
    return {
        "processor": round(took.processor / 1_000, 2),
        "wall": round(took.wall / 1_000, 2),
    }


@contextmanager
def _transactions(database: Database) -> Iterator[list[float]]:
    """Collect how long each writing transaction lasted, in seconds."""
    began: dict[int, float] = {}
    lasted: list[float] = []

    def wrote(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("BEGIN IMMEDIATE", "INSERT", "UPDATE", "DELETE")):
            began.setdefault(id(connection.connection.driver_connection), time.monotonic())

    def ended(connection: Any) -> None:
        start = began.pop(id(connection.connection.driver_connection), None)
        if start is not None:
            lasted.append(time.monotonic() - start)

    hooks = (("before_cursor_execute", wrote), ("commit", ended), ("rollback", ended))
    for name, hook in hooks:
        event.listen(database.engine, name, hook)
    try:
        yield lasted
    finally:
        for name, hook in hooks:
            event.remove(database.engine, name, hook)


def _fill(database: Database, calls: int, solutions: int) -> None:
    """Publish calls and solutions of sentences of the corpus."""
    corpus, chance = Corpus(), random.Random(7)
    with database.session() as session:
        codes = _codes(session)
    for start in range(0, calls, 20 * _CALLS_OF_TOWN):
        with database.unit_of_work() as session:
            for number in range(start, min(start + 20 * _CALLS_OF_TOWN, calls)):
                if number % _CALLS_OF_TOWN == 0:
                    officer = town(session, codes[number // _CALLS_OF_TOWN])
                _call(session, officer, corpus, chance)
    for start in range(0, solutions, 30 * _POSTS_OF_FIRM):
        with database.unit_of_work() as session:
            for number in range(start, min(start + 30 * _POSTS_OF_FIRM, solutions)):
                if number % _POSTS_OF_FIRM == 0:
                    owner = firm(session, f"株式会社{number}")
                _solution(session, owner, corpus, chance)


def _codes(session: Session) -> list[str]:
    return list(session.scalars(select(Municipality.code).order_by(Municipality.code)))


def _call(session: Session, officer: Any, corpus: Corpus, chance: random.Random) -> None:
    subject = corpus.subject(chance)
    title, first, *rest = corpus.texts_of(subject, chance, chance.triangular(300, 1_000, 520))
    half = len(rest) // 2
    publish_call(
        session,
        officer,
        title=title[:60],
        summary=first[:200],
        problem="".join(rest[:half])[:800] or first,
        wanted="".join(rest[half:])[:800],
        kind=chance.choice(_KINDS),
        themes=(subject.theme,),
    )


def _solution(session: Session, owner: Any, corpus: Corpus, chance: random.Random) -> None:
    subject = corpus.subject(chance)
    title, first, *rest = corpus.texts_of(subject, chance, chance.gauss(230, 60))
    publish_solution(
        session,
        owner,
        title=title[:60],
        summary="",
        solves=first,
        brings="".join(rest)[:800],
        kinds=(),
        themes=(subject.theme,),
        stage=chance.choice(_STAGES),
    )


if __name__ == "__main__":
    main()

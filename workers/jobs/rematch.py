"""Matching everything anew while somebody watches, beside whatever workers run.

The work is the tasks in the outbox, which any number of workers take; this process is one more of
them. Killed, it leaves tasks that others finish; started again, it goes on with them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import func, select

from hub.db import Database
from hub.domain import dealing
from hub.models import Match, OutboxTask
from workers.context import opened
from workers.jobs import deal, epochs, explaining, matching

TURN_SECONDS = 1.0  # between two looks at the progress


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the work: its name, its tasks, and what works on them for some seconds."""

    name: str
    kind: str
    work: Callable[[float], bool]


def rematch(*, fresh: bool) -> None:
    """A new epoch, or what is left of the last one unless a `fresh` one is asked for."""
    here = opened()
    folder = epochs.root(here.settings.data_dir)
    if fresh or not _begun(here.database):
        click.echo("統計をつくっています… / freezing the statistics …")
        matching.new_epoch(here.database, now=here.clock())
    else:
        click.echo("前回の続きから始めます / going on where it stopped")
    started, pairs = time.monotonic(), _pairs(here.database)
    for stage in _stages(here.database, folder, here.clock):
        _finish(here.database, stage)
    seconds = max(time.monotonic() - started, 0.001)
    done = _pairs(here.database) - pairs
    click.echo(
        f"マッチを作りなおしました: {done:,} 組、{seconds:.1f} 秒（{done / seconds:,.0f} 組/秒） / "
        f"matched anew: {done:,} pairs in {seconds:.1f} s ({done / seconds:,.0f} a second)"
    )


def _stages(database: Database, folder: Path, clock: matching.Clock) -> tuple[Stage, ...]:
    def match(seconds: float) -> bool:
        return matching.drain(database, folder, clock=clock, seconds=seconds)

    def dealt(seconds: float) -> bool:
        return deal.drain(database, clock=clock, seconds=seconds)

    def explain(seconds: float) -> bool:
        return explaining.drain(database, folder, clock=clock, seconds=seconds)

    return (
        Stage("マッチ / matching ", "match", match),
        Stage("一覧 / dealing    ", "deal", dealt),
        Stage("理由 / explaining ", "explain", explain),
    )


def _finish(database: Database, stage: Stage) -> None:
    """Work until no task of the stage is left, whoever works on it, and show how far it is."""
    total = left = _left(database, stage.kind)
    started = time.monotonic()

    def rate(_item: object) -> str:
        return f"{(total - left) / max(time.monotonic() - started, 0.001):,.1f}/s"

    with click.progressbar(
        length=total, label=stage.name, show_pos=True, item_show_func=rate
    ) as bar:
        while left:
            if stage.work(TURN_SECONDS):
                time.sleep(TURN_SECONDS / 5)  # others hold what is left, or it waits to be retried
            before, left = left, min(left, _left(database, stage.kind))
            bar.update(before - left, stage)


def _begun(database: Database) -> bool:
    """Whether an epoch has not been dealt yet."""
    with database.session() as session:
        waiting = select(OutboxTask.id).where(OutboxTask.cause == dealing.EPOCH).limit(1)
        return session.scalar(waiting) is not None or dealing.undealt(session) is not None


def _left(database: Database, kind: str) -> int:
    with database.session() as session:
        tasks = select(func.count()).select_from(OutboxTask).where(OutboxTask.kind == kind)
        return session.scalar(tasks) or 0


def _pairs(database: Database) -> int:
    """Pairs that have been scored in the newest epoch."""
    with database.session() as session:
        epoch = epochs.current(session)
        if epoch is None:
            return 0
        scored = select(func.count()).select_from(Match).where(Match.epoch_id == epoch.id)
        return session.scalar(scored) or 0

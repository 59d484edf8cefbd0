"""`python -m workers worker` and `python -m workers schedule`: what `hub worker` … start."""

import json
from pathlib import Path

import click

from hub.config import Settings


@click.group()
def main() -> None:
    """Background work of Local Hub."""


@main.command()
@click.option("--burst", is_flag=True, help="Stop when the queues are empty.")
def worker(burst: bool) -> None:
    """Take jobs from the queue and run them."""
    from workers.queue import work

    work(Settings(), burst=burst)


@main.command()
def schedule() -> None:
    """Wake the workers at fixed times and when tasks are due."""
    from workers.schedule import run

    run(Settings())


@main.command()
@click.option("--fresh", is_flag=True, help="Begin anew even if the last one was not finished.")
def rematch(fresh: bool) -> None:
    """Freeze new statistics and match every listing again, here and now."""
    from workers.jobs.rematch import rematch

    rematch(fresh=fresh)


@main.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--vectors", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--factors", default="{}", help="Factors of the weights to score by too, as JSON.")
def judge(out: Path, vectors: Path | None, factors: str) -> None:
    """Score every pair in every way that `hub eval` asks about, and write it to OUT."""
    from workers.evaluation import run

    run(out, vectors, json.loads(factors))


@main.command()
@click.option("--dry-run", is_flag=True, help="Only measure; do not say what to change.")
@click.option("--eval", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--vectors", type=click.Path(dir_okay=False, path_type=Path))
def tune(dry_run: bool, folder: Path | None, vectors: Path | None) -> None:
    """Refit the weights to the answers that were given, and measure before and after."""
    from workers.context import opened
    from workers.tune import CannotTune, run

    try:
        run(opened().database, click.echo, dry_run=dry_run, folder=folder, vectors=vectors)
    except CannotTune as problem:
        raise click.ClickException(str(problem)) from None


if __name__ == "__main__":
    main()

"""`hub eval match DIR` and `hub eval search DIR`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hub.evaluation import report
from hub.evaluation.labelled import BadSet, LabelledSet, read
from hub.evaluation.pipeline import Installation, Unfinished, installed
from hub.evaluation.report import Direction

Judge = Callable[[Installation, LabelledSet], list[Direction]]


@click.group("eval")
def command() -> None:
    """Measure matching and search on a labelled set, through the real pipeline."""


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path)),
        click.option("--json", "as_json", is_flag=True, help="Print everything as JSON."),
        click.option("--worst", default=0, metavar="N", help="Also print the N worst, with texts."),
        click.option(
            "--run",
            "run_file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Where to write the run file (default: run-match.jsonl or run-search.jsonl).",
        ),
    ):
        function = option(function)
    return function


@command.command("match")
@_options
def match(folder: Path, as_json: bool, worst: int, run_file: Path | None) -> None:
    """Match the calls and solutions of FOLDER, both ways."""
    target = run_file or Path("run-match.jsonl")
    _evaluate(folder, ("match",), report.match_directions, target, as_json, worst)


@command.command("search")
@_options
def search(folder: Path, as_json: bool, worst: int, run_file: Path | None) -> None:
    """Ask every query of FOLDER, of a baseline and of search step by step."""

    target = run_file or Path("run-search.jsonl")
    _evaluate(folder, ("index", "embed"), report.search_steps, target, as_json, worst)


def _evaluate(
    folder: Path, kinds: tuple[str, ...], judge: Judge, run_file: Path, as_json: bool, worst: int
) -> None:
    try:
        labelled = read(folder)
        with installed(labelled, kinds) as installation:
            directions = judge(installation, labelled)
    except (BadSet, Unfinished) as problem:
        raise click.ClickException(str(problem)) from None
    last = [d for d in directions if d.step in ("", report.STEPS[-1])]
    report.write_run(run_file, last)
    if as_json:
        click.echo(json.dumps(report.as_data(directions), ensure_ascii=False, indent=1))
    else:
        click.echo(report.as_table(directions, labelled))
        click.echo(f"worked off in {installation.seconds:.1f} s; run file: {run_file}")
    for direction in last if worst and not as_json else ():
        click.echo(f"\nworst of {report.NAMES[direction.subject]}")
        click.echo(report.worst(direction, labelled, worst))

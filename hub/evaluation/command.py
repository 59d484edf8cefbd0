"""`hub eval match DIR`, `hub eval search DIR` and `hub eval calibrate DIR …`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hub.evaluation import calibration, matching, report
from hub.evaluation.labelled import BadSet, LabelledSet, read
from hub.evaluation.noise import wrap
from hub.evaluation.pipeline import Unfinished, installed, scored
from hub.evaluation.stored import stored_lists


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


_vectors = click.option(
    "--vectors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to keep vectors in, so that the next run is quick.",
)


@command.command("match")
@_options
@click.option("--noise", is_flag=True, help="Also wrap every text in boilerplate.")
@click.option("--seed", default=1, show_default=True, help="What the boilerplate is drawn by.")
@click.option("--stored", is_flag=True, help="Judge the lists that the workers store.")
@_vectors
def match(
    folder: Path,
    as_json: bool,
    worst: int,
    run_file: Path | None,
    noise: bool,
    seed: int,
    stored: bool,
    vectors: Path | None,
) -> None:
    """Match the calls and solutions of FOLDER, both ways."""
    target = run_file or Path("run-match.jsonl")
    try:
        labelled = read(folder)
        sets = {"": labelled, **({"in boilerplate": wrap(labelled, seed)} if noise else {})}
        ways = {name: _ways(own, stored, vectors) for name, own in sets.items()}
    except (BadSet, Unfinished) as problem:
        raise click.ClickException(str(problem)) from None
    judgements = {
        f"{way} {name}".strip(): matching.judged(labelled, lists)
        for name, own in ways.items()
        for way, lists in own.items()
        if not name or not way.startswith("without")
    }
    main, lists = next(iter(ways[""].items()))
    with target.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(line)}\n" for line in matching.run_lines(lists))
    falls = _falls(judgements)
    if as_json:
        data = {name: matching.as_data(own) for name, own in judgements.items()}
        click.echo(json.dumps({"ways": data, "drops": falls}, ensure_ascii=False, indent=1))
        return
    click.echo(matching.quality_table(judgements))
    for way in ways[""]:
        if not way.startswith("without"):
            click.echo(f"\n{way}\n{matching.details(judgements[way])}")
    for way, fall in falls.items():
        sides = ", ".join(f"{fall[side]:+.3f} {name}" for side, name in matching.SIDES.items())
        click.echo(f"\n{way}: nDCG@10 falls in boilerplate by {sides}")
    click.echo(f"\nrun file: {target}")
    if worst:
        click.echo(matching.worst(labelled, lists, judgements[main], worst))


def _ways(labelled: LabelledSet, stored: bool, vectors: Path | None) -> dict[str, matching.Lists]:
    """Lists by the way they were made, the main one first."""
    if not stored:
        return scored(labelled, vectors).variants
    with (
        installed(labelled, ("index", "embed", "match", "deal")) as installation,
        installation.services.database.session() as session,
    ):
        return {"stored": stored_lists(session, installation.market)}


def _falls(judgements: dict[str, matching.Judgement]) -> dict[str, dict[str, float]]:
    return {
        name: matching.drops(judgements[name], noisy)
        for name in judgements
        if (noisy := judgements.get(f"{name} in boilerplate"))
    }


@command.command("calibrate")
@click.argument(
    "folders",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    nargs=-1,
    required=True,
)
@click.option("--seed", default=1, show_default=True, help="What the boilerplate is drawn by.")
@_vectors
def calibrate(folders: tuple[Path, ...], seed: int, vectors: Path | None) -> None:
    """Fit the map of r to the published values on the labelled FOLDERS.

    Every set counts as it is and in boilerplate, with and without meaning; a pair that is in no
    list of matches counts as unrelated.
    """
    judged: list[tuple[float, int]] = []
    try:
        for folder in folders:
            labelled = read(folder)
            for own in (labelled, wrap(labelled, seed)):
                for pair in scored(own, vectors).pairs:
                    grade = labelled.call_grades.get(pair["call"], {}).get(pair["solution"], 0)
                    judged += [(raw, grade) for raw in pair["raw"]]
        found = calibration.points(judged)
    except (BadSet, ValueError) as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"{len(judged)} judgements; r -> value (chance of this grade or better)")
    for point in found:
        click.echo(
            f"{point.raw:.2f} -> {point.value:.2f}  (grade {point.grade}: {point.chance:.3f})"
        )


@command.command("search")
@_options
def search(folder: Path, as_json: bool, worst: int, run_file: Path | None) -> None:
    """Ask every query of FOLDER, of a baseline and of search step by step."""
    target = run_file or Path("run-search.jsonl")
    try:
        labelled = read(folder)
        with installed(labelled, ("index", "embed")) as installation:
            steps = report.search_steps(installation, labelled)
    except (BadSet, Unfinished) as problem:
        raise click.ClickException(str(problem)) from None
    report.write_run(target, steps[-1])
    if as_json:
        click.echo(json.dumps(report.as_data(steps), ensure_ascii=False, indent=1))
        return
    click.echo(report.as_table(steps, labelled))
    click.echo(f"worked off in {installation.seconds:.1f} s; run file: {target}")
    if worst:
        click.echo(f"\nworst of search\n{report.worst(steps[-1], labelled, worst)}")

"""`hub eval match DIR`, `hub eval search DIR` and `hub eval calibrate DIR …`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hub.evaluation import calibration, matching, report
from hub.evaluation.labelled import BadSet, LabelledSet, read
from hub.evaluation.noise import wrap
from hub.evaluation.pipeline import Installation, Unfinished, installed, scored
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
    if stored:
        _evaluate(folder, ("match",), report.match_directions, target, as_json, worst)
        return
    try:
        labelled = read(folder)
        sets = {"": labelled, **({"in boilerplate": wrap(labelled, seed)} if noise else {})}
        found = {name: scored(own, vectors) for name, own in sets.items()}
    except BadSet as problem:
        raise click.ClickException(str(problem)) from None
    judgements = {
        f"{variant} {name}".strip(): matching.judged(labelled, lists)
        for name, own in found.items()
        for variant, lists in own.variants.items()
        if not name or not variant.startswith("without")
    }
    plain = found[""]
    main = next(iter(plain.variants))
    with target.open("w", encoding="utf-8") as file:
        for line in matching.run_lines(plain.variants[main]):
            file.write(json.dumps(line) + "\n")
    falls = _falls(judgements)
    if as_json:
        data = {name: matching.as_data(own) for name, own in judgements.items()}
        click.echo(json.dumps({"ways": data, "drops": falls}, ensure_ascii=False, indent=1))
        return
    click.echo(matching.quality_table(judgements))
    for variant in plain.variants:
        if not variant.startswith("without"):
            click.echo(f"\n{variant}\n{matching.details(judgements[variant])}")
    for variant, fall in falls.items():
        sides = ", ".join(f"{fall[side]:+.3f} {name}" for side, name in matching.SIDES.items())
        click.echo(f"\n{variant}: nDCG@10 falls in boilerplate by {sides}")
    click.echo(f"\nrun file: {target}")
    if worst:
        click.echo(matching.worst(labelled, plain.variants[main], judgements[main], worst))


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

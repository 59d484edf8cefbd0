"""Matching at scale: one change against the market, the whole market anew, dealing the lists.

    python -m benchmarks.matching [--folder DIR] [--name all]
            [--incremental 1000x10000,10000x100000,3000x300000] [--full 2000x20000,10000x100000]
            [--meaning 2000x20000,10000x100000]

Sizes are calls x solutions. Markets are built once in the folder and used again, and so are figures measured there before,
so that a long run can be taken up again. Writes benchmarks/results/matching-<name>.json
and .md.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.matching_report import report
from benchmarks.measure import disk, elsewhere

RESULTS = Path(__file__).parent / "results"
_STEPS = "benchmarks.matching_steps"
_FEW_RUNS = 50_000  # solutions from which on a full re-scoring is run once


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="where markets are kept between runs")
    parser.add_argument("--incremental", default="1000x10000,10000x100000,3000x300000")
    parser.add_argument("--full", default="2000x20000,10000x100000")
    parser.add_argument(
        "--meaning", default="2000x20000,5000x50000,10000x100000", help="the same, with vectors"
    )
    parser.add_argument("--name", default="all")
    parser.add_argument("--anew", action="store_true", help="measure what was measured before")
    asked = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # ours and the bare products alike
    with tempfile.TemporaryDirectory() as folder:
        results = run(asked.folder or Path(folder), asked)
    RESULTS.mkdir(exist_ok=True)
    name = RESULTS / f"matching-{asked.name}"
    name.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    name.with_suffix(".md").write_text(report(results))
    print(report(results))


def run(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Return all measurements."""
    began = time.monotonic()
    built: dict[str, Any] = {}
    found: dict[str, Any] = {"incremental": {}, "full": {}, "meaning": {}}
    for size in _listed(asked.incremental):
        calls, solutions = map(int, size.split("x"))
        place = _built(folder, calls, solutions, False, built)
        found["incremental"][str(solutions)] = _measured(place, "incremental", asked.anew)
    for kind in ("full", "meaning"):
        for size in _listed(getattr(asked, kind)):
            calls, solutions = map(int, size.split("x"))
            place = _built(folder, calls, solutions, kind == "meaning", built)
            runs = 1 if solutions >= _FEW_RUNS else 3
            found[kind][size] = _measured(place, "full", asked.anew, runs=runs)
    return {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        **found,
        "built": built,
        "minutes": round((time.monotonic() - began) / 60, 1),
    }


def _built(folder: Path, calls: int, solutions: int, meanings: bool, built: dict[str, Any]) -> Path:
    """Return the folder of a market, built when it is not there; note what building took."""
    name = f"{solutions}-{calls}{'-meaning' if meanings else ''}"
    place = folder / name
    if name not in built:
        took = elsewhere(
            _STEPS,
            step="build",
            folder=str(place),
            calls=calls,
            solutions=solutions,
            meanings=meanings,
        )
        built[name] = {**took, "disk": disk(place)}
    return place


def _measured(place: Path, step: str, anew: bool, **arguments: int) -> dict[str, Any]:
    """Return what a step found; a figure that is already there is used again."""
    known = place / f"{step}.json"
    if anew or not known.exists():
        found = elsewhere(_STEPS, step=step, folder=str(place), **arguments)
        known.write_text(json.dumps({**found, "load": round(os.getloadavg()[1], 1)}))
    read: dict[str, Any] = json.loads(known.read_text())
    return read


def _listed(text: str) -> Iterable[str]:
    return [part for part in text.split(",") if part]


if __name__ == "__main__":
    main()

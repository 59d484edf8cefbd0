"""Matching at scale: one change against the market, the whole market anew, dealing the lists.

    python -m benchmarks.matching [--folder DIR] [--incremental 10000,100000,300000]
                                  [--full 2000x20000,10000x100000] [--name all]

Markets are built once in the folder and used again. Writes benchmarks/results/matching-<name>.json
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
_CALLS_OF_MOST = 10_000
_FEW_RUNS = 50_000  # solutions from which on a full re-scoring is run once


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="where markets are kept between runs")
    parser.add_argument("--incremental", default="10000,100000,300000", help="solutions")
    parser.add_argument("--full", default="2000x20000,10000x100000", help="calls x solutions")
    parser.add_argument(
        "--meaning", default="2000x20000,10000x100000", help="the same, with vectors"
    )
    parser.add_argument("--name", default="all")
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
    for count in _listed(asked.incremental):
        solutions = int(count)
        place = _built(folder, min(solutions // 10, _CALLS_OF_MOST), solutions, False, built)
        found["incremental"][count] = elsewhere(_STEPS, step="incremental", folder=str(place))
    for kind in ("full", "meaning"):
        for size in _listed(getattr(asked, kind)):
            calls, solutions = map(int, size.split("x"))
            place = _built(folder, calls, solutions, kind == "meaning", built)
            runs = 1 if solutions >= _FEW_RUNS else 3
            found[kind][size] = elsewhere(_STEPS, step="full", folder=str(place), runs=runs)
    return {
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[1], 1),
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


def _listed(text: str) -> Iterable[str]:
    return [part for part in text.split(",") if part]


if __name__ == "__main__":
    main()

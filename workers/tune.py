"""`hub match tune`: what the answers say of the public weights, measured before and after.

Weights in force are those of the code. Nothing is stored here: people read what is printed, review
it, and change `workers/matching/score.py` and `hub/domain/weights.py`, or do not.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from hub.db import Database
from hub.domain import feedback
from hub.evaluation import matching
from hub.evaluation.labelled import BadSet, read
from hub.evaluation.pipeline import scored
from workers.matching.score import Weight
from workers.matching.tuning import (
    LEAST_COMPARISONS,
    MOST_OF_ONE,
    Answer,
    Fit,
    Refit,
    factors,
    measure,
    refit,
)

HELD_OUT = 5  # every fifth list is kept back to measure on

Say = Callable[[str], object]


class CannotTune(Exception):
    """Too few answers, or a set that cannot be read; the message says what is needed."""


def run(
    database: Database, say: Say, *, dry_run: bool, folder: Path | None, vectors: Path | None
) -> None:
    """Refit and print. Raises CannotTune."""
    with database.session() as session:
        answers = [Answer(**asdict(outcome)) for outcome in feedback.outcomes(session)]
    kept_back = [answer for answer in answers if held_out(answer.list)]
    found = refit([answer for answer in answers if not held_out(answer.list)])
    good = sum(answer.good for answer in answers)
    say(f"返事 / answers: {len(answers)} ({good} for, {len(answers) - good} against)")
    say(f"くらべた組 / comparisons: {found.comparisons}")
    say(
        f"1つの組織が数に入るのは{MOST_OF_ONE}組までです / one organisation counts for at most "
        f"{MOST_OF_ONE}: {found.counted} count, of {found.voices} organisations"
    )
    if found.counted < LEAST_COMPARISONS:
        raise CannotTune(
            f"返事が足りません。同じ一覧の中の賛否の組が{LEAST_COMPARISONS}組いります。"
            f"1つの組織は{MOST_OF_ONE}組まで数えます / "
            f"too few answers: {LEAST_COMPARISONS} comparisons of an answer for and one against "
            f"in the same list are needed, at most {MOST_OF_ONE} of one organisation; "
            f"there are {found.counted}"
        )
    say(_fits(found, measure(kept_back, found.before), measure(kept_back, found.after)))
    say(_changes(found))
    if folder is not None:
        say(_judged(folder, vectors, found.after))
    if not dry_run:
        say(_what_to_change(found))


def held_out(list_: str) -> bool:
    """Whether a list is kept back: always the same ones, whatever was answered since."""
    return hashlib.sha256(list_.encode()).digest()[0] % HELD_OUT == 0


def _fits(found: Refit, kept_before: Fit, kept_after: Fit) -> str:
    rows = (
        ("fitted on", found.fit_before, found.fit_after),
        ("held out", kept_before, kept_after),
    )
    lines = [f"{'':12}{'loss before':>12}{'after':>8}{'right before':>14}{'after':>8}"]
    lines += [
        f"{name:12}{before.loss:12.4f}{after.loss:8.4f}{before.right:14.1%}{after.right:8.1%}"
        for name, before, after in rows
    ]
    if kept_after.loss > kept_before.loss:
        lines.append("取り分けた一覧では悪くなります / worse on the lists that were held out")
    return "\n".join(lines)


def _changes(found: Refit) -> str:
    lines = [f"{'part':12}{'town':>14}{'firm':>14}"]
    for now, then in zip(found.before, found.after, strict=True):
        cells = [f"{a:.2f} -> {b:.2f}" if a != b else f"{a:.2f}" for a, b in _sides(now, then)]
        lines.append(f"{now.code:12}{cells[0]:>14}{cells[1]:>14}")
    return "\n".join(lines)


def _sides(now: Weight, then: Weight) -> tuple[tuple[float, float], tuple[float, float]]:
    return (now.town, then.town), (now.firm, then.firm)


def _judged(folder: Path, vectors: Path | None, weights: Sequence[Weight]) -> str:
    """The labelled set by the weights in force and by the refitted ones."""
    try:
        labelled = read(folder)
    except BadSet as problem:
        raise CannotTune(str(problem)) from None
    found = scored(labelled, vectors, factors(weights)).variants
    return matching.quality_table(
        {
            name: matching.judged(labelled, lists)
            for name, lists in found.items()
            if not name.startswith("without")
        }
    )


def _what_to_change(found: Refit) -> str:
    changed = [then for now, then in zip(found.before, found.after, strict=True) if now != then]
    if not changed:
        return "重みはいまのままでよいです / the weights in force stand"
    lines = [
        "重みはコードの中にあり、人が確かめてから変えます / weights live in code and are changed",
        "by people after review; in WEIGHTS of workers/matching/score.py and hub/domain/weights.py:",
        *(
            f"    {weight.code}: town {weight.town:.2f}, firm {weight.firm:.2f}"
            for weight in changed
        ),
    ]
    return "\n".join(lines)

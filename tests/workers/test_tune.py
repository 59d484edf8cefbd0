"""Refitting the weights to answers: what counts as one, what is printed, what never changes."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from hub import commands
from hub.config import Settings
from hub.db import Database
from hub.domain import feedback
from hub.domain.feedback import Pair
from hub.models import Call, Feedback, Organisation, Solution
from tests.conftest import NOW
from tests.hub.test_evaluation import CALLS, MATCHES, SOLUTIONS, lay
from tests.installation import ROOT
from tests.market import firm, pair, publish_call, publish_solution, town
from workers.matching import score
from workers.matching.score import CODES
from workers.tune import CannotTune, held_out, run

# One town alone changes no weight, however much it answers.
TOWNS = ("011002", "022012", "032018", "042021", "052019", "062014", "072010", "082015")


def answered(database: Database, lists: int) -> None:
    """Calls whose towns liked what shares their themes, and nothing else did the texts tell."""
    random = Random(3)
    with database.unit_of_work() as session:
        officers, owner = [town(session, body) for body in TOWNS], firm(session)
        solutions = [publish_solution(session, owner) for _ in range(4)]
        for number in range(lists):
            officer = officers[number % len(officers)]
            call = publish_call(session, officer, title=f"募集{number}")
            for rank, solution in enumerate(solutions, 1):
                good = rank == 4
                parts = {code: random.uniform(0.3, 0.7) for code in CODES}
                parts |= {"themes": 0.9 if good else 0.2, "text": 0.2 if good else 0.9}
                session.add(
                    Feedback(
                        organisation_id=call.organisation_id, call_id=call.id,
                        solution_id=solution.id, verdict="interested" if good else "declined",
                        reason="" if good else "theme", at=NOW,
                        seen={"list": "call", "rank": rank, "parts": parts, "prose": 1.0},
                    )
                )  # fmt: skip


def printed(database: Database, *, dry_run: bool = False, folder: Path | None = None) -> str:
    lines: list[str] = []
    run(database, lines.append, dry_run=dry_run, folder=folder, vectors=None)
    return "\n".join(lines)


def test_before_and_after_are_measured_on_lists_that_were_kept_back(database: Database) -> None:
    answered(database, 40)
    before = score.WEIGHTS
    said = printed(database, dry_run=True)
    assert "answers: 160 (40 for, 120 against)" in said
    assert "held out" in said
    assert " -> " in said
    assert "score.py" not in said
    assert score.WEIGHTS is before, "nothing is put in force"
    assert "workers/matching/score.py" in printed(database)
    assert 0 < sum(held_out(f"call-{number}") for number in range(1000)) < 400


def test_too_few_answers_are_refused_and_how_many_it_takes_is_said(database: Database) -> None:
    answered(database, 3)
    with pytest.raises(CannotTune, match="30 comparisons"):
        printed(database)


def test_what_one_organisation_counts_for_is_said(database: Database) -> None:
    answered(database, 40)
    assert "one organisation counts for at most 5: " in printed(database, dry_run=True)


def test_only_answers_about_fit_to_what_was_shown_count(database: Database) -> None:
    with database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        call = publish_call(session, officer)
        cases = [
            ("interested", "", True), ("proposed", "", True), ("declined", "theme", True),
            ("declined", "timing", True), ("declined", "have", True), ("declined", "other", True),
            ("hidden", "", True), ("interested", "", False),
        ]  # fmt: skip
        for rank, (verdict, reason, shown) in enumerate(cases, 1):
            solution = publish_solution(session, owner)
            session.add(pair(call, solution, parts={"text": 0.5}))
            session.flush()
            row = feedback.answer(
                session,
                Pair("call", call, solution),
                verdict,
                reason=reason,
                actor=officer,
                now=NOW,
            )
            if shown:
                row.seen = {**row.seen, "rank": rank}
        found = feedback.outcomes(session)
        assert [(one.place, one.good) for one in found] == [(1, True), (2, True), (3, False)]
        assert {one.list for one in found} == {f"call-{call.id}"}
        assert {key for one in found for key in one.parts} == {"text"}


def test_no_outcome_names_a_firm_a_post_or_a_size() -> None:
    named = set(feedback.Outcome.__dataclass_fields__)
    assert named == {"list", "voice", "place", "good", "parts", "prose"}
    columns = {c for m in (Call, Solution, Organisation) for c in m.__table__.columns.keys()}  # noqa: SIM118
    assert not {c for c in columns if "interest" in c or "feedback" in c or "liked" in c}


@pytest.mark.heavy
def test_a_labelled_set_is_measured_before_and_after(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMANTIC", "off")
    answered(database, 40)
    folder = lay(tmp_path / "set", calls=CALLS, solutions=SOLUTIONS, matches=MATCHES)
    said = printed(database, dry_run=True, folder=folder)
    assert "refitted words" in said
    with pytest.raises(CannotTune, match=r"calls\.jsonl"):
        printed(database, folder=tmp_path / "nowhere")


def test_the_command_ends_with_an_error_when_there_are_too_few(
    database: Database, settings: Settings
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub", "match", "tune", "--dry-run"],
        cwd=ROOT, env={**commands.environment(settings), "DATABASE_URL": settings.database},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "30 comparisons" in done.stderr

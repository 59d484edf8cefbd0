"""Measuring a labelled set of any shape that the description allows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hub.evaluation.command import command
from hub.evaluation.labelled import BadSet, read
from hub.evaluation.metrics import means, quality
from hub.evaluation.report import STEPS

CALLS: list[dict[str, Any]] = [
    {"id": "a", "municipality": "府中市", "prefecture": "広島県", "kind": "pilot",
     "title": "屋根の雪を下ろせない家を減らしたい",
     "body": "高齢の世帯で雪下ろしの人手が足りません。", "themes": ["除雪・寒冷地", "謎の分野"],
     "offers": ["field", "町内会の紹介"], "budget_yen": None, "deadline": "2031-02-03", "x": 1},
    {"id": "b", "municipality": "どこにもない村", "title": "題" * 130, "body": "図書館の本を夜も借りたい。",
     "themes": "education"},
    {"id": "c", "municipality": "東京都", "kind": "no such kind", "title": "会議録づくりを楽にしたい",
     "body": "会議の録音を文字にする時間が足りません。" * 300, "themes": [], "deadline": "soon"},
]  # fmt: skip
SOLUTIONS: list[dict[str, Any]] = [
    {"id": "s", "company": "雪の会社", "company_size": "micro", "title": "雪下ろしの助け合い",
     "body": "雪下ろしを頼みたい高齢の世帯と担い手をつなぎます。", "themes": ["snow"],
     "stage": "proven", "track_record": "12の町", "asks": ["実証フィールド", "名簿"]},
    {"id": "t", "company": "雪の会社", "title": "会議の録音を文字に", "body": "会議録を自動で作ります。"},
    {"id": "u", "title": "夜の図書館の無人貸出", "body": "図書館の本を夜に貸し出します。", "stage": "?"},
]  # fmt: skip
MATCHES = [
    {"call": "a", "solution": "s", "grade": 3},
    {"call": "b", "solution": "u", "grade": 3},
    {"call": "c", "solution": "t", "grade": 2},
]
QUERIES = [
    {"id": "1", "q": "雪下ろし", "target": "calls", "kind": "single",
     "relevant": [{"id": "a", "grade": 3}]},
    {"id": "2", "q": "会議録", "target": "solutions", "relevant": [{"id": "t"}]},
]  # fmt: skip


def lay(folder: Path, **files: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay(tmp_path / "set", calls=CALLS, solutions=SOLUTIONS, matches=MATCHES, queries=QUERIES)


def run(*words: str) -> str:
    result = CliRunner().invoke(command, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.heavy
def test_matching_both_ways_through_the_real_pipeline(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.jsonl"
    data = json.loads(run("match", str(folder), "--json", "--run", str(out)))
    assert data["call"]["summary"]["mrr"] == data["solution"]["summary"]["mrr"] == 1.0
    assert data["call"]["summary"]["judged"] == 3
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {line["call"] for line in lines if "call" in line} == {"a", "b", "c"}
    assert {line["solution"] for line in lines if "solution" in line} == {"s", "t", "u"}
    assert next(line["ranked"][0] for line in lines if line.get("call") == "b") == "u"


@pytest.mark.heavy
def test_search_through_the_real_pipeline(folder: Path, tmp_path: Path) -> None:
    output = run("search", str(folder), "--worst", "1", "--run", str(tmp_path / "run.jsonl"))
    summaries = {line[:24].strip(): line.split()[-1] for line in output.splitlines() if line}
    assert {name: summaries[name] for name in STEPS[1:]} == dict.fromkeys(STEPS[1:], "0.0%")
    assert "  single (" in output
    assert "会議の録音を文字に" in output or "屋根の雪" in output


def test_only_calls_and_solutions_must_exist(tmp_path: Path) -> None:
    labelled = read(lay(tmp_path / "small", calls=CALLS, solutions=SOLUTIONS))
    assert (len(labelled.calls), labelled.call_grades, labelled.queries) == (3, {}, {})


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"calls": CALLS}, "solutions.jsonl is missing"),
        ({"calls": [{"title": "x"}], "solutions": SOLUTIONS}, "calls.jsonl:1: a row needs an id"),
        ({"calls": [CALLS[0], CALLS[0]], "solutions": SOLUTIONS}, "calls.jsonl:2: a appears twice"),
        (
            {"calls": CALLS, "solutions": SOLUTIONS, "matches": [{"call": "z", "solution": "s"}]},
            "matches.jsonl:1: unknown call or solution",
        ),
    ],
)
def test_a_set_that_cannot_be_read_says_where(
    tmp_path: Path, files: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadSet, match=sentence):
        read(lay(tmp_path / "bad", **files))


def test_measures_by_hand() -> None:
    found = quality(["x", "good", "fair"], {"good": 3, "fair": 1})
    assert found.ndcg10 == pytest.approx((7 / 1.58496 + 1 / 2) / (7 + 1 / 1.58496), abs=1e-4)
    assert (found.recall20, found.mrr) == (1.0, 0.5)
    nothing = quality(["x"], {})
    assert (nothing.ndcg10, nothing.recall20, nothing.mrr) == (None, None, None)
    assert means([found, nothing])["mrr"] == 0.5
    assert quality([], {"good": 3}).mrr == 0.0


def test_the_command_is_part_of_hub() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub", "eval", "search", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--worst" in done.stdout

"""Measuring a labelled set of any shape that the description allows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hub.evaluation import calibration, matching, noise
from hub.evaluation.command import command
from hub.evaluation.labelled import BadSet, LabelledSet, read
from hub.evaluation.metrics import means, quality
from hub.evaluation.report import STEPS
from search.embedding import bundled

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
    data = json.loads(run("match", str(folder), "--stored", "--json", "--run", str(out)))
    stored = data["ways"]["stored"]
    assert stored["summary"]["call"]["mrr"] == stored["summary"]["solution"]["mrr"] == 1.0
    assert stored["lengths"]["call"] >= 1
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {line["call"] for line in lines if "call" in line} == {"a", "b", "c"}
    assert {line["solution"] for line in lines if "solution" in line} == {"s", "t", "u"}
    assert next(line["ranked"][0] for line in lines if line.get("call") == "b") == "u"


@pytest.mark.heavy
def test_scoring_in_every_way_and_in_boilerplate(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run.jsonl"
    monkeypatch.setenv("SEMANTIC", "off")
    data = json.loads(run("match", str(folder), "--noise", "--json", "--run", str(out)))
    ways = data["ways"]
    assert {"words", "words in boilerplate", "without text", "without themes"} <= set(ways)
    assert not any("meaning" in name for name in ways)
    for name in ("words", "words in boilerplate"):
        assert ways[name]["summary"]["call"]["mrr"] == 1.0
        assert ways[name]["summary"]["solution"]["mrr"] == 1.0
    assert set(data["drops"]["words"]) == {"call", "solution"}
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert next(line["ranked"] for line in lines if line.get("call") == "b")[0] == "u"
    table = run("match", str(folder), "--run", str(out), "--worst", "1")
    assert "exposure / relevance by size" in table
    assert "  1 [" in table


@pytest.mark.heavy
@pytest.mark.skipif(not bundled(), reason="the bundled model is not installed")
def test_meaning_takes_part_and_its_vectors_are_kept(folder: Path, tmp_path: Path) -> None:
    kept, out = tmp_path / "kept.npz", tmp_path / "run.jsonl"
    words = ("match", str(folder), "--json", "--run", str(out), "--vectors", str(kept))
    first, second = json.loads(run(*words)), json.loads(run(*words))
    assert kept.exists()
    assert first == second
    assert {"meaning", "words", "without meaning"} <= set(first["ways"])
    assert first["ways"]["words"] == first["ways"]["without meaning"]


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


def labelled_set(folder: Path) -> LabelledSet:
    (folder / "groups.json").write_text('{"stuffed": ["t", "gone"]}')
    return read(folder)


def test_lists_are_judged_by_what_they_show(folder: Path) -> None:
    labelled = labelled_set(folder)
    every = ("t", "s", "u")
    lists = {
        "call": {
            "a": matching.List(("s", "t", "u"), 1),
            "b": matching.List(("t", "u", "s"), 3),
            "c": matching.List(every, 0),
        },
        "solution": {"s": matching.List(("a", "b", "c"), 2)},
    }
    found = matching.judged(labelled, lists)
    assert found.means("call")["mrr"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert found.means("solution")["mrr"] == pytest.approx(1 / 3)  # two lists are missing
    assert found.groups["stuffed"] == matching.Group(places=1, most=1, unrelated=1)
    assert found.matchless is None
    assert found.lengths == {"call": pytest.approx(4 / 3), "solution": pytest.approx(2 / 3)}


def test_exposure_is_attention_against_relevance(folder: Path) -> None:
    labelled = labelled_set(folder)
    labelled.solutions["t"]["company_size"] = "large"
    lists = {
        "call": {
            "a": matching.List(("s", "t"), 2),
            "b": matching.List((), 0),
            "c": matching.List((), 0),
        },
        "solution": {},
    }
    found = matching.judged(labelled, lists).exposure
    second = 1 / 1.58496
    assert found["micro"] == pytest.approx(2 / (1 + second), abs=1e-4)
    assert found["large"] == pytest.approx(2 * second / (1 + second), abs=1e-4)
    assert found["small"] is None


def test_solutions_that_match_nothing_should_get_short_lists(folder: Path) -> None:
    lay(folder, matches=MATCHES[:1])
    lists = {"call": {}, "solution": {"t": matching.List(("a", "b"), 2)}}
    assert matching.judged(labelled_set(folder), lists).matchless == 1.0


def test_boilerplate_leaves_the_text_whole_and_the_rest_alone(folder: Path) -> None:
    labelled = read(folder)
    wrapped, again, other = (noise.wrap(labelled, seed) for seed in (1, 1, 2))
    assert wrapped == again
    assert wrapped != other
    for before, after in ((labelled.calls, wrapped.calls), (labelled.solutions, wrapped.solutions)):
        for id_, row in before.items():
            assert row["body"] in after[id_]["body"]
            assert len(after[id_]["body"]) > len(row["body"]) + 30
            assert "{" not in after[id_]["body"]
            assert {**after[id_], "body": ""} == {**row, "body": ""}


def test_boilerplate_comes_with_headings_in_paragraphs_and_in_one_piece() -> None:
    rows = {
        f"c{i}": {"id": f"c{i}", "municipality": f"町{i}", "title": "題", "body": "橋が古い。"}
        for i in range(40)
    }
    labelled = LabelledSet(rows, {}, {}, {}, {}, {}, {})
    bodies = [row["body"] for row in noise.wrap(labelled, 5).calls.values()]
    assert any("\n" not in body for body in bodies)
    assert any("\n\n" in body for body in bodies)
    assert any("応募資格\n" in body for body in bodies)
    assert len({body.replace("橋が古い。", "") for body in bodies}) == len(bodies)


def test_the_fit_grows_and_finds_where_a_chance_is_reached() -> None:
    hits = [(0.1, False), (0.2, True), (0.3, False), (0.4, True), (0.5, True)]
    assert calibration.isotonic(hits) == [
        (0.0, 0.1),
        (0.5, pytest.approx(0.25)),
        (1.0, pytest.approx(0.45)),
    ]
    assert calibration.crossing(hits, 0.5) == pytest.approx(0.25)
    assert calibration.crossing(hits, 0.75) == pytest.approx(0.35)
    with pytest.raises(ValueError, match="a chance of"):
        calibration.crossing([(0.3, False)], 0.5)


def test_calibration_recovers_a_known_curve() -> None:
    judged = [(i / 1000, 2 if i % 100 < i / 10 else 0) for i in range(1000)]
    found = {point.value: point.raw for point in calibration.points(judged)}
    assert found[0.53] == pytest.approx(0.5, abs=0.08)
    assert found[0.80] == pytest.approx(0.75, abs=0.08)
    assert list(found.values()) == sorted(found.values())


def test_the_command_is_part_of_hub() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub", "eval", "search", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--worst" in done.stdout

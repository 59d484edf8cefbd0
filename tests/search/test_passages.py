"""Passages: short, in the order of what they tell, and free of procedure."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from search.documents import SearchDocument
from search.passages import LONGEST, MOST_PASSAGES, digest, passages, windows

CALL = SearchDocument(
    id="call-1",
    version=1,
    target="call",
    title="冬の朝の通学路",
    summary="雪をかく人手が足りません。",
    body="",
    owner="",
)
NEED = "通学路の雪をかく担い手の多くが七十代になりました。"
PROCEDURE = "提案書は持参または郵送で提出してください。審査結果は文書で通知します。"
PREAMBLE = "本市は豊かな自然に恵まれています。"


def test_the_title_comes_first_then_the_gist_then_the_names_of_its_themes() -> None:
    named = replace(CALL, keywords=("除雪", "Snow", "青森県"), body=NEED)
    gist = f"冬の朝の通学路。雪をかく人手が足りません。。{NEED}"
    assert passages(named) == ("冬の朝の通学路", gist, "除雪、青森県", NEED)
    assert passages(replace(CALL, summary="")) == ("冬の朝の通学路",)


def test_procedure_and_preamble_are_no_passages() -> None:
    found = passages(replace(CALL, body=f"{PREAMBLE}{NEED}{PROCEDURE}"))
    assert found[1:] == (f"{CALL.title}。{CALL.summary}。{NEED}", NEED)


def test_preamble_speaks_where_nothing_else_is_said() -> None:
    assert list(windows(PREAMBLE + PROCEDURE)) == [PREAMBLE]


def test_neighbours_share_a_window_until_it_is_long_enough() -> None:
    sentences = [f"{number}番目の{'とても' * 15}長い文です。" for number in range(5)]
    found = list(windows("".join(sentences)))
    assert "".join(found) == "".join(sentences)
    assert [window.count("。") for window in found] == [3, 2]
    assert list(windows("短い。" * 7)) == ["短い。" * 3, "短い。" * 3, "短い。"]


def test_every_part_has_its_say_before_one_has_a_second() -> None:
    long = "".join(f"{number}番目の{'とても' * 25}長い文です。" for number in range(9))
    found = passages(replace(CALL, body="no part", needs=(long, NEED, "")))
    assert [text[:3] for text in found[2:]] == ["0番目", NEED[:3], "2番目", "4番目", "6番目"]
    assert "no part" not in found


def test_the_same_passage_is_kept_once_and_under_the_same_name() -> None:
    assert passages(replace(CALL, keywords=("除雪",), needs=("除雪",)))[2:] == ("除雪",)
    assert digest(NEED) == digest(NEED) != digest(PREAMBLE)
    assert len(digest("\ud800")) == 32


@given(st.text(max_size=300), st.text(max_size=600), st.lists(st.text(max_size=900), max_size=5))
def test_any_text_has_few_passages_and_none_is_empty(
    title: str, summary: str, needs: list[str]
) -> None:
    document = replace(CALL, title=title, summary=summary, needs=tuple(needs))
    found = passages(document)
    assert found == passages(document)
    assert len(set(found)) == len(found) <= MOST_PASSAGES
    assert all(text.strip("。") or not title.strip() for text in found)


@given(st.lists(st.sampled_from([NEED, PROCEDURE, PREAMBLE, "■応募資格\n", "短い。"]), max_size=30))
def test_windows_are_of_a_readable_length(parts: list[str]) -> None:
    for window in windows("".join(parts)):
        assert 0 < len(window) <= LONGEST
        assert window.count("。") <= 3

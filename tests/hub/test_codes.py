"""Check digits against published numbers, and the reading of a 法人番号."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.codes import (
    corporate_number_check_digit,
    municipality_check_digit,
    municipality_corporate_number,
    parse_corporate_number,
    valid_municipality_code,
)
from hub.domain.errors import Refused

CODES = ["011002", "130001", "132128", "132250", "141003", "271004"]
NUMBERS = ["4011001098993", "7000012050002", "7123456789012", "8000020130001"]
digits = st.text("0123456789", min_size=12, max_size=12)


@pytest.mark.parametrize("code", CODES)
def test_published_municipality_codes_are_valid(code: str) -> None:
    assert municipality_check_digit(code[:5]) == code[5]
    assert valid_municipality_code(code)


@pytest.mark.parametrize(
    "code",
    ["132129", "13212", "1321280", "", "１３２１２８", "13212x", "132128\n", "000019", "481009"],
)
def test_other_municipality_codes_are_not(code: str) -> None:
    assert not valid_municipality_code(code)


@pytest.mark.parametrize("place", range(6))
def test_a_slip_in_one_digit_of_a_municipality_code_shows(place: int) -> None:
    wrong = ["132128"[:place] + d + "132128"[place + 1 :] for d in "0123456789"]
    # Remainders 0 and 10 share the check digit 1, so beside the code itself one slip may pass.
    assert sum(map(valid_municipality_code, wrong)) <= 2


@pytest.mark.parametrize("number", NUMBERS)
def test_published_corporate_numbers_are_valid(number: str) -> None:
    assert corporate_number_check_digit(number[1:]) == number[0]
    assert parse_corporate_number(number) == number


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("130001", "8000020130001"),
        ("271004", "6000020271004"),
        ("141003", "3000020141003"),
        ("132128", "1000020132128"),
        ("132250", "2000020132250"),
    ],
)
def test_a_municipality_has_the_number_of_its_code(code: str, number: str) -> None:
    assert municipality_corporate_number(code) == number


@pytest.mark.parametrize("function", [municipality_check_digit, municipality_corporate_number])
@pytest.mark.parametrize("text", ["", "1", "12345678", "abcde", "１３２１２"])
def test_check_digits_want_digits(function, text: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        function(text)


@pytest.mark.parametrize(
    "typed",
    [
        "4011001098993",
        " 4011001098993 ",
        "４０１１００１０９８９９３",
        "4-0110-0109-8993",
        "4－0110－0109－8993",
        "4ー0110ー0109ー8993",
        "4−0110‐0109―8993",
        "4 0110 0109 8993",
        "4\u30000110\u30000109\u30008993",
        "法人番号4011001098993",
        "法人番号：4011001098993",
        "法人番号 4011001098993",
        "T4011001098993",
        "Ｔ４０１１００１０９８９９３",
        "t4011001098993",
        "T-4011001098993",
        "登録番号：T4011001098993",
        "4011001\u200b098993",
    ],
)
def test_a_corporate_number_is_read_however_it_is_written(typed: str) -> None:
    assert parse_corporate_number(typed) == "4011001098993"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "「法人番号」を入力してください"),
        ("\u3000", "「法人番号」を入力してください"),
        ("401100109899", "法人番号の数字が12桁です。13桁で入力してください"),
        ("40110010989931", "法人番号の数字が14桁です。13桁で入力してください"),
        ("４０１１", "法人番号の数字が4桁です。13桁で入力してください"),
        ("5011001098993", "法人番号の検査数字が合いません。打ち間違いがないか確かめてください"),
        ("4011001098939", "法人番号の検査数字が合いません。打ち間違いがないか確かめてください"),
        ("0011001098993", "法人番号の検査数字が合いません。打ち間違いがないか確かめてください"),
        ("401100109899O", "法人番号は数字13桁です。「o」を消してください"),
        ("なし", "法人番号は数字13桁です。「なし」を消してください"),
    ],
)
def test_the_failed_check_is_named(typed: str, sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_corporate_number(typed, field="number")
    (problem,) = refused.value.problems
    assert (problem.field, str(problem)) == ("number", sentence)


@given(digits)
def test_every_base_gets_one_check_digit_from_1_to_9(base: str) -> None:
    accepted = []
    for first in "0123456789":
        try:
            accepted.append(parse_corporate_number(first + base)[0])
        except Refused:
            continue
    assert accepted == [corporate_number_check_digit(base)]
    assert accepted != ["0"]


@given(digits, st.integers(0, 11), st.integers(1, 8))
def test_one_wrong_digit_changes_the_check_digit_unless_0_and_9(
    base: str, place: int, shift: int
) -> None:
    other = base[:place] + str((int(base[place]) + shift) % 10) + base[place + 1 :]
    same = corporate_number_check_digit(base) == corporate_number_check_digit(other)
    assert same == ({base[place], other[place]} == {"0", "9"})


@given(st.text())
def test_any_string_is_read_or_refused(text: str) -> None:
    try:
        number = parse_corporate_number(text)
    except Refused:
        return
    assert len(number) == 13

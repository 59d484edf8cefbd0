"""Limits of money and time in what a person types: 500万円以下, 上限300万, 今週中, 3日以内.

Texts are folded ones, so that width and case do not matter; kanji numerals are numbers too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from search.documents import AMOUNTS, DEADLINES, OVER


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in the folded text and the facet values that keep it.

    `doubtful` when the values hold more than was asked for or the words may mean something else.
    """

    start: int
    end: int
    field: str
    values: tuple[str, ...]
    doubtful: bool


def limits(text: str) -> Iterator[Limit]:
    """Yield the limits of a folded text."""
    yield from _amounts(text)
    yield from _deadlines(text)


# --- Money --------------------------------------------------------------------------------------

_DIGITS = {kanji: str(digit) for digit, kanji in enumerate("〇一二三四五六七八九")}
_SMALL = {"十": 10, "百": 100, "千": 1_000}
_BIG = {"万": 10**4, "億": 10**8, "兆": 10**12}
_ENGLISH = {"k": 10**3, "thousand": 10**3, "m": 10**6, "mn": 10**6, "million": 10**6}
_NUMERALS = "0-9〇一二三四五六七八九十百千万億"
_NUMBER = rf"[{_NUMERALS}](?:[{_NUMERALS}.]|,(?=[0-9]))*"
_UPPER = "以下|以内|未満|まで|を超えない"
_LOWER = "以上|超|を超える|より多い|より上"
_UPPER_BEFORE = r"上限額?|最大|限度額?|最高|max|under|up\ to|less\ than|below|within"
_LOWER_BEFORE = r"最低|下限|at\ least|over|more\ than|above|from"
_AMOUNT = re.compile(
    rf"""(?:(?P<money>予算|費用|金額|総額|事業費|委託費|委託料|補助額|支援額|budget)[はがの:額]?\ ?)?
    (?:(?P<upper_before>{_UPPER_BEFORE})|(?P<lower_before>{_LOWER_BEFORE}))?[はがの:]?\ ?
    (?<![{_NUMERALS}第数.,-])
    (?P<sign>¥|jpy\ ?)?
    (?:(?P<low>{_NUMBER})\ ?円?\ ?(?:~|〜|-|–|から)\ ?)?
    (?P<high>{_NUMBER})(?:\ ?(?P<english>k|m|mn|thousand|million)(?![a-z]))?
    \ ?(?P<unit>円|yen(?![a-z])|jpy(?![a-z]))?
    (?:くらい|ぐらい|程度|前後|ほど|台)?
    (?:(?P<upper>{_UPPER})|(?P<lower>{_LOWER}))?
    """,
    re.VERBOSE,
)
_AFTER_MONEY = re.compile(r"$|[\s、。,?!・/)」のでをがはにとかか]|あれ|あり|可|規模|予算|補助|委託")
_LEAST_YEN = 1_000


def _amounts(text: str) -> Iterator[Limit]:
    for match in _AMOUNT.finditer(text):
        yen = _yen(match["high"], match["english"])
        if yen is None or yen < _LEAST_YEN or not _is_money(match, text):
            continue
        low, most, exact = 0, yen, False
        if match["low"]:
            low = _lower_end(match["low"], match["high"], match["english"])
        elif match["lower"] or match["lower_before"]:
            low, most = yen, _NO_END
        elif match["upper"] == "未満":
            most = yen - 1
        elif not (match["upper"] or match["upper_before"]):
            low, exact = yen - 1, True
        values, inside = _bands(low, most)
        start = match.end() - len(match.group().lstrip())
        if values:
            yield Limit(start, match.end(), "amount", values, inside or exact)


def _is_money(match: re.Match[str], text: str) -> bool:
    """Tell whether a number is an amount of yen: by its unit, or by 万 with a word of limit."""
    if match["unit"] or match["sign"]:
        return True
    limited = any(match[name] for name in _SIGNS_OF_MONEY)
    big = any(unit in match["high"] for unit in _BIG)
    return limited and big and _AFTER_MONEY.match(text, match.end()) is not None


_SIGNS_OF_MONEY = ("money", "upper", "lower", "upper_before", "lower_before", "low")
_NO_END = 10**18


def _bands(low: int, most: int) -> tuple[tuple[str, ...], bool]:
    """Return the bands with ceilings above `low` and up to `most`, and whether one holds more."""
    values, inside, bottom = [], False, 0
    for band, top in (*AMOUNTS.items(), (OVER, _NO_END)):
        if top > low and bottom < most:
            values.append(band)
            inside = inside or bottom < low < top or bottom < most < top
        bottom = top
    return tuple(values), inside


def _lower_end(low: str, high: str, english: str | None) -> int:
    """Return the lower end of a range, which may leave its unit to the upper one: 300〜500万円."""
    shared = next((unit for unit in _BIG if high.endswith(unit) and unit not in low), "")
    return _yen(low + shared, english) or 0


def _yen(number: str, english: str | None = None) -> int | None:
    """Return the value of 1.5億, 三百万, 5,000,000, 5 million; None when it is no number."""
    total, section, digits = 0.0, 0.0, ""
    try:
        for char in number.replace(",", ""):
            if char in _SMALL:
                section += float(digits or 1) * _SMALL[char]
                digits = ""
            elif char in _BIG:
                total += (section + float(digits or (0 if section else 1))) * _BIG[char]
                section, digits = 0.0, ""
            else:
                digits += _DIGITS.get(char, char)
        value = (total + section + float(digits or 0)) * _ENGLISH.get(english or "", 1)
    except ValueError:
        return None
    return int(value) if value < _NO_END else None


# --- Time ---------------------------------------------------------------------------------------

_DUE = r"(?:(?:に|で|が|の)?(?:締め?切り?|〆切|期限)(?:られる|る)?(?:の|が)?)?"
_WITHIN = re.compile(
    rf"(?:(?P<left>あと|残り) ?|(?P<within>within |in (?:the )?next ))?(?P<number>[0-9]{{1,3}}|[一二三十]{{1,2}})"
    rf" ?(?P<unit>日|週間?|[ケか箇カ]月|days?|weeks?|months?)間?(?P<after>以内|後?まで)?{_DUE}"
)
_NAMED_TIMES = (
    (r"(?:今日|本日)(?:中|まで|締め?切り?)|today only", "3d"),
    (r"(?:明日|明後日)(?:中|まで|締め?切り?)", "3d"),
    (r"今週(?:末まで|末|中|いっぱい|まで|締め?切り?)|(?:closing )?this week", "1w"),
    (r"来週(?:末まで|末|中|いっぱい|まで|締め?切り?)|(?:by )?next week", "2w"),
    (r"今月(?:末まで|末|中|いっぱい|まで|締め?切り?)|(?:closing )?this month", "1m"),
)
_NAMED = [(re.compile(rf"(?:{pattern}){_DUE}"), value) for pattern, value in _NAMED_TIMES]
_DAYS = {"日": 1, "d": 1, "週": 7, "w": 7}
_DAYS_OF_A_MONTH = 30


def _deadlines(text: str) -> Iterator[Limit]:
    for pattern, value in _NAMED:
        for match in pattern.finditer(text):
            yield Limit(*match.span(), "deadline", (value,), True)
    for match in _WITHIN.finditer(text):
        count = _yen(match["number"])
        if count is None or not (match["left"] or match["within"] or match["after"]):
            continue
        days = count * _DAYS.get(match["unit"][0], _DAYS_OF_A_MONTH)
        if windows := [name for name, most in DEADLINES.items() if days <= most]:
            exact = DEADLINES[windows[0]] == days
            yield Limit(*match.span(), "deadline", (windows[0],), not exact)

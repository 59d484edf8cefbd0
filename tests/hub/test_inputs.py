"""What people type, what is kept, and the sentence when it cannot be read."""

import unicodedata
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import JST
from hub.domain.errors import Refused
from hub.domain.inputs import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_YEN,
    ClockTime,
    check_length,
    check_present,
    clean_line,
    clean_text,
    era,
    format_date,
    format_moment,
    format_money,
    length,
    parse_date,
    parse_email,
    parse_moment,
    parse_money,
    parse_time,
    parse_url,
)

TODAY = date(2026, 11, 20)
GA_WITH_SELECTOR = "葛\U000e0100"
FAMILY = "👨\u200d👩\u200d👧"


def sentence(parse, *args, **kwargs) -> str:
    """The one sentence of a refusal."""
    with pytest.raises(Refused) as refused:
        parse(*args, **kwargs)
    (problem,) = refused.value.problems
    assert problem.field == kwargs["field"]
    return str(problem)


# --- Text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("  題名  ", "題名"),
        ("\u3000題名\u3000", "題名"),
        ("\u00a0題名\u00a0", "題名"),
        ("山田\u3000太郎", "山田\u3000太郎"),
        (
            "髙橋・﨑山・神\ufa19・福\ufa1b・隆\uf9dc・塚\ufa10",
            "髙橋・﨑山・神\ufa19・福\ufa1b・隆\uf9dc・塚\ufa10",
        ),
        (f"{GA_WITH_SELECTOR}城市", f"{GA_WITH_SELECTOR}城市"),
        ("辻\ufe00", "辻\ufe00"),
        ("ＡＩ①㈱～〜", "ＡＩ①㈱～〜"),
        ("\ue000さん", "\ue000さん"),
        (FAMILY, FAMILY),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("👍🏽", "👍🏽"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("か\u200dき", "かき"),
        ("a\u200cb\u200b\ufeff\u2060c\xad", "abc"),
        ("a\x00b\x1b[31m\x7f\x9b", "ab[31m"),
        ("安全\u202egpj.exe\u2066\u200f", "安全gpj.exe"),
        ("a\ud800b\udfffc", "abc"),
        ("a\ufffe\U0010ffffb", "ab"),
        ("a\U000e0041\U000e007fb", "ab"),
        ("㊗\ufe0f\ufe0e\ufe0f", "㊗\ufe0f"),
        ("\ufe0fあ", "あ"),
        ("\u3164\u115f\u200b", ""),
        ("ｶﾞｲﾄﾞ､ﾊﾟﾝ｡", "ガイド、パン。"),
        ("ﾞあｱﾞ", "゛あア゛"),
        ("か\u3099", "が"),
        ("cafe\u0301", "café"),
        ("一行目\r\n二行目", "一行目 二行目"),
        ("a\tb\u2028c\vd", "a b c d"),
    ],
)
def test_a_line_is_kept_as_typed_without_what_cannot_be_seen(typed: str, kept: str) -> None:
    assert clean_line(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\u2028b\u2029c\x85d\fe\vf", "a\nb\nc\nd\ne\nf"),
        ("a  \nb\u3000\n", "a\nb"),
        ("\n\n\u3000本文\n\n\u3000次の段落\n\n", "本文\n\n\u3000次の段落"),
        ("項目\t値", "項目\t値"),
        ("  \n\t\n", ""),
    ],
)
def test_a_text_keeps_its_lines_and_paragraphs(typed: str, kept: str) -> None:
    assert clean_text(typed) == kept


ugly = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\u200d\ufe0f\ufe00\U000e0100\u3099ﾞｶか\u0301e👨👩❤\r\n\t \u3000神"),
        st.characters(categories=["Cs"]),
    )
)


@given(ugly)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    for clean in (clean_line, clean_text):
        once = clean(text)
        assert clean(once) == once
        once.encode("utf-8")
        assert length(once) == len(once)  # what is counted is what a column holds
        assert not any(
            unicodedata.category(c) == "Cc" for c in once.replace("\n", "").replace("\t", "")
        )
    assert not set("\n\t") & set(clean_line(text))


def test_length_counts_letters_with_their_marks_once() -> None:
    assert [length(t) for t in ("", "か\u3099", "é", "e\u0301", "題名")] == [0, 1, 1, 1, 2]


def test_an_empty_text_is_asked_for_and_a_long_one_counted() -> None:
    check_present("題名", " あ ", field="title")
    assert sentence(check_present, "題名", "\u3000\u200b\n", field="title") == (
        "「題名」を入力してください"
    )
    check_length("題名", "あ" * 60, 60, field="title")
    assert sentence(check_length, "題名", "あ" * 74, 60, field="title") == (
        "「題名」は60文字以内にしてください（いま74文字です）"
    )


# --- Dates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("", None),
        (" \u3000", None),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-1", "2026-12-01"),
        ("2026/12/1", "2026-12-01"),
        ("2026.12.1", "2026-12-01"),
        ("2026 12 1", "2026-12-01"),
        ("2026・12・1", "2026-12-01"),
        ("2026－12－01", "2026-12-01"),
        ("2026ー12ー01", "2026-12-01"),
        ("2026−12‐01", "2026-12-01"),
        ("２０２６／１２／０１", "2026-12-01"),
        ("２０２６年１２月１日", "2026-12-01"),
        ("2026年 12月 1日", "2026-12-01"),
        ("2026 年 12 月 1 日", "2026-12-01"),
        ("西暦2026年12月1日", "2026-12-01"),
        ("二〇二六年十二月一日", "2026-12-01"),
        ("20261201", "2026-12-01"),
        ("２０２６１２０１", "2026-12-01"),
        ("2026年12月1日（火）", "2026-12-01"),
        ("2026年12月1日(火曜日)", "2026-12-01"),
        ("2026年12月1日火曜日", "2026-12-01"),
        ("2026年（令和8年）12月1日（火）", "2026-12-01"),
        ("令和8年(2026年)12月1日", "2026-12-01"),
        ("2026年12月1日（火・令和8年）", "2026-12-01"),
        ("2026年12月1日（必着）", "2026-12-01"),
        ("2026年12月1日必着", "2026-12-01"),
        ("12月1日まで", "2026-12-01"),
        ("令和8年12月1日", "2026-12-01"),
        ("令和８年１２月１日", "2026-12-01"),
        ("令和八年十二月三十一日", "2026-12-31"),
        ("令和 8 年 12 月 1 日", "2026-12-01"),
        ("㋿8年12月1日", "2026-12-01"),
        ("令8.12.1", "2026-12-01"),
        ("R8.12.1", "2026-12-01"),
        ("R.8.12.1", "2026-12-01"),
        ("r8/12/1", "2026-12-01"),
        ("Ｒ８－１２－１", "2026-12-01"),
        ("R08.12.01", "2026-12-01"),
        ("R081201", "2026-12-01"),
        ("令和元年5月1日", "2019-05-01"),
        ("R元.5.1", "2019-05-01"),
        ("令和1年5月1日", "2019-05-01"),
        ("平成31年4月30日", "2019-04-30"),
        ("㍻30年4月1日", "2018-04-01"),
        ("H30.4.1", "2018-04-01"),
        ("平成33年3月31日", "2021-03-31"),
        ("昭和64年1月7日", "1989-01-07"),
        ("S45.3.15", "1970-03-15"),
        ("大正12年9月1日", "1923-09-01"),
        ("明治45年7月1日", "1912-07-01"),
        ("12/1", "2026-12-01"),
        ("１２／１", "2026-12-01"),
        ("12月1日", "2026-12-01"),
        ("12月1日（火）", "2026-12-01"),
        ("11/20", "2026-11-20"),
        ("11/19", "2027-11-19"),
        ("3月31日", "2027-03-31"),
        ("2月末", "2027-02-28"),
        ("11月末日", "2026-11-30"),
        ("令和10年2月末日", "2028-02-29"),
        ("1 December 2026", "2026-12-01"),
        ("Tue 1 December 2026", "2026-12-01"),
        ("Tuesday, December 1st, 2026", "2026-12-01"),
        ("Dec. 1, 2026", "2026-12-01"),
        ("1 Sept 2027", "2027-09-01"),
        ("1 dec", "2026-12-01"),
    ],
)
def test_dates_are_read_however_they_are_written(typed: str, day: str | None) -> None:
    assert parse_date(typed, today=TODAY) == (day and date.fromisoformat(day))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("明日", "「明日」を日付として読み取れません。「2026/11/20」のように入力してください"),
        ("未定", "「未定」を日付として読み取れません。「2026/11/20」のように入力してください"),
        (
            "12/1/2026",
            "「12/1/2026」を日付として読み取れません。「2026/11/20」のように入力してください",
        ),
        (
            "令和0年1月1日",
            "「令和0年1月1日」を日付として読み取れません。「2026/11/20」のように入力してください",
        ),
        (
            "x" * 60,
            f"「{'x' * 40}…」を日付として読み取れません。「2026/11/20」のように入力してください",
        ),
        (
            "2026年2月30日",
            "2026年2月は28日までです。日を確かめてください（入力は「2026年2月30日」）",
        ),
        ("2月30日", "2027年2月は28日までです。日を確かめてください（入力は「2月30日」）"),
        ("R8.11.31", "2026年11月は30日までです。日を確かめてください（入力は「R8.11.31」）"),
        ("2026/12/0", "2026年12月は31日までです。日を確かめてください（入力は「2026/12/0」）"),
        ("20261301", "13月はありません。月は1から12までです（入力は「20261301」）"),
        ("0/5", "0月はありません。月は1から12までです（入力は「0/5」）"),
        ("2026年12月", "日まで入力してください。例:「2026/11/20」（入力は「2026年12月」）"),
        ("令和8年12月", "日まで入力してください。例:「2026/11/20」（入力は「令和8年12月」）"),
        ("26/12/1", "「26/12/1」の年は西暦4桁か元号をつけて入力してください。例:「2026/11/20」"),
        (
            "8年12月1日",
            "「8年12月1日」の年は西暦4桁か元号をつけて入力してください。例:「2026/11/20」",
        ),
        ("0026-12-01", "年は1873から2199までにしてください（入力は「0026-12-01」）"),
        ("9999-12-31", "年は1873から2199までにしてください（入力は「9999-12-31」）"),
        (
            "12月1日（月）",
            "「12月1日（月）」は日付と曜日や年が合いません。どちらかを直してください",
        ),
        (
            "Mon 1 December 2026",
            "「Mon 1 December 2026」は日付と曜日や年が合いません。どちらかを直してください",
        ),
        (
            "2026年（令和七年）12月1日",
            "「2026年（令和七年）12月1日」は日付と曜日や年が合いません。どちらかを直してください",
        ),
    ],
)
def test_a_date_that_cannot_be_is_refused_with_what_to_do(typed: str, said: str) -> None:
    assert sentence(parse_date, typed, today=TODAY, field="closes_on") == said


days = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))


@given(days)
def test_a_date_shown_is_read_as_itself(day: date) -> None:
    western = f"{day.year}年{day.month}月{day.day}日"
    japanese = f"{era(day)}{day.month}月{day.day}日"
    shown = [format_date(day), format_date(day, "en"), western, japanese, day.isoformat()]
    wide = [unicodedata.normalize("NFKC", text).translate(WIDE) for text in shown]
    for text in (
        *shown,
        *wide,
        f"{day:%Y%m%d}",
        f"{day:%Y/%m/%d}",
        f"{day.year}.{day.month}.{day.day}",
    ):
        assert parse_date(text, today=TODAY) == day, text


WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(0, 364))
def test_a_date_without_year_is_the_next_one(today: date, ahead: int) -> None:
    day = today + timedelta(days=ahead)
    if (day.month, day.day) != (2, 29):
        assert parse_date(f"{day.month}/{day.day}", today=today) == day


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 12, 1), "令和8年"),
        (date(2019, 5, 1), "令和元年"),
        (date(2019, 4, 30), "平成31年"),
        (date(1989, 1, 8), "平成元年"),
        (date(1989, 1, 7), "昭和64年"),
        (date(1926, 12, 25), "昭和元年"),
        (date(1926, 12, 24), "大正15年"),
        (date(1912, 7, 30), "大正元年"),
        (date(1912, 7, 29), "明治45年"),
        (date(1800, 1, 1), ""),
    ],
)
def test_the_era_changes_on_its_day(day: date, name: str) -> None:
    assert era(day) == name


# --- Times and moments --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "clock"),
    [
        ("", None),
        ("\u3000", None),
        ("17:15", "17:15"),
        ("１７：１５", "17:15"),
        ("17：15", "17:15"),
        ("17:15:00", "17:15"),
        ("17.15", "17:15"),
        ("17時15分", "17:15"),
        ("１７時１５分", "17:15"),
        ("17 時 15 分", "17:15"),
        ("十七時十五分", "17:15"),
        ("17時5分", "17:05"),
        ("17時", "17:00"),
        ("17時半", "17:30"),
        ("17", "17:00"),
        ("1715", "17:15"),
        ("１７１５", "17:15"),
        ("905", "9:05"),
        ("9:05", "9:05"),
        ("09:05", "9:05"),
        ("0:00", "0:00"),
        ("零時", "0:00"),
        ("午後5時15分", "17:15"),
        ("午後５時", "17:00"),
        ("午後5:15", "17:15"),
        ("午後0時30分", "12:30"),
        ("午後17時", "17:00"),
        ("午前9時", "9:00"),
        ("午前0時", "0:00"),
        ("5:15 PM", "17:15"),
        ("5pm", "17:00"),
        ("5:15 p.m.", "17:15"),
        ("12pm", "12:00"),
        ("12am", "0:00"),
        ("正午", "12:00"),
        ("17時15分まで", "17:15"),
        ("17:15必着", "17:15"),
        ("17:15 JST", "17:15"),
        ("24:00", "24:00"),
        ("24時", "24:00"),
        ("２４：００", "24:00"),
        ("2400", "24:00"),
    ],
)
def test_times_are_read_however_they_are_written(typed: str, clock: str | None) -> None:
    found = parse_time(typed)
    assert (found and str(found)) == clock


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("夕方", "「夕方」を時刻として読み取れません。「17:15」のように入力してください"),
        ("17:5", "「17:5」を時刻として読み取れません。「17:15」のように入力してください"),
        ("17:15:30", "「17:15:30」を時刻として読み取れません。「17:15」のように入力してください"),
        ("-1:00", "「-1:00」を時刻として読み取れません。「17:15」のように入力してください"),
        ("17:60", "分は0から59までにしてください（入力は「17:60」）"),
        ("25:00", "時刻は0:00から24:00までにしてください（入力は「25:00」）"),
        ("24:01", "時刻は0:00から24:00までにしてください（入力は「24:01」）"),
        ("99", "時刻は0:00から24:00までにしてください（入力は「99」）"),
        (
            "午後12時",
            "「午後12時」は昼か夜か分かりません。「12:00」か「24:00」のように入力してください",
        ),
        (
            "午前13時",
            "「午前13時」は昼か夜か分かりません。「12:00」か「24:00」のように入力してください",
        ),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_what_to_do(typed: str, said: str) -> None:
    assert sentence(parse_time, typed, field="closes_time") == said


clocks = st.builds(ClockTime, st.integers(0, 23), st.integers(0, 59)) | st.just(ClockTime(0, 0, 1))


@given(clocks)
def test_a_time_shown_is_read_as_itself(clock: ClockTime) -> None:
    hour = clock.hour + 24 * clock.days
    written = [
        f"{hour}時{clock.minute}分",
        f"{hour:02}{clock.minute:02}",
        str(clock).translate(WIDE),
    ]
    for text in (str(clock), *written):
        assert parse_time(text) == clock, text
    half = "午後" if clock.hour >= 12 else "午前"
    if not clock.days:
        assert parse_time(f"{half}{clock.hour % 12}時{clock.minute}分") == clock


@pytest.mark.parametrize(
    ("day", "clock", "moment"),
    [
        ("", "", None),
        ("", "17:15", None),
        ("2026-12-01", "", "2026-12-01T08:15"),
        ("令和8年12月1日", "午後5時15分", "2026-12-01T08:15"),
        ("2026-12-01", "0:00", "2026-11-30T15:00"),
        ("2026-12-31", "24:00", "2026-12-31T15:00"),
        ("2026-12-01T17:15", "", "2026-12-01T08:15"),
        ("2026/12/1 9:00", "", "2026-12-01T00:00"),
        ("12月1日17時半まで", "", "2026-12-01T08:30"),
        ("12月1日（火）正午", "\u3000", "2026-12-01T03:00"),
        ("1 Oct 17:15", "", "2027-10-01T08:15"),
    ],
)
def test_a_moment_is_japan_time_and_ends_with_the_office_day(
    day: str, clock: str, moment: str | None
) -> None:
    expected = moment and datetime.fromisoformat(moment).replace(tzinfo=UTC)
    found = parse_moment(day, clock, today=TODAY)
    assert found == expected
    assert found is None or found.utcoffset() == timedelta(0)


def test_the_time_of_day_that_is_assumed_can_be_chosen() -> None:
    opening = parse_moment("2026-12-01", "", today=TODAY, default=ClockTime(0))
    assert opening == datetime(2026, 12, 1, tzinfo=JST)


def test_problems_of_date_and_time_are_told_together_each_on_its_field() -> None:
    with pytest.raises(Refused) as refused:
        parse_moment("2月30日", "夕方", today=TODAY, field="day", time_field="hour")
    assert [problem.field for problem in refused.value.problems] == ["day", "hour"]


def test_dates_and_moments_are_shown_with_weekday_and_era() -> None:
    moment = datetime(2026, 12, 1, 8, 15, tzinfo=UTC)
    assert format_moment(moment) == "2026年12月1日（火）17:15（令和8年）"
    assert format_moment(moment, "en") == "Tue 1 December 2026, 17:15 JST"
    assert format_date(date(2026, 12, 1)) == "2026年12月1日（火・令和8年）"
    assert format_date(date(2026, 12, 1), "en") == "Tue 1 December 2026"


@given(days, clocks)
def test_a_moment_shown_is_read_as_itself(day: date, clock: ClockTime) -> None:
    moment = clock.on(min(day, date(LAST_YEAR, 12, 30)))
    for lang in ("ja", "en"):
        assert parse_moment(format_moment(moment, lang), "", today=TODAY) == moment


# --- Money --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "yen"),
    [
        ("", None),
        (" \u3000", None),
        ("0", 0),
        ("0円", 0),
        ("０円", 0),
        ("3000000", 3_000_000),
        ("3,000,000", 3_000_000),
        ("３，０００，０００円", 3_000_000),
        ("3、000、000円", 3_000_000),
        ("300,0000", 3_000_000),
        ("3 000 000", 3_000_000),
        ("¥3,000,000", 3_000_000),
        ("￥3,000,000-", 3_000_000),
        ("\\3,000,000", 3_000_000),
        ("300万円", 3_000_000),
        ("300万", 3_000_000),
        ("３００万", 3_000_000),
        ("300 万円", 3_000_000),
        ("3百万", 3_000_000),
        ("三百万円", 3_000_000),
        ("金参百万円也", 3_000_000),
        ("3,000千円", 3_000_000),
        ("3百万円以内", 3_000_000),
        ("上限300万円", 3_000_000),
        ("上限：300万円（税込）", 3_000_000),
        ("300万円まで", 3_000_000),
        ("税込300万円", 3_000_000),
        ("約300万円", 3_000_000),
        ("300万円程度", 3_000_000),
        ("1.5億", 150_000_000),
        ("1億2000万円", 120_000_000),
        ("1億2,000万円", 120_000_000),
        ("１億２千万", 120_000_000),
        ("一億二千三百四十五万六千七百八十九円", 123_456_789),
        ("二〇万円", 200_000),
        ("2千5百万", 25_000_000),
        ("2千500万", 25_000_000),
        ("0.5万円", 5_000),
        ("12.34万", 123_400),
        ("1万5千円", 15_000),
        ("千円", 1_000),
        ("十五万", 150_000),
        ("2兆", 2_000_000_000_000),
        ("3 million yen", 3_000_000),
        ("JPY 3,000,000", 3_000_000),
        ("1.5 billion", 1_500_000_000),
        ("500 thousand", 500_000),
    ],
)
def test_money_is_read_however_it_is_written(typed: str, yen: int | None) -> None:
    assert parse_money(typed) == yen


UNREADABLE = "「%s」を金額として読み取れません。「3,000,000」のように入力してください"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        *(
            (typed, UNREADABLE % typed)
            for typed in (
                *(
                    "未定",
                    "円",
                    "万円",
                    "3,00",
                    "1,2,3",
                    "30,00,000",
                    "1万20000",
                    "5万3億",
                    "3..5万",
                ),
                *("$300", "300万円（税抜）", "1.5.2億", "百万千万"),
            )
        ),
        ("-300万円", "金額は0円以上にしてください（入力は「-300万円」）"),
        ("−1", "金額は0円以上にしてください（入力は「−1」）"),
        ("△300", "金額は0円以上にしてください（入力は「△300」）"),
        ("¥-5", "金額は0円以上にしてください（入力は「¥-5」）"),
        ("100万円～300万円", "金額は1つだけ入力してください（入力は「100万円～300万円」）"),
        ("100万円-300万円", "金額は1つだけ入力してください（入力は「100万円-300万円」）"),
        ("100万円から300万円", "金額は1つだけ入力してください（入力は「100万円から300万円」）"),
        ("0.5円", "金額は1円単位で入力してください（入力は「0.5円」）"),
        ("300.000", "金額は1円単位で入力してください（入力は「300.000」）"),
        ("1.00001万円", "金額は1円単位で入力してください（入力は「1.00001万円」）"),
        ("10兆円", "金額が大きすぎます。桁を確かめてください（入力は「10兆円」）"),
        (
            "9999999999999999",
            "金額が大きすぎます。桁を確かめてください（入力は「9999999999999999」）",
        ),
    ],
)
def test_money_that_cannot_be_read_is_refused_with_what_to_do(typed: str, said: str) -> None:
    assert sentence(parse_money, typed, field="budget_max") == said


@given(st.integers(0, MAX_YEN) | st.integers(0, MAX_YEN // 10**4).map(lambda n: n * 10**4))
def test_money_shown_is_read_as_itself(yen: int) -> None:
    for text in (format_money(yen), format_money(yen, "en"), str(yen), f"{yen:,}".translate(WIDE)):
        assert parse_money(text) == yen, text


def test_money_is_shown_in_the_units_people_say() -> None:
    amounts = (0, 500, 12_345, 3_000_000, 120_000_000, 2_000_000_000_000)
    shown = ["0円", "500円", "12,345円", "300万円", "1億2,000万円", "2兆円"]
    assert [format_money(yen) for yen in amounts] == shown
    assert format_money(3_000_000, "en") == "JPY 3,000,000"


# --- Addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "given_", "key"),
    [
        ("taro@example.jp", "taro@example.jp", "taro@example.jp"),
        ("  taro@example.jp\u3000", "taro@example.jp", "taro@example.jp"),
        ("Taro@Example.JP", "Taro@Example.JP", "taro@example.jp"),
        ("taro＠example．jp", "taro@example.jp", "taro@example.jp"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp", "taro@example.jp"),
        ("taro@example。jp", "taro@example.jp", "taro@example.jp"),
        ("taro @ example.jp", "taro@example.jp", "taro@example.jp"),
        ("mailto:taro@example.jp", "taro@example.jp", "taro@example.jp"),
        ("稲城 太郎 <taro@example.jp>", "taro@example.jp", "taro@example.jp"),
        ("taro+hub@example.jp", "taro+hub@example.jp", "taro+hub@example.jp"),
        ("\u200btaro@example.jp\ufeff", "taro@example.jp", "taro@example.jp"),
        ("taro@日本語.jp", "taro@日本語.jp", "taro@xn--wgv71a119e.jp"),
        ("taro@gmial.com", "taro@gmial.com", "taro@gmial.com"),
    ],
)
def test_an_address_is_repaired_and_kept_as_given(typed: str, given_: str, key: str) -> None:
    assert parse_email(typed) == (given_, key)


BAD_ADDRESS = "「%s」をメールアドレスとして読み取れません。打ち間違いがないか確かめてください"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "「メールアドレス」を入力してください"),
        ("\u3000\u200b", "「メールアドレス」を入力してください"),
        ("taro.example.jp", "メールアドレスには「@」が1つ必要です（入力は「taro.example.jp」）"),
        ("a@b@example.jp", "メールアドレスには「@」が1つ必要です（入力は「a@b@example.jp」）"),
        ("a" * 250 + "@x.jp", "メールアドレスは254文字以内にしてください"),
        *(
            (typed, BAD_ADDRESS % typed)
            for typed in (
                "taro@",
                "@example.jp",
                "taro@example",
                "taro@example..jp",
                "太郎@example.jp",
            )
        ),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_what_to_do(typed: str, said: str) -> None:
    assert sentence(parse_email, typed, field="email") == said


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("", None),
        ("\u3000", None),
        ("example.jp", "https://example.jp"),
        ("www.example.jp/会社/概要?a=1#b", "https://www.example.jp/会社/概要?a=1#b"),
        ("http://example.jp", "http://example.jp"),
        ("HTTPS://Example.JP/Path", "https://example.jp/Path"),
        ("ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｊｐ／", "https://example.jp/"),
        ("//example.jp", "https://example.jp"),
        ("https:/example.jp", "https://example.jp"),
        ("http:example.jp", "http://example.jp"),
        ("example.jp:8443/x", "https://example.jp:8443/x"),
        (" https://example.jp\n", "https://example.jp"),
        ("https://日本語.jp/", "https://日本語.jp/"),
        ("https://www.city.inagi.tokyo.jp/", "https://www.city.inagi.tokyo.jp/"),
    ],
)
def test_a_web_address_gets_its_scheme(typed: str, url: str | None) -> None:
    assert parse_url(typed) == url


SCHEME = "URLは「https://」か「http://」で始めてください（入力は「%s」）"
BAD_URL = "「%s」をURLとして読み取れません。「https://www.example.jp」のように入力してください"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        *(
            (typed, SCHEME % typed)
            for typed in (
                "ftp://example.jp",
                "javascript:alert(1)",
                "JavaScript://x.jp/",
                "data:x,y",
            )
        ),
        *(
            (typed, BAD_URL % typed)
            for typed in (
                *(
                    "会社のサイト",
                    "localhost",
                    "http://",
                    "http://127.0.0.1/",
                    "http://[::1",
                    "a.jp:99999",
                ),
                *(
                    "https://user:pass@example.jp",
                    "https://example.jp\\@evil.jp",
                    "a.jp/ b",
                    "a.jp/<b>",
                ),
            )
        ),
        ("example.jp/" + "a" * 300, "URLは300文字以内にしてください"),
    ],
)
def test_a_web_address_that_cannot_be_is_refused_with_what_to_do(typed: str, said: str) -> None:
    assert sentence(parse_url, typed, field="website") == said


# --- Anything at all ----------------------------------------------------------------------------

near = st.text(
    "0123456789０九十百千万億兆円年月日時分半末元令和平成RH火曜午前後正/-.:,、~()（） 　@a%T\u0661²"
)


@settings(deadline=None)  # the first address loads tables
@given(ugly | near | st.text(max_size=12))
def test_any_string_is_read_or_refused_in_a_sentence(text: str) -> None:
    parsers = [
        lambda: parse_date(text, today=TODAY),
        lambda: parse_time(text),
        lambda: parse_moment(text, "", today=TODAY),
        lambda: parse_moment("2026-12-01", text, today=TODAY),
        lambda: parse_money(text),
        lambda: parse_email(text),
        lambda: parse_url(text),
    ]
    for parse in parsers:
        try:
            parse()
        except Refused as refused:
            for problem in refused.problems:
                str(problem).encode("utf-8")


@pytest.mark.parametrize("text", ["9" * 100_000, "万" * 100_000, "円-" * 50_000, "(" * 100_000])
def test_a_huge_string_is_refused_quickly(text: str) -> None:
    for parse in (parse_time, parse_money, parse_email, parse_url):
        with pytest.raises(Refused):
            parse(text)
    with pytest.raises(Refused):
        parse_date(text, today=TODAY)

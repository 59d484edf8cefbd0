"""Forgiving input: what people type, turned into what we keep. Pure functions.

What software can repair is repaired silently, and the `format_*` functions show how it was
understood. What it cannot repair is refused with one sentence that says what to do. Prose and
names are kept as typed; only codes, dates, numbers and addresses are folded to one width.
"""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from urllib.parse import SplitResult, urlsplit

from email_validator import EmailNotValidError, validate_email

from hub.clock import JST, to_jst
from hub.domain.errors import Problem, Refused, raise_any, refuse
from hub.i18n import N_

# --- Text ---------------------------------------------------------------------------------------

_NEWLINE = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Never seen and never meant: controls (tab and newline stay), direction overrides and marks,
# zero-width and blank-looking characters, tags, lone surrogates, non-characters.
_JUNK = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c"
    "\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0"
    "\ufff0-\ufffc\ufffe\uffff\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    + "".join(f"{chr(end - 1)}{chr(end)}" for end in range(0x1FFFF, 0x110000, 0x10000))
    + "]"
)
_JOINER = "\u200d"
_HANGERS = f"\ufe00-\ufe0f\U000e0100-\U000e01ef{_JOINER}"
_HANGING = re.compile(f"([^{_HANGERS}]?)([{_HANGERS}]+)(?=(.?))", re.DOTALL)
_EMOJI = re.compile("[©®\u2190-\u2bff\U0001f000-\U0001faff]")
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]+")
# NFC would replace these kanji of people's names (神, 福, 隆 …) by others.
_NOT_COMPATIBILITY_KANJI = re.compile("[^\uf900-\ufaff\U0002f800-\U0002fa1f]+")


def clean_text(text: str) -> str:
    """Prose of several lines as it was typed, without what cannot be seen.

    Line ends become "\\n"; spaces (also full-width) at the ends of lines and of the whole are
    trimmed. Half-width katakana become full-width, because some systems garble them; letters
    typed in pieces (か + ゛) are joined. Nothing else is normalised: 髙, 﨑, ①, full-width letters
    and variation sequences stay. Cleaning twice changes nothing more.
    """
    text = _JUNK.sub("", _NEWLINE.sub("\n", text))
    text = _HANGING.sub(_keep_one_hanger, text)
    text = _HALF_WIDTH_KANA.sub(_full_width_kana, text)
    text = _NOT_COMPATIBILITY_KANJI.sub(lambda m: unicodedata.normalize("NFC", m[0]), text)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def clean_line(text: str) -> str:
    """The same for one line: line ends and tabs inside become one space."""
    return re.sub(r"[\t\n]+", " ", clean_text(text))


def _keep_one_hanger(found: re.Match[str]) -> str:
    """One variation selector after a visible character; a joiner only between two emoji."""
    base, hangers, following = found.groups()
    selector = next((c for c in hangers if c != _JOINER), "") if base.strip() else ""
    joined = _JOINER in hangers and _EMOJI.match(base) and _EMOJI.match(following)
    return f"{base}{selector}{_JOINER if joined else ''}"


def _full_width_kana(found: re.Match[str]) -> str:
    kana = unicodedata.normalize("NFKC", found[0])
    return kana.replace("\u3099", "゛").replace("\u309a", "゜")  # voicing marks standing alone


def length(text: str) -> int:
    """Characters as people count them: a letter with its marks is one."""
    return len(unicodedata.normalize("NFC", text))


def check_present(label: str, text: str, *, field: str) -> None:
    """Refuse a text that is empty once cleaned."""
    if not clean_text(text):
        raise refuse(field, N_("「%(label)s」を入力してください"), label=label)


def check_length(label: str, text: str, limit: int, *, field: str) -> None:
    """Refuse a text of more than `limit` characters, saying how many there are."""
    count = length(text)
    if count > limit:
        message = N_("「%(label)s」は%(limit)d文字以内にしてください（いま%(count)d文字です）")
        raise refuse(field, message, label=label, limit=limit, count=count)


_FOLDED = str.maketrans(
    "‐‒–—―−ー─━〜∼〇零一二三四五六七八九壱弐参拾萬",
    "---------~~00123456789123十万",
)


def fold(text: str) -> str:
    """`text` in one width and case, with one kind of dash, space and digit. For codes only."""
    text = unicodedata.normalize("NFKC", clean_line(text)).translate(_FOLDED).lower()
    return " ".join(text.split())


def _folded(text: str) -> str:
    """`text` folded, or a mark nothing reads when it is longer than any date, time or amount."""
    folded = fold(text)
    return folded if len(folded) <= 80 else "?"


def _typed(text: str) -> str:
    """What was typed, short enough to be quoted in a sentence."""
    line = clean_line(text)
    return line if len(line) <= 40 else f"{line[:40]}…"


# --- Numbers and money --------------------------------------------------------------------------

MAX_YEN = 9_999_999_999_999  # just under ten trillion: more is a slip of the key
_BIG_UNITS = (("兆", 10**12), ("億", 10**8), ("万", 10**4))
_SMALL_UNITS = (("千", 1000), ("百", 100), ("十", 10))
_PLAIN_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,8})?")
_GROUPED = re.compile(
    r"(?<![0-9,.])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,4}(?:,[0-9]{4})+)(?![0-9,])"
)
_ENGLISH_UNITS = (("thousand", "千"), ("million", "百万"), ("billion", "十億"), ("yen", "円"))
_MONEY_BEFORE = re.compile(r"^(?:(?:上限|最大|税込み?|約|金|jpy|[¥\\]):?)+")
_MONEY_AFTER = re.compile(r"(?:円|jpy|也|-|以内|以下|まで|程度|\(?(?:消費)?税込み?\)?)+$")


def _number(
    text: str, units: tuple[tuple[str, int], ...] = _BIG_UNITS + _SMALL_UNITS
) -> Fraction | None:
    """The value of 12.5, 3百, 1億2千万 …; None when it is not a number."""
    for place, (mark, unit) in enumerate(units):
        head, found, tail = text.partition(mark)
        if found:
            small = unit < 10**4
            times = (
                Fraction(1) if small and not head else _number(head, () if small else _SMALL_UNITS)
            )
            rest = _number(tail, units[place + 1 :]) if tail else Fraction(0)
            if times is None or rest is None or rest >= unit:
                return None
            return times * unit + rest
    return Fraction(text) if _PLAIN_NUMBER.fullmatch(text) else None


def parse_money(text: str, *, field: str = "money") -> int | None:
    """Whole yen from 300万円, 3,000,000, 3百万, 1.5億, 三百万円, 3 million yen …; None if blank.

    Zero is an amount. 約, 上限, 以内, まで, 税込 and the like are read over. Refuses what is
    negative, has fractions of a yen, is a range, is above `MAX_YEN`, or cannot be read.
    """
    amount = _folded(text).replace(" ", "").replace("、", ",")
    if not amount:
        return None
    typed = _typed(text)
    amount = _bare_amount(amount)
    if re.match("[-△▲]|マイナス", amount):
        raise refuse(field, N_("金額は0円以上にしてください（入力は「%(typed)s」）"), typed=typed)
    if re.search(".[-~].|から", amount):
        raise refuse(field, N_("金額は1つだけ入力してください（入力は「%(typed)s」）"), typed=typed)
    value = _number(amount)
    if value is None:
        message = N_(
            "「%(typed)s」を金額として読み取れません。「%(example)s」のように入力してください"
        )
        raise refuse(field, message, typed=typed, example="3,000,000")
    if value.denominator != 1 or re.fullmatch(r"[0-9]+\.[0-9]+", amount):  # 300.000 is a guess
        raise refuse(
            field, N_("金額は1円単位で入力してください（入力は「%(typed)s」）"), typed=typed
        )
    if value > MAX_YEN:
        message = N_("金額が大きすぎます。桁を確かめてください（入力は「%(typed)s」）")
        raise refuse(field, message, typed=typed)
    return int(value)


def _bare_amount(amount: str) -> str:
    """Without currency, grouping commas and words such as 上限; English units as Japanese ones."""
    for word, mark in _ENGLISH_UNITS:
        amount = amount.replace(word, mark)
    amount = _MONEY_AFTER.sub("", _MONEY_BEFORE.sub("", amount))
    return _GROUPED.sub(lambda m: m[0].replace(",", ""), amount)


def format_money(yen: int, lang: str = "ja") -> str:
    """`1億2,000万円`, `12,345円`; in English `JPY 120,000,000`."""
    if lang != "ja":
        return f"JPY {yen:,}"
    if yen % 10**4 or not yen:
        return f"{yen:,}円"
    parts = []
    for mark, unit in _BIG_UNITS:
        count, yen = divmod(yen, unit)
        if count:
            parts.append(f"{count:,}{mark}")
    return "".join(parts) + "円"


# --- Dates --------------------------------------------------------------------------------------

FIRST_YEAR, LAST_YEAR = 1873, 2199  # Japan counts by this calendar since 1873
_ERAS = (
    ("令和", "r", date(2019, 5, 1)),
    ("平成", "h", date(1989, 1, 8)),
    ("昭和", "s", date(1926, 12, 25)),
    ("大正", "t", date(1912, 7, 30)),
    ("明治", "m", date(1868, 1, 25)),
)
_WEEKDAYS = "月火水木金土日"
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_YEAR = (
    r"(?:(?P<era>令和?|平成?|昭和?|大正?|明治?|[rhstm])\.? ?(?P<era_year>元|0?[1-9][0-9]{0,2})"
    r"|(?:西暦 ?)?(?P<year>[0-9]{4}))"
)
_MONTH_DAY = r"(?P<month>[0-9]{1,2}) ?[-/.月・ ] ?(?P<day>[0-9]{1,2}|末)(?: ?日)?"
_DAY_NAME = r"(?:(?P<weekday>mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]? )?"
_ENGLISH_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_ENGLISH_MONTH = rf"(?P<name>{'|'.join(name[:3].lower() for name in _MONTH_NAMES)})[a-z]*\.?"
_ENGLISH_YEAR = r",?(?: (?P<year>[0-9]{4}))?"
_DATE_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        rf"{_YEAR} ?[-/.年・ ] ?{_MONTH_DAY}",
        _MONTH_DAY,
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        r"(?P<era>[rhstm])(?P<era_year>[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        rf"{_DAY_NAME}{_ENGLISH_DAY} {_ENGLISH_MONTH}{_ENGLISH_YEAR}",
        rf"{_DAY_NAME}{_ENGLISH_MONTH} {_ENGLISH_DAY}{_ENGLISH_YEAR}",
    )
)
_NOTED_YEAR = re.compile(f"{_YEAR}年?")
_NOTED_WEEKDAY = re.compile(f"[{_WEEKDAYS}](?:曜日?)?")
_NO_DAY = re.compile(rf"{_YEAR} ?[-/.年・ ] ?[0-9]{{1,2}}月?")
_SHORT_YEAR = re.compile("[0-9]{1,2}[-/.年・][0-9]{1,2}[-/.月・][0-9]{1,2}日?")
_KANJI_NUMBER = re.compile("[0-9]?[千百十][0-9千百十]{0,8}")
_BRACKETED = re.compile(r"\(([^()]*)\)")
_WEEKDAY_AFTER = re.compile(f" ?([{_WEEKDAYS}])曜日?$")
_DEADLINE_WORD = re.compile(" ?(?:まで|必着)$")


@dataclass(frozen=True, slots=True)
class _Written:
    """A date as it was written; it need not exist. `day` None is the last of the month."""

    year: int | None
    month: int
    day: int | None
    notes: tuple[str, ...]  # weekday and second year, folded


def parse_date(text: str, *, today: date, field: str = "date") -> date | None:
    """A date from any usual way of writing one, Western, by era, or English; None if blank.

    Without a year it is the next such day, today included (`today`: the date in Japan). 末 is
    the last day of the month. 平成33年 and the like are counted on. A weekday or a second year in
    brackets must agree. Refuses days that do not exist and years that can be read in two ways.
    """
    folded = _folded(text)
    if not folded:
        return None
    typed = _typed(text)
    plain, notes = _split_notes(folded)
    written = _find_date(plain, notes)
    if written is None:
        raise refuse(field, _why_unreadable(plain), typed=typed, example=f"{today:%Y/%m/%d}")
    day = _on_the_calendar(written, today, typed, field)
    if not all(_agrees(note, day) for note in written.notes):
        message = N_("「%(typed)s」は日付と曜日や年が合いません。どちらかを直してください")
        raise refuse(field, message, typed=typed)
    return day


def _split_notes(folded: str) -> tuple[str, tuple[str, ...]]:
    """The date alone, kanji numbers as digits; and the words in brackets, or a weekday after it."""
    plain = _KANJI_NUMBER.sub(_kanji_to_digits, _DEADLINE_WORD.sub("", folded))
    notes = re.split("[・、, ]", " ".join(_BRACKETED.findall(plain)))
    plain = " ".join(_BRACKETED.sub(" ", plain).split())
    if after := _WEEKDAY_AFTER.search(plain):
        plain, notes = plain[: after.start()], [*notes, after[1]]
    return plain, tuple(filter(None, notes))


def _kanji_to_digits(found: re.Match[str]) -> str:
    value = _number(found[0])
    return found[0] if value is None else str(value)


def _find_date(plain: str, notes: tuple[str, ...]) -> _Written | None:
    for shape in _DATE_SHAPES:
        if found := shape.fullmatch(plain):
            part = found.groupdict()
            return _Written(
                year=_year(part),
                month=int(part["month"]) if "month" in part else _month_number(part["name"]),
                day=None if part["day"] == "末" else int(part["day"]),
                notes=notes + ((part["weekday"],) if part.get("weekday") else ()),
            )
    return None


def _month_number(name: str) -> int:
    return 1 + next(i for i, month in enumerate(_MONTH_NAMES) if month.lower().startswith(name))


def _year(part: dict[str, str | None]) -> int | None:
    """The Western year of the named groups of `_YEAR`."""
    era, count, year = part.get("era"), part.get("era_year"), part.get("year")
    if era and count:
        start = next(day for name, letter, day in _ERAS if era in (name, name[0], letter))
        return start.year + (1 if count == "元" else int(count)) - 1
    return int(year) if year else None


def _on_the_calendar(written: _Written, today: date, typed: str, field: str) -> date:
    """The day that was written; refuses a month, year or day that there is not."""
    month, year = written.month, written.year
    if not 1 <= month <= 12:
        message = N_("%(month)d月はありません。月は1から12までです（入力は「%(typed)s」）")
        raise refuse(field, message, month=month, typed=typed)
    if year is None:
        year = today.year + ((month, written.day or 31) < (today.month, today.day))
    if not FIRST_YEAR <= year <= LAST_YEAR:
        message = N_("年は%(first)dから%(last)dまでにしてください（入力は「%(typed)s」）")
        raise refuse(field, message, first=FIRST_YEAR, last=LAST_YEAR, typed=typed)
    last = monthrange(year, month)[1]
    day = last if written.day is None else written.day
    if not 1 <= day <= last:
        message = N_(
            "%(year)d年%(month)d月は%(last)d日までです。日を確かめてください（入力は「%(typed)s」）"
        )
        raise refuse(field, message, year=year, month=month, last=last, typed=typed)
    return date(year, month, day)


def _agrees(note: str, day: date) -> bool:
    """Whether a weekday or year noted beside a date fits it; other notes say nothing."""
    if found := _NOTED_YEAR.fullmatch(note):
        return _year(found.groupdict()) == day.year
    if _NOTED_WEEKDAY.fullmatch(note):
        return note[0] == _WEEKDAYS[day.weekday()]
    names = [name.lower() for name in _DAY_NAMES]
    return note[:3] not in names or note[:3] == names[day.weekday()]


def _why_unreadable(plain: str) -> str:
    if _NO_DAY.fullmatch(plain):
        return N_("日まで入力してください。例:「%(example)s」（入力は「%(typed)s」）")
    if _SHORT_YEAR.fullmatch(plain):
        return N_("「%(typed)s」の年は西暦4桁か元号をつけて入力してください。例:「%(example)s」")
    return N_("「%(typed)s」を日付として読み取れません。「%(example)s」のように入力してください")


def era(day: date) -> str:
    """The year of `day` in the Japanese count: 令和8年, 令和元年. Empty before Meiji."""
    for name, _, start in _ERAS:
        if day >= start:
            count = day.year - start.year + 1
            return f"{name}{'元' if count == 1 else count}年"
    return ""


def format_date(day: date, lang: str = "ja") -> str:
    """`2026年12月1日（火・令和8年）`; in English `Tue 1 December 2026`."""
    if lang != "ja":
        return _english_date(day)
    return f"{_japanese_date(day)}（{_WEEKDAYS[day.weekday()]}・{era(day)}）"


def _japanese_date(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _english_date(day: date) -> str:
    month = _MONTH_NAMES[day.month - 1]
    return f"{_DAY_NAMES[day.weekday()]} {day.day} {month} {day.year}"


# --- Times and moments --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time on a Japanese clock. 24:00 is 0:00 with `days` 1."""

    hour: int
    minute: int = 0
    days: int = 0

    def on(self, day: date) -> datetime:
        """The moment of this time on `day` in Japan, aware, in UTC."""
        start = datetime.combine(day, time(self.hour, self.minute), JST)
        return (start + timedelta(days=self.days)).astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.hour + 24 * self.days}:{self.minute:02}"


END_OF_OFFICE_DAY = ClockTime(17, 15)
_TIME = re.compile(
    r"(?P<before>午前|午後)?(?P<hour>[0-9]{1,2})"
    r"(?:[:.](?P<minute>[0-9]{2})(?::00)?|時(?:(?P<minute_kanji>[0-9]{1,2})分?)?)?"
    r"(?P<after>[ap]\.?m\.?)?"
)
_PACKED_TIME = re.compile("(?P<hour>[0-9]{1,2})(?P<minute>[0-9]{2})")
_TIME_AFTER = re.compile(r"(?:\(?(?:jst|日本時間)\)?|まで|必着)+$")


def parse_time(text: str, *, field: str = "time") -> ClockTime | None:
    """A time from 17:15, 17時15分, 17時半, 午後5時15分, 5:15 pm, 1715, 正午, 24:00; None if blank.

    午前12時 and 午後12時 are refused: the law and the clock on the wall disagree about them.
    """
    folded = _folded(text).replace(" ", "")
    if not folded:
        return None
    typed = _typed(text)
    plain = _TIME_AFTER.sub("", folded).replace("時半", "時30分").replace("正午", "12:00")
    plain = _KANJI_NUMBER.sub(_kanji_to_digits, plain)
    found = _TIME.fullmatch(plain) or _PACKED_TIME.fullmatch(plain)
    if found is None:
        message = N_(
            "「%(typed)s」を時刻として読み取れません。「%(example)s」のように入力してください"
        )
        raise refuse(field, message, typed=typed, example=str(END_OF_OFFICE_DAY))
    part = found.groupdict()
    hour = _hour(int(part["hour"]), part.get("before"), part.get("after"))
    if hour is None:
        message = N_(
            "「%(typed)s」は昼か夜か分かりません。「12:00」か「24:00」のように入力してください"
        )
        raise refuse(field, message, typed=typed)
    minute = int(part["minute"] or part.get("minute_kanji") or 0)
    if minute > 59:
        message = N_("分は0から59までにしてください（入力は「%(typed)s」）")
        raise refuse(field, message, typed=typed)
    if hour * 60 + minute > 24 * 60:
        message = N_("時刻は0:00から24:00までにしてください（入力は「%(typed)s」）")
        raise refuse(field, message, typed=typed)
    return ClockTime(hour % 24, minute, hour // 24)


def _hour(hour: int, before: str | None, after: str | None) -> int | None:
    """The hour of 24, or None where a half of the day leaves it open."""
    if before and hour == 12:
        return None
    if after and hour == 12:
        return 12 if after.startswith("p") else 0
    if before == "午前" or (after or "").startswith("a"):
        return hour if hour < 12 else None
    if before or after:
        return hour + 12 if hour < 12 else hour
    return hour


_MOMENT = re.compile(
    r"(?P<date>.+?)(?:,? |t|(?<=[日)]))"
    r"(?P<time>(?:(?:午前|午後)?[0-9]{1,2}(?::[0-9]{2}(?::00)?|時(?:[0-9]{1,2}分|半)?)|正午)"
    r" ?(?:jst|まで|必着)?)(?P<note> ?\([^()]*\))?"
)


def parse_moment(
    date_text: str,
    time_text: str,
    *,
    today: date,
    field: str = "date",
    time_field: str | None = None,
    default: ClockTime = END_OF_OFFICE_DAY,
) -> datetime | None:
    """The moment, in UTC, of a date and time in Japan; None if the date is blank.

    Without a time it is `default`. Date and time may also stand together in `date_text` while
    `time_text` is blank. Problems of the time are put on `time_field`, or on `field` if not given.
    """
    if not _folded(time_text) and (found := _MOMENT.fullmatch(_folded(date_text))):
        date_text, time_text = found["date"] + (found["note"] or ""), found["time"]
    day, clock = None, None
    problems: tuple[Problem, ...] = ()
    try:
        day = parse_date(date_text, today=today, field=field)
    except Refused as refused:
        problems += refused.problems
    try:
        clock = parse_time(time_text, field=time_field or field)
    except Refused as refused:
        problems += refused.problems
    raise_any(problems)
    return (clock or default).on(day) if day else None


def format_moment(moment: datetime, lang: str = "ja") -> str:
    """`2026年12月1日（火）17:15（令和8年）`; in English `Tue 1 December 2026, 17:15 JST`."""
    local = to_jst(moment)
    day, clock = local.date(), f"{local.hour}:{local.minute:02}"
    if lang != "ja":
        return f"{_english_date(day)}, {clock} JST"
    return f"{_japanese_date(day)}（{_WEEKDAYS[day.weekday()]}）{clock}（{era(day)}）"


# --- Addresses ----------------------------------------------------------------------------------

EMAIL_MAX, URL_MAX = 254, 300


def parse_email(text: str, *, field: str = "email") -> tuple[str, str]:
    """(address as given, key to compare by) of an e-mail address.

    Repairs full-width characters, 。 for a dot, spaces, `mailto:` and `Name <address>`. The key is
    in lower case throughout: telephones like to write Taro@ where Taro signed up as taro@.
    """
    line = clean_line(text)
    if not line:
        raise refuse(field, N_("「メールアドレス」を入力してください"))
    if len(line) > EMAIL_MAX:
        raise refuse(field, N_("メールアドレスは%(limit)d文字以内にしてください"), limit=EMAIL_MAX)
    address = unicodedata.normalize("NFKC", line).replace("。", ".")
    if inside := re.search("<([^<>]*)>$", address):
        address = inside[1]
    address = re.sub(r"\s", "", re.sub("^mailto:", "", address, flags=re.IGNORECASE))
    if address.count("@") != 1:
        message = N_("メールアドレスには「@」が1つ必要です（入力は「%(typed)s」）")
        raise refuse(field, message, typed=_typed(text))
    try:
        valid = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        message = N_(
            "「%(typed)s」をメールアドレスとして読み取れません。打ち間違いがないか確かめてください"
        )
        raise refuse(field, message, typed=_typed(text)) from error
    return address, f"{valid.local_part}@{valid.ascii_domain}".lower()


_ASCII_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SCHEME = re.compile("([a-z][a-z0-9+.-]*)://|([a-z][a-z0-9+-]*):(?![0-9])", re.IGNORECASE)
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})"
)


def parse_url(text: str, *, field: str = "url") -> str | None:
    """A web address, `https://` put in front when no scheme was typed; None if blank.

    Only http and https, a public-looking host name, no user name or password inside.
    """
    line = clean_line(text).translate(_ASCII_WIDTH)
    if not line:
        return None
    if len(line) > URL_MAX - len("https://"):  # what may be put in front
        raise refuse(field, N_("URLは%(limit)d文字以内にしてください"), limit=URL_MAX)
    line = re.sub("^(https?):/*", r"\1://", line, flags=re.IGNORECASE)
    scheme = _SCHEME.match(line)
    if scheme and (scheme[1] or scheme[2]).lower() not in ("http", "https"):
        message = N_("URLは「https://」か「http://」で始めてください（入力は「%(typed)s」）")
        raise refuse(field, message, typed=_typed(text))
    parts = _split_url(line if scheme else f"https://{line.lstrip('/')}")
    if parts is None:
        message = N_(
            "「%(typed)s」をURLとして読み取れません。「%(example)s」のように入力してください"
        )
        raise refuse(field, message, typed=_typed(text), example="https://www.example.jp")
    return parts.geturl()


def _split_url(url: str) -> SplitResult | None:
    """The parts of a web address with its host in lower case; None when it is not one."""
    if re.search(r"[\s<>\"\\]", url):
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        parts.port  # noqa: B018 - raises when it is no port
    except ValueError:  # UnicodeError is one
        return None
    if "@" in parts.netloc or not _HOST.fullmatch(host):
        return None
    return parts._replace(netloc=parts.netloc.lower()) if parts.netloc.isascii() else parts

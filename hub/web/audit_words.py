"""Names of what the audit measures, in the reader's language."""

from datetime import date

from flask_babel import format_date

from hub.domain.fairness.groups import OTHER
from hub.domain.fairness.weeks import Week
from hub.i18n import N_
from hub.web import present
from hub.web.language import name_of
from hub.web.words import _

SIZE_NAMES = {
    "micro": N_("5人まで"),
    "small": N_("6人から20人"),
    "medium": N_("21人から300人"),
    "large": N_("301人から"),
    "unknown": N_("わからない"),
    "all": N_("全社"),
}
AGE_NAMES = {
    "new": N_("8週間以内にはじめた会社"),
    "known": N_("その前からの会社"),
}
CALLS_NAMES = {
    "1": N_("募集が1件の自治体"),
    "2-4": N_("募集が2件から4件の自治体"),
    "5+": N_("募集が5件からの自治体"),
}
HOW_NAMES = {
    "merit": N_("点数の順"),
    "turn": N_("つまみの入れかえ"),
    "reserve": N_("取り置き"),
}
PART_NAMES = {
    "span": N_("しらべた期間"),
    "firms": N_("合う会社"),
    "by_size": N_("会社の大きさ"),
    "by_age": N_("公開をはじめた時期"),
    "by_area": N_("会社の場所"),
    "balance": N_("小さい会社と大きい会社"),
    "spread": N_("会社のあいだのかたより"),
    "spread.lorenz": N_("注目の少ないほうからの合計"),
    "calls": N_("募集"),
    "solutions": N_("ソリューション"),
    "won": N_("場所の決まり方"),
    "loss": N_("一覧の点数の下がり"),
    "kept": N_("次の日も残った場所"),
    "replies": N_("自治体の返事"),
    "towns": N_("自治体"),
    "towns.by_area": N_("自治体の場所"),
    "towns.by_calls": N_("自治体の募集の数"),
}
MEASURE_NAMES = {
    "0": N_("はじめ"),
    "1": N_("終わり"),
    "entitled": N_("合う相手がある数"),
    "shown": N_("一覧に出た数"),
    "waiting": N_("出番を待つ会社"),
    "too_long": N_("2週間をこえて待つ会社"),
    "median_wait": N_("待った日数の中央値"),
    "members": N_("数"),
    "value": N_("値"),
    "ratio": N_("比"),
    "low": N_("95%区間の下の端"),
    "high": N_("95%区間の上の端"),
    "below": N_("0.8を下回る"),
    "smaller": N_("小さい会社の区分"),
    "larger": N_("大きい会社の区分"),
    "gini": N_("ジニ係数"),
    "top": N_("上位1%の会社が受けた割合"),
    "worst": N_("下位1割の平均と全社の平均の比"),
    "open": N_("受付中だった数"),
    "dealt": N_("一覧を作った数"),
    "without": N_("合う会社がない数"),
    "few": N_("合う会社が5社に満たない数"),
    "unseen": N_("4週間どこにも出ていない数"),
    "share": N_("割合"),
    "places": N_("場所の数"),
    "lists": N_("一覧の数"),
    "mean": N_("平均"),
    "p95": N_("20件に1件がこえる値"),
    "max": N_("いちばん大きい値"),
    "worst_lists": N_("大きいほうの5%の平均"),
    "of": N_("もとの数"),
}


def size_name(key: str) -> str:
    """Name of a size class of firms."""
    return _(SIZE_NAMES[key])


def area_name(key: str) -> str:
    """Name of a prefecture, of the rest of a region, or of the rest of the country."""
    if key == OTHER:
        return _("そのほかの地域")
    prefectures = present.vocabulary().prefectures
    if key in prefectures:
        return present.place_name(prefectures[key])
    regions = {row.region_key: row.region for row in prefectures.values()}
    region = name_of(regions[key.removesuffix("+")])
    return _("%(region)s（ほかの県）", region=region)


def key_name(part: str, key: str) -> str:
    """Name of a class, as the flat table has it."""
    if part.endswith("by_area"):
        return area_name(key) if key else ""
    if part == "spread.lorenz":
        return f"{int(key) * 5}%"
    names = SIZE_NAMES | AGE_NAMES | CALLS_NAMES | HOW_NAMES
    return _(names[key]) if part != "span" and key in names else ""


def measure_name(part: str, key: str, measure: str) -> str:
    """Name of a number, as the flat table has it."""
    if part == "span":
        return _(MEASURE_NAMES[key])
    if not measure:
        return ""
    name = MEASURE_NAMES["worst_lists" if (part, measure) == ("loss", "worst") else measure]
    return _(name)


def week_name(week: Week) -> str:
    """First and last day of a week."""
    return _("%(first)sから%(last)sまで", first=_day(week.monday), last=_day(week.sunday))


def _day(day: date) -> str:
    return str(format_date(day, "long"))

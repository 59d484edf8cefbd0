"""Synthetic Japanese listings and queries of natural length, the same for the same seed."""

import random
from collections.abc import Sequence

from search.documents import SearchDocument

NOW = 1_800_000_000
_DAY = 86_400

_FIELDS = {
    "childcare": "子育て 保育園 学童保育 産後ケア 待機児童 一時預かり 子どもの居場所 放課後",
    "elderly": "高齢者 介護予防 フレイル 認知症 独居 見守り 配食 移動支援",
    "disaster": "防災 避難所 備蓄 水害 土砂災害 停電 要配慮者 情報伝達",
    "tourism": "観光 周遊 宿泊 夜間観光 体験 混雑 案内所 多言語",
    "agriculture": "農業 担い手 耕作放棄地 直売所 果樹 鳥獣被害 漁業 林業",
    "environment": "脱炭素 太陽光 省エネ 公用車 電気自動車 森林 生物多様性 ごみ減量",
    "mobility": "公共交通 オンデマンド交通 路線バス 自動運転 自転車 運転手不足 駐車場 通院",
    "gov_dx": "窓口 電子申請 書かない窓口 庁内業務 文書管理 生成AI 問い合わせ 給付",
    "education": "学校 不登校 部活動 端末 図書館 探究学習 給食 通学路",
    "health": "健診 受診率 健康づくり 医師不足 オンライン診療 熱中症 睡眠 食生活",
    "housing": "空き家 空き店舗 移住 公営住宅 廃校 遊休施設 商店街 区画整理",
    "infrastructure": "道路 橋梁 水道管 漏水 除雪 点検 街路灯 公園",
}
_PLACES = (
    ("01", "北海道", "雪見市"),
    ("04", "宮城県", "潮見市"),
    ("15", "新潟県", "稲田市"),
    ("20", "長野県", "峰山町"),
    ("26", "京都府", "北里市"),
    ("34", "広島県", "島波市"),
    ("40", "福岡県", "川添市"),
    ("47", "沖縄県", "珊瑚村"),
)
_KINDS = {
    "pilot": "実証実験",
    "accelerator": "アクセラ",
    "proposal": "提案募集",
    "collaboration": "協業募集",
}
_OFFERS = ("field", "data", "subsidy", "publicity", "facility", "staff", "residents")
_BUDGETS = ("none", "actual_cost", "fixed", "subsidy", "contract", "undecided")
_STAGES = ("concept", "prototype", "product", "proven")
_WHO = ("担当課", "地元の団体", "社会福祉協議会", "商工会", "自治会", "学生", "近隣の市町村")
_HOW = ("アプリ", "センサー", "地図", "ドローン", "カメラ", "予約システム", "回覧板", "紙の台帳")
_TROUBLE = ("人手", "予算", "時間", "場所", "経験", "周知", "後継者", "記録")
_SENTENCES = (
    "{place}では、{a}をめぐる相談が年間{n}件寄せられています。",
    "{who}と一緒に{a}に取り組んできましたが、{trouble}が足りません。",
    "{how}を使い、{a}と{b}の両方に役立つ仕組みを探しています。",
    "これまで{how}を試しましたが、{b}の現場では続きませんでした。",
    "{who}が週に{m}回集まり、{a}の課題を話し合っています。",
    "対象は{n}世帯で、{b}に関する記録を提供できます。",
    "小さく始めて、{m}か月ごとに{a}の効果を確かめたいと考えています。",
    "費用は双方で持ち寄り、{b}の成果は広報でお知らせします。",
    "昨年度は{a}の利用が{n}人にとどまり、{trouble}の壁を感じました。",
    "{how}の得意な会社のほか、{who}からの提案も歓迎します。",
)
_TITLES = (
    "{a}を{how}で支える",
    "{a}と{b}をつなぐ仲間を募集",
    "{place}の{a}をもっと身近に",
    "{trouble}が足りない{a}の現場を助ける{how}",
)


def listings(count: int, seed: int = 0) -> list[SearchDocument]:
    """Return listings with bodies of about 400 characters, half calls and half solutions."""
    chance = random.Random(seed)
    return [_listing(number, chance) for number in range(count)]


def queries(count: int, seed: int = 1) -> list[str]:
    """Return queries of one to three words; one in ten is a question."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        words = _words(chance)
        if chance.random() < 0.1:
            found.append(f"{words[0]}の{chance.choice(_TROUBLE)}不足を解決する方法はありますか")
        else:
            found.append(" ".join(chance.sample(words, chance.choice((1, 2, 2, 3)))))
    return found


def _listing(number: int, chance: random.Random) -> SearchDocument:
    theme = chance.choice(list(_FIELDS))
    prefecture, name, town = chance.choice(_PLACES)
    kind = chance.choice(list(_KINDS))
    target = "call" if number % 2 else "solution"
    words = _words(chance, theme)
    return SearchDocument(
        id=f"{target}-{number}",
        version=1,
        target=target,
        title=_filled(chance.choice(_TITLES), chance, town, words),
        summary=_filled(chance.choice(_SENTENCES), chance, town, words),
        body="".join(
            _filled(sentence, chance, town, words)
            for sentence in chance.choices(_SENTENCES, k=chance.randint(11, 16))
        ),
        owner=f"{name}{town}",
        keywords=(_KINDS[kind], name, town),
        kinds=(kind,),
        themes=(theme,),
        prefectures=(prefecture,),
        offers=tuple(chance.sample(_OFFERS, 2)),
        budget=chance.choice((None, *_BUDGETS)),
        stage=chance.choice(_STAGES) if target == "solution" else None,
        closes_at=chance.choice((None, NOW + chance.randint(-90, 90) * _DAY)),
        published_at=NOW - chance.randint(0, 400) * _DAY,
    )


def _words(chance: random.Random, theme: str | None = None) -> list[str]:
    """Return the words of a theme and a few of another."""
    own = _FIELDS[theme or chance.choice(list(_FIELDS))].split()
    other = _FIELDS[chance.choice(list(_FIELDS))].split()
    return [*chance.sample(own, 4), *chance.sample(other, 1)]


def _filled(template: str, chance: random.Random, place: str, words: Sequence[str]) -> str:
    return template.format(
        place=place,
        a=chance.choice(words),
        b=chance.choice(words),
        who=chance.choice(_WHO),
        how=chance.choice(_HOW),
        trouble=chance.choice(_TROUBLE),
        n=chance.randint(20, 4_000),
        m=chance.randint(2, 6),
    )

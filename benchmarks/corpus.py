"""Synthetic Japanese listings of natural length, the same for the same seed.

Words are those of the field's own vocabulary in some forty subjects, with every municipality and a
tail of coined compounds; of each subject a few words are common and most are rare (Zipf). A
listing is made of whole sentences of a large pool, most of them of its subject. So millions of
different listings can be had without analysing each: see benchmarks.rows.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from search.documents import SearchDocument
from search.vocabulary.synonyms import table as synonym_table
from tests.search.gazetteer import table

NOW = 1_800_000_000
_DAY = 86_400
_LINES_OF_SUBJECT = 45
_SENTENCES, _TITLES, _COMMON = 1_400, 400, 6_000  # of each subject, of each subject, of all
_COMMON_SHARE = 0.3
_COINED = 0.15
_UPCOMING = 0.08

_KINDS = tuple(row["key"] for row in table("call_kinds"))
_KIND_NAMES = {row["key"]: row["name_ja"] for row in table("call_kinds")}
_THEMES = tuple(row["key"] for row in table("themes") if not row["parent_key"])
_THEME_NAMES = {row["key"]: row["name_ja"] for row in table("themes")}
_OFFERS = tuple(row["key"] for row in table("offers"))
_PREFECTURES = {row["code"]: row["name"] for row in table("prefectures")}
_BUDGETS = ("none", "actual_cost", "fixed", "subsidy", "contract", "undecided")
_STAGES = ("concept", "prototype", "product", "proven")
_WHO = """担当課 自治会 社会福祉協議会 商工会 地域おこし協力隊 学生 民生委員 近隣の市町村 消防団 農協
観光協会 大学 老人クラブ 保護者会 青年会議所 包括支援センター 信用金庫 図書館 まちづくり会社 高校
県の出先機関 漁協 教育委員会 保健師 公民館 指定管理者 森林組合 子ども食堂 建設業協会 医師会"""
_HOW = """アプリ センサー 地図 カメラ 予約システム 回覧板 紙の台帳 ドローン 電話 表計算 掲示板 生成AI
チャット 無線 衛星画像 防災行政無線 音声認識 電子申請 人流データ 名簿 コールセンター 移動販売車 動画
見回り ロボット 遠隔操作 電子決済 統計 ポスター 模型"""
_TROUBLE = """人手 予算 時間 場所 経験 周知 後継者 記録 信頼 担い手 移動手段 情報 知識 財源 交流 安全
設備 連携先 相談先 働き口 休み 使い勝手 正確さ 継続"""
_FIELDS = """子育て 高齢者 防災 観光 健康 移住 教育 空き家 農業 環境 福祉 公共交通 脱炭素 デジタル化 介護 商店街 見守り
文化 障害者 医療 道路 人材育成 公園 林業 水道 多文化共生 保育 起業 スポーツ 除雪 ごみ 漁業 避難所 不登校 図書館 買い物
通学路 インフラ点検 鳥獣被害 関係人口"""
_COINED_ENDS = """計画 調査 部会 事例集 講座 台帳 協議会 基金 拠点 週間 指標 条例 白書 日誌 白地図 名人
検定 見本市 補助 研修 月間 大使 百選 手帳 相談会 窓口 表彰 体験 教室 会議"""
_SPECIFIC = (
    "{place}では、{a}をめぐる相談が年間{n}件寄せられています。",
    "{who}と一緒に{a}に取り組んできましたが、{trouble}が足りません。",
    "{how}を使い、{a}と{b}の両方に役立つ仕組みを探しています。",
    "これまで{how}を試しましたが、{b}の現場では長く続きませんでした。",
    "{who}が週に{m}回集まり、{a}の進め方を話し合っています。",
    "昨年度は{a}の利用が{n}人にとどまり、{trouble}の壁を感じました。",
    "{how}に詳しい会社のほか、{who}からの{a}の提案も歓迎します。",
    "特に{a}については、{place}で先に始まった例を参考にしたいと考えています。",
    "{a}を支える{who}の高齢化が進み、{b}にも影響が出始めています。",
    "{b}の担当者が{how}で毎日{m}時間かけて{a}を確かめています。",
    "私たちの製品は、{a}にかかる手間を約{m}割減らします。",
    "{n}か所で使われている{how}を、{a}向けに作り直しました。",
    "{a}、{b}、{c}のいずれかに関わる方なら、どなたでも相談できます。",
    "{place}の{who}とともに、{a}の効果を{m}か月かけて測りました。",
    "{a}と{b}の情報が別々に管理され、{trouble}が大きな課題です。",
    "{c}を入り口にして、{a}に関心のない人にも届く方法を求めています。",
    "将来は{a}だけでなく、{b}や{c}にも広げていく予定です。",
    "{who}の声を聞きながら、{a}の使い方を少しずつ改めます。",
    "{field}の中でも、{a}は{trouble}の差が出やすいところです。",
    "{a}を{field}と結びつけ、{who}の負担を軽くします。",
)
_GENERAL = (
    "対象は{n}世帯で、関係する記録を提供できます。",
    "小さく始めて、{m}か月ごとに効果を確かめたいと考えています。",
    "費用は双方で持ち寄り、成果は広報でお知らせします。",
    "{place}と隣の{other}が共同で実施します。",
    "{field}の分野で{how}を試した経験を生かします。",
    "{field}と{next}を合わせて進める計画の一部です。",
    "{field}に関わる{who}から、使いやすいと好評です。",
    "この取り組みは、{place}の{field}の方針に沿っています。",
    "応募の前に、{who}との顔合わせの場を設けます。",
    "詳しい条件は、説明会で{who}からお伝えします。",
    "会社の大きさや所在地は問いません。",
    "{trouble}の不足は、どの町にも共通する悩みです。",
    "{how}の導入にあたっては、個人情報の取り扱いに十分配慮します。",
    "{n}万円を上限に、実際にかかった費用を負担します。",
    "提案は{m}ページ以内にまとめてください。",
    "これまでに{place}を含む{m}の自治体で実績があります。",
    "導入後も、{who}が使いこなせるまで伴走します。",
    "まずはお気軽に{who}までお問い合わせください。",
)
_TITLES_OF = (
    "{a}を{how}で支える",
    "{a}と{b}をつなぐ仲間を募集",
    "{place}の{a}をもっと身近に",
    "{trouble}が足りない{a}の現場を助ける{how}",
    "{who}とつくる{a}の新しい形",
    "{a}の見直しに向けた提案募集",
    "{how}による{a}の実証",
)
_MAKERS = """みなと あおば やまと ひので さくら 北斗 みらい つばさ 東和 大地 はやぶさ 若草 緑風 星野 川島 瑞穂
こだま 日和 共栄 朝凪 青嶺 風土 里山 灯台 結"""
_MAKES = """システム 工業 電機 ソリューションズ 設計 ラボ 製作所 サービス 建設 データ 測量 農園 印刷 計器
交通 ロボティクス ヘルスケア 環境 企画 通信"""


@dataclass(frozen=True, slots=True)
class Weighted:
    """Things of which the first is the commonest: the share of each falls with its rank."""

    things: tuple[str, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, things: Sequence[str], steepness: float = 1.0) -> "Weighted":
        ranks = range(1, len(things) + 1)
        return cls(tuple(things), tuple(accumulate(1 / rank**steepness for rank in ranks)))

    def one(self, chance: random.Random) -> str:
        return chance.choices(self.things, cum_weights=self.weights)[0]

    def some(self, chance: random.Random, count: int) -> list[str]:
        """Return so many different things."""
        found: dict[str, None] = {}
        while len(found) < count:
            found[self.one(chance)] = None
        return list(found)


@dataclass(frozen=True, slots=True)
class Subject:
    """What some listings are about: a theme, its words, and what is said of it."""

    theme: str
    words: Weighted
    sentences: tuple[str, ...]
    titles: tuple[str, ...]


class Corpus:
    """The pool that listings are made of. `places` are full names of municipalities."""

    def __init__(self, seed: int = 0) -> None:
        chance = random.Random(seed)
        towns = [
            row for row in table("municipalities") if row["kind"] in ("city", "town", "village")
        ]
        chance.shuffle(towns)
        self.places = Weighted.of([row["name"] for row in towns])
        self._towns = towns
        self._rank = Weighted.of([str(rank) for rank in range(len(towns))], 0.7)
        self.general = tuple(
            dict.fromkeys(self._filled(_GENERAL, chance, None) for _ in range(_COMMON))
        )
        self.subjects = tuple(self._subject(n, words, chance) for n, words in _word_lists(chance))
        self._weights = Weighted.of([str(n) for n in range(len(self.subjects))], 0.6)

    def subject(self, chance: random.Random) -> Subject:
        """Return a subject; some are commoner than others."""
        return self.subjects[int(self._weights.one(chance))]

    @property
    def texts(self) -> list[str]:
        """Every sentence and title of the pool."""
        own = (text for subject in self.subjects for text in (*subject.titles, *subject.sentences))
        return list(dict.fromkeys((*self.general, *own)))

    def listings(self, count: int, seed: int = 1) -> Iterator[SearchDocument]:
        """Yield listings: half calls of 300 to 1,000 characters, half solutions of about 250.

        `needs` are the sentences whose sum is the body.
        """
        chance = random.Random(seed)
        return (self._listing(number, chance) for number in range(count))

    def _listing(self, number: int, chance: random.Random) -> SearchDocument:
        target = "call" if number % 2 else "solution"
        subject = self.subject(chance)
        longest = chance.triangular(300, 1_000, 520) if target == "call" else chance.gauss(230, 60)
        town = self._towns[int(self._rank.one(chance))]
        prefecture = town["prefecture_code"]
        title, first, *rest = self.texts_of(subject, chance, longest)
        kind = chance.choice(_KINDS)
        return SearchDocument(
            id=f"{target}-{number}",
            version=1,
            target=target,
            title=title,
            summary=first,
            body="".join(rest),
            needs=tuple(rest),
            owner=(
                _PREFECTURES[prefecture] + town["name"]
                if target == "call"
                else f"株式会社{chance.choice(_MAKERS.split())}{chance.choice(_MAKES.split())}"
            ),
            keywords=(_KIND_NAMES[kind], _THEME_NAMES[subject.theme], _PREFECTURES[prefecture]),
            kinds=(kind,),
            themes=(subject.theme,),
            prefectures=(prefecture,),
            municipality=town["code"] if target == "call" else None,
            offers=tuple(chance.sample(_OFFERS, 2)),
            budget=chance.choice((None, *_BUDGETS)),
            budget_max=chance.choice((None, None, 500_000, 2_000_000, 4_000_000, 20_000_000)),
            stage=chance.choice(_STAGES) if target == "solution" else None,
            opens_at=NOW + chance.randint(1, 30) * _DAY if chance.random() < _UPCOMING else None,
            closes_at=chance.choice((None, NOW + chance.randint(-90, 90) * _DAY)),
            published_at=NOW - chance.randint(0, 400) * _DAY,
        )

    def texts_of(self, subject: Subject, chance: random.Random, longest: float) -> list[str]:
        """Return a title and two or more different sentences of so many characters in all."""
        found = {chance.choice(subject.titles): None, chance.choice(subject.sentences): None}
        length = sum(map(len, found))
        while length < longest or len(found) < 3:
            pool = self.general if chance.random() < _COMMON_SHARE else subject.sentences
            sentence = chance.choice(pool)
            if sentence not in found:
                found[sentence] = None
                length += len(sentence)
        return list(found)

    def _subject(self, number: int, words: Weighted, chance: random.Random) -> Subject:
        return Subject(
            _THEMES[number % len(_THEMES)],
            words,
            _different(lambda: self._filled(_SPECIFIC, chance, words), _SENTENCES),
            _different(lambda: self._filled(_TITLES_OF, chance, words), _TITLES),
        )

    def _filled(
        self, templates: Sequence[str], chance: random.Random, words: Weighted | None
    ) -> str:
        a, b, c = words.some(chance, 3) if words else ("", "", "")
        if chance.random() < _COINED:
            a += chance.choice(_COINED_ENDS.split())
        place, other = self.places.some(chance, 2)
        field, next_field = FIELDS.some(chance, 2)
        return chance.choice(templates).format(
            place=place,
            other=other,
            a=a,
            b=b,
            c=c,
            field=field,
            next=next_field,
            who=WHO.one(chance),
            how=HOW.one(chance),
            trouble=TROUBLE.one(chance),
            n=chance.randint(20, 4_000),
            m=chance.randint(2, 9),
        )


# Words of every subject: what some listings are about and many more mention.
FIELDS, WHO, HOW, TROUBLE = (
    Weighted.of(words.split(), 0.7) for words in (_FIELDS, _WHO, _HOW, _TROUBLE)
)


def _word_lists(chance: random.Random) -> Iterator[tuple[int, Weighted]]:
    """Yield (number, words) of each subject: neighbouring lines of the table of synonyms."""
    lines = [line.heads for line in synonym_table() if not all(map(str.isascii, line.heads))]
    for number, start in enumerate(range(0, len(lines), _LINES_OF_SUBJECT)):
        near = lines[start : start + _LINES_OF_SUBJECT]
        words = list(dict.fromkeys(word for heads in near for word in heads if len(word) > 1))
        chance.shuffle(words)
        yield number, Weighted.of(words)


def _different(make: Callable[[], str], count: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[make()] = None
    return tuple(found)

"""Which places are recognised in a typed query, and which words are left alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.places import PlaceMention
from search.vocabulary import read_rows
from tests.search.gazetteer import codes, gazetteer


def found(text: str) -> list[PlaceMention]:
    return list(gazetteer().mentions(text))


# What is typed, the words that name a place, and everything they may mean.
ONE_MENTION = """
京都 | 京都 | 京都府 京都府京都市
京都の会社 | 京都 | 京都府 京都府京都市
東京都 | 東京都 | 東京都
東京 | 東京 | 東京都
東京都府中市 | 東京都府中市 | 東京都府中市
広島県府中市 | 広島県府中市 | 広島県府中市
広島県安芸郡府中町 | 広島県安芸郡府中町 | 広島県府中町
安芸郡府中町 | 安芸郡府中町 | 広島県府中町
府中 | 府中 | 東京都府中市 広島県府中市 広島県府中町
府中市 | 府中市 | 東京都府中市 広島県府中市
府中町 | 府中町 | 広島県府中町
府中 見守り | 府中 | 東京都府中市 広島県府中市 広島県府中町
広島 府中 | 広島 府中 | 広島県府中市 広島県府中町
東京の府中 | 東京の府中 | 東京都府中市
府中市（東京都） | 府中市（東京都） | 東京都府中市
伊達 | 伊達 | 北海道伊達市 福島県伊達市
伊達市 移住 | 伊達市 | 北海道伊達市 福島県伊達市
東北 伊達 | 東北 伊達 | 福島県伊達市
池田 | 池田 | 大阪府池田市 北海道池田町 福井県池田町 長野県池田町 岐阜県池田町
池田町 | 池田町 | 北海道池田町 福井県池田町 長野県池田町 岐阜県池田町
大阪の池田 | 大阪の池田 | 大阪府池田市
日野 | 日野 | 東京都日野市 滋賀県日野町 鳥取県日野町
関西 日野 | 関西 日野 | 滋賀県日野町
川崎 | 川崎 | 神奈川県川崎市 宮城県川崎町 福岡県川崎町
泉 | 泉 | 宮城県仙台市 神奈川県横浜市
港区 | 港区 | 東京都港区 愛知県名古屋市 大阪府大阪市
大阪市港区 | 大阪市港区 | 大阪府大阪市
東京都港区 | 東京都港区 | 東京都港区
東京 中央区 | 東京 中央区 | 東京都中央区
中央市 | 中央市 | 山梨県中央市
中央 山梨 | 中央 山梨 | 山梨県中央市
山梨県中央市の空き家 | 山梨県中央市 | 山梨県中央市
札幌 | 札幌 | 北海道札幌市
札幌市 除雪 | 札幌市 | 北海道札幌市
sapporo | sapporo | 北海道札幌市
SAPPORO snow | SAPPORO | 北海道札幌市
Ｓａｐｐｏｒｏ | Ｓａｐｐｏｒｏ | 北海道札幌市
Kyoto | Kyoto | 京都府 京都府京都市
Kyōto | Kyōto | 京都府 京都府京都市
kyoto-shi | kyoto-shi | 京都府京都市
Kyoto City | Kyoto City | 京都府京都市
Kyoto Prefecture | Kyoto Prefecture | 京都府
Tōkyō | Tōkyō | 東京都
Toukyou | Toukyou | 東京都
tokyo-to | tokyo-to | 東京都
Oosaka-fu | Oosaka-fu | 大阪府
Ohsaka | Ohsaka | 大阪府 大阪府大阪市
nagano-ken | nagano-ken | 長野県
Hyogo Pref | Hyogo Pref | 兵庫県
Gumma | Gumma | 群馬県
Fuchu City | Fuchu City | 東京都府中市 広島県府中市
Fuchu, Tokyo | Fuchu, Tokyo | 東京都府中市
Sapporo, Hokkaido | Sapporo, Hokkaido | 北海道札幌市
Date City | Date City | 北海道伊達市 福島県伊達市
Naha-shi | Naha-shi | 沖縄県那覇市
Minami-Uonuma | Minami-Uonuma | 新潟県南魚沼市
shin'onsen | shin'onsen | 兵庫県新温泉町
Simonoseki | Simonoseki | 山口県下関市
Shinjuku-ku | Shinjuku-ku | 東京都新宿区
Tohoku | Tohoku | 東北
132063 | 132063 | 東京都府中市
132063 見守り | 132063 | 東京都府中市
１３２０６３ | １３２０６３ | 東京都府中市
13206 | 13206 | 東京都府中市
130001 | 130001 | 東京都
都道府県コード13 | 都道府県コード13 | 東京都
市町村コード 132063 | 市町村コード 132063 | 東京都府中市
そうさ | そうさ | 千葉県匝瑳市
ソウサ | ソウサ | 千葉県匝瑳市
ｿｳｻ | ｿｳｻ | 千葉県匝瑳市
そうさ市 | そうさ市 | 千葉県匝瑳市
そうさし | そうさし | 千葉県匝瑳市
ふちゅう | ふちゅう | 東京都府中市 広島県府中市 広島県府中町
さっぽろの会社 | さっぽろ | 北海道札幌市
ほっかいどう | ほっかいどう | 北海道
とうきょう | とうきょう | 東京都
おおいた | おおいた | 大分県 大分県大分市
東北 | 東北 | 東北
とうほく | とうほく | 東北 青森県東北町
かんさい 観光 | かんさい | 関西
旧浦和市 | 浦和市 | 埼玉県さいたま市
Date, Hokkaido | Date, Hokkaido | 北海道伊達市
Tokyo Fuchu | Tokyo Fuchu | 東京都府中市
大阪 中央区 | 大阪 中央区 | 大阪府大阪市
東北 美里 | 東北 美里 | 宮城県美里町
なんば | なんば | 大阪府大阪市
東北地方の空き家 | 東北地方 | 東北地方
関西 | 関西 | 関西
近畿 | 近畿 | 近畿
首都圏 | 首都圏 | 首都圏
一都三県 | 一都三県 | 一都三県
北陸 伝統工芸 | 北陸 | 北陸
瀬戸内 | 瀬戸内 | 瀬戸内 岡山県瀬戸内市
山陰 | 山陰 | 山陰
中国地方 | 中国地方 | 中国地方
九州 離島 | 九州 | 九州
四国 | 四国 | 四国
甲信越 | 甲信越 | 甲信越
中四国 | 中四国 | 中四国
信州 | 信州 | 長野県
讃岐 | 讃岐 | 香川県
阪神 | 阪神 | 阪神
房総 | 房総 | 千葉県
道東 酪農 | 道東 | 北海道
道内 | 道内 | 北海道
都内の企業 | 都内 | 東京都
湘南 | 湘南 | 湘南
淡路島 | 淡路島 | 淡路島
燕三条 | 燕三条 | 燕三条
八丈島 | 八丈島 | 東京都八丈町
安芸郡 | 安芸郡 | 広島県安芸郡 高知県安芸郡
四條畷 | 四條畷 | 大阪府四條畷市
四条畷市 | 四条畷市 | 大阪府四條畷市
龍ヶ崎 | 龍ヶ崎 | 茨城県龍ケ崎市
龍ケ崎市 | 龍ケ崎市 | 茨城県龍ケ崎市
竜ヶ崎市 | 竜ヶ崎市 | 茨城県龍ケ崎市
竜が崎市 | 竜が崎市 | 茨城県龍ケ崎市
茅が崎市 | 茅が崎市 | 神奈川県茅ヶ崎市
檜原村 | 檜原村 | 東京都檜原村
桧原村 | 桧原村 | 東京都檜原村
塩竈市 | 塩竈市 | 宮城県塩竈市
塩釜市 | 塩釜市 | 宮城県塩竈市
五条市 | 五条市 | 奈良県五條市
梼原町 | 梼原町 | 高知県梼原町
那珂川 | 那珂川 | 福岡県那珂川市 栃木県那珂川町
横浜市港北区 | 横浜市港北区 | 神奈川県横浜市
港北区 | 港北区 | 神奈川県横浜市
神奈川県川崎市高津区 | 神奈川県川崎市高津区 | 神奈川県川崎市
札幌市北区 | 札幌市北区 | 北海道札幌市
静岡 清水区 | 静岡 清水区 | 静岡県静岡市
長野県内 | 長野県 | 長野県
千葉市の企業 | 千葉市 | 千葉県千葉市
千葉市内 | 千葉市 | 千葉県千葉市
東京都内の保育園 | 東京都 | 東京都
大阪府立高校 | 大阪府 | 大阪府
浦和市 | 浦和市 | 埼玉県さいたま市
浦和 | 浦和 | 埼玉県さいたま市
小倉 | 小倉 | 福岡県北九州市
龍野市 | 龍野市 | 兵庫県たつの市
篠山市 | 篠山市 | 兵庫県丹波篠山市
清水市 | 清水市 | 静岡県静岡市
保谷市 | 保谷市 | 東京都西東京市
コザ市 | コザ市 | 沖縄県沖縄市
六本木 | 六本木 | 東京都港区
金沢 観光 | 金沢 | 石川県金沢市
塩尻 空き家 | 塩尻 | 長野県塩尻市
日光 観光 | 日光 | 栃木県日光市
倉敷の町家 | 倉敷 | 岡山県倉敷市
つくば | つくば | 茨城県つくば市
たつの市 | たつの市 | 兵庫県たつの市
さくら市 | さくら市 | 栃木県さくら市
あま市 | あま市 | 愛知県あま市
ニセコ | ニセコ | 北海道ニセコ町
南アルプス市 | 南アルプス市 | 山梨県南アルプス市
江戸川 | 江戸川 | 東京都江戸川区
西東京市 | 西東京市 | 東京都西東京市
東大阪 | 東大阪 | 大阪府東大阪市
北九州 | 北九州 | 福岡県北九州市
四日市 | 四日市 | 三重県四日市市
大町町 | 大町町 | 佐賀県大町町
神戸 医療 | 神戸 | 兵庫県神戸市 岐阜県神戸町
北海道 大空 | 北海道 大空 | 北海道大空町
山口 光 | 山口 光 | 山口県光市
山口県光市 | 山口県光市 | 山口県光市
群馬県昭和村 | 群馬県昭和村 | 群馬県昭和村
宮城県美里町 | 宮城県美里町 | 宮城県美里町
宮崎県高原町 | 宮崎県高原町 | 宮崎県高原町
新地町 | 新地町 | 福島県新地町
"""

NO_PLACE = """
緑 南 北 中央 旭 港 安心 美里 大空 新地 高原 平和 未来 光 森 原 朝日 昭和 豊富 共和 赤 錦 坂 東 栄
見守り 観光 山形鋼 津波 堺目 緑のまちづくり 港の荷役 中央図書館 南側の斜面 北風 旭日 安心安全 高原野菜
平和学習 未来の学校 大空へ 光ファイバー 森林 原っぱ 朝日が昇る 昭和の町並み 豊富な実績 赤字 中間支援
都市計画 市町村 町内会 道路 県産材 区画整理 村おこし 島しょ部 農村 漁村 港町 城下町 温泉町 新市街地 町村会
国立大学 行方不明 日の出 南国 東洋医学 本部 上市 安堵 出水期 知名度 北方領土 南北 東西 東京港 山梨中央銀行
池田さん 松本さんの会社 中国語 中国人 日本 世界 海外 全国 東日本大震災 二つの町 腹がたつの
13 500000 500000円 13206件 2025年 090-1320-6312 1320630 コード99 123456 30000人 300万円
date update mine home same take AI DX PoC EV IoT MaaS SDGs ChatGPT online data open smart city town
こうか みどり さくら そだて あきや みまもり こそだて
雪かきを手伝ってくれる会社ある？ 子育て支援 高齢者の見守りサービス 空き家の活用
"""


@pytest.mark.parametrize("row", ONE_MENTION.strip().splitlines())
def test_a_place_is_recognised(row: str) -> None:
    text, words, meant = (part.strip() for part in row.split("|"))
    (mention,) = found(text)
    assert mention.words == words == text[mention.start : mention.end]
    expected = [codes().get(name, name) for name in meant.split()]
    assert sorted(mention.candidates) == sorted(expected)
    assert mention.candidates[0] == expected[0]
    assert mention.ambiguous or len(expected) == 1


@pytest.mark.parametrize("text", NO_PLACE.split())
def test_words_that_name_no_place_are_left_alone(text: str) -> None:
    assert not found(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("小金井市と府中市", ["小金井市", "府中市"]),
        ("長野・松本", ["長野", "松本"]),
        ("東京都、稲城市", ["東京都", "稲城市"]),
        ("東北と北陸の雪国", ["東北", "北陸"]),
        ("愛知・静岡の3市", ["愛知", "静岡"]),
        ("京都 大阪 神戸", ["京都", "大阪", "神戸"]),
    ],
)
def test_several_places_stay_several(text: str, meant: list[str]) -> None:
    assert [mention.words for mention in found(text)] == meant


@pytest.mark.parametrize(
    "text", ["東京都府中市", "札幌", "東北", "長野県", "信州", "132063", "Naha-shi"]
)
def test_what_is_plain_is_not_doubted(text: str) -> None:
    assert not found(text)[0].ambiguous


@pytest.mark.parametrize(
    "text", ["讃岐うどん", "そうさ", "浦和", "13206", "石垣の修復", "阪神", "泉"]
)
def test_what_may_be_no_place_is_doubted(text: str) -> None:
    assert found(text)[0].ambiguous


def test_groups_stand_for_their_members() -> None:
    assert gazetteer().codes("東北") == ("02", "03", "04", "05", "06", "07")
    assert gazetteer().codes("淡路島") == tuple(
        codes()[name] for name in ("兵庫県洲本市", "兵庫県南あわじ市", "兵庫県淡路市")
    )
    assert gazetteer().codes("13") == ("13",)


def test_every_municipality_is_found_by_its_full_name_and_by_its_code() -> None:
    for name, code in codes().items():
        (mention,) = found(name)
        assert (mention.words, mention.candidates) == (name, (code,))
        if len(code) == 6:
            assert found(code)[0].candidates == (code,)


def test_the_tables_of_former_names_wards_and_groups_name_bodies_that_exist() -> None:
    known = set(codes().values())
    former = read_rows("former_places.csv")
    assert len(former) > 1_000
    assert {code for _name, code, _year in former} <= known
    assert all(1889 <= int(year) <= 2100 for _name, _code, year in former)
    assert all(name[-1] in "市町村" for name, _code, _year in former)
    assert {code for _name, code in read_rows("wards.csv")} <= known
    for name, _also, members, _loose in read_rows("place_groups.csv"):
        assert set(members.split()) <= known, name


def test_former_names_do_not_claim_the_name_of_a_body_that_bears_it_today() -> None:
    today = {code: name for name, code in codes().items()}
    for name, code, _year in read_rows("former_places.csv"):
        assert not today[code].endswith(f"県{name}"), name


WILD = st.text(
    st.sampled_from(
        "府中市東京都京県区町村の・ 、（）()安芸郡北海道港緑tokyoTŌōさっぽろソウサ1320６３-コードヶケが\u0301\u200dｶﾞ㍿"
    )
    | st.characters(),
    max_size=60,
)


@given(WILD)
def test_any_text_gives_mentions_inside_it(text: str) -> None:
    end = 0
    for mention in found(text):
        assert end <= mention.start < mention.end <= len(text)
        assert mention.words == text[mention.start : mention.end]
        assert mention.candidates
        assert all(gazetteer().codes(candidate) for candidate in mention.candidates)
        end = mention.end


@pytest.mark.parametrize(
    "text", ["東京都府中市" * 2_000, "そ" * 20_000, "a " * 10_000, "京" * 9_999, "1" * 9_999]
)
def test_a_long_text_takes_no_longer_than_a_short_one(text: str) -> None:
    found("府中")
    began = time.perf_counter()
    found(text)
    assert time.perf_counter() - began < 0.5


# What is typed, and the places whose names begin so.
BEGINNINGS = """
府中 | 東京都府中市 広島県府中市 広島県府中町
ふちゅ | 東京都府中市 広島県府中市 広島県府中町
フチュ | 東京都府中市 広島県府中市 広島県府中町
ＦＵＣＨ | 東京都府中市 広島県府中市 広島県府中町
Tōkyō | 東京都
東京都府中 | 東京都府中市
東京 府中 | 東京都府中市
安芸郡府 | 広島県府中町
茅が崎 | 神奈川県茅ヶ崎市
竜ケ崎 | 茨城県龍ケ崎市
ishinom | 宮城県石巻市
Isinom | 宮城県石巻市
"""


@pytest.mark.parametrize("row", BEGINNINGS.strip().splitlines())
def test_places_are_found_by_the_beginning_of_their_name(row: str) -> None:
    typed, _, names = row.partition(" | ")
    assert gazetteer().beginning(typed, 5) == tuple(codes()[name] for name in names.split())


@pytest.mark.parametrize("typed", ["", " ", "か", "k", "ぬぬぬ", "見守り", "\U0010ffff"])
def test_too_little_or_something_else_begins_no_place(typed: str) -> None:
    assert gazetteer().beginning(typed, 5) == ()


def test_prefectures_stand_before_the_places_that_begin_alike() -> None:
    first, second, *_ = gazetteer().beginning("ふくしま", 5)
    assert (first, second) == (codes()["福島県"], codes()["福島県福島市"])


@given(st.text(max_size=30))
def test_any_text_may_begin_a_place(text: str) -> None:
    assert len(gazetteer().beginning(text, 3)) <= 3

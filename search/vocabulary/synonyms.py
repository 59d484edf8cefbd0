"""Words of public-private partnership that mean nearly the same, used at query time.

A query that names one of them is also searched by the others, below the weight of what was
typed. The dictionary of the analyser brings everyday synonyms of its own; here stand the terms
of the field. Each line of GROUPS is one idea in the spellings people type (`_` is a space); a
line of NARROWER names a wider word and what it contains, which holds in that direction only.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from search.analysis import tokenize

GROUPS = """
官民連携 公民連携 産学官連携 産官学連携 PPP 共創 協創 協働
官民連携 public-private_partnership
PFI 民間資金等活用事業
実証実験 実証事業 実証 PoC 社会実験 トライアル 試行 pilot フィールド提供
アクセラ アクセラレーター アクセラレーションプログラム accelerator
提案募集 民間提案 公募 プロポーザル
自由提案 フリー提案 随時提案
包括連携協定 連携協定 事業連携協定
サウンディング 官民対話 市場調査
指定管理 指定管理者 指定管理者制度
成果連動型 PFS SIB ソーシャルインパクトボンド
逆プロポ 逆公募
起案 稟議
予算なし 無償 ゼロ予算
補助金 助成金 交付金 補助
スタートアップ ベンチャー 新興企業 startup
オープンイノベーション open_innovation
地方創生 地域活性化 まちおこし 地域おこし
まちづくり 都市計画 エリアマネジメント
SDGs 持続可能な開発
高齢者 シニア お年寄り 年配
介護予防 フレイル フレイル予防 健康づくり
介護 ケア 要介護
認知症 もの忘れ
見守り 安否確認 孤立 孤独死
一人暮らし 独居 単身
子育て 育児 こども 保育
保育園 保育所 こども園
学童保育 学童 放課後児童クラブ 放課後
待機児童 保育の受け皿
産後ケア 産前産後 妊産婦
不登校 ひきこもり 学校に行けない
子どもの貧困 こども食堂
いじめ ハラスメント
教育 学び 学習
GIGAスクール 一人一台端末 学習用端末
部活動 部活 クラブ活動
給食 学校給食
防災 減災 災害 BCP disaster
避難所 避難先 避難場所
避難行動要支援者 要配慮者 災害弱者
備蓄 防災備蓄 非常食
浸水 水害 洪水 内水氾濫
土砂災害 土砂崩れ がけ崩れ
停電 非常用電源 蓄電池
脱炭素 ゼロカーボン カーボンニュートラル GX 温暖化対策 carbon_neutral decarbonization
再生可能エネルギー 再エネ 自然エネルギー
太陽光 太陽光発電 ソーラー
省エネ 省エネルギー 節電
電気自動車 EV 電動車
食品ロス フードロス 食品廃棄 food_loss food_waste
リサイクル 資源循環 再資源化 サーキュラーエコノミー
ごみ ゴミ 廃棄物 塵芥
プラスチック 廃プラ プラごみ
生物多様性 自然共生 ネイチャーポジティブ
森林 林業 山林
農業 営農 農家
スマート農業 農業DX アグリテック
耕作放棄地 遊休農地 荒廃農地
漁業 水産業 水産
六次産業化 6次産業化 農商工連携
鳥獣害 鳥獣被害 獣害 有害鳥獣
観光 観光振興 ツーリズム tourism
インバウンド 訪日外国人 外国人観光客
オーバーツーリズム 観光公害
ワーケーション リモートワーク滞在
関係人口 交流人口 二拠点居住 二地域居住
移住 定住 移住定住 UIJターン Uターン
婚活 結婚支援 出会い
空き家 空家 遊休不動産
空き店舗 シャッター商店街 遊休店舗
廃校 閉校 廃校活用
公共施設 公共施設マネジメント 遊休施設
商店街 中心市街地 まちなか
事業承継 後継者 跡継ぎ
ふるさと納税 寄附
企業版ふるさと納税 地方創生応援税制
地域通貨 デジタル地域通貨 ポイント制度
プレミアム商品券 商品券
特産品 地場産品 名産品
伝統工芸 伝統産業 地場産業
人手不足 人材不足 担い手不足
テレワーク 在宅勤務 リモートワーク telework
副業 兼業 複業
働き方改革 ワークライフバランス
女性活躍 ジェンダー平等 男女共同参画
障害者 障がい者 障碍者
ユニバーサルデザイン バリアフリー アクセシビリティ
多文化共生 外国人住民 在住外国人
やさしい日本語 平易な日本語
多言語 通訳 翻訳
生活困窮 生活保護 困窮者
ひとり親 母子家庭 父子家庭
ヤングケアラー 家族の世話をする子ども
公共交通 地域交通 交通手段 生活の足
交通空白 交通弱者 移動困難
デマンド交通 オンデマンド交通 デマンドバス 乗合タクシー AIデマンド
ライドシェア 相乗り
コミュニティバス 路線バス バス
自動運転 無人運転 自動走行
MaaS モビリティサービス
シェアサイクル レンタサイクル 自転車シェア
買い物弱者 買い物難民 買い物支援 移動販売
物流 配送 宅配 ラストワンマイル
ドローン 無人航空機 UAV drone
ロボット robot
行政DX デジタル化 業務効率化 自治体DX 電子化
DX デジタルトランスフォーメーション
AI 人工知能 機械学習
生成AI 大規模言語モデル LLM ChatGPT
チャットボット 自動応答 chatbot
RPA 業務自動化
AI-OCR 文字認識 OCR
オンライン申請 電子申請 手続きのオンライン化
窓口 書かない窓口 ワンストップ窓口
マイナンバーカード マイナカード 個人番号カード
オープンデータ open_data 公開データ
EBPM データ活用 データ利活用
IoT センサー センサ
デジタルツイン 3D都市モデル PLATEAU
GIS 地図 地理情報
メタバース VR 仮想現実
キャッシュレス 電子決済
議事録 会議録 文字起こし
コールセンター 電話対応
広報 情報発信 PR シティプロモーション
市民参加 住民参加 参加型
自治会 町内会 地域コミュニティ
インフラ インフラ維持管理 社会資本
老朽化 長寿命化 劣化
道路 舗装 路面
橋梁 橋 橋りょう
上下水道 水道 下水道
漏水 水漏れ
除雪 雪かき 排雪 雪下ろし
公園 緑地 パークPFI Park-PFI
健康 ヘルスケア 健康増進 healthcare
特定健診 健診 健康診断
遠隔医療 オンライン診療 遠隔診療
医療 診療 病院
医師不足 無医地区
メンタルヘルス こころの健康 自殺対策
がん検診 検診
熱中症 暑さ対策 猛暑
感染症 感染症対策 コロナ
防犯 治安 安全安心
特殊詐欺 振り込め詐欺 オレオレ詐欺 還付金詐欺
交通安全 交通事故
スポーツ 運動 sports
文化財 歴史資産 文化遺産
アート 芸術 art
図書館 読書
eスポーツ ゲーム
宇宙 衛星 衛星データ
ペット 犬猫 動物愛護
墓地 墓じまい 終活
"""

NARROWER = """
東北 青森県 岩手県 宮城県 秋田県 山形県 福島県
関東 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県
首都圏 埼玉県 千葉県 東京都 神奈川県
甲信越 山梨県 長野県 新潟県
北陸 富山県 石川県 福井県
中部 新潟県 富山県 石川県 福井県 山梨県 長野県 岐阜県 静岡県 愛知県
東海 岐阜県 静岡県 愛知県 三重県
近畿 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県
関西 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県
中国地方 鳥取県 島根県 岡山県 広島県 山口県
山陰 鳥取県 島根県
山陽 岡山県 広島県 山口県
四国 徳島県 香川県 愛媛県 高知県
九州 福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県
"""

_FIRST_YEAR_OF_REIWA = 2019
_YEARS_OF_REIWA = 20


@dataclass(frozen=True, slots=True)
class Synonym:
    """Another way to say it: as people write it, and as the words that must all occur."""

    text: str
    terms: tuple[str, ...]


class Phrases:
    """The table as the analyser sees it: words of a phrase -> its synonyms. Built on first use."""

    @cached_property
    def synonyms(self) -> dict[tuple[str, ...], tuple[Synonym, ...]]:
        """Return the synonyms of every phrase, by its normalised words."""
        found: dict[tuple[str, ...], dict[tuple[str, ...], Synonym]] = defaultdict(dict)
        for head, others in _pairs():
            found[head.terms].update({o.terms: o for o in others if o.terms != head.terms})
        return {terms: tuple(others.values()) for terms, others in found.items()}

    @cached_property
    def longest(self) -> int:
        """Return the number of words of the longest phrase."""
        return max(map(len, self.synonyms))


PHRASES = Phrases()


def _pairs() -> Iterator[tuple[Synonym, list[Synonym]]]:
    for line in [*_lines(GROUPS), *_years()]:
        group = [_synonym(phrase) for phrase in line]
        for member in group:
            yield member, group
    for wider, *narrower in _lines(NARROWER):
        yield _synonym(wider), [_synonym(phrase) for phrase in narrower]


def _lines(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def _years() -> Iterator[list[str]]:
    for year in range(1, _YEARS_OF_REIWA + 1):
        western = _FIRST_YEAR_OF_REIWA - 1 + year
        yield [f"令和{year}年度", f"{western}年度", f"R{year}年度", f"R{year}"]
        yield [f"令和{year}年", f"{western}年", f"R{year}年"]


def _synonym(phrase: str) -> Synonym:
    text = phrase.replace("_", " ")
    return Synonym(text, tuple(token.form for token in tokenize(text)))

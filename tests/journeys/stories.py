"""What people of the journeys write: one story for each way of working, so that none is a copy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CallStory:
    """A call of an officer."""

    title: str
    theme: str
    problem: str
    wanted: str


@dataclass(frozen=True)
class SolutionStory:
    """A one-person company and what it offers."""

    name: str
    title: str
    theme: str
    solves: str
    brings: str


CALLS = {
    "mouse": CallStory(
        "朝7時の「預かってもらえますか」を電話なしで",
        "子育て",
        "病児保育室が3か所あり、空きは朝7時から電話で順に確かめるしかありません。保護者は出勤前に"
        "何度もかけ直し、保育士は熱のある子のそばで電話を取り続けています。",
        "空きの確認と予約を、スマートフォンと自動音声の両方で済ませられる方法をさがしています。",
    ),
    "keyboard": CallStory(
        "夜の避難の知らせを、耳の聞こえにくい人にも",
        "防災",
        "夜の大雨で避難を呼びかけても、防災無線も戸別受信機も音が頼りです。耳の聞こえにくい方が"
        "210人いて、昨年の避難では隣の人が戸をたたいて回りました。",
        "光や振動で目をさまし、届いたことが市にも分かる知らせ方を、集落で試してくれる相手を募ります。",
    ),
    "no-script": CallStory(
        "ひとり暮らしの高齢者を、さりげなく見守りたい",
        "高齢者・介護",
        "ひとり暮らしの高齢者が1,900人います。民生委員の訪問は月に一度で、体調の変化に気づくのが"
        "遅れた例が昨年7件ありました。カメラは断られます。",
        "電気や水道の使い方など、暮らしのじゃまをしない見守りを試してくれる相手を募ります。",
    ),
}
SOLUTIONS = {
    "mouse": SolutionStory(
        "ゆきみち研究室",
        "除雪車の位置を住民の地図に出す小さな装置",
        "除雪・寒冷地",
        "除雪車がいつ来るのか分からず、役所に電話が集まる問題を減らします。"
        "車に置くだけの装置で、作業のすんだ道が地図に色で出ます。",
        "装置10台と地図のページ、除雪業者への説明。大雪の日の問い合わせの数を一緒に数えます。",
    ),
    "keyboard": SolutionStory(
        "おむかえ工房",
        "病児保育の空きを朝6時に知らせる予約案内",
        "子育て",
        "熱を出した子の預け先が見つからず、親が仕事を休む朝を減らします。"
        "病児保育室の空きと予約を、画面でも自動音声でも確かめられます。",
        "予約のしくみと、保育士が一日一回だけ触る入力画面。使い方は出向いて教えます。",
    ),
    "no-script": SolutionStory(
        "畑の端末舎",
        "水田の水位を見回らずに知る、電池で一年動く計器",
        "農林水産",
        "高齢の農家が朝夕に田んぼの水を見回る手間を減らします。"
        "棚田の一枚ごとの水位を、家の電話の音声でも知ることができます。",
        "計器20本と設置の手伝い。壊れたら次の日に取り替えます。",
    ),
}
# Municipalities that have not joined the demo.
TOWNS = {"mouse": "石川県珠洲市", "keyboard": "石川県七尾市", "no-script": "石川県羽咋市"}

"""Realistic boilerplate around the texts of a labelled set, drawn by seed.

A real notice carries a mayor's greeting, plans and figures, eligibility, schedules, privacy and
contacts around a few sentences of need; a company's page its history, awards and newsletter.
What a text needs or solves stays as it was, so a good ranking hardly changes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from hub.evaluation.labelled import LabelledSet, Row

# Each kind of boilerplate as (heading, wordings). {…} is filled in, of [a|b] one is drawn, both
# anew for each town and firm: no two of them write alike.
Kind = tuple[str, tuple[str, ...]]

GREETING: Kind = (
    "はじめに",
    (
        "{town}は、{nature}に囲まれ、{trade}を中心に歩んできたまちです。[市民の皆さま|住民一人ひとり|地域の皆さん]と手を取り合い、[次の世代に誇れるまちづくりを進めてまいります|持続的な発展を目指しています|新しい時代にふさわしい行政を築きます]。",
        "[日ごろから|平素より|このたびは]{town}の[行政運営|まちづくり|市政]にご理解とご協力をいただき、厚く御礼申し上げます。[首長として、前例にとらわれない挑戦を続けていく所存です|皆さまからの意欲あふれるご応募をお待ちしております|新しい発想との出会いを楽しみにしています]。",
        "{town}の人口は{people}人、高齢化率は{old}%です。{plan}では「{slogan}」を掲げ、{topics}に[重点的に取り組んでいます|力を注いでいます|先進的に取り組んできました]。",
        "少子高齢化と人口減少が進むなか、{topics}など、地域の課題は年々複雑になっています。[行政だけで解決することは難しく、民間の力が欠かせません|限られた財源と人員では対応に限りがあります|従来の手法だけでは成果が上がりにくくなっています]。",
        "本町は昭和の合併で誕生し、{nature}と{trade}に支えられてきました。令和{year}年度には{plan}を策定し、{slogan}の実現を目指しています。",
        "{town}では令和{year}年度から官民連携デスクを設け、これまでに{count}件の実証を行いました。昨年度は{topics}の提案を採択しています。",
        "私たちのまちは{nature}を有し、年間{visitors}万人が訪れます。一方で若い世代の流出が続き、担い手の確保があらゆる分野で共通の課題となっています。",
        "本事業は、{plan}に位置付けた施策の一つとして、企業や大学、団体の皆さまと{town}が対等な立場で取り組むものです。",
    ),
)
ELIGIBILITY: Kind = (
    "応募資格",
    (
        "[次のいずれにも該当しない法人とします|以下に掲げる者は参加できません|下記の要件をすべて満たす事業者を対象とします]。暴力団又はその構成員と関係を有する者、市税を滞納している者、会社更生法に基づく手続を行っている者。",
        "[応募できるのは|ご参加いただけるのは|対象となるのは]、日本国内に拠点を持つ企業、大学、NPO法人等です。複数の者による共同での応募も可能ですが、代表者を一者定めてください。",
        "地方自治法施行令第167条の4の規定に該当しないこと。また、{town}の指名停止措置を受けていないこと。個人事業主の方は事前にご相談ください。",
        "法人格の有無や所在地は問いません。ただし、事業を継続して遂行できる体制と財務状況を備え、担当者と日本語で打合せができることを条件とします。",
        "宗教活動や政治活動を主な目的とする団体、公序良俗に反する事業を営む団体は応募できません。",
    ),
)
SCHEDULE: Kind = (
    "今後の予定",
    (
        "公表 {month}月1日、質問の締切 {month}月15日、提案書の提出期限 {month}月末日の正午（必着）。結果は翌月中旬までに全員へお知らせします。",
        "募集期間は公開の日から{days}日間です。一次の書類選考を通過した方に、オンラインで20分程度のご説明をお願いします。",
        "[契約や協定の締結後|採択が決まり次第|協議が整った後]、{month}月ごろから[準備を始め|着手し|体制を整え]、年度内に現地での取組と報告会を行う予定です。日程は状況により変わることがあります。",
        "説明会は{month}月10日午後2時から庁舎3階会議室とオンラインで同時に開きます。参加は任意で、欠席しても審査で不利になることはありません。",
    ),
)
SUBMISSION: Kind = (
    "提出方法・お問い合わせ",
    (
        "[様式1から様式3まで|所定の用紙|別紙の申請書]に必要事項を記入し、PDF形式で電子メールにより提出してください。紙での提出や持参は受け付けません。",
        "[申込フォーム|専用ページ|市の電子申請]から登録のうえ、会社概要と提案書（A4で10枚以内）を添付してください。提出後の差し替えは認めません。",
        "お問い合わせは{desk}まで。電話 0{a}-{b}-{c}（平日8時30分から17時15分まで、正午から13時を除く）、メール koubo@city.example.jp",
        "[ご不明な点は{desk}へメールでお尋ねください|お尋ねになりたいことは{desk}が電子メールで承ります|質問がある場合は{desk}あてに文書でお送りください]。いただいた質問と回答は、事業者名を伏せてホームページに掲載します。",
    ),
)
REVIEW: Kind = (
    "審査",
    (
        "[審査は庁内の委員と外部の有識者が行い|審査委員会を設け|副市長を長とする会議において]、課題への理解、実現可能性、独自性、継続性、費用の妥当性の5項目を各20点で評価します。",
        "選定にあたっては、本市の現状を踏まえているか、住民にどのような効果があるか、他の地域にも広げられるかを重視します。審査の経過は公表しません。",
        "[書類と面談により総合的に判断し|提案内容とヒアリングを踏まえて点数を付け|応募資料を比較検討し]、最も評価の高い者を優先交渉権者とします。応募が一者の場合でも、基準点に満たないときは採択しません。",
        "評価の内訳は、実施体制30点、スケジュール20点、地域への波及効果30点、見積額20点とし、同点の場合は委員の協議によります。",
    ),
)
PRIVACY: Kind = (
    "個人情報と権利",
    (
        "[取得した個人情報|知り得た住民の情報|収集したデータ]は本事業の目的にのみ用い、個人情報保護法及び条例に従って適切に管理し、終了後は速やかに消去してください。",
        "提出された書類は返却しません。また、{town}情報公開条例に基づき、企業の正当な利益を害するおそれがある部分を除いて開示することがあります。",
        "成果物の著作権その他の権利の帰属は、協議のうえ協定で定めます。業務上知り得た秘密を第三者に漏らしてはなりません。",
        "住民の情報を扱う場合は、あらかじめ取扱いの方法を書面で示し、再委託するときは承認を得ることとします。",
    ),
)
COST: Kind = (
    "費用",
    (
        "[応募に要する費用はすべて応募者の負担とします|提案書の作成や移動にかかる経費はお支払いしません]。採択後の経費のうち、{town}が必要と認めるものについて予算の範囲内で負担します。",
        "取組に必要な機器の購入費、交通費、通信費は原則として企業側のご負担となります。旅費の補助はありません。",
        "委託料の支払いは完了検査の後に一括して行います。消費税及び地方消費税を含めた額で見積もってください。",
    ),
)
AFTER = (ELIGIBILITY, SCHEDULE, SUBMISSION, REVIEW, PRIVACY, COST)

HISTORY: Kind = (
    "会社案内",
    (
        "当社は平成{year}年に{city}で創業し、{topics}に関わるお客さまを[長年お手伝いしてきました|サービスを届けてきました|ご支援してまいりました]。[社員一人ひとりの誠実さが自慢です|小さな会社ですが志は高くもっています|お客さまの声が何よりの励みです]。",
        "私たちのミッションは「{slogan}」。全国{count}か所の拠点から、自治体と企業の挑戦を支え続けています。",
        "代表は大手メーカーで20年の開発経験を積み、ふるさとに恩返しをしたいと起業しました。昨年には資本提携により体制を強化しています。",
        "弊社ではこのほかにも、{topics}に関する製品をご用意しております。詳しくはウェブサイトの製品一覧をご覧ください。",
    ),
)
AWARDS: Kind = (
    "受賞・掲載",
    (
        "地域ビジネスコンテスト20{year2}優秀賞、ものづくり大賞奨励賞を受賞。[新聞やテレビなど{count}以上のメディアで紹介されました|経済誌の特集にも取り上げられました|業界団体の表彰も受けています]。",
        "ISMS認証とプライバシーマークを取得しています。経済団体の先進事例集にも掲載されました。",
        "SDGs宣言企業として、地域の学校での出前授業や清掃活動にも積極的に参加しています。",
    ),
)
SELLING: Kind = (
    "お問い合わせ",
    (
        "[資料請求と無料デモのお申し込み|カタログのご請求|導入のご相談]は、お電話またはフォームからお気軽にどうぞ。[専任のスタッフが丁寧にご説明します|担当よりすぐに折り返します|オンラインでの面談も承ります]。",
        "[メールマガジン|月刊のニュースレター|公式の配信]では、補助金の最新情報や導入事例を月2回お届けしています。ぜひご登録ください。",
        "ご契約から運用開始まで、経験豊富な担当者が一貫してサポートします。お見積もりは無料です。お電話は平日9時から18時まで。",
        "展示会への出展情報やセミナーのご案内は、公式サイトのお知らせをご覧ください。全国どこへでも伺います。",
    ),
)

_FILLINGS: Mapping[str, Sequence[str]] = {
    "nature": ("豊かな森と清流", "美しい海岸線", "雄大な山並み", "広大な平野", "歴史ある街並み"),
    "trade": ("農業と観光", "水産業", "製造業", "商業と伝統工芸", "林業と温泉"),
    "plan": (
        "第6次総合計画",
        "まち・ひと・しごと創生戦略",
        "デジタル田園都市構想",
        "第3期基本構想",
    ),
    "slogan": (
        "誰もが輝く共生のまち",
        "住み続けたいふるさと",
        "未来へつなぐ安心と活力",
        "笑顔あふれる持続可能な地域",
    ),
    "topics": (
        "子育て、防災、観光振興",
        "医療と介護、公共交通、空き家",
        "農業の担い手、脱炭素、教育",
        "移住促進、商店街の活性化、健康づくり",
        "除雪、鳥獣被害、行政のデジタル化",
    ),
    "desk": ("企画政策課", "デジタル推進室", "地域共創課", "総務部行政経営課"),
    "city": ("大阪市", "仙台市", "福岡市", "名古屋市", "札幌市"),
}
_RANGES: Mapping[str, tuple[int, int]] = {
    "people": (3_000, 190_000),
    "old": (24, 52),
    "year": (2, 30),
    "year2": (15, 25),
    "count": (3, 60),
    "visitors": (10, 300),
    "month": (4, 12),
    "days": (20, 60),
    "a": (11, 99),
    "b": (10, 99),
    "c": (1000, 9999),
}
_HEADINGS = ("■{}", "【{}】", "{n}　{}", "（{n}）{}", "◎{}")
_NEED_HEADINGS = ("募集する内容", "解決したい課題", "背景と課題", "募集テーマ")
_OFFER_HEADINGS = ("ソリューションの内容", "サービス紹介", "できること")


def wrap(labelled: LabelledSet, seed: int) -> LabelledSet:
    """Return the set with boilerplate around every body; the same seed draws the same."""
    calls = {id_: _wrapped(row, seed, _call) for id_, row in labelled.calls.items()}
    solutions = {id_: _wrapped(row, seed, _solution) for id_, row in labelled.solutions.items()}
    return replace(labelled, calls=calls, solutions=solutions)


Sections = list[tuple[str, list[str]]]  # heading and sentences, in order
Write = Callable[[Kind, int], tuple[str, list[str]]]  # draws some wordings of a kind
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")


def _wrapped(row: Row, seed: int, draw: Callable[[str, Random, Random, Write], Sections]) -> Row:
    name = str(row.get("municipality") or row.get("company") or "当地")
    by_owner = Random(f"{seed} {name}")  # noqa: S311
    own = Random(f"{seed} {row['id']}")  # noqa: S311 - nothing secret is drawn
    values = _values(name, by_owner)

    def write(kind: Kind, count: int) -> tuple[str, list[str]]:
        heading, wordings = kind
        drawn = own.sample(wordings, min(count, len(wordings)))
        chosen = (_CHOICE.sub(lambda m: by_owner.choice(m[1].split("|")), own) for own in drawn)
        return heading, [_filled(text, values) for text in chosen]

    sections = draw(str(row.get("body", "")), by_owner, own, write)
    return {**row, "body": _laid_out(sections, by_owner)}


def _call(body: str, by_owner: Random, own: Random, write: Write) -> Sections:
    before = [write(GREETING, by_owner.randint(1, 3))]
    chosen = own.sample(AFTER, own.randint(2, 4))
    after = [write(kind, own.randint(1, 2)) for kind in AFTER if kind in chosen]
    need = (own.choice(_NEED_HEADINGS), [body])
    if by_owner.random() < 0.2:  # some towns begin with the rules
        return [*before, *after[:1], need, *after[1:]]
    return [*before, need, *after]


def _solution(body: str, by_owner: Random, own: Random, write: Write) -> Sections:
    kinds = own.sample((HISTORY, AWARDS, SELLING), own.randint(1, 3))
    sections = [write(kind, 1) for kind in kinds]
    sections.insert(own.randint(0, 1), (own.choice(_OFFER_HEADINGS), [body]))
    return sections


def _laid_out(sections: Sections, by_owner: Random) -> str:
    """With headings, in paragraphs without any, or all in one paragraph."""
    layout = by_owner.choice(("headings", "headings", "paragraphs", "solid"))
    if layout == "solid":
        return "".join(sentence for _, sentences in sections for sentence in sentences)
    if layout == "paragraphs":
        return "\n\n".join("".join(sentences) for _, sentences in sections)
    style = by_owner.choice(_HEADINGS)
    return "\n".join(
        f"{style.format(heading, n=number)}\n{''.join(sentences)}"
        for number, (heading, sentences) in enumerate(sections, 1)
    )


def _values(name: str, numbers: Random) -> dict[str, str]:
    """What stands for {…} in everything one town or firm writes."""
    drawn = {key: str(numbers.randint(*ends)) for key, ends in _RANGES.items()}
    drawn["people"] = f"{int(drawn['people']):,}"
    return drawn | {key: numbers.choice(words) for key, words in _FILLINGS.items()} | {"town": name}


def _filled(text: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    return text

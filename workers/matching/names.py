"""Names of the codes that sentences mention, in Japanese and English."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Name = tuple[str, str]

THEMES: dict[str, Name] = {
    "childcare": ("子育て", "childcare"),
    "elderly": ("高齢者・介護", "older people and care"),
    "disaster": ("防災", "disaster preparedness"),
    "tourism": ("観光", "tourism"),
    "agriculture": ("農林水産", "agriculture, forestry and fisheries"),
    "environment": ("環境・脱炭素", "environment and decarbonisation"),
    "mobility": ("交通・モビリティ", "transport and mobility"),
    "gov_dx": ("行政DX", "digital government"),
    "education": ("教育", "education"),
    "health": ("健康・医療", "health and medical care"),
    "housing": ("空き家・住まい", "vacant homes and housing"),
    "industry": ("産業振興", "local industry"),
    "infrastructure": ("インフラ維持管理", "infrastructure maintenance"),
    "migration": ("移住定住", "relocation and settlement"),
    "culture_sports": ("文化・スポーツ", "culture and sports"),
    "safety": ("防犯・見守り", "safety and crime prevention"),
    "circular": ("食品ロス・循環", "food loss and circular economy"),
    "workstyle": ("働き方", "ways of working"),
    "multicultural": ("多文化共生", "multicultural community"),
    "energy": ("エネルギー", "energy"),
    "community": ("市民協働・コミュニティ", "civic collaboration and community"),
    "finance": ("財政・歳入確保", "public finance and revenue"),
    "snow": ("除雪・寒冷地", "snow and cold regions"),
    "welfare": ("福祉・共生", "welfare and inclusion"),
}
OFFERS: dict[str, Name] = {
    "field": ("実証フィールド", "a place to test"),
    "data": ("行政データ", "municipal data"),
    "subsidy": ("補助・負担金", "a subsidy or contribution"),
    "publicity": ("広報・PR", "publicity"),
    "facility": ("施設・場所", "facilities and space"),
    "staff": ("職員の協力", "help from staff"),
    "deregulation": ("規制・特区の相談", "advice on regulation"),
    "residents": ("モニター・住民の参加", "residents taking part"),
    "coordination": ("庁内・関係機関の調整", "coordination with departments and agencies"),
    "mentoring": ("専門家・メンタリング", "experts and mentoring"),
    "reference": ("実績の公開・他自治体への紹介", "a public reference for other towns"),
}
KINDS: dict[str, Name] = {
    "pilot": ("実証実験", "pilot"),
    "accelerator": ("アクセラ", "accelerator"),
    "proposal": ("提案募集", "call for proposals"),
    "collaboration": ("協業募集", "collaboration"),
    "consultation": ("相談", "consultation"),
}
STAGES: dict[str, Name] = {
    "concept": ("構想", "concept"),
    "prototype": ("試作", "prototype"),
    "product": ("製品", "product"),
    "proven": ("実績あり", "proven"),
}
PREFECTURES: dict[str, Name] = {
    "01": ("北海道", "Hokkaido"),
    "02": ("青森県", "Aomori"),
    "03": ("岩手県", "Iwate"),
    "04": ("宮城県", "Miyagi"),
    "05": ("秋田県", "Akita"),
    "06": ("山形県", "Yamagata"),
    "07": ("福島県", "Fukushima"),
    "08": ("茨城県", "Ibaraki"),
    "09": ("栃木県", "Tochigi"),
    "10": ("群馬県", "Gunma"),
    "11": ("埼玉県", "Saitama"),
    "12": ("千葉県", "Chiba"),
    "13": ("東京都", "Tokyo"),
    "14": ("神奈川県", "Kanagawa"),
    "15": ("新潟県", "Niigata"),
    "16": ("富山県", "Toyama"),
    "17": ("石川県", "Ishikawa"),
    "18": ("福井県", "Fukui"),
    "19": ("山梨県", "Yamanashi"),
    "20": ("長野県", "Nagano"),
    "21": ("岐阜県", "Gifu"),
    "22": ("静岡県", "Shizuoka"),
    "23": ("愛知県", "Aichi"),
    "24": ("三重県", "Mie"),
    "25": ("滋賀県", "Shiga"),
    "26": ("京都府", "Kyoto"),
    "27": ("大阪府", "Osaka"),
    "28": ("兵庫県", "Hyogo"),
    "29": ("奈良県", "Nara"),
    "30": ("和歌山県", "Wakayama"),
    "31": ("鳥取県", "Tottori"),
    "32": ("島根県", "Shimane"),
    "33": ("岡山県", "Okayama"),
    "34": ("広島県", "Hiroshima"),
    "35": ("山口県", "Yamaguchi"),
    "36": ("徳島県", "Tokushima"),
    "37": ("香川県", "Kagawa"),
    "38": ("愛媛県", "Ehime"),
    "39": ("高知県", "Kochi"),
    "40": ("福岡県", "Fukuoka"),
    "41": ("佐賀県", "Saga"),
    "42": ("長崎県", "Nagasaki"),
    "43": ("熊本県", "Kumamoto"),
    "44": ("大分県", "Oita"),
    "45": ("宮崎県", "Miyazaki"),
    "46": ("鹿児島県", "Kagoshima"),
    "47": ("沖縄県", "Okinawa"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """The names to use; the caller may hand in its own, finer themes among them."""

    themes: Mapping[str, Name] = field(default_factory=lambda: THEMES)
    offers: Mapping[str, Name] = field(default_factory=lambda: OFFERS)
    kinds: Mapping[str, Name] = field(default_factory=lambda: KINDS)
    prefectures: Mapping[str, Name] = field(default_factory=lambda: PREFECTURES)
    stages: Mapping[str, Name] = field(default_factory=lambda: STAGES)


def named(names: Mapping[str, Name], codes: list[str]) -> tuple[list[str], list[str]]:
    """Return the Japanese and the English names of codes; unknown codes are left out."""
    known = [names[code] for code in codes if code in names]
    return [ja for ja, _ in known], [en for _, en in known]

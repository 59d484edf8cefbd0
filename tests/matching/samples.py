"""A small market of our own, and the whole way from facts to lists."""

from collections.abc import Sequence
from functools import lru_cache

from tests.matching.markets import Row, pairs_of
from workers.matching import epoch as epochs
from workers.matching.channels import Profile
from workers.matching.channels import profile as analyse
from workers.matching.epoch import Epoch
from workers.matching.exposure import deal_calls, deal_firms
from workers.matching.facts import CallFacts, Facts, SolutionFacts
from workers.matching.listing import Listing, listing
from workers.matching.market import Market
from workers.matching.score import Score, score
from workers.matching.subject import subject

CALLS = (
    CallFacts(
        id=1,
        town=101,
        kind="pilot",
        title="除雪車の動きを住民が見られるようにしたい",
        problem="夜中に除雪を終えても、どの道がまだなのか住民には分からず、役場の電話が朝まで鳴り続けます。",
        wanted="除雪車の位置と終わった道を地図で知らせる方法を探しています。",
        themes=("snow", "infrastructure"),
        offers=("field", "data"),
        prefecture="06",
    ),
    CallFacts(
        id=2,
        town=102,
        kind="proposal",
        title="図書館に来られない人へ本を届ける",
        problem="山間部の高齢者は図書館まで車で四十分かかり、貸出は年々減っています。",
        wanted="移動図書館に代わる、読書を続けられる手立てを求めます。",
        themes=("education", "elderly"),
        offers=("facility", "publicity"),
        prefecture="20",
    ),
    CallFacts(
        id=3,
        town=103,
        kind="collaboration",
        title="イノシシの被害を減らす見回りの省力化",
        problem="猟友会の高齢化で、わなの見回りが続けられません。畑の食害は去年の二倍になりました。",
        wanted="捕獲の知らせや出没の予測など、少ない人手で続く方法を求めます。",
        themes=("agriculture",),
        offers=("field", "staff"),
        prefecture="34",
    ),
    CallFacts(
        id=4,
        town=104,
        kind="pilot",
        title="水道の検針と漏水調査を少ない人数で",
        problem="検針員のなり手がなく、漏水は住民の通報で初めて分かります。",
        wanted="遠隔の検針と、配水管の漏水を早く見つける技術を試します。",
        themes=("infrastructure",),
        offers=("field", "data", "staff"),
        prefecture="32",
    ),
    CallFacts(
        id=5,
        town=105,
        kind="accelerator",
        title="産後の母親が夜に相談できる先をつくる",
        problem="出産した病院が市外にあり、退院後の授乳や睡眠の悩みを話す相手がいません。",
        wanted="助産師や保健師につながる、夜間も使える相談のしくみを求めます。",
        themes=("childcare", "health"),
        offers=("publicity",),
        prefecture="22",
    ),
)
SOLUTIONS = (
    SolutionFacts(
        id=11,
        firm=201,
        title="除雪車の現在地と作業済みの道路を示す地図",
        solves="除雪の進み具合についての問い合わせが役場に集中する困りごとを解決します。",
        brings="除雪車に載せる端末と、住民が見る地図、出動記録の自動作成を提供します。",
        themes=("snow", "gov_dx"),
        asks=("field", "data"),
        stage="product",
        areas=("06", "05"),
    ),
    SolutionFacts(
        id=12,
        firm=202,
        title="屋根に付ける融雪シート",
        solves="雪下ろしの事故を減らします。",
        brings="電熱で軒先の雪を融かすシートを施工します。",
        themes=("snow", "housing"),
        asks=("field",),
        stage="proven",
        areas=("00",),
    ),
    SolutionFacts(
        id=13,
        firm=203,
        title="電子図書館と本の宅配を組み合わせた読書支援",
        solves="図書館が遠い人や来館が難しい高齢者が本を借りられない課題に応えます。",
        brings="電話でも申し込める宅配と、音声で聴ける電子図書を用意します。",
        themes=("education",),
        asks=("publicity",),
        stage="product",
    ),
    SolutionFacts(
        id=14,
        firm=204,
        title="わなの作動を携帯に知らせる発信機",
        solves="捕獲わなの見回りにかかる猟師の負担を減らします。",
        brings="電池で一年動く発信機と、イノシシの出没を地図にする画面を提供します。",
        themes=("agriculture",),
        asks=("field",),
        stage="proven",
        areas=("00",),
    ),
    SolutionFacts(
        id=15,
        firm=205,
        title="無線式の水道メーターによる遠隔検針",
        solves="検針員の不足と、宅内の漏水の発見の遅れを解決します。",
        brings="既設のメーターに付ける通信機と、使用量の変化を見つける画面です。",
        themes=("infrastructure",),
        asks=("data", "field"),
        stage="proven",
        areas=("32", "31"),
    ),
    SolutionFacts(
        id=16,
        firm=206,
        title="夜間も助産師に聞ける産後のオンライン相談",
        solves="産後の授乳や体調の不安を、夜に一人で抱える母親を支えます。",
        brings="助産師が交代で答え、必要なら保健師へつなぎます。",
        themes=("childcare", "health"),
        asks=("publicity",),
        kinds=("accelerator", "pilot"),
        stage="prototype",
    ),
    SolutionFacts(
        id=17,
        firm=207,
        title="結婚式場の予約を一目で管理する台帳",
        solves="式場の予約の重なりを防ぎます。",
        brings="挙式と披露宴の空きを色で示す台帳です。",
        themes=("other",),
        stage="product",
    ),
    SolutionFacts(
        id=18,
        firm=208,
        title="なんでも解決プラットフォーム",
        solves="地域の課題を丸ごと解決します。",
        brings="除雪、鳥獣被害、漏水、検針、産後ケア、図書館、観光、防災、空き家、医療、交通。",
        themes=("snow", "agriculture", "infrastructure"),
        stage="concept",
    ),
)
BOILERPLATE_BEFORE = (
    "本市は豊かな自然と歴史に恵まれ、観光と農業を基幹産業として発展してきました。\n"
    "人口減少と少子高齢化が進むなか、子育て、高齢者福祉、防災、交通など多様化する課題に、"
    "官民連携で取り組んでいます。\n"
)
BOILERPLATE_AFTER = (
    "\n3 応募資格\n法人格を有し、市税を滞納していないこと。暴力団と関係を有しないこと。\n"
    "【個人情報】\n個人情報の取扱いについては関係法令を遵守し、第三者に提供しないこと。\n"
    "【日程】\n提案書の提出期限は8月31日午後5時まで（必着）。書類審査のうえ選定委員会が選定します。\n"
    "お問い合わせ先：企画部政策課　電話 000-000-0000"
)


@lru_cache(maxsize=4096)
def profile(facts: Facts) -> Profile:
    return analyse(facts)


def listings(facts: Sequence[Facts], since: Sequence[int] | None = None) -> list[Listing]:
    ages = since or [1000] * len(facts)
    return [listing(f, profile(f), age) for f, age in zip(facts, ages, strict=True)]


def epoch_of(calls: Sequence[CallFacts], solutions: Sequence[SolutionFacts]) -> Epoch:
    return epochs.build(listings(calls), listings(solutions))


def score_of(call: CallFacts, solution: SolutionFacts, epoch: Epoch) -> Score:
    return score(
        subject(call, profile(call), epoch), subject(solution, profile(solution), epoch), epoch
    )


def market_of(
    calls: Sequence[CallFacts],
    solutions: Sequence[SolutionFacts],
    since: Sequence[int] | None = None,
) -> Market:
    left, right = listings(calls), listings(solutions, since)
    return Market.build(epochs.build(left, right), left, right)


def pair(call: CallFacts, solution: SolutionFacts, market: Market) -> Row:
    """Return a scored pair as one that competes for places."""
    return Row(
        call=call.id,
        solution=solution.id,
        firm=solution.firm,
        value=score_of(call, solution, market.epoch).value,
        town=call.town,
        original=market.calls.heads.get(call.id, call.id),
        text=profile(call).digest + profile(solution).digest,
    )


def lists_for_calls(
    calls: Sequence[CallFacts], solutions: Sequence[SolutionFacts], market: Market
) -> dict[str, list[str]]:
    """Return title of call -> titles of the solutions shown, by the full run."""
    by_id = {solution.id: solution for solution in solutions}
    graph = market.graph()
    rows = [pair(call, by_id[id_], market) for call in calls for id_ in graph.get(call.id, ())]
    places = deal_calls(pairs_of(rows), lists={call.id for call in calls}, offers={})
    return {
        call.title: [by_id[place.solution].title for place in places if place.list == call.id]
        for call in calls
    }


def lists_for_firms(
    calls: Sequence[CallFacts], solutions: Sequence[SolutionFacts], market: Market
) -> dict[str, list[str]]:
    """Return title of solution -> titles of the calls shown, solution by solution."""
    by_id = {call.id: call for call in calls}
    shown = {}
    for solution in solutions:
        ids = market.calls_for(listings([solution])[0])
        rows = [pair(by_id[id_], solution, market) for id_ in ids]
        places = deal_firms(pairs_of(rows), lists=[solution.firm])
        shown[solution.title] = [by_id[place.call].title for place in places]
    return shown


def ranking(call: CallFacts, solutions: Sequence[SolutionFacts], epoch: Epoch) -> list[int]:
    """Return the ids of all solutions, best first, without a cut."""
    values = {s.id: (-score_of(call, s, epoch).value, profile(s).digest) for s in solutions}
    return sorted(values, key=values.__getitem__)

"""What is missing: what a pair leaves open or does not meet, said of the two listings only."""

from collections.abc import Iterator

from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.names import Names, named
from workers.matching.places import NATIONWIDE
from workers.matching.score import STAGE_FIT
from workers.matching.themes import spread
from workers.matching.wording import Sentence, english_quotes, quotes

SUITS = 0.8  # a stage with at least this fit suits a kind of call


def find_gaps(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    """Yield what is missing, most important first."""
    yield from _eligibility(call, solution)
    ja, en = named(names.offers, [ask for ask in solution.asks if ask not in call.offers])
    if ja:
        yield Sentence(
            f"企業が求める{quotes(ja)}は、募集の提供できるものに書かれていません。",
            f"The company asks for {english_quotes(en)}, which the call does not list among its offers.",
        )
    yield from place_gap(call, solution, names)
    yield from kind_gap(call, solution, names)
    yield from stage_gap(call, solution, names)
    yield from theme_gap(call, solution, names)
    yield from _open_points(call, solution)


def kind_gap(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    """Yield one sentence when the firm wishes for other kinds of call."""
    if not solution.kinds or call.kind in solution.kinds:
        return
    ja, en = named(names.kinds, list(solution.kinds))
    if ja:
        yield Sentence(
            f"企業が希望する募集の種類は{quotes(ja)}で、この募集の種類とは違います。",
            f"The company is looking for {'other kinds' if en[1:] else 'another kind'} of call: "
            f"{english_quotes(en)}.",
        )


def stage_gap(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    """Yield one sentence when the solution's stage suits the kind of call less."""
    fit = STAGE_FIT.get(call.kind, {}).get(solution.stage or "")
    kind, stage = names.kinds.get(call.kind), names.stages.get(solution.stage or "")
    if fit is not None and fit < SUITS and kind and stage:
        yield Sentence(
            f"募集の種類は「{kind[0]}」、ソリューションの開発の段階は「{stage[0]}」です。"
            "進み具合を確かめてください。",
            f"The call is of the kind “{kind[1]}”, and the solution is at the stage “{stage[1]}”: "
            "check how far it has come.",
        )


def theme_gap(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    """Yield one sentence when both name themes and share none."""
    left, right = spread(call.themes), spread(solution.themes)
    if not left or not right or left.keys() & right.keys():
        return
    (ja, en), (other_ja, other_en) = (
        named(names.themes, list(dict.fromkeys(own))) for own in (call.themes, solution.themes)
    )
    if ja and other_ja:
        yield Sentence(
            f"分野は、募集が{quotes(ja)}、ソリューションが{quotes(other_ja)}で、重なりません。",
            f"The themes differ: {english_quotes(en)} in the call, "
            f"{english_quotes(other_en)} in the solution.",
        )


def place_gap(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    """Yield one sentence when it is open or doubtful whether the solution can be delivered."""
    here = names.prefectures.get(call.prefecture or "")
    if not solution.areas:
        yield Sentence(
            "ソリューションに、提供できる地域の記載がありません。",
            "The solution does not say where it can be delivered.",
        )
    elif here and not {call.prefecture, NATIONWIDE} & set(solution.areas):
        yield Sentence(
            f"ソリューションを提供できる地域に、{here[0]}は書かれていません。",
            f"{here[1]} is not among the areas where the solution can be delivered.",
        )


def _eligibility(call: CallFacts, solution: SolutionFacts) -> Iterator[Sentence]:
    if "juridical_person" in call.eligibility and solution.juridical is None:
        yield Sentence(
            "募集は法人を対象としています。企業が法人かどうかは登録されていません。",
            "The call is for legal entities; whether the company is one is not on record.",
        )
    limits = {
        "in_municipality": ("市区町村内", "municipality"),
        "in_prefecture": ("県内", "prefecture"),
    }
    for code, (ja, en) in limits.items():
        if code in call.eligibility:
            yield Sentence(
                f"募集は{ja}の事業者を対象としています。企業の所在地は確認していません。",
                f"The call is for companies in the {en}; where this one is has not been checked.",
            )
            return


def _open_points(call: CallFacts, solution: SolutionFacts) -> Iterator[Sentence]:
    """Yield one sentence for each side that leaves common questions open."""
    no_field = call.kind == "pilot" and bool(call.offers) and "field" not in call.offers
    points = {
        ("予算", "a budget"): call.budget_kind == "unstated",
        ("提供できるもの", "what the town offers"): not call.offers,
        ("実証フィールド", "a place for trials"): no_field,
    }
    yield from _unstated("募集", "The call", points)
    points = {
        ("開発の段階", "its stage"): not solution.stage,
        ("求めるもの", "what the company asks for"): not solution.asks,
    }
    yield from _unstated("ソリューション", "The solution", points)


def _unstated(ja: str, en: str, points: dict[tuple[str, str], bool]) -> Iterator[Sentence]:
    missing = [point for point, is_open in points.items() if is_open]
    if missing:
        yield Sentence(
            f"{ja}に、{'・'.join(name for name, _ in missing)}の記載がありません。",
            f"{en} does not state {' or '.join(name for _, name in missing)}.",
        )

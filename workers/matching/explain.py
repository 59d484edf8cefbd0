"""Why a pair was recommended, in sentences an officer can paste into an approval paper.

Every sentence states a fact of the pair: phrases quoted from both texts, themes both name, what
one asks for and the other offers, places. Then what the two listings leave open. Nothing is said
that the data does not say, and nothing of size, age or success of a firm.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from workers.matching.evidence import Evidence, find_evidence
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.names import Names, named
from workers.matching.places import NATIONWIDE
from workers.matching.score import Score
from workers.matching.subject import CallSubject, SolutionSubject
from workers.matching.themes import spread


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement in both languages."""

    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences about a pair.

    `fit`: why the solution answers the need; `answer`: why the firm would take part; `gaps`:
    what is missing, most important first; `evidence`: the strongest shared terms.
    """

    fit: tuple[Sentence, ...]
    answer: tuple[Sentence, ...]
    gaps: tuple[Sentence, ...]
    evidence: tuple[Evidence, ...]

    def for_town(self) -> tuple[Sentence, ...]:
        """Return two or three sentences for the town: its need first, then one gap."""
        return (*self.fit[:2], *self.answer[:1], *self.gaps[:1])[:3]

    def for_firm(self) -> tuple[Sentence, ...]:
        """Return two or three sentences for the firm: what it gains first, then one gap."""
        return (*self.answer[:1], *self.fit[: 2 - len(self.answer[:1])], *self.gaps[:1])


def explain(
    call: CallSubject, solution: SolutionSubject, scored: Score, names: Names | None = None
) -> Explanation:
    """Explain a scored pair by the subjects it was scored with."""
    names = names or Names()
    evidence = find_evidence(call, solution, scored)
    fit = (*_said(evidence), *_themes(call.facts, solution.facts, names))
    return Explanation(
        fit=fit or (_ONLY_OVERALL,),
        answer=tuple(_answers(call.facts, solution.facts, names)),
        gaps=tuple(_gaps(call.facts, solution.facts, names)),
        evidence=evidence,
    )


_ONLY_OVERALL = Sentence(
    "共通する言葉や分野は少なく、文章全体の近さから候補になりました。",
    "They share few words or themes; the texts as a whole are close.",
)


def _said(evidence: tuple[Evidence, ...]) -> Iterator[Sentence]:
    for item in evidence:
        if item.concept is not None:
            yield Sentence(
                f"「{item.concept.ja}」について、募集は{_quotes(item.call)}、"
                f"ソリューションは{_quotes(item.solution)}と書いています。",
                f"On {item.concept.en}, the call writes {_quotes(item.call)} "
                f"and the solution {_quotes(item.solution)}.",
            )
    words = [item for item in evidence if item.concept is None]
    alone = [item.word for item in words if _is_alone(item)]
    if alone:
        yield Sentence(
            f"どちらの文章にも{_quotes(alone)}の言葉があります。",
            f"Both texts have the words {', '.join(f'「{word}」' for word in alone)}.",
        )
    for item in words:
        if not _is_alone(item):
            yield Sentence(
                f"募集の{_quotes(item.call)}とソリューションの{_quotes(item.solution)}に、"
                f"同じ「{item.word}」が入っています。",
                f"{_quotes(item.call)} in the call and {_quotes(item.solution)} in the solution "
                f"share 「{item.word}」.",
            )


def _is_alone(item: Evidence) -> bool:
    """Tell whether both texts have the word as a word of its own."""
    return len(item.word) == len(item.call[0]) == len(item.solution[0])


def _themes(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    wanted = spread(solution.themes)
    common = [theme for theme in dict.fromkeys(spread(call.themes)) if theme in wanted]
    ja, en = named(names.themes, common)
    if ja:
        yield Sentence(f"分野{_quotes(ja)}が共通しています。", f"Shared themes: {', '.join(en)}.")


def _answers(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    ja, en = named(names.offers, [ask for ask in solution.asks if ask in call.offers])
    if ja:
        yield Sentence(
            f"企業が求める{_quotes(ja)}は、募集の提供できるものに含まれています。",
            f"What the firm asks for is offered by the call: {', '.join(en)}.",
        )
    here = names.prefectures.get(call.prefecture or "")
    if here and call.prefecture in solution.areas:
        yield Sentence(
            f"ソリューションを提供できる地域に{here[0]}が含まれています。",
            f"The solution can be delivered in {here[1]}.",
        )
    elif here and NATIONWIDE in solution.areas:
        yield Sentence(
            "ソリューションは全国で提供できるとされています。",
            "The solution is said to be deliverable all over Japan.",
        )
    kind = names.kinds.get(call.kind)
    if kind and call.kind in solution.kinds:
        yield Sentence(
            f"企業は「{kind[0]}」の募集を希望しています。",
            f"The firm wishes for calls of this kind: {kind[1]}.",
        )


def _gaps(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    yield from _eligibility_gaps(call, solution)
    ja, en = named(names.offers, [ask for ask in solution.asks if ask not in call.offers])
    if ja:
        yield Sentence(
            f"企業が求める{_quotes(ja)}は、募集の提供できるものに書かれていません。",
            f"The firm asks for {', '.join(en)}; the call does not list it among its offers.",
        )
    yield from _place_gaps(call, solution, names)
    if solution.kinds and call.kind not in solution.kinds:
        ja, en = named(names.kinds, list(solution.kinds))
        if ja:
            yield Sentence(
                f"企業が希望する募集の種類は{_quotes(ja)}です。",
                f"The firm wishes for another kind of call: {', '.join(en)}.",
            )
    yield from _missing(call, solution)


def _eligibility_gaps(call: CallFacts, solution: SolutionFacts) -> Iterator[Sentence]:
    if "juridical_person" in call.eligibility and solution.juridical is None:
        yield Sentence(
            "募集は法人を対象としています。企業が法人かどうかは登録されていません。",
            "The call is for juridical persons; whether the firm is one is not on record.",
        )
    limits = {
        "in_municipality": ("市区町村内", "municipality"),
        "in_prefecture": ("県内", "prefecture"),
    }
    for code, (ja, en) in limits.items():
        if code in call.eligibility:
            yield Sentence(
                f"募集は{ja}の事業者を対象としています。企業の所在地は確認していません。",
                f"The call is for firms in the {en}; where the firm sits has not been checked.",
            )
            return


def _place_gaps(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
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


def _missing(call: CallFacts, solution: SolutionFacts) -> Iterator[Sentence]:
    """Yield one sentence for each side that leaves common questions open."""
    open_points = {
        ("予算", "a budget"): call.budget_kind == "unstated",
        ("締切", "a deadline"): call.closes_at is None,
        ("提供できるもの", "what the town offers"): not call.offers,
    }
    yield from _unstated("募集", "The call", open_points)
    open_points = {
        ("開発の段階", "its stage"): not solution.stage,
        ("求めるもの", "what the firm asks for"): not solution.asks,
        ("実績", "evidence"): not solution.evidence,
    }
    yield from _unstated("ソリューション", "The solution", open_points)


def _unstated(ja: str, en: str, points: dict[tuple[str, str], bool]) -> Iterator[Sentence]:
    missing = [point for point, is_open in points.items() if is_open]
    if missing:
        yield Sentence(
            f"{ja}に、{'・'.join(name for name, _ in missing)}の記載がありません。",
            f"{en} does not state {', '.join(name for _, name in missing)}.",
        )


def _quotes(phrases: tuple[str, ...] | list[str]) -> str:
    return "".join(f"「{phrase}」" for phrase in phrases)

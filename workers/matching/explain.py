"""Why a pair was recommended, in sentences an officer can paste into an approval paper.

Every part of the score has its sentence, and every sentence states a fact of the pair: phrases
quoted from both texts, themes both name, what one asks for and the other offers, places. Then
what the two listings leave open. Nothing is said that the data does not say, and nothing of size,
age or success of a firm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.matching import meaning
from workers.matching.concepts import Concept
from workers.matching.evidence import Evidence, find_answer, find_evidence
from workers.matching.facts import CallFacts, SolutionFacts, wished
from workers.matching.gaps import SUITS, find_gaps
from workers.matching.names import Names, named
from workers.matching.places import NATIONWIDE
from workers.matching.score import STAGE_FIT, Score
from workers.matching.subject import CallSubject, SolutionSubject
from workers.matching.themes import spread
from workers.matching.wording import Sentence, all_texts, english_quotes, excerpt, quotes

__all__ = ["Explanation", "Sentence", "explain"]

# The least value of "meaning" and the least cosine of two passages that are said to be close.
# On demo markets nine in ten of the best pairs have such passages, few of the weakest do.
_CLOSE, _NEAR = 0.35, 0.3


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences about a pair.

    `fit`: why the solution answers the need, the part that contributes most first; `answer`: why
    the firm would take part; `gaps`: what is missing, most important first; `evidence`: the
    strongest shared terms; `parts`: the sentences by the part of the score they are about.
    """

    fit: tuple[Sentence, ...]
    answer: tuple[Sentence, ...]
    gaps: tuple[Sentence, ...]
    evidence: tuple[Evidence, ...]
    parts: dict[str, tuple[Sentence, ...]]


def explain(
    call: CallSubject, solution: SolutionSubject, scored: Score, names: Names | None = None
) -> Explanation:
    """Explain a scored pair by the subjects it was scored with."""
    names = names or Names()
    evidence = find_evidence(call, solution, scored)
    asked, given = call.facts, solution.facts
    parts = {
        "text": tuple(_said(evidence)),
        "meaning": tuple(_close(call, solution, scored)),
        "themes": tuple(_themes(asked, given, names)),
        "need": tuple(_across(call, solution, scored, "need")),
        "wanted": tuple(_across(call, solution, scored, "wanted")),
        "asks": tuple(_asks(asked, given, names)),
        "place": tuple(_place(asked, given, names)),
        "kind": tuple(_kind(asked, given, names)),
        "stage": tuple(_stage(asked, given, names)),
    }
    answer = [parts[code] for code in ("asks", "place", "kind", "stage")]
    return Explanation(
        fit=_by_contribution(parts, scored) or (_ONLY_OVERALL,),
        answer=tuple(sentence for own in answer for sentence in own),
        gaps=tuple(find_gaps(asked, given, names)),
        evidence=evidence,
        parts=parts,
    )


_FIT = ("text", "meaning", "themes", "need", "wanted")
_ONLY_OVERALL = Sentence(
    "共通する言葉や分野は少なく、文章全体の近さから候補になりました。",
    "They share few words or themes; it was found because the texts as a whole are alike.",
)


def _by_contribution(parts: dict[str, tuple[Sentence, ...]], scored: Score) -> tuple[Sentence, ...]:
    """Return the first sentence of each part, greatest contribution first, then the others."""
    given = {part.code: part.contribution for part in scored.parts}
    order = sorted(_FIT, key=lambda code: -given[code])
    first = [parts[code][0] for code in order if parts[code]]
    return (*first, *(sentence for code in order for sentence in parts[code][1:]))


def _close(call: CallSubject, solution: SolutionSubject, scored: Score) -> Iterator[Sentence]:
    """Yield the beginnings of the two nearest passages; no more is said than that they are near."""
    value = next(part.value for part in scored.parts if part.code == "meaning")
    if value is None or value < _CLOSE or call.meaning is None or solution.meaning is None:
        return
    left, right = meaning.texts(call.facts), meaning.texts(solution.facts)
    if (len(left), len(right)) != (len(call.meaning.rows), len(solution.meaning.rows)):
        return
    sources = all_texts(call.facts), all_texts(solution.facts)
    cosines = meaning.passage_cosines(call.meaning, solution.meaning)
    for i, j in meaning.nearest(call.meaning, solution.meaning):
        if cosines[i, j] < _NEAR:
            continue
        ours, theirs = excerpt(left[i], sources[0]), excerpt(right[j], sources[1])
        if ours and theirs:
            yield Sentence(
                f"募集の{quotes([ours])}と、ソリューションの{quotes([theirs])}は、内容が近い部分です。",
                f"The texts come close where the call says “{ours}” and the solution “{theirs}”.",
            )
            return


# What the two fields of a channel are called.
_FIELDS = {
    "need": (("困りごと", "解決すること"), ("the call’s problem", "what the solution solves")),
    "wanted": (("求める提案", "提供するもの"), ("what the call wants", "what the solution brings")),
}


def _across(
    call: CallSubject, solution: SolutionSubject, scored: Score, channel: str
) -> Iterator[Sentence]:
    """Yield one sentence on the strongest word that the two fields share."""
    found = find_answer(call, solution, scored, channel)
    if found is None:
        return
    (ours, theirs), (our_en, their_en) = _FIELDS[channel]
    if _is_alone(found):
        yield Sentence(
            f"募集の{ours}にも、ソリューションの{theirs}にも「{found.word}」とあります。",
            f"“{found.word}” appears both in {our_en} and in {their_en}.",
        )
    else:
        yield Sentence(
            f"募集の{ours}の{quotes(found.call)}と、ソリューションの{theirs}の"
            f"{quotes(found.solution)}に、同じ「{found.word}」が入っています。",
            f"{english_quotes(found.call)} in {our_en} and {english_quotes(found.solution)} in "
            f"{their_en} both contain “{found.word}”.",
        )


def _said(evidence: tuple[Evidence, ...]) -> Iterator[Sentence]:
    for item in evidence:
        if item.concept is not None:
            yield _on(item, item.concept)
    words = [item for item in evidence if item.concept is None]
    alone = [item.word for item in words if _is_alone(item)]
    if alone:
        yield _in_both(alone)
    for item in words:
        if not _is_alone(item):
            yield Sentence(
                f"募集の{quotes(item.call)}とソリューションの{quotes(item.solution)}に、"
                f"同じ「{item.word}」が入っています。",
                f"{english_quotes(item.call)} in the call and {english_quotes(item.solution)} in "
                f"the solution both contain “{item.word}”.",
            )


def _in_both(words: Sequence[str]) -> Sentence:
    return Sentence(
        f"どちらの文章にも{quotes(words)}という言葉があります。",
        f"Both texts use the word{'s' if words[1:] else ''} {english_quotes(words)}.",
    )


def _on(item: Evidence, concept: Concept) -> Sentence:
    """Say what both texts write; of what they speak only when both use several of its words.

    One word may mean another thing there: who mows a lawn does not write about river banks.
    """
    both = [phrase for phrase in item.call if phrase in item.solution]
    if len(both) > 1:
        return Sentence(
            f"「{concept.ja}」について、どちらの文章も{quotes(both)}と書いています。",
            f"On the topic “{concept.en}”, both texts mention {english_quotes(both)}.",
        )
    if min(len(item.call), len(item.solution)) > 1:
        return Sentence(
            f"「{concept.ja}」について、募集は{quotes(item.call)}、"
            f"ソリューションは{quotes(item.solution)}と書いています。",
            f"On the topic “{concept.en}”, the call mentions {english_quotes(item.call)}, "
            f"the solution {english_quotes(item.solution)}.",
        )
    if both:
        return _in_both(both)
    return Sentence(
        f"募集の{quotes(item.call)}と、ソリューションの{quotes(item.solution)}は、用語集で同じ仲間の言葉です。",
        f"{english_quotes(item.call)} in the call and {english_quotes(item.solution)} in the "
        "solution belong to the same group of words in our glossary.",
    )


def _is_alone(item: Evidence) -> bool:
    """Tell whether both texts have the word as a word of its own."""
    return len(item.word) == len(item.call[0]) == len(item.solution[0])


def _themes(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    wanted = spread(solution.themes)
    common = [theme for theme in dict.fromkeys(spread(call.themes)) if theme in wanted]
    ja, en = named(names.themes, common)
    if ja:
        yield Sentence(
            f"分野{quotes(ja)}が共通しています。",
            f"Both list the theme{'s' if en[1:] else ''} {english_quotes(en)}.",
        )


def _asks(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    ja, en = named(names.offers, [ask for ask in solution.asks if ask in call.offers])
    if ja:
        yield Sentence(
            f"企業が求める{quotes(ja)}は、募集の提供できるものに含まれています。",
            f"The call offers {english_quotes(en)}, which the company asks for.",
        )


def _place(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    here = names.prefectures.get(call.prefecture or "")
    if here and call.prefecture in solution.areas:
        yield Sentence(
            f"ソリューションを提供できる地域に{here[0]}が含まれています。",
            f"{here[1]} is among the areas where the solution can be delivered.",
        )
    elif here and NATIONWIDE in solution.areas:
        yield Sentence(
            "ソリューションは全国で提供できると書かれています。",
            "The solution is described as available all over Japan.",
        )


def _kind(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    kind = names.kinds.get(call.kind)
    if kind and call.kind in wished(solution.kinds):
        yield Sentence(
            f"企業は「{kind[0]}」の募集を希望しています。",
            f"The company is looking for calls of this kind: “{kind[1]}”.",
        )


def _stage(call: CallFacts, solution: SolutionFacts, names: Names) -> Iterator[Sentence]:
    fit = STAGE_FIT.get(call.kind, {}).get(solution.stage or "")
    kind, stage = names.kinds.get(call.kind), names.stages.get(solution.stage or "")
    if fit is not None and fit >= SUITS and kind and stage:
        yield Sentence(
            f"募集の種類は「{kind[0]}」で、ソリューションの開発の段階は「{stage[0]}」です。",
            f"The call is of the kind “{kind[1]}”, and the solution is at the stage “{stage[1]}”.",
        )

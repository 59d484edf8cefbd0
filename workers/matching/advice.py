"""What would help: why a solution is not shown for a call, and whether a draft is too wide.

Both are facts of the texts in hand. Nothing is said of other firms, and nothing promises a place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workers.matching import meaning
from workers.matching.channels import CHANNELS, channel_numbers
from workers.matching.epoch import Epoch
from workers.matching.facts import CallFacts, SolutionFacts
from workers.matching.gaps import kind_gap, place_gap, stage_gap, theme_gap
from workers.matching.names import Names, named
from workers.matching.reading import read
from workers.matching.score import STAGE_FIT, WEIGHTS, Score
from workers.matching.subject import CallSubject, SolutionSubject
from workers.matching.wording import Sentence, all_texts, english_quotes, excerpt, quotes

_MOST = 3
_MOST_WORDS = 3
# A part that lacks less than this of its weight is no weakness.
_WEAK = 0.02
# D below this is worth a word on enumeration.
_LISTED = 0.9
# A passage whose centred cosines with the solution's all stay below this has found no answer.
_UNANSWERED = 0.2
# A draft: values that lie this near to the best one are as good as equal; so many are a crowd.
_NEAR, _CROWD = 0.08, 10
_GOOD = 0.64
_FEW_WORDS = 4


@dataclass(frozen=True, slots=True)
class Weakness:
    """A part of the score that is low: its value (None = not stated), what is so and what helps.

    `lost` is the share of the whole score that the part lacks (0..1).
    """

    code: str
    value: float | None
    lost: float
    fact: Sentence
    help: Sentence


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Shut gates in words, then the weakest parts, the one that lacks most first."""

    gates: tuple[Sentence, ...]
    weakest: tuple[Weakness, ...]


@dataclass(frozen=True, slots=True)
class Warning:
    """Something about a draft call that keeps good answers away."""

    code: str
    sentence: Sentence


def why_not(
    call: CallSubject, solution: SolutionSubject, scored: Score, names: Names | None = None
) -> WhyNot:
    """Return why a solution stands low for a call, and what in its own text would raise it."""
    names = names or Names()
    gates = tuple(_GATES[gate] for gate in scored.closed if gate in _GATES)
    found = [
        Weakness(code, value, lost, *said)
        for code, value, lost in _losses(scored)
        if lost >= _WEAK and (said := _SAID[code](call, solution, names))
    ]
    if scored.prose < _LISTED:
        found.append(Weakness("prose", scored.prose, 1 - scored.prose, *_LISTING))
    if scored.echo < 1:
        found.append(Weakness("echo", scored.echo, 1 - scored.echo, *_ECHO))
    found.sort(key=lambda weakness: -weakness.lost)
    return WhyNot(gates, tuple(found[:_MOST]))


def breadth(call: CallSubject, values: Sequence[float], cut: float) -> tuple[Warning, ...]:
    """Return what makes a draft too wide to be answered well.

    `values` are those of the draft's best candidates on the published scale, `cut` the least
    value that is shown.
    """
    best = max(values, default=0.0)
    near = sum(value >= best - _NEAR for value in values)
    words = _need_words(call.facts, call.epoch)
    warnings = {
        "nobody": best < cut,
        "level": cut <= best < _GOOD and near >= _CROWD,
        "vague": len(words) < _FEW_WORDS,
    }
    return tuple(Warning(code, _WARNINGS[code]) for code, is_so in warnings.items() if is_so)


def _need_words(facts: CallFacts, epoch: Epoch) -> set[str]:
    """Return the telling words of a call: nouns that not every listing uses."""
    number = CHANNELS.index("words")
    keys = np.array(sorted(read(facts).quotes), np.uint64)
    own = keys[channel_numbers(keys) == number].tolist()
    return {read(facts).quotes_of(key)[0].word for key in own if not epoch.is_common(key)}


def _losses(scored: Score) -> Iterator[tuple[str, float | None, float]]:
    """Yield (part, value, share of the whole score that it lacks); unstated ones lack nothing."""
    values = {part.code: part.value for part in scored.parts}
    totals = [
        sum(getattr(w, side) for w in WEIGHTS if values[w.code] is not None)
        for side in ("town", "firm")
    ]
    for weight in WEIGHTS:
        value = values[weight.code]
        share = (weight.town / totals[0] + weight.firm / totals[1]) / 2 if all(totals) else 0.0
        yield weight.code, value, _WEAK if value is None else (1 - value) * share


Said = tuple[Sentence, Sentence]


def _text(call: CallSubject, solution: SolutionSubject, _names: Names) -> Said | None:
    words = _missing_words(call, solution, "words")
    if not words:
        return None
    return (
        Sentence(
            f"募集にある{quotes(words)}は、ソリューションの文章に見つかりません。",
            f"The call mentions {english_quotes(words)}; the solution does not.",
        ),
        Sentence(
            "当てはまるものがあれば、同じことばで具体的に書くと近くなります。",
            "If any of this applies to the solution, describe it in the same words.",
        ),
    )


def _need(call: CallSubject, solution: SolutionSubject, _names: Names) -> Said | None:
    names = ("困りごと", "解決すること"), ("the call’s problem", "what the solution solves")
    return _across(call, solution, "need", *names)


def _wanted(call: CallSubject, solution: SolutionSubject, _names: Names) -> Said | None:
    names = ("求める提案", "提供するもの"), ("what the call wants", "what the solution brings")
    return _across(call, solution, "wanted", *names)


def _across(
    call: CallSubject,
    solution: SolutionSubject,
    channel: str,
    fields: tuple[str, str],
    fields_en: tuple[str, str],
) -> Said | None:
    words = _missing_words(call, solution, channel)
    if not words:
        return None
    return (
        Sentence(
            f"募集の{fields[0]}にある{quotes(words)}のことばが、{fields[1]}の欄にありません。",
            f"{english_quotes(words)} in {fields_en[0]} do not appear in {fields_en[1]}."
            if words[1:]
            else f"{english_quotes(words)} in {fields_en[0]} does not appear in {fields_en[1]}.",
        ),
        Sentence(
            f"{fields[1]}の欄に、どの困りごとにどう応えるかを書いてください。",
            f"Where you write {fields_en[1]}, say which problem it answers, and how.",
        ),
    )


def _meaning(call: CallSubject, solution: SolutionSubject, _names: Names) -> Said | None:
    """Quote the call's first telling passage to which the solution says nothing."""
    if call.meaning is None or solution.meaning is None:
        return None
    texts = meaning.texts(call.facts)
    if len(texts) != len(call.meaning.rows):
        return None
    cosines = meaning.passage_cosines(call.meaning, solution.meaning)
    telling = call.meaning.weights >= call.meaning.weights.max() / 2
    for i in np.flatnonzero(telling & (cosines.max(axis=1) < _UNANSWERED)).tolist():
        if i and (said := excerpt(texts[i], all_texts(call.facts))):
            return (
                Sentence(
                    f"募集の{quotes([said])}に近い内容が、ソリューションに見つかりません。",
                    f"Nothing close to “{said}” in the call was found in the solution.",
                ),
                Sentence(
                    "応えられることがあれば、文章に書き足してください。",
                    "If the solution answers that, add it to the text.",
                ),
            )
    return None


def _themes(call: CallSubject, solution: SolutionSubject, names: Names) -> Said | None:
    for fact in theme_gap(call.facts, solution.facts, names):
        return fact, Sentence(
            "当てはまる分野があれば、3つまで選べます。",
            "If other themes apply to it, choose up to three.",
        )
    return None


def _stage(call: CallSubject, solution: SolutionSubject, names: Names) -> Said | None:
    fits = STAGE_FIT.get(call.facts.kind, {})
    ja, en = named(names.stages, [stage for stage, fit in fits.items() if fit == 1.0])
    for fact in stage_gap(call.facts, solution.facts, names):
        return fact, Sentence(
            f"この種類の募集には、{quotes(ja)}の段階が合います。進んだら更新してください。",
            f"Calls of this kind suit the stage {english_quotes(en)}: update it once it gets there.",
        )
    return None


def _place(call: CallSubject, solution: SolutionSubject, names: Names) -> Said | None:
    for fact in place_gap(call.facts, solution.facts, names):
        return fact, Sentence(
            "提供できるなら、提供できる地域に加えてください。",
            "If it can be delivered there, add the area.",
        )
    return None


def _kind(call: CallSubject, solution: SolutionSubject, names: Names) -> Said | None:
    for fact in kind_gap(call.facts, solution.facts, names):
        return fact, Sentence(
            "この種類にも応じられるなら、希望する種類に加えてください。",
            "If you welcome calls of this kind too, add it to the kinds.",
        )
    return None


def _asks(call: CallSubject, solution: SolutionSubject, names: Names) -> Said | None:
    given: SolutionFacts = solution.facts
    ja, en = named(names.offers, [ask for ask in given.asks if ask not in call.facts.offers])
    if not ja:
        return None
    return (
        Sentence(
            f"求めている{quotes(ja)}は、募集の提供できるものにありません。",
            f"It asks for {english_quotes(en)}, which the call does not offer.",
        ),
        Sentence(
            "なくても始められるなら、求めるものから外せます。",
            "If it can start without that, take it out of what it asks for.",
        ),
    )


def _missing_words(call: CallSubject, solution: SolutionSubject, channel: str) -> tuple[str, ...]:
    """Return the call's words that the solution's text does not have: of its title, heaviest."""
    number = CHANNELS.index(channel)
    own = channel_numbers(call.vector.keys) == number
    known = set(solution.vector.keys.tolist())
    pairs = zip(call.vector.values[own].tolist(), call.vector.keys[own].tolist(), strict=True)
    theirs = "\n".join(all_texts(solution.facts))
    words: dict[str, bool] = {}
    for _, key in sorted(pairs, key=lambda pair: (-pair[0], pair[1])):
        for quote in read(call.facts).quotes_of(key)[:1]:
            missing = key not in known and quote.word not in theirs
            if missing and not call.epoch.is_common(key):
                words.setdefault(quote.word, quote.word not in call.facts.title)
    return tuple(sorted(words, key=lambda word: words[word]))[:_MOST_WORDS]


_SAID: dict[str, Callable[[CallSubject, SolutionSubject, Names], Said | None]] = {
    "text": _text,
    "meaning": _meaning,
    "themes": _themes,
    "need": _need,
    "wanted": _wanted,
    "stage": _stage,
    "place": _place,
    "kind": _kind,
    "asks": _asks,
}
_GATES = {
    "unpublished": Sentence(
        "募集かソリューションが公開されていません。",
        "The call or the solution is not public.",
    ),
    "juridical_person": Sentence(
        "募集は法人を対象としています。企業は法人として登録されていません。",
        "The call is for legal entities; the company is not registered as one.",
    ),
    "area": Sentence(
        "募集の場所が、ソリューションを提供できる地域に入っていません。",
        "The call lies outside the areas where the solution can be delivered.",
    ),
}
_ECHO: Said = (
    Sentence(
        "ソリューションと募集に、まったく同じ文が多くあります。",
        "The solution and the call share many sentences word for word.",
    ),
    Sentence(
        "写した文は数えません。技術と実績を、自分のことばで書いてください。",
        "Copied sentences do not count: describe what you do and have done in your own words.",
    ),
)
_LISTING: Said = (
    Sentence(
        "ソリューションの文章に、語を並べただけの部分が多くあります。",
        "Much of the solution’s text is bare lists of words.",
    ),
    Sentence(
        "並べた語は読まれません。何をどう解決するかを文で書いてください。",
        "Lists are not read: write in sentences what it solves, and how.",
    ),
)
_WARNINGS = {
    "nobody": Sentence(
        "今の文章では、合うソリューションが見つかりません。",
        "No solution fits the text as it stands.",
    ),
    "level": Sentence(
        "多くのソリューションが横並びです。困りごとを絞ってください。",
        "Many solutions fit about equally well: narrow the problem down.",
    ),
    "vague": Sentence(
        "困りごとを表すことばが少なめです。場面や数を具体的に書いてください。",
        "Few words say what the problem is: describe the situation, with figures.",
    ),
}

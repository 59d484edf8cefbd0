"""What two texts have in common, strongest first, with the phrases in which each says it.

A cosine is a sum over shared terms, so a term's product is its true part of the text score.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from workers.matching.channels import CHANNELS, NEED, channel_numbers, key_of
from workers.matching.concepts import Concept, glossary
from workers.matching.epoch import shared
from workers.matching.reading import Quote, read
from workers.matching.score import Score
from workers.matching.subject import CallSubject, SolutionSubject

_MOST_CONCEPTS, _MOST_WORDS, _MOST_QUOTES = 2, 3, 2
# A second concept is worth telling when it weighs this much of the first; a word, when it
# carries this share of all that the texts have in common.
_SECOND, _WORTH_A_WORD = 0.4, 0.02

_Sides = tuple[tuple[Quote, ...], tuple[Quote, ...]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something both texts speak of, and the phrases in which each says it, verbatim.

    A concept, or (None) a plain `word` that stands letter by letter in every phrase.
    `contribution` is its part of the score's raw value.
    """

    concept: Concept | None
    word: str
    call: tuple[str, ...]
    solution: tuple[str, ...]
    contribution: float


def find_evidence(
    call: CallSubject, solution: SolutionSubject, scored: Score
) -> tuple[Evidence, ...]:
    """Return at most two concepts and three words that those do not already quote."""
    keys, products = shared(call.vector, solution.vector)
    numbers = channel_numbers(keys)
    total = float(products[numbers < NEED].sum())
    if total <= 0:
        return ()
    text = next(part.contribution for part in scored.parts if part.code == "text")
    readings = read(call.facts), read(solution.facts)

    def strongest(channel: str) -> Iterator[tuple[int, _Sides, float]]:
        own = numbers == CHANNELS.index(channel)
        pairs = zip(keys[own].tolist(), products[own].tolist(), strict=True)
        for key, product in sorted(pairs, key=lambda pair: (-pair[1], pair[0])):
            sides = readings[0].quotes_of(key), readings[1].quotes_of(key)
            if product > 0 and all(sides):
                yield key, sides, text * product / total

    concepts = list(_worth_telling(_concept(*found) for found in strongest("concepts")))
    words = (
        found
        for key, sides, part in strongest("words")
        if part >= _WORTH_A_WORD * text and not call.epoch.is_common(key)
        if (found := _same_word(sides, part))
    )
    return (*concepts, *_not_yet_quoted(words, concepts))


def find_answer(
    call: CallSubject, solution: SolutionSubject, scored: Score, channel: str
) -> Evidence | None:
    """Return the strongest word that the fields of a channel ("need", "wanted") have in common."""
    keys, products = shared(call.vector, solution.vector)
    own = channel_numbers(keys) == CHANNELS.index(channel)
    total = float(products[own].sum())
    if total <= 0:
        return None
    contribution = next(part.contribution for part in scored.parts if part.code == channel)
    pairs = zip(keys[own].tolist(), products[own].tolist(), strict=True)
    for key, product in sorted(pairs, key=lambda pair: (-pair[1], pair[0])):
        sides = read(call.facts).quotes_of(key), read(solution.facts).quotes_of(key)
        said = None if call.epoch.is_common(key) else sides
        if said and all(said) and (found := _same_word(said, contribution * product / total)):
            return found
    return None


def _concept(key: int, sides: _Sides, part: float) -> Evidence:
    call, solution = (_different(_phrases(side))[:_MOST_QUOTES] for side in sides)
    return Evidence(_concepts_by_key()[key], "", call, solution, part)


def _same_word(sides: _Sides, part: float) -> Evidence | None:
    """Return a phrase that both texts write, else a word in phrases of theirs, else None."""
    for parts in (_phrases, _written):
        call, solution = ({_plain(said): said for said in reversed(parts(side))} for side in sides)
        common = [said for said in reversed(call) if said in solution]
        if common:
            word = common[0]
            first, second = ((_shortest_with(word, side),) for side in sides)
            return Evidence(None, call[word], first, second, part)
    return None


def _shortest_with(word: str, quotes: tuple[Quote, ...]) -> str:
    """Return the shortest phrase around a word: the word itself when it stands alone."""
    return min((q.phrase for q in quotes if word in _plain(q.phrase)), key=len)


def _phrases(quotes: tuple[Quote, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(quote.phrase for quote in quotes))


def _different(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what stands in a phrase before it or contains one."""
    kept: list[str] = []
    for phrase in phrases:
        if not any(phrase in old or old in phrase for old in kept):
            kept.append(phrase)
    return tuple(kept)


def _written(quotes: tuple[Quote, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(quote.word for quote in quotes))


def _plain(phrase: str) -> str:
    return unicodedata.normalize("NFKC", phrase)


def _worth_telling(concepts: Iterator[Evidence]) -> Iterator[Evidence]:
    first = next(concepts, None)
    if first is None:
        return
    yield first
    for _, found in zip(range(_MOST_CONCEPTS - 1), concepts, strict=False):
        if found.contribution >= _SECOND * first.contribution:
            yield found


def _not_yet_quoted(words: Iterator[Evidence], concepts: list[Evidence]) -> Iterator[Evidence]:
    """Yield words whose phrases neither contain nor stand in a phrase quoted before."""
    quoted = [phrase for found in concepts for phrase in (*found.call, *found.solution)]
    count = 0
    for found in words:
        phrases = (found.call[0], found.solution[0])
        if any(new in old or old in new for new in phrases for old in quoted):
            continue
        quoted += phrases
        yield found
        count += 1
        if count == _MOST_WORDS:
            return


@lru_cache(maxsize=1)
def _concepts_by_key() -> dict[int, Concept]:
    return {key_of("concepts", concept.ja): concept for concept in glossary().concepts}

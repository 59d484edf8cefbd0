"""What two texts have in common, strongest first, with the phrases in which each says it.

A cosine is a sum over shared terms, so a term's product is its true part of the text score.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from workers.matching.channels import CHANNELS, NEED, channel_numbers, key_of
from workers.matching.concepts import Concept, glossary
from workers.matching.epoch import shared
from workers.matching.reading import read
from workers.matching.score import Score
from workers.matching.subject import CallSubject, SolutionSubject

_MOST_CONCEPTS, _MOST_WORDS, _MOST_QUOTES = 2, 3, 2
# A second concept is worth telling when it weighs this much of the first; a word, when it
# carries this share of all that the texts have in common.
_SECOND, _WORTH_A_WORD = 0.4, 0.02


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something both texts speak of: a concept, or None for a plain word, and how each says it.

    `contribution` is its part of the score's raw value.
    """

    concept: Concept | None
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

    def strongest(channel: str) -> Iterator[Evidence]:
        own = numbers == CHANNELS.index(channel)
        pairs = zip(keys[own].tolist(), products[own].tolist(), strict=True)
        for key, product in sorted(pairs, key=lambda pair: (-pair[1], pair[0])):
            sides = [read(side.facts).quotes_of(key)[:_MOST_QUOTES] for side in (call, solution)]
            if product > 0 and all(sides):
                concept = _concepts_by_key().get(key)
                yield Evidence(concept, sides[0], sides[1], text * product / total)

    concepts = list(_worth_telling(strongest("concepts")))
    words = (found for found in strongest("words") if found.contribution >= _WORTH_A_WORD * text)
    return (*concepts, *_not_yet_quoted(words, concepts))


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
        yield Evidence(None, phrases[:1], phrases[1:], found.contribution)
        count += 1
        if count == _MOST_WORDS:
            return


@lru_cache(maxsize=1)
def _concepts_by_key() -> dict[int, Concept]:
    return {key_of("concepts", concept.ja): concept for concept in glossary().concepts}

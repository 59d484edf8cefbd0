"""What was made of the typed words, said above the results: repairs, other names, questions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.web import search_asking
from hub.web.search_facets import Values
from hub.web.search_intent import Question, questions
from hub.web.search_state import SearchState
from search.finder import Answer
from search.plan import expansions

MOST_EXPANSIONS = 3


@dataclass(frozen=True, slots=True)
class Understood:
    """All that a reader should know of how the words were read, and the ways to read them else.

    `searched` is the repaired text, "" when nothing was repaired; `instead` searches the words as
    typed. `suggestion` is a repaired text that was not used, `better` its search. `others` are
    typed words with the names that counted too; `alone` searches without them, `along` with them
    again.
    """

    searched: str
    instead: str
    suggestion: str
    better: str
    others: Sequence[tuple[str, Sequence[str]]]
    alone: str
    along: str
    asks: Sequence[Question]


def understood(state: SearchState, values: Values, answer: Answer) -> Understood:
    """What to say of a search and its answer. Raises IndexUnavailable."""
    others = expansions(answer.text)[:MOST_EXPANSIONS] if state.synonyms else []
    switchable = state.text and (others or not state.synonyms)
    return Understood(
        searched=answer.text if answer.repaired else "",
        instead=replace(state, repair=False, page=1).url if answer.repaired else "",
        suggestion=answer.suggestion,
        better=replace(state, text=answer.suggestion, repair=True, page=1).url
        if answer.suggestion
        else "",
        others=others,
        alone=replace(state, synonyms=False, page=1).url if switchable and state.synonyms else "",
        along=replace(state, synonyms=True, page=1).url if not state.synonyms else "",
        asks=questions(state, values, lambda s: search_asking.result(s, limit=1)),
    )

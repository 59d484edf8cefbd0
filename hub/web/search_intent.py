"""Questions beside the results: words of the query that may be meant as filters.

「府中」は場所ですか？ Nothing is narrowed until the reader follows a link, and every link has results.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from hub.domain.understanding import intent_of
from hub.models.reference import Municipality
from hub.web import present
from hub.web.context import session
from hub.web.search_facets import Values, legend
from hub.web.search_state import FIELDS, SearchState
from hub.web.words import _
from search.documents import serving
from search.index import SearchResult
from search.intent import Choice, FilterSuggestion, without

MOST_QUESTIONS = 4
MOST_LINKS = 4  # of one question
MOST_ASKED = 8  # times the index is asked for one page
LONGEST_WORDS = 20  # characters of the query quoted in a sentence
_PLACES = ("prefecture", "municipality")
_LIMITS = ("amount", "deadline")

Ask = Callable[[SearchState], SearchResult]


@dataclass(frozen=True, slots=True)
class Link:
    """A search with the words made a filter; it has results."""

    label: str
    url: str
    count: int


@dataclass(frozen=True, slots=True)
class Question:
    """What some words of the query may mean, and the searches that mean it."""

    sentence: str
    links: Sequence[Link]


@dataclass(frozen=True, slots=True)
class _Way:
    """One meaning: the search it leads to, and how its results are counted."""

    label: str
    state: SearchState
    facet: tuple[str, str] | None = None  # of a search that counts many values at once


def questions(state: SearchState, values: Values, ask: Ask) -> list[Question]:
    """What to ask the reader about the words of a search; empty when nothing is doubtful.

    `ask` answers a search from its first page with facets; it is called at most MOST_ASKED times.
    Raises what it raises.
    """
    if not state.text:
        return []
    reader = _Reader(state, values, intent_of(session(), state.text).suggestions)
    counter = _Counter(ask)
    found = []
    for sentence, ways in reader.asked():
        leading = (Link(way.label, way.state.url, count) for way in ways if (count := counter(way)))
        if links := list(islice(leading, MOST_LINKS)):
            found.append(Question(sentence, links))
        if len(found) == MOST_QUESTIONS:
            break
    return found


class _Counter:
    """Counts results; alternatives of one field are counted by a single question."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[str, SearchResult] = {}

    def __call__(self, way: _Way) -> int:
        state = way.state
        if way.facet:
            state = state.choosing(way.facet[0], ())
        result = self._known.get(state.url)
        if result is None:
            if len(self._known) == MOST_ASKED:
                return 0
            result = self._known[state.url] = self._ask(state)
        if way.facet:
            field, value = way.facet
            return result.facets.get(field, {}).get(value, 0)
        return result.total


class _Reader:
    """Makes searches of what is understood of the words of a search."""

    def __init__(
        self, state: SearchState, values: Values, offered: Sequence[FilterSuggestion]
    ) -> None:
        self._state = state
        self._values = values
        self._offered = offered
        self._towns = _towns(offered)
        self._plain = [
            s for s in offered if not s.ambiguous and self._narrowed(state, s.choices[0])
        ]

    def asked(self) -> Iterator[tuple[str, Iterator[_Way]]]:
        """What to ask: all that is plain at once, then each suggestion alone."""
        if len(self._plain) > 1:
            yield _("ことばを条件に置きかえますか？"), self._together()
        for suggestion in self._offered:
            yield _sentence(suggestion), self._ways(suggestion)

    def _together(self) -> Iterator[_Way]:
        words = [_quoted(suggestion.words) for suggestion in self._plain]
        state = self._carrying(self._state, self._plain)
        text = without(self._state.text, self._plain)
        yield _Way(_("・").join(words), replace(state, text=text, page=1))

    def _ways(self, suggestion: FilterSuggestion) -> Iterator[_Way]:
        # Sums and days stand in no listing as words, so that they are never left behind.
        carried = [s for s in self._plain if s is not suggestion and s.choices[0].field in _LIMITS]
        base = self._carrying(self._state, carried)
        text = without(self._state.text, [suggestion, *carried])
        seen = {self._state.url}
        for choice in suggestion.choices:
            state = self._narrowed(base, choice)
            if state and state.url not in seen:
                seen.add(state.url)
                labels = [
                    self._label(choice, suggestion.words),
                    *(_quoted(s.words) for s in carried),
                ]
                state = replace(state, text=text, page=1)
                yield _Way(_("・").join(labels), state, _facet(state, choice))

    def _carrying(self, state: SearchState, plain: Sequence[FilterSuggestion]) -> SearchState:
        for suggestion in plain:
            state = self._narrowed(state, suggestion.choices[0]) or state
        return state

    def _narrowed(self, state: SearchState, choice: Choice) -> SearchState | None:
        """A search with a choice made; None when it is made already or this side has no such field.

        A solution reaches a place when it is for its prefecture or for the whole country.
        """
        field, values = choice.field, choice.values
        if field == "target":
            return None if values == (state.target,) else state.on(*values)
        if state.target == "solution" and field in _PLACES:
            field = "prefecture"
            values = serving(values)
        if field not in FIELDS[state.target] or field in state.filters:
            return None
        return state.choosing(field, values)

    def _label(self, choice: Choice, words: str) -> str:
        target = self._state.target
        if choice.field == "target":
            solutions = choice.values == ("solution",)
            return _("ソリューションをさがす") if solutions else _("募集をさがす")
        if target == "solution" and choice.field in _PLACES:
            codes = tuple(dict.fromkeys(code[:2] for code in choice.values))
            place = self._label_of(Choice("prefecture", codes), words)
            return _("%(place)s（全国対応を含む）", place=place)
        return self._label_of(choice, words)

    def _label_of(self, choice: Choice, words: str) -> str:
        if len(choice.values) > 1:
            return _several(choice, words)
        (value,) = choice.values
        if choice.field == "municipality":
            return present.full_place_name(self._towns[value])
        name = self._values.name(choice.field, value)
        if choice.field == "prefecture":
            return name
        group = legend(self._state.target, choice.field)
        return _("%(group)s: %(name)s", group=group, name=name)


def _facet(state: SearchState, choice: Choice) -> tuple[str, str] | None:
    """The facet whose counts tell the results of a choice of one value."""
    chosen = state.filters.get(choice.field, ())
    return (choice.field, chosen[0]) if len(chosen) == 1 else None


def _several(choice: Choice, words: str) -> str:
    if choice.field == "prefecture":
        count = len(choice.values)
        return _("%(words)s（%(count)d都道府県）", words=_quoted(words), count=count)
    if choice.field == "municipality":
        count = len(choice.values)
        return _("%(words)s（%(count)d市区町村）", words=_quoted(words), count=count)
    return _quoted(words)


def _sentence(suggestion: FilterSuggestion) -> str:
    words = _quoted(suggestion.words)
    fields = {choice.field for choice in suggestion.choices}
    if fields <= set(_PLACES):
        if suggestion.ambiguous:
            return _("「%(words)s」は場所ですか？", words=words)
        return _("「%(words)s」の地域でしぼりこみますか？", words=words)
    if fields == {"target"}:
        return _("「%(words)s」をさがしていますか？", words=words)
    return _("「%(words)s」でしぼりこみますか？", words=words)


def _quoted(words: str) -> str:
    return words if len(words) <= LONGEST_WORDS else f"{words[:LONGEST_WORDS]}…"


def _towns(suggestions: Sequence[FilterSuggestion]) -> dict[str, Municipality]:
    """The rows of every municipality that may be named, in one query."""
    codes = {
        value
        for suggestion in suggestions
        for choice in suggestion.choices
        if choice.field == "municipality" and len(choice.values) == 1
        for value in choice.values
    }
    if not codes:
        return {}
    rows = (
        select(Municipality)
        .options(joinedload(Municipality.prefecture))
        .where(Municipality.code.in_(codes))
    )
    return {row.code: row for row in session().scalars(rows)}

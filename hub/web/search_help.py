"""What to do when nothing was found: ways out that are known to lead somewhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hub.domain.neighbours import NEIGHBOURS
from hub.domain.understanding import intent_of
from hub.web import present
from hub.web.context import session
from hub.web.desk import DeskCard, taking_in
from hub.web.language import name_of
from hub.web.search_facets import Values, legend
from hub.web.search_state import FIELDS, VALUES_MAX, SearchState
from hub.web.words import _
from search.documents import serving
from search.intent import without
from search.syntax import Piece, pieces

MOST_WAYS = 6
MOST_ASKED = 6  # how often the index is asked about steps that keep something of the search
MOST_WORDS = 5
MOST_DESKS = 3
MOST_NAMED = 3
PLACES = ("prefecture", "municipality")
# Filters of which a listing has exactly one value: their counts add up to all listings.
SINGLE = {
    "call": ("status", "kind", "prefecture", "municipality", "budget"),
    "solution": ("stage",),
}

Counts = Mapping[str, Mapping[str, int]]
Ask = Callable[[SearchState], int]


@dataclass(frozen=True, slots=True)
class WayOut:
    """A search that has results."""

    label: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """A wider search; `count` is None where only the index can tell.

    A `last` one keeps little or nothing of the search, and is always tried.
    """

    label: str
    state: SearchState
    count: int | None = None
    last: bool = False


def ways_out(state: SearchState, values: Values, counts: Counts, ask: Ask) -> list[WayOut]:
    """Searches that drop a single condition of `state`, then wider ones; none is empty.

    `counts` are those of the empty result: where they tell how many a step gives, the index is
    not asked (`ask`).
    """
    found: list[WayOut] = []
    seen = {state.url}
    asked = 0
    for step in _steps(state, values, counts):
        url = step.state.url
        if url in seen or len(found) == MOST_WAYS:
            continue
        seen.add(url)
        count = step.count
        if count is None and (step.last or asked < MOST_ASKED):
            count, asked = ask(step.state), asked + (not step.last)
        if count:
            found.append(WayOut(step.label, count, url))
    return found


def desks_nearby(state: SearchState) -> list[DeskCard]:
    """Desks that take proposals without a call, in the area searched, else beside it."""
    if state.target != "call":
        return []
    here = _prefectures(_placed(state))
    beside = {near for code in here for near in NEIGHBOURS.get(code, ())}
    return taking_in(here, MOST_DESKS) or taking_in(beside, MOST_DESKS)


def _steps(state: SearchState, values: Values, counts: Counts) -> Iterator[Step]:
    yield from _one_condition_less(state, values, counts)
    placed = _placed(state)
    for step in _wider_places(placed, counts if placed is state else None):
        if len(step.state.filters["prefecture"]) <= VALUES_MAX:
            yield step
    yield from _other_words(state)
    if state.text and state.filters:
        yield Step(_("条件をすべて外す"), state.cleared(), last=True)
    other = "solution" if state.target == "call" else "call"
    side = _("ソリューションでさがす") if other == "solution" else _("募集でさがす")
    yield Step(side, state.on(other), last=True)
    yield Step(_("はじめから見る"), SearchState(target=state.target), last=True)


def _one_condition_less(state: SearchState, values: Values, counts: Counts) -> Iterator[Step]:
    for name in FIELDS[state.target]:
        chosen = state.filters.get(name)
        if not chosen:
            continue
        names = _("、").join(values.name(name, value) for value in chosen)
        label = _("%(group)sの「%(names)s」を外す", group=legend(state.target, name), names=names)
        yield Step(label, state.choosing(name, ()), _without(name, state.target, counts))
    if state.text and state.filters:
        yield Step(_("ことば「%(text)s」を外す", text=state.text), replace(state, text="", page=1))


def _without(name: str, target: str, counts: Counts) -> int | None:
    """How many there are without this filter, where the counts beside it tell."""
    beside = counts.get(name, {})
    if not beside:
        return 0
    return sum(beside.values()) if name in SINGLE[target] else None


def _placed(state: SearchState) -> SearchState:
    """The search with its words for places made filters, whatever of a name they may mean.

    The search itself where a place is chosen already or none is named.
    """
    if not state.text or any(field in state.filters for field in PLACES):
        return state
    named = [
        suggestion
        for suggestion in intent_of(session(), state.text).suggestions
        if all(choice.field in PLACES for choice in suggestion.choices)
    ]
    if not named:
        return state
    placed = _saying(state, without(state.text, named))
    for field in PLACES:
        choices = [c for suggestion in named for c in suggestion.choices if c.field == field]
        placed = placed.choosing(field, tuple(code for c in choices for code in c.values))
    return placed


def _prefectures(state: SearchState) -> tuple[str, ...]:
    """The prefectures searched in, those of chosen municipalities among them."""
    known = present.vocabulary().prefectures
    codes = (
        *state.filters.get("prefecture", ()),
        *(code[:2] for code in state.filters.get("municipality", ())),
    )
    return tuple(code for code in dict.fromkeys(codes) if code in known)


def _wider_places(state: SearchState, counts: Counts | None) -> Iterator[Step]:
    here = _prefectures(state)
    if not here:
        return
    prefectures = present.vocabulary().prefectures
    if "municipality" in state.filters:
        names = _("、").join(present.place_name(prefectures[code]) for code in here[:MOST_NAMED])
        yield _places(state, _("%(place)sの全体に広げる", place=names), here, counts)
    beside = [near for code in here for near in NEIGHBOURS.get(code, ()) if near not in here]
    names = _("、").join(present.place_name(prefectures[code]) for code in beside[:MOST_NAMED])
    if len(beside) > MOST_NAMED:
        names += _(" など")
    yield _places(state, _("となりまで広げる（%(names)s）", names=names), (*here, *beside), counts)
    regions = {prefectures[code].region_key for code in here}
    near = tuple(code for code, row in prefectures.items() if row.region_key in regions)
    names = _("、").join(sorted({name_of(prefectures[code].region) for code in near}))
    yield _places(state, _("%(region)sに広げる", region=names), near, counts)


def _places(state: SearchState, label: str, codes: tuple[str, ...], counts: Counts | None) -> Step:
    """A search in these prefectures; `counts` are those of `state`, if they are known."""
    places = sorted(dict.fromkeys(codes))
    ordered = serving(places) if state.target == "solution" else tuple(places)
    wider = state.choosing("municipality", ()).choosing("prefecture", ordered)
    if counts is None or state.target != "call" or "municipality" in state.filters:
        return Step(label, wider)
    beside = counts.get("prefecture", {})
    return Step(label, wider, sum(beside.get(code, 0) for code in ordered))


def _other_words(state: SearchState) -> Iterator[Step]:
    """Words that need not stand exactly so, then fewer words."""
    parts = pieces(state.text)
    meant = [part for part in parts if not part.without]
    if any(part.phrase for part in meant):
        loose = " ".join(state.text[part.start : part.end] for part in meant)
        yield Step(_("「%(text)s」を、順を問わずにさがす", text=loose), _saying(state, loose))
    if 0 < len(meant) < len(parts):
        yield Step(_("除くことばを外す"), _saying(state, _typed(state.text, meant)))
    if not 1 < len(meant) <= MOST_WORDS:
        return
    for part in meant:
        word = state.text[part.start : part.end]
        rest = _typed(state.text, [kept for kept in parts if kept != part])
        yield Step(_("ことば「%(text)s」を外す", text=word), _saying(state, rest))


def _typed(text: str, parts: Sequence[Piece]) -> str:
    """The pieces as one would type them again."""
    typed = []
    for part in parts:
        word = text[part.start : part.end]
        quoted = f'"{word}"' if part.phrase else word
        typed.append(f"-{quoted}" if part.without else quoted)
    return " ".join(typed)


def _saying(state: SearchState, text: str) -> SearchState:
    return replace(state, text=text, page=1)

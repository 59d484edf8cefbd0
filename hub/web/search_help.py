"""What to do when nothing was found: ways out that are known to lead somewhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from hub.models.listing import NATIONWIDE
from hub.web import present
from hub.web.language import name_of
from hub.web.search_facets import Values, legend
from hub.web.search_state import FIELDS, SearchState
from hub.web.words import _

MOST_WORDS = 5

Count = Callable[[SearchState], int]


@dataclass(frozen=True, slots=True)
class WayOut:
    """A search that has results."""

    label: str
    count: int
    url: str


def ways_out(state: SearchState, values: Values, count: Count) -> list[WayOut]:
    """Searches that drop a single condition of `state`, then wider ones; none is empty."""
    found = []
    seen = {state.url}
    for label, wider in _wider(state, values):
        if wider.url not in seen and (number := count(wider)):
            found.append(WayOut(label, number, wider.url))
        seen.add(wider.url)
    return found


def _wider(state: SearchState, values: Values) -> Iterator[tuple[str, SearchState]]:
    for name in FIELDS[state.target]:
        chosen = state.filters.get(name)
        if chosen:
            names = _("、").join(values.name(name, value) for value in chosen)
            label = _(
                "%(group)sの「%(names)s」を外す", group=legend(state.target, name), names=names
            )
            yield label, state.choosing(name, ())
    yield from _wider_places(state)
    yield from _fewer_words(state)
    if state.text and state.filters:
        yield _("ことば「%(text)s」を外す", text=state.text), replace(state, text="", page=1)
        yield _("条件をすべて外す"), state.cleared()
    other = "solution" if state.target == "call" else "call"
    side = _("ソリューションでさがす") if other == "solution" else _("募集でさがす")
    yield side, state.on(other)
    yield _("はじめから見る"), SearchState(target=state.target)


def _wider_places(state: SearchState) -> Iterator[tuple[str, SearchState]]:
    chosen = state.filters.get("prefecture", ())
    prefectures = present.vocabulary().prefectures
    regions = {prefectures[code].region_key for code in chosen if code in prefectures}
    if not regions:
        return
    near = tuple(code for code, row in prefectures.items() if row.region_key in regions)
    names = {name_of(prefectures[code].region) for code in near}
    everywhere = (NATIONWIDE,) if state.target == "solution" else ()
    wider = state.choosing("municipality", ()).choosing("prefecture", (*everywhere, *near))
    yield _("%(region)sに広げる", region=_("、").join(sorted(names))), wider


def _fewer_words(state: SearchState) -> Iterator[tuple[str, SearchState]]:
    words = state.text.split()
    if not 1 < len(words) <= MOST_WORDS:
        return
    for i, word in enumerate(words):
        rest = " ".join(words[:i] + words[i + 1 :])
        yield _("ことば「%(text)s」を外す", text=word), replace(state, text=rest, page=1)

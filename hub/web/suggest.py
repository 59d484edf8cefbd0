"""Suggestions while somebody types: words, places and listings that a search would find.

Everything comes from the index of public listings and the tables of places, so nothing private
can be suggested. What orders the suggestions: words by the number of public listings that say
them; places by prefecture, then by how little is left to type; listings by how well they hold the
words. Nobody's size, clicks or earlier searches play a part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from flask import Blueprint, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from hub.domain.understanding import gazetteer
from hub.models.listing import Call
from hub.models.reference import Municipality, Prefecture
from hub.web import present, rows, search_asking
from hub.web.access import public
from hub.web.context import now, services, session
from hub.web.limits import limiter
from hub.web.search_facets import Values
from hub.web.search_state import TEXT_MAX, SearchState, Unreadable, read
from hub.web.words import _
from search.analysis import is_kana
from search.completion import completions, last_piece
from search.documents import serving
from search.highlight import holds
from search.index import IndexUnavailable, SearchResult
from search.query import MOST_HITS

bp = Blueprint("suggest", __name__)

Place = Municipality | Prefecture

# How many of each; together they ask the index nine times at most.
WORDS, PLACES, LISTINGS = 5, 4, 3
LOOKED_AT = 10  # listings whose titles are read
FRESH_SECONDS = 60
LIMIT = "600 per minute"  # for one address, behind which a whole town hall may type


@dataclass(frozen=True, slots=True)
class Item:
    """One suggestion; `hint` is what helps to choose it, "" for nothing."""

    label: str
    hint: str
    url: str


@bp.get("/search/suggest")
@limiter.limit(LIMIT)
@public
def show() -> ResponseReturnValue:
    """Groups of suggestions for the search of this address; groups without any are left out."""
    try:
        state = read(request.args, _known)
    except Unreadable as error:
        return _refused(400, _(error.message, **error.values))
    response = jsonify(groups=_groups(replace(state, page=1)) if state.text else [])
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    response.vary.add("Accept-Language")
    return response


@bp.errorhandler(429)
def too_many(_error: Exception) -> ResponseReturnValue:
    """Somebody asks without end."""
    return _refused(429, _("しばらく待ってからお試しください"))


@bp.errorhandler(IndexUnavailable)
@bp.errorhandler(OperationalError)
def away(error: Exception) -> ResponseReturnValue:
    """Not an empty answer: caches would keep it, and those who watch the site see the truth."""
    current_app.logger.error("suggestions are away: %s", error)
    return _refused(503, _("いま検索を使えません。1分ほど待ってから、もう一度お試しください"))


def _refused(status: int, sentence: str) -> ResponseReturnValue:
    response = jsonify(groups=[], detail=sentence)
    response.headers["Cache-Control"] = "no-store"
    if status != 400:
        response.headers["Retry-After"] = "60"
    return response, status


def _known(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """The values that exist; most searches name none, and then no table is read."""
    return Values().known(name, values) if values else ()


def _groups(state: SearchState) -> list[dict[str, Any]]:
    start, places = _named(state.text)
    words = list(_words(state, beside_places=bool(places)))
    found = {
        "words": (_("ことば"), words),
        "places": (_("地域"), _places(replace(state, text=state.text[:start].rstrip()), places)),
        "listings": (_listings_label(state), _listings(state, words)),
    }
    return [
        {"key": key, "label": label, "items": [asdict(item) for item in items]}
        for key, (label, items) in found.items()
        if items
    ]


def _asked(state: SearchState, **more: Any) -> SearchResult:
    """What the index says of exactly these words: nothing is repaired."""
    return search_asking.result(replace(state, repair=False), **more)


# --- Words --------------------------------------------------------------------------------------


def _words(state: SearchState, *, beside_places: bool) -> Iterator[Item]:
    """The text with its last word completed, where a listing holds that word and the earlier.

    Earlier words that very many listings hold are not looked at. Names of places are left to the
    places, if there are any.
    """
    found = completions(state.text, services().finder.vocabulary(), WORDS)
    if beside_places:
        found = [each for each in found if not _is_place(each.word)]
    near = _holding(replace(state, text=found[0].earlier)) if found else None
    for each in (each for each in found if len(each.text) <= TEXT_MAX):
        count = _count(replace(state, text=each.word), near)
        if count:
            hint = _("%(count)s件", count=count) if not each.earlier else ""
            yield Item(each.text, hint, replace(state, text=each.text).url)


def _is_place(word: str) -> bool:
    return any(mention.start == 0 for mention in gazetteer(session()).mentions(word))


def _holding(state: SearchState) -> tuple[str, ...] | None:
    """The listings that hold the earlier words; None where there are none or too many to name."""
    if not state.text:
        return None
    found = _asked(state, limit=MOST_HITS, facets=False)
    return tuple(hit.id for hit in found.hits) if found.total <= MOST_HITS else None


def _count(state: SearchState, only: tuple[str, ...] | None) -> int:
    query = replace(state.query(now(), limit=1), only=only, facets=False)
    return services().index.search(query).total


# --- Places -------------------------------------------------------------------------------------


def _named(text: str) -> tuple[int, list[Place]]:
    """Places whose name begins like the text, else like its last part, and where that begins."""
    last = last_piece(text)
    for start in sorted({0, last}) if last >= 0 else ():
        codes = gazetteer(session()).beginning(text[start:], PLACES)
        if codes:
            found = rows.places(session(), codes)
            return start, [found[code] for code in codes if code in found]
    return 0, []


def _places(state: SearchState, places: Sequence[Place]) -> list[Item]:
    """Each place with the search in it where that finds something, else with its page."""
    anywhere = state.choosing("municipality", ()).choosing("prefecture", ())
    counts = _asked(anywhere, limit=1).facets if places else {}
    return [
        Item(
            present.full_place_name(place),
            present.place_note(place),
            _place_url(anywhere, place, counts),
        )
        for place in places
    ]


def _place_url(
    anywhere: SearchState,
    place: Place,
    counts: Mapping[str, Mapping[str, int]],
) -> str:
    name, values = _condition(anywhere.target, place)
    if any(counts.get(name, {}).get(value) for value in values):
        return anywhere.choosing(name, values).url
    code = place.code if isinstance(place, Municipality) else place.body_code
    return url_for("town.show", code=code)


def _condition(target: str, place: Place) -> tuple[str, tuple[str, ...]]:
    """The filter for a place; solutions are offered to whole prefectures or everywhere."""
    if isinstance(place, Municipality) and target == "call":
        return "municipality", (place.code,)
    prefecture = place.prefecture_code if isinstance(place, Municipality) else place.code
    return "prefecture", (prefecture,) if target == "call" else serving([prefecture])


# --- Listings -----------------------------------------------------------------------------------


def _listings_label(state: SearchState) -> str:
    return _("募集") if state.target == "call" else _("ソリューション")


def _listings(state: SearchState, words: Sequence[Item]) -> list[Item]:
    """Listings whose title holds the words as typed, else with the last one completed.

    Kana that can be completed are no word yet.
    """
    start = max(last_piece(state.text), 0)
    completed = [word.label[start:] for word in words]
    typed = [] if completed and is_kana(state.text[start:]) else [state.text[start:]]
    return _titled(state, start, typed) or _titled(state, start, completed)


def _titled(state: SearchState, start: int, endings: Sequence[str]) -> list[Item]:
    """Listings whose title holds the text up to `start` and one of the endings."""
    if not endings:
        return []
    earlier = state.text[:start]
    asked = replace(state, text=earlier + " OR ".join(endings))
    ids = [hit.id for hit in _asked(asked, limit=LOOKED_AT, facets=False).hits]
    found = rows.public_names(session(), ids)
    listed = (
        found[id_]
        for id_ in ids
        if id_ in found and any(holds(found[id_].title, earlier + end) for end in endings)
    )
    return [
        Item(
            row.title,
            present.organisation_name(row.organisation),
            url_for("listing.call" if isinstance(row, Call) else "listing.solution", id_=row.id),
        )
        for row in islice(listed, LISTINGS)
    ]

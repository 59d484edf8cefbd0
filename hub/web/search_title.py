"""What a search is called: by its heading, in feeds, in calendars."""

from hub.web.search_facets import Values
from hub.web.search_state import SearchState
from hub.web.words import _
from search.index import SearchResult

MOST_NAMED = 3


def title(state: SearchState, values: Values, result: SearchResult) -> str:
    """The search with its counts: 防災 の募集 2件（受付中 1件）."""
    about = _about(state, values)
    if state.target == "solution":
        if about:
            return _("%(about)s のソリューション %(count)s件", about=about, count=result.total)
        return _("ソリューション %(count)s件", count=result.total)
    name = _("%(about)s の募集 %(count)s件", about=about, count=result.total)
    if not about:
        name = _("募集 %(count)s件", count=result.total)
    if "status" in state.filters or not result.total:
        return name
    open_now = result.facets.get("status", {}).get("open", 0)
    return _("%(name)s（受付中 %(count)s件）", name=name, count=open_now)


def subject(state: SearchState, values: Values) -> str:
    """The search without counts, which stays the same from day to day: 防災 の募集."""
    about = _about(state, values)
    if state.target == "solution":
        return _("%(about)s のソリューション", about=about) if about else _("ソリューション")
    return _("%(about)s の募集", about=about) if about else _("募集")


def _about(state: SearchState, values: Values) -> str:
    words = [state.text] if state.text else []
    words += [values.full_name(*c) for c in state.conditions() if c[0] != "status"]
    return _("・").join(words[:MOST_NAMED]) + (_(" など") if len(words) > MOST_NAMED else "")

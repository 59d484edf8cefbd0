"""The other forms that a search comes in, as its page offers them."""

from typing import Any

from flask import url_for

from hub.web.search_state import FIELDS, SearchState
from hub.web.words import _

MAP_ORDERS = ("code", "count")
_PLACES = ("prefecture", "municipality")


def outputs(state: SearchState) -> list[dict[str, str]]:
    """Links to the other forms of a search; a search of solutions has no deadlines."""
    whole = state.whole()
    found = [
        ("exports.atom", "application/atom+xml", _("フィード（Atom）"), "feed"),
        ("exports.ics", "text/calendar", _("締切のカレンダー"), "calendar"),
        ("exports.csv", "text/csv", _("表（CSV、Excel用）"), "download"),
        ("exports.json", "application/json", _("JSON"), "download"),
    ]
    return [
        {
            "url": whole.at(endpoint, **({"bom": "1"} if endpoint == "exports.csv" else {})),
            "type": kind,
            "label": label,
            "icon": sign,
        }
        for endpoint, kind, label, sign in found
        if endpoint != "exports.ics" or state.target == "call"
    ]


def mapped(state: SearchState) -> SearchState:
    """The part of a search that a map can show: open calls, wherever they are."""
    filters = {k: v for k, v in state.filters.items() if k in FIELDS["call"] and k not in _PLACES}
    return SearchState(text=state.text, filters=filters | {"status": ("open",)})


def map_url(
    state: SearchState, endpoint: str = "map.show", *, order: str = "code", **more: Any
) -> str:
    """The one address of a search's map; that it shows open calls is understood."""
    parts: dict[str, Any] = {}
    for name, value in map_pairs(state, order):
        parts.setdefault(name, []).append(value)
    return url_for(endpoint, **parts, **more)


def map_pairs(state: SearchState, order: str) -> list[tuple[str, str]]:
    """Names and values of that address."""
    kept = [pair for pair in mapped(state).pairs() if pair[0] not in ("target", "status")]
    return kept + ([("order", order)] if order in MAP_ORDERS[1:] else [])

"""The other forms that a search comes in, as its page offers them."""

from hub.web.search_state import SearchState
from hub.web.words import _


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

"""Search: one public page whose address is the whole search."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from flask import Blueprint, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue

from hub.domain.inputs import clean_line
from hub.models.listing import Call, Solution
from hub.web import present, rows, search_asking
from hub.web.access import public
from hub.web.context import session
from hub.web.search_facets import Values, chips
from hub.web.search_help import desks_nearby, ways_out
from hub.web.search_outputs import map_url, outputs
from hub.web.search_state import PER_PAGE, SearchState, Unreadable, is_clean, read
from hub.web.search_title import description, title
from hub.web.search_understood import understood
from hub.web.words import _
from search.finder import Answer
from search.highlight import snippet
from search.index import IndexUnavailable, SearchResult

bp = Blueprint("search", __name__)

Card = present.CallCard | present.SolutionCard

TITLE_WIDTH = 200  # wider than any title: titles are never cut
BODY_MAX = 1500  # characters of the prompts that a passage may be taken from
AROUND = 2  # page numbers shown on each side of the present one


@bp.get("/search")
@public
def show() -> ResponseReturnValue:
    """The results of a search, or what to change when there are none."""
    values = Values()
    try:
        state = read(request.args, values.known)
    except Unreadable as error:
        return refused(_(error.message, **error.values), 400)
    if not is_clean(request.args, state):
        return redirect(state.url, 301)
    try:
        return _answer(state, values)
    except IndexUnavailable as error:
        current_app.logger.error("search is away: %s", error)
        sentence = _("いま検索を使えません。1分ほど待ってから、もう一度お試しください")
        return refused(sentence, 503)


def _answer(state: SearchState, values: Values) -> ResponseReturnValue:
    answer = search_asking.answer(state)
    result = answer.result
    pages = Pages.of(state, answer.total)
    if state.page > pages.count:
        sentence = _("このページはありません。結果は%(count)dページまでです", count=pages.count)
        return refused(sentence, 404, again=replace(state, page=1))
    count = search_asking.counter()
    cards = _cards(answer)
    heading = title(replace(state, text=answer.text), values, result)
    return render_template(
        "search/show.html",
        state=state,
        heading=heading,
        cards=cards,
        total=result.total,
        related=answer.related_total,
        groups=values.groups(state, result.facets),
        chips=chips(state, values),
        clear_url=state.cleared().url,
        tabs=_tabs(state, result, count),
        sorts=_sorts(state),
        pages=pages,
        outputs=outputs(state),
        map_url=map_url(state) if state.target == "call" else "",
        ways_out=[] if result.total else ways_out(state, values, result.facets, count),
        desks=[] if result.total else desks_nearby(state),
        seen=understood(state, values, answer),
        lasting=replace(state, text=answer.text).lasting(),
        nav=state.target,
        description=description([card.title for card in cards]),
    )


def _cards(answer: Answer) -> list[Card]:
    ids = [hit.id for hit in answer.result.hits]
    found = rows.public_listings(session(), ids)
    cards = {id_: _card(found[id_], answer.text) for id_ in ids if id_ in found}
    note = _("このことばは含みませんが、意味か条件が近いものです")
    return [replace(c, note=note) if id_ in answer.related else c for id_, c in cards.items()]


def _card(row: Call | Solution, text: str) -> Card:
    pieces = snippet(row.title, text, width=TITLE_WIDTH) if text else ()
    passage = _passage(row, text) if text else ()
    if isinstance(row, Call):
        return present.call_card(row, pieces=pieces, snippet=passage)
    return present.solution_card(row, pieces=pieces, snippet=passage)


def _passage(row: Call | Solution, text: str) -> present.Pieces:
    """The summary when it answers the query, else the best passage of the prompts."""
    first = snippet(row.summary, text, width=present.SNIPPET) if row.summary else []
    if any(matched for _piece, matched in first):
        return first
    prompts = (
        (row.problem, row.wanted, row.vision, row.offered, row.details)
        if isinstance(row, Call)
        else (row.solves, row.brings, row.asks_text, row.evidence)
    )
    body = "\n".join(prompt for prompt in prompts if prompt)[:BODY_MAX]
    passage = snippet(body, text, width=present.SNIPPET)
    return passage if any(matched for _piece, matched in passage) else first or passage


@dataclass(frozen=True, slots=True)
class Tab:
    """Calls or solutions; `count` only where following the link gives just that many."""

    label: str
    url: str
    current: bool
    count: int | None


def _tabs(
    state: SearchState, result: SearchResult, count: Callable[[SearchState], int]
) -> list[Tab]:
    labels = {"call": _("募集"), "solution": _("ソリューション")}
    return [
        Tab(
            label,
            state.url if target == state.target else state.on(target).url,
            target == state.target,
            result.total if target == state.target else count(state.on(target)),
        )
        for target, label in labels.items()
    ]


def _sorts(state: SearchState) -> list[dict[str, object]]:
    if state.target == "call":
        usual = _("関連の高い順") if state.text else _("締切の近い順")
        names = {"relevance": usual, "deadline": _("締切の近い順"), "newest": _("新しい順")}
    else:
        usual = _("関連の高い順") if state.text else _("順不同")
        names = {"relevance": usual, "newest": _("新しい順")}
    if not state.text:
        names.pop("deadline", None)
    return [
        {
            "label": label,
            "url": replace(state, sort=sort, page=1).url,
            "current": sort == state.sort or (sort == "relevance" and state.sort not in names),
        }
        for sort, label in names.items()
    ]


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a result, as `components/pagination.html` draws them."""

    current: int
    count: int
    first: int
    last: int
    total: int
    links: list[dict[str, object]]
    prev_url: str | None
    next_url: str | None

    @classmethod
    def of(cls, state: SearchState, total: int) -> "Pages":
        """The pages around the present one, with the first and the last."""
        count = max(-(-total // PER_PAGE), 1)
        here = state.page
        near = {n for n in range(here - AROUND, here + AROUND + 1) if 1 <= n <= count}
        return cls(
            current=here,
            count=count,
            first=(here - 1) * PER_PAGE + 1,
            last=min(here * PER_PAGE, total),
            total=total,
            links=[
                {"number": n, "url": replace(state, page=n).url} for n in sorted({1, count} | near)
            ],
            prev_url=replace(state, page=here - 1).url if here > 1 else None,
            next_url=replace(state, page=here + 1).url if here < count else None,
        )


def refused(sentence: str, status: int, again: SearchState | None = None) -> ResponseReturnValue:
    """A page that says why there is no answer and keeps what was typed."""
    page = render_template(
        "search/refused.html",
        sentence=sentence,
        text=clean_line(request.args.get("q", "")),
        again=again,
    )
    return page, status, {"Retry-After": "60"} if status == 503 else {}

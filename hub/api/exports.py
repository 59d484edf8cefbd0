"""Any search as Atom feed, iCalendar, CSV and JSON: the address of its page with another ending.

Each form holds the very listings that the page lists, in the same order, up to MOST at a time;
`page` leads on from there, and every form says when it is not the whole. Nothing depends on who
asks, so caches may keep an answer for a minute.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from hub.api import table
from hub.api.calendar import Entry, calendar
from hub.api.fields import FIELDS, KIND_NAMES, address, cells, full, header, moment, record
from hub.clock import to_jst
from hub.models.listing import Call, Solution
from hub.models.work import AuditEvent
from hub.web import prefecture_map, present, rows, search_asking
from hub.web.access import public
from hub.web.context import now, session
from hub.web.language import chosen
from hub.web.search_facets import Values
from hub.web.search_state import SearchState, Unreadable, is_clean, read
from hub.web.search_title import subject
from hub.web.words import _
from search.finder import Answer
from search.index import IndexUnavailable
from search.query import MOST_HITS

bp = Blueprint("exports", __name__)

MOST = 1000  # listings of one answer
FRESH_SECONDS = 60  # how long a cache may keep an answer
SETTLED = timedelta(minutes=1)  # after which a change has surely reached the index
FORMS = ("atom", "ics", "csv", "json")


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a result: its listings in order, and where the other parts are."""

    state: SearchState
    name: str
    total: int
    near: list[str]
    listings: list[Call | Solution]
    first: int
    last: int
    here: str
    prev: str | None
    next: str | None
    page: str

    @property
    def cut(self) -> str:
        """A sentence when this is not the whole result."""
        if not (self.prev or self.next):
            return ""
        return _(
            "全%(total)s件のうち、%(first)s件目から%(last)s件目までです。",
            total=self.total,
            first=self.first,
            last=self.last,
        )


Writer = Callable[[Found], Response]


@bp.get("/search.atom")
@public
def atom() -> ResponseReturnValue:
    """The search as an Atom feed."""
    return _export("exports.atom", _atom)


@bp.get("/search.ics")
@public
def ics() -> ResponseReturnValue:
    """The deadlines of a search of calls as a calendar."""
    return _export("exports.ics", _ics)


@bp.get("/search.csv")
@public
def csv() -> ResponseReturnValue:
    """The search as a table; `bom=1` for Excel."""
    bom = request.args.get("bom") == "1"
    return _export("exports.csv", _csv, **({"bom": "1"} if bom else {}))


@bp.get("/search.json")
@public
def json() -> ResponseReturnValue:
    """The search for programs."""
    return _export("exports.json", _json)


@bp.get("/map.csv")
@public
def map_csv() -> ResponseReturnValue:
    """The figures of a map as a table, one prefecture a record; `bom=1` for Excel."""
    try:
        state = prefecture_map.asked(Values())
    except Unreadable as error:
        return _refused(_(error.message, **error.values), 400)
    try:
        found = prefecture_map.figures(state)
    except IndexUnavailable as error:
        return _away(error)
    head = [_("都道府県コード"), _("都道府県"), _("地方"), _("受付中の募集")]
    lines = [(row.code, row.name, row.region, row.count) for row in found.prefectures]
    return _kept(_table(head, lines, "local-hub-map.csv"))


@bp.get("/formats")
@public
def formats() -> ResponseReturnValue:
    """What each form is for, and every field of JSON and CSV."""
    sample = SearchState(filters={"status": ("open",)})
    return render_template(
        "api/formats.html",
        addresses={form: full(sample.at(f"exports.{form}")) for form in FORMS},
        most=f"{MOST:,}",
        seconds=FRESH_SECONDS,
        tables=[
            {"label": _("募集"), "fields": FIELDS["call"]},
            {"label": _("ソリューション"), "fields": FIELDS["solution"]},
        ],
        kinds=KIND_NAMES,
        nav="call",
    )


# --- Asking -------------------------------------------------------------------------------------


def _export(endpoint: str, write: Writer, **more: str) -> ResponseReturnValue:
    """The answer to this request in one form, or why there is none."""
    values = Values()
    try:
        state = read(request.args, values.known)
    except Unreadable as error:
        return _refused(_(error.message, **error.values), 400)
    if endpoint == "exports.ics" and state.target != "call":
        return _refused(_("ソリューションに締切はありません。募集でさがしてください"), 404)
    if not is_clean(request.args, state):
        return redirect(state.at(endpoint, **more), 301)
    try:
        found = _found(state, values, endpoint, more)
    except IndexUnavailable as error:
        return _away(error)
    pages = max(-(-found.total // MOST), 1)
    if state.page > pages:
        sentence = _("このページはありません。結果は%(count)dページまでです", count=pages)
        return _refused(sentence, 404)
    return _kept(write(found), dated="deadline" not in state.filters)


def _found(state: SearchState, values: Values, endpoint: str, more: Mapping[str, str]) -> Found:
    first = (state.page - 1) * MOST
    answer = search_asking.answer(state, offset=first, limit=MOST_HITS)
    ids, near = _ids(state, answer, first)
    by_id = rows.public_listings(session(), ids)
    last = min(first + MOST, answer.total)

    def at(page: int) -> str:
        return full(replace(state, page=page).at(endpoint, **more))

    return Found(
        state=state,
        name=subject(state, values),
        total=answer.total,
        near=[id_ for id_ in near if id_ in by_id],
        listings=[by_id[id_] for id_ in ids if id_ in by_id],
        first=min(first + 1, answer.total),
        last=last,
        here=at(state.page),
        prev=at(state.page - 1) if state.page > 1 else None,
        next=at(state.page + 1) if last < answer.total else None,
        page=full(state.whole().url),
    )


def _ids(state: SearchState, answer: Answer, first: int) -> tuple[list[str], list[str]]:
    """The hits of one part, each once though the index may change while it is read.

    Then those of them that hold none of the words.
    """
    near = set(answer.related)
    ids = dict.fromkeys(hit.id for hit in answer.result.hits)
    for offset in range(first + MOST_HITS, min(first + MOST, answer.total), MOST_HITS):
        more = search_asking.answer(state, offset=offset, limit=MOST_HITS, facets=False)
        ids |= dict.fromkeys(hit.id for hit in more.result.hits)
        near |= more.related
    return list(ids), [id_ for id_ in ids if id_ in near]


# --- Answering ----------------------------------------------------------------------------------


def _kept(response: Response, *, dated: bool = True) -> ResponseReturnValue:
    """The answer as caches may keep it, or 304 when the asker has it already.

    What is asked by days left changes at any second, so it carries a tag but no date.
    """
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    response.vary.add("Accept-Language")
    response.headers["Content-Language"] = chosen()
    changed = _last_change()
    if dated and now() - changed >= SETTLED:
        response.last_modified = changed
    response.add_etag()
    return response.make_conditional(request)


def _last_change() -> datetime:
    """When an answer may last have become another one: by a rule, by the clock, by a new day."""
    today = to_jst(now()).replace(hour=0, minute=0, second=0, microsecond=0)
    passed = select(
        func.max(Call.closes_at).filter(Call.closes_at <= now()),
        func.max(Call.opens_at).filter(Call.opens_at <= now()),
    )
    written = session().scalar(select(AuditEvent.at).order_by(AuditEvent.id.desc()).limit(1))
    return max(
        at for at in (today, written, *session().execute(passed).one()) if at is not None
    ).replace(microsecond=0)


def _refused(sentence: str, status: int) -> ResponseReturnValue:
    """The sentence that the page would show; for programs as problem details (RFC 9457)."""
    headers = {"Retry-After": "60"} if status == 503 else {}
    if not request.path.endswith(".json"):
        return sentence + "\n", status, {"Content-Type": "text/plain; charset=utf-8"} | headers
    response = jsonify(title=HTTPStatus(status).phrase, status=status, detail=sentence)
    response.content_type = "application/problem+json"
    return response, status, headers


def _away(error: IndexUnavailable) -> ResponseReturnValue:
    current_app.logger.error("search is away: %s", error)
    return _refused(_("いま検索を使えません。1分ほど待ってから、もう一度お試しください"), 503)


def _atom(found: Found) -> Response:
    changes = [row.updated_at for row in found.listings]
    text = render_template(
        "api/search.xml",
        found=found,
        host=_host(),
        language=chosen(),
        updated=moment(max(changes, default=_last_change())),
        entries=[_entry(row) for row in found.listings],
    )
    # What XML cannot hold never comes through our forms, but may come from an import.
    text = "".join(c for c in text if c >= " " or c in "\n\t")
    return Response(text, content_type="application/atom+xml; charset=utf-8")


def _entry(row: Call | Solution) -> dict[str, Any]:
    return {
        "id": f"{row.subject}-{row.id}",
        "url": address(row),
        "title": row.title,
        "author": present.organisation_name(row.organisation),
        "published": moment(row.published_at),
        "updated": moment(row.updated_at),
        "themes": zip(row.themes, present.theme_names(row.themes), strict=True),
        "summary": _summary(row),
    }


def _summary(row: Call | Solution) -> str:
    """One sentence, and for a call what decides whether to read on."""
    text = row.summary or (row.problem if isinstance(row, Call) else row.solves)
    lines = [present.shortened(text, present.SNIPPET)]
    if isinstance(row, Call):
        lines.append(_("締切: %(words)s", words=present.deadline_words(row, now())))
        lines.append(_("予算: %(words)s", words=present.budget_words(row)))
    return "\n".join(line for line in lines if line)


def _ics(found: Found) -> Response:
    calls = [row for row in found.listings if isinstance(row, Call)]
    entries = [_deadline(call) for call in calls]
    about = _("Local Hubの検索「%(name)s」の締切です。", name=found.name) + found.cut
    body = calendar(found.name, about, found.page, entries)
    response = Response(body, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = "inline; filename=local-hub.ics"
    return response


def _deadline(call: Call) -> Entry:
    town = present.organisation_name(call.organisation)
    name = _("締切: %(words)s", words=call.title) if call.closes_at else call.title
    return Entry(
        uid=f"call-{call.id}@{_host()}",
        sequence=call.version,
        changed=call.updated_at,
        at=call.closes_at,
        summary=_("%(name)s（%(town)s）", name=name, town=town),
        description=f"{present.shortened(call.summary or call.problem, present.SNIPPET)}\n{address(call)}",
        url=address(call),
        categories=tuple(present.theme_names(call.themes)),
        cancelled=call.state == "closed",
    )


def _csv(found: Found) -> Response:
    fields = FIELDS[found.state.target]
    head = header(fields)
    records = [cells(fields, row) for row in found.listings]
    if found.cut:
        going_on = [_("つづき: %(url)s", url=found.next)] if found.next else []
        records.append(["", " ".join([found.cut, *going_on]), *[""] * (len(head) - 2)])
    return _table(head, records, f"local-hub-{found.state.target}s.csv")


def _table(head: Sequence[str], records: Iterable[Sequence[table.Cell]], name: str) -> Response:
    body = table.written(head, records, bom=request.args.get("bom") == "1")
    response = Response(body, content_type="text/csv; charset=utf-8; header=present")
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _json(found: Found) -> Response:
    fields = FIELDS[found.state.target]
    return jsonify(
        {
            "name": found.name,
            "total": found.total,
            "near": found.near,
            "first": found.first,
            "last": found.last,
            "cut": found.cut or None,
            "page": found.page,
            "self": found.here,
            "prev": found.prev,
            "next": found.next,
            "items": [record(fields, row) for row in found.listings],
        }
    )


def _host() -> str:
    """The name this site has in ids, without a port."""
    return urlsplit(full("")).hostname or ""

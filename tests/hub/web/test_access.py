"""Every route meets every kind of person, and no route is left unguarded."""

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.domain import alerts, calls, desks, digest_text, digests, organisations, solutions
from hub.domain.accounts import make_operator
from hub.domain.alert_text import Links
from hub.domain.saved_search import Search
from hub.models import Alert, Call, Desk, Digest, Feedback, Match, Organisation, Solution, User
from hub.policy import MAY
from hub.services import Services
from tests.conftest import NOW, Once
from tests.hub.web.browser import Browser
from tests.market import CALL, DESK, SOLUTION, firm, pair, person, publish_desk, town

UNGUARDED = {"static"}  # may only shrink
WHO = ("owner", "editor", "viewer", "other", "stranger", "visitor", "operator")


@dataclass
class World:
    """A town and a firm, each with three roles; the ids by name."""

    people: dict[str, dict[str, User]]  # "town" / "firm" -> who -> person
    ids: dict[str, object]


def make_world(services: Services) -> World:
    with services.database.unit_of_work() as session:
        officer, founder = town(session), firm(session)
        hall = officer.memberships[0].organisation
        company = founder.memberships[0].organisation
        unverified = organisations.claim(session, "132128", actor=person(session), now=NOW)
        asking = person(session)
        request = organisations.join(session, hall, actor=asking, now=NOW)
        operator = person(session)
        make_operator(session, operator, now=NOW)
        people: dict[str, dict[str, User]] = {}
        for name, organisation, owner in (("town", hall, officer), ("firm", company, founder)):
            people[name] = {"owner": owner, "operator": operator, "stranger": person(session)}
            for role in ("editor", "viewer"):
                people[name][role] = person(session)
                organisations.add_member(session, organisation, people[name][role], role, now=NOW)
        people["town"]["other"], people["firm"]["other"] = founder, officer
        draft = calls.create(session, hall, CALL, actor=officer, now=NOW)
        public = calls.create(session, hall, CALL, actor=officer, now=NOW)
        calls.publish(session, public, actor=officer, now=NOW, expected_version=public.version)
        idea = solutions.create(session, company, SOLUTION, actor=founder, now=NOW)
        post = solutions.create(session, company, SOLUTION, actor=founder, now=NOW)
        solutions.publish(session, post, actor=founder, now=NOW, expected_version=post.version)
        counter = publish_desk(session, officer)
        plan = desks.create(session, hall, DESK, actor=officer, now=NOW)
        session.add(pair(public, post))
        alert = alert_of(session)
        heard, hush = digest_of(session, officer, public, post)
        session.flush()
        return World(
            people,
            {
                "hall": hall.id,
                "company": company.id,
                "unverified": unverified.organisation_id,
                "request": request.id,
                "draft": draft.id,
                "public": public.id,
                "idea": idea.id,
                "post": post.id,
                "counter": counter.id,
                "plan": plan.id,
                "begin": LINKS.token("confirm", alert.nonce),
                "stop": LINKS.token("end", alert.nonce),
                "number": alert.reference,
                "heard": heard,
                "hush": hush,
                "own": officer.memberships[0].id,
            },
        )


@pytest.fixture
def world(once: Once, services: Services) -> World:
    made: World = once(make_world, services)
    return made


LINKS = Links("http://localhost", "a key for tests only")


def alert_of(session: Session) -> Alert:
    """An alert that waits for its confirmation."""
    search = Search(text="子育て")
    alerts.subscribe(
        session,
        email="reader@example.jp",
        search=search,
        title="子育て",
        language="ja",
        links=LINKS,
        now=NOW,
    )
    return session.scalars(select(Alert)).one()


def digest_of(session: Session, member: User, call: Call, solution: Solution) -> tuple[str, str]:
    """The tokens of the answering and the ending link of a mail that told of the pair."""
    digests.enrol(session, links=LINKS, now=NOW)
    digest = digests.of(session, member.memberships[0])
    assert digest is not None
    match = session.get_one(Match, (call.id, solution.id))
    session.add(digests.card(digest, match, LINKS, NOW))
    return digest_text.answer_token(LINKS, digest, match), digest_text.end_token(
        LINKS, digest.nonce
    )


ALL_200 = "200 200 200 200 200 200 200"
NOT_YET = "404 404 404 404 404 404 404"
SIGNED_IN = "200 200 200 200 200 303 200"
PAGES = ["/", "/search", "/search/suggest", "/map", "/map.csv", "/formats", "/towns", "/towns/132128", "/ranking", "/accessibility", "/licences",
         "/privacy", "/contact", "/sign-in", "/register", "/alerts/new", "/alerts/sent", "/r"]  # fmt: skip

ALERT = ["/alerts/confirm/{begin}", "/alerts/end/{stop}", "/r/{number}"]
DIGEST = ["/digest/answer/{heard}", "/digest/end/{hush}"]
SECRETS = [*ALERT[:2], *DIGEST]  # only a mail holds such an address: whoever posts to it may

# method, path, whose people, then the answers in the order of WHO
MATRIX = [
    *(("GET", path, "town", ALL_200) for path in PAGES if path not in ("/sign-in",)),
    *(("GET", f"/search.{form}", "town", ALL_200) for form in ("atom", "ics", "csv", "json")),
    *(("GET", f"/ranking/audit.{form}", "town", NOT_YET) for form in ("csv", "json")),
    ("GET", "/sign-in", "town", "303 303 303 303 303 200 303"),
    ("POST", "/sign-in", "town", "422 422 422 422 422 422 422"),
    ("POST", "/register", "town", "422 422 422 422 422 422 422"),
    ("POST", "/sign-out", "town", "303 303 303 303 303 401 303"),
    ("GET", "/healthz", "town", "503 503 503 503 503 503 503"),
    ("GET", "/my", "town", "303 303 303 303 200 303 200"),
    ("GET", "/my/organisations/new", "town", SIGNED_IN),
    ("POST", "/my/organisations/new", "town", "200 200 200 200 200 401 200"),
    ("GET", "/organisations/{hall}", "town", "303 303 303 303 303 303 303"),
    ("GET", "/organisations/{company}", "firm", ALL_200),
    ("POST", "/organisations/{hall}/join", "town", "403 403 403 303 303 401 303"),
    ("GET", "/my/organisations/{hall}", "town", "200 200 200 404 404 303 404"),
    ("GET", "/my/organisations/{company}", "firm", "200 200 200 404 404 303 404"),
    ("GET", "/my/organisations/{hall}/matches", "town", "200 200 200 404 404 303 404"),
    ("GET", "/my/organisations/{hall}/members", "town", "200 200 200 404 404 303 404"),
    ("GET", "/my/organisations/{hall}/profile", "town", "200 403 403 404 404 303 404"),
    ("POST", "/my/organisations/{company}/profile", "firm", "409 403 403 404 404 401 404"),
    ("POST", "/memberships/{request}/answer", "town", "303 403 403 404 404 404 404"),
    ("GET", "/operator", "town", "404 404 404 404 404 404 200"),
    ("POST", "/operator/organisations/{unverified}/verify", "town", "404 404 404 404 404 404 303"),
    ("POST", "/operator/organisations/{unverified}/refuse", "town", "404 404 404 404 404 404 303"),
    ("POST", "/alerts/new", "town", "422 422 422 422 422 422 422"),
    *(("GET", path, "town", ALL_200) for path in ALERT),
    ("POST", "/alerts/confirm/{begin}", "town", "303 303 303 303 303 303 303"),
    ("POST", "/alerts/end/{stop}", "town", ALL_200),
    ("POST", "/r/{number}", "town", "422 422 422 422 422 422 422"),
    *(("GET", path, "town", ALL_200) for path in DIGEST),
    ("POST", "/digest/answer/{heard}", "town", "422 422 422 422 422 422 422"),
    ("POST", "/digest/end/{hush}", "town", ALL_200),
    ("POST", "/memberships/{own}/digest", "town", "303 403 403 404 404 404 404"),
    ("GET", "/matches/{public}/{post}/feedback", "town", "200 200 403 200 404 303 404"),
    ("GET", "/matches/{public}/{post}/feedback?kind=call", "town", "200 200 403 404 404 303 404"),
    ("POST", "/matches/{public}/{post}/feedback?kind=call", "town", "422 422 403 404 404 401 404"),
    ("POST", "/matches/{public}/{post}/feedback", "firm", "422 422 403 422 404 401 404"),
    ("GET", "/my/organisations/{hall}/answers", "town", "200 200 200 404 404 303 404"),
    ("GET", "/my/organisations/{company}/answers", "firm", "200 200 200 404 404 303 404"),
    ("GET", "/calls/{public}", "town", ALL_200),
    ("GET", "/calls/{draft}", "town", "200 200 200 404 404 404 200"),
    ("GET", "/calls/{draft}/preview", "town", "200 200 200 404 404 404 403"),
    ("GET", "/my/organisations/{hall}/calls/new", "town", "200 200 403 404 404 303 404"),
    ("POST", "/my/organisations/{hall}/calls/new", "town", "303 303 403 404 404 401 404"),
    ("GET", "/my/organisations/{company}/calls/new", "firm", "403 403 403 404 404 303 404"),
    ("GET", "/calls/{draft}/edit", "town", "200 200 403 404 404 404 403"),
    ("POST", "/calls/{public}/edit", "town", "409 409 403 403 403 401 403"),
    ("POST", "/calls/{draft}/publish", "town", "303 303 403 404 404 404 403"),
    ("POST", "/calls/{public}/close", "town", "303 303 403 403 403 401 403"),
    ("POST", "/calls/{draft}/discard", "town", "303 303 403 404 404 404 403"),
    ("GET", "/calls/{public}/matches", "town", "200 200 200 403 403 303 403"),
    ("GET", "/calls/{public}/matches/print", "town", "200 200 200 403 403 303 403"),
    ("GET", "/calls/{public}/why", "firm", "200 200 200 403 403 303 403"),
    ("POST", "/calls/{public}/why", "firm", "422 422 422 403 403 401 403"),
    ("POST", "/calls/{draft}/reach", "town", "303 303 303 404 404 404 403"),
    ("GET", "/solutions/{post}", "firm", ALL_200),
    ("GET", "/solutions/{idea}", "firm", "200 200 200 404 404 404 200"),
    ("GET", "/solutions/{idea}/preview", "firm", "200 200 200 404 404 404 403"),
    ("GET", "/my/organisations/{company}/solutions/new", "firm", "200 200 403 404 404 303 404"),
    ("POST", "/my/organisations/{company}/solutions/new", "firm", "303 303 403 404 404 401 404"),
    ("GET", "/solutions/{idea}/edit", "firm", "200 200 403 404 404 404 403"),
    ("POST", "/solutions/{post}/edit", "firm", "409 409 403 403 403 401 403"),
    ("POST", "/solutions/{idea}/publish", "firm", "303 303 403 404 404 404 403"),
    ("POST", "/solutions/{post}/close", "firm", "303 303 403 403 403 401 403"),
    ("POST", "/solutions/{idea}/discard", "firm", "303 303 403 404 404 404 403"),
    ("GET", "/solutions/{post}/matches", "firm", "200 200 200 403 403 303 403"),
    ("GET", "/desks/{counter}", "town", ALL_200),
    ("GET", "/desks/{plan}", "town", "200 200 200 404 404 404 200"),
    ("GET", "/my/organisations/{hall}/desks", "town", "200 200 200 404 404 303 404"),
    ("GET", "/my/organisations/{hall}/desks/new", "town", "200 200 403 404 404 303 404"),
    ("POST", "/my/organisations/{hall}/desks/new", "town", "303 303 403 404 404 401 404"),
    ("GET", "/my/organisations/{company}/desks/new", "firm", "403 403 403 404 404 303 404"),
    ("GET", "/desks/{plan}/edit", "town", "200 200 403 404 404 404 403"),
    ("POST", "/desks/{counter}/edit", "town", "409 409 403 403 403 401 403"),
    ("POST", "/desks/{plan}/publish", "town", "303 303 403 404 404 404 403"),
    ("POST", "/desks/{counter}/withdraw", "town", "303 303 403 403 403 401 403"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "side", "answers"), MATRIX)
def test_each_person_gets_the_answer_of_the_table(
    app: Flask, world: World, method: str, path: str, side: str, answers: str
) -> None:
    url = path.format(**world.ids)
    got = {}
    for who in reversed(WHO):  # those who may act come last, so that nothing has changed before
        browser = Browser(app, world.people[side].get(who))
        response = browser.get(url) if method == "GET" else browser.post(url)
        got[who] = response.status_code
        if who == "owner":
            break
    wanted = dict(zip(WHO, map(int, answers.split()), strict=True))
    if method == "POST" and wanted["owner"] == wanted["editor"] == 303:
        del got["owner"], wanted["owner"]  # the editor has already done it
    assert got == wanted


def test_every_route_has_a_row_in_the_matrix(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    samples = dict.fromkeys(("hall", "company", "unverified", "request", "draft", "public", "idea", "post", "counter", "plan", "begin", "stop", "number", "heard", "hush", "own"), 1)  # fmt: skip
    met = {
        (adapter.match(path.format(**samples).partition("?")[0], method=method)[0], method)
        for method, path, _side, _answers in MATRIX
    }
    every = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
        if rule.endpoint not in UNGUARDED
    }
    assert every - met == set()


def test_no_view_is_unguarded(app: Flask) -> None:
    assert unguarded(app) == UNGUARDED


def test_the_finder_finds_an_unguarded_view(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "anyone")
    assert unguarded(app) == {*UNGUARDED, "forgotten"}


def test_every_guard_names_an_action_of_the_table(app: Flask) -> None:
    named = {policy for view in app.view_functions.values() if (policy := policy_of(view))}
    assert named - {"public"} <= set(MAY)


@pytest.mark.parametrize(
    ("method", "path", "side", "answers"),
    [row for row in MATRIX if row[0] == "POST" and row[1] not in SECRETS],
)
def test_no_post_does_anything_without_a_form_token(
    app: Flask, world: World, services: Services, method: str, path: str, side: str, answers: str
) -> None:
    before = fingerprint(services)
    for who in ("owner", "operator", "visitor"):
        browser = Browser(app, world.people[side].get(who))
        response = browser.post_stale(path.format(**world.ids), {"title": "消えないで"})
        assert response.status_code in (200, 401, 403, 404, 422)
    assert fingerprint(services) == before


def fingerprint(services: Services) -> list[object]:
    with services.database.session() as session:
        return [
            sorted((row.id, row.version, getattr(row, "state", "")) for row in session.query(model))
            for model in (Call, Solution, Organisation, Desk)
        ] + [
            session.query(User).count(),
            session.query(Alert.id, Alert.state).all(),
            session.query(Feedback.verdict).all(),
            session.query(Digest.state).all(),
        ]


def policy_of(view: object) -> str | None:
    return getattr(view, "policy", None)


def unguarded(app: Flask) -> set[str]:
    return {name for name, view in app.view_functions.items() if policy_of(view) is None}

"""Answering recommended pairs: on cards, on a page, in a list, by the link of a mail."""

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from hub.domain import digest_text, digests, organisations
from hub.domain.alert_text import Links
from hub.models import AuditEvent, Digest, Feedback, Match, OutboxTask, Place, User
from hub.services import Services
from tests.conftest import NOW, Clock, Once
from tests.hub.web.browser import Browser, text_of
from tests.market import firm, organisation_of, pair, person, publish_call, publish_solution, town

WHY = "どちらの文章にも「放課後」があります。"


@dataclass
class World:
    """A town and a firm with one pair that both lists show."""

    officer: User
    owner: User
    viewer: User
    hall: int
    company: int
    call: int
    solution: int
    answering: str
    ending: str

    @property
    def page(self) -> str:
        return f"/matches/{self.call}/{self.solution}/feedback"


def make_world(services: Services) -> World:
    with services.database.unit_of_work() as session:
        officer, owner, viewer = town(session), firm(session), person(session)
        call, solution = publish_call(session, officer), publish_solution(session, owner)
        hall, company = organisation_of(session, officer), organisation_of(session, owner)
        organisations.add_member(session, hall, viewer, "viewer", now=NOW)
        match = pair(call, solution, 0.7, reasons={"ja": [WHY], "en": ["Why"]}, parts={"text": 0.8})
        session.add(match)
        for kind, list_of in (("call", call.id), ("firm", company.id)):
            session.add(
                Place(
                    kind=kind, owner_id=list_of, rank=1, call_id=call.id, solution_id=solution.id,
                    firm_id=company.id, town_id=hall.id, value=0.7, how="merit", begins_at=NOW,
                )
            )  # fmt: skip
        links = Links("http://localhost", "a key for tests only")
        digests.enrol(session, links=links, now=NOW)
        digest = digests.of(session, officer.memberships[0])
        assert digest is not None
        session.add(digests.card(digest, match, links, NOW))
        return World(
            officer, owner, viewer, hall.id, company.id, call.id, solution.id,
            digest_text.answer_token(links, digest, match),
            digest_text.end_token(links, digest.nonce),
        )  # fmt: skip


@pytest.fixture
def world(once: Once, services: Services) -> World:
    made: World = once(make_world, services)
    return made


def said(services: Services) -> dict[int, tuple[str, str]]:
    with services.database.session() as session:
        return {
            row.organisation_id: (row.verdict, row.reason)
            for row in session.scalars(select(Feedback))
        }


# --- Cards and the page --------------------------------------------------------------------------


def test_a_card_is_answered_changed_and_undone(
    app: Flask, services: Services, world: World
) -> None:
    browser = Browser(app, world.officer)
    cards = f"/calls/{world.call}/matches"
    for words in ("関心がある", "提案を受けた", "今回は対象外", "表示しない"):
        assert words in text_of(browser.get(cards))
    response = browser.post(f"{world.page}?kind=call", {"verdict": "interested"})
    assert (response.status_code, response.location) == (303, cards)
    assert said(services) == {world.hall: ("interested", "")}
    assert "返事: 関心がある" in text_of(browser.get(cards))
    browser.post(f"{world.page}?kind=call", {"verdict": "proposed"})
    assert said(services) == {world.hall: ("proposed", "")}
    browser.post(f"{world.page}?kind=call", {"verdict": "undo"})
    assert said(services) == {}


def test_declining_needs_a_reason_and_then_leaves_the_list(
    app: Flask, services: Services, world: World
) -> None:
    browser = Browser(app, world.owner)
    page = browser.get(f"{world.page}?kind=firm")
    assert "必要なものが示されていない" in text_of(page)
    refused = browser.post(f"{world.page}?kind=firm", {"verdict": "declined"})
    assert refused.status_code == 422
    assert "エラー" in text_of(refused)
    assert "対象外とする理由を1つ選んでください" in text_of(refused)
    assert said(services) == {}
    taken = browser.post(f"{world.page}?kind=firm", {"verdict": "declined", "reason": "theme"})
    assert taken.location == f"/my/organisations/{world.company}/matches"
    assert said(services) == {world.company: ("declined", "theme")}
    assert WHY not in text_of(browser.get(f"/my/organisations/{world.company}/matches"))
    with services.database.session() as session:
        tasks = session.scalars(select(OutboxTask).where(OutboxTask.cause == "feedback"))
        assert [(task.kind, task.subject, task.subject_id) for task in tasks] == [
            ("deal", "firm", world.company)
        ]


def test_what_is_no_answer_is_refused(app: Flask, services: Services, world: World) -> None:
    for sent in ({}, {"verdict": "loved"}, {"verdict": "declined", "reason": "size"}):
        assert Browser(app, world.officer).post(world.page, sent).status_code == 422
    assert said(services) == {}


def test_those_who_may_only_read_see_no_buttons(app: Flask, world: World) -> None:
    page = text_of(Browser(app, world.viewer).get(f"/calls/{world.call}/matches"))
    assert WHY in page
    assert "表示しない" not in page


@pytest.mark.parametrize("path", ["/matches/1/99/feedback", "/matches/9999999999/1/feedback"])
def test_pairs_that_are_none_are_not_found(app: Flask, world: World, path: str) -> None:
    assert Browser(app, world.officer).get(path).status_code == 404


def test_a_list_of_the_other_side_is_not_ours(app: Flask, services: Services, world: World) -> None:
    browser = Browser(app, world.officer)
    sent = browser.post(f"{world.page}?kind=firm", {"verdict": "hidden"})
    assert sent.status_code == 404
    assert browser.post(f"{world.page}?kind=loved", {"verdict": "hidden"}).status_code == 404
    assert said(services) == {}


def test_answers_are_listed_to_be_changed(app: Flask, services: Services, world: World) -> None:
    browser = Browser(app, world.officer)
    mine = f"/my/organisations/{world.hall}/answers"
    assert "まだ返事をしていません" in text_of(browser.get(mine))
    browser.post(world.page, {"verdict": "declined", "reason": "asks"})
    page = browser.get(mine)
    assert "今回は対象外（求めるものを用意できない）" in text_of(page)
    assert "取り消す" not in text_of(Browser(app, world.viewer).get(mine))
    undone = browser.post(f"{world.page}?kind=call&to=answers", {"verdict": "undo"})
    assert undone.location == mine
    assert said(services) == {}


# --- By the link of a mail -----------------------------------------------------------------------


def test_opening_the_link_changes_nothing_and_sets_no_cookie(
    app: Flask, services: Services, world: World
) -> None:
    response = app.test_client().get(f"/digest/answer/{world.answering}")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert WHY in response.text
    assert said(services) == {}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"verdict": "interested"}, ("interested", "")),
        ({"verdict": "hidden"}, ("hidden", "")),
        ({"verdict": "declined", "reason": "timing"}, ("declined", "timing")),
    ],
)
def test_one_press_answers_without_signing_in(
    app: Flask, services: Services, world: World, sent: dict[str, str], stored: tuple[str, str]
) -> None:
    client = app.test_client()
    assert client.post(f"/digest/answer/{world.answering}", data=sent).status_code == 303
    assert said(services) == {world.hall: stored}
    with services.database.session() as session:
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "feedback.give")
        ).one()
        assert event.actor_id == world.officer.id
    assert "いまの返事" in client.get(f"/digest/answer/{world.answering}").text


def test_a_reason_is_asked_for_here_too(app: Flask, services: Services, world: World) -> None:
    response = app.test_client().post(
        f"/digest/answer/{world.answering}", data={"verdict": "declined"}
    )
    assert response.status_code == 422
    assert "対象外とする理由を1つ選んでください" in response.text
    assert said(services) == {}


@pytest.mark.parametrize("verdict", ["undo", "proposed", "loved", ""])
def test_the_link_can_do_nothing_else(
    app: Flask, services: Services, world: World, verdict: str
) -> None:
    client = app.test_client()
    response = client.post(f"/digest/answer/{world.answering}", data={"verdict": verdict})
    assert response.status_code == 422
    assert said(services) == {}
    assert client.get(f"/digest/end/{world.answering}").status_code == 404
    assert client.get(f"/my/organisations/{world.hall}").status_code == 303


def test_links_end_after_a_month_or_with_the_right(
    app: Flask, services: Services, world: World, clock: Clock
) -> None:
    client, page = app.test_client(), f"/digest/answer/{world.answering}"
    clock.moment = NOW + digests.ANSWERED_FOR
    assert client.get(page).status_code == 404
    assert client.post(page, data={"verdict": "interested"}).status_code == 404
    clock.moment = NOW
    with services.database.unit_of_work() as session:
        session.merge(world.officer).memberships[0].role = "viewer"
    assert client.post(page, data={"verdict": "interested"}).status_code == 404
    assert said(services) == {}


def test_guessing_links_is_slowed_down(app: Flask, world: World) -> None:
    client = app.test_client()
    codes = [client.get(f"/digest/answer/guess{number}").status_code for number in range(40)]
    assert codes[0] == 404
    assert codes[-1] == 429


# --- The setting ---------------------------------------------------------------------------------


def state(services: Services, member: User) -> str:
    with services.database.session() as session:
        digest = digests.of(session, session.merge(member, load=True).memberships[0])
        return digest.state if digest else "none"


def test_the_mail_is_stopped_from_the_mail_in_two_presses_or_one(
    app: Flask, services: Services, world: World
) -> None:
    client, page = app.test_client(), f"/digest/end/{world.ending}"
    assert "メールを止める" in client.get(page).text
    assert state(services, world.officer) == "active"
    one_click = client.post(page, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    assert state(services, world.officer) == "ended"
    assert "止めました" in client.get(page).text
    with services.database.session() as session:
        others = session.scalars(select(Digest.state)).all()
    assert sorted(others) == ["active", "ended"], "of this member alone"


def confirmed(services: Services, user: User) -> bool:
    with services.database.session() as session:
        return session.get_one(User, user.id).email_confirmed_at is not None


def test_the_mail_is_kept_by_a_press_and_not_by_opening_a_page(
    app: Flask, services: Services, world: World
) -> None:
    client, page = app.test_client(), f"/digest/end/{world.ending}"
    shown = client.get(page)
    assert "朝のおすすめメールを続けますか" in shown.text
    assert "Set-Cookie" not in shown.headers
    assert not confirmed(services, world.officer)
    kept = client.post(page, data={"wanted": "yes"})
    assert "朝のおすすめメールを続けます" in kept.text
    assert confirmed(services, world.officer)
    assert not confirmed(services, world.owner)
    assert state(services, world.officer) == "active"
    after = client.get(page).text
    assert "続けて受け取る" not in after
    assert "朝のおすすめメールを止めますか" in after
    client.post(page, data={"wanted": "no"})
    assert state(services, world.officer) == "ended"


def test_answering_by_the_link_confirms_the_address_too(
    app: Flask, services: Services, world: World
) -> None:
    client, page = app.test_client(), f"/digest/answer/{world.answering}"
    client.get(page)
    client.post(page, data={"verdict": "declined"})  # refused: no reason
    assert not confirmed(services, world.officer)
    client.post(page, data={"verdict": "interested"})
    assert confirmed(services, world.officer)


def test_the_members_page_says_what_an_unconfirmed_address_gets(
    app: Flask, services: Services, world: World
) -> None:
    members = f"/my/organisations/{world.hall}/members"
    browser = Browser(app, world.officer)
    assert "このアドレスはまだ確かめられていません" in text_of(browser.get(members))
    with services.database.unit_of_work() as session:
        membership = session.merge(world.officer).memberships[0]
        own = membership.id
        digest = digests.of(session, membership)
        assert digest is not None
        digest.mailed = digests.UNCONFIRMED
    held = text_of(browser.get(members))
    assert "リンクがまだ使われていないので、止めています" in held
    assert "もう1通送る" in held
    browser.post(f"/memberships/{own}/digest", {"wanted": "yes"})
    assert "もう1通送る" not in text_of(browser.get(members))
    app.test_client().post(f"/digest/end/{world.ending}", data={"wanted": "yes"})
    text = text_of(browser.get(members))
    assert "確かめられていません" not in text
    assert "止めています" not in text


def test_the_mail_is_switched_on_the_members_page(
    app: Flask, services: Services, world: World
) -> None:
    browser = Browser(app, world.officer)
    with services.database.session() as session:
        own = session.merge(world.officer).memberships[0].id
    members = f"/my/organisations/{world.hall}/members"
    assert "メールを止める" in text_of(browser.get(members))
    off = browser.post(f"/memberships/{own}/digest", {"wanted": "no"})
    assert off.location == members
    assert state(services, world.officer) == "ended"
    assert "いまは止めています" in text_of(browser.get(members))
    browser.post(f"/memberships/{own}/digest", {"wanted": "yes"})
    assert state(services, world.officer) == "active"
    assert "朝のおすすめメール" not in text_of(Browser(app, world.viewer).get(members))


def test_a_link_for_a_listing_that_is_gone_still_answers_honestly(
    app: Flask, services: Services, world: World
) -> None:
    with services.database.unit_of_work() as session:
        session.delete(session.get_one(Match, (world.call, world.solution)))
    response = app.test_client().get(f"/digest/answer/{world.answering}")
    assert response.status_code == 200
    assert WHY not in response.text

"""The pages of a call, a solution and an organisation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from hub.domain import calls, organisations, solutions
from hub.domain.organisations import Profile
from hub.models import AuditEvent, Partner
from hub.services import Services
from hub.web import rows
from tests.conftest import NOW, Clock
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, card_titles, heading, links, parsed, queries, words
from tests.market import (
    CALL,
    SOLUTION,
    firm,
    organisation_of,
    person,
    publish_call,
    publish_solution,
    town,
)

FULL = {
    "vision": "だれもが夕方を安心して過ごせるまち。",
    "tried": "直営の教室を2か所ふやしました。",
    "offered": "空き教室と、保護者への案内。",
    "details": "選び方は書類と面談です。\n\n日程は https://example.jp/a?b=1&c=2 をご覧ください。",
    "eligibility": "個人事業主も応募できます。",
    "contact_policy": "質問には5開庁日以内に返事をします。",
    "place": "市内の小学校",
    "budget_kind": "fixed",
    "budget_max_yen": 3_000_000,
    "budget_note": "材料費をふくみます。",
    "eligibility_codes": ("juridical_person", "in_prefecture"),
    "themes": ("childcare", "education.ict"),
}


def test_a_call_shows_everything_in_reading_order(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        call = publish_call(session, town(session), **FULL)
    response = Browser(app).get(f"/calls/{call.id}")
    assert response.status_code == 200
    assert heading(response) == CALL.title
    text = text_of(response)
    in_order = [
        CALL.summary, "受付中 あと30日", "2026年12月31日（木） 12:00（令和8年）",
        "2026年12月1日（火） 12:00（令和8年）", "宮城県石巻市", "（いしのまきし）", "子育て支援課",
        "実証実験", "法人であること", "同じ都道府県に拠点があること", "定額（300万円まで）",
        "材料費をふくみます。", "実証フィールド", "施設・場所", "市内の小学校", "子育て",
        "学校のICT・デジタル教材", "めざす姿", FULL["vision"], "困りごと", CALL.problem, "試したこと",
        FULL["tried"], "提供できるもの", FULL["offered"], "求める提案", CALL.wanted, "くわしい説明",
        "選び方は書類と面談です。", "応募できる人", FULL["eligibility"], "応募と質問の送り先",
        FULL["contact_policy"], "第2版",
    ]  # fmt: skip
    at = 0
    for piece in in_order:
        found = text.find(str(piece), at)
        assert found >= 0, piece
        at = found + len(str(piece))
    assert "試験 花子" not in text
    assert links(parsed(response))["https://example.jp/a?b=1&c=2"] == "https://example.jp/a?b=1&c=2"
    assert links(parsed(response))["宮城県石巻市"] == "/towns/042021"
    assert links(parsed(response))["子育て"] == "/search?target=call&theme=childcare"
    (address,) = by_class(parsed(response), "print-only")
    assert words(address) == f"http://localhost/calls/{call.id}"


def test_empty_prompts_leave_no_heading(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        call = publish_call(session, town(session), wanted="")
    titles = [words(h) for h in parsed(Browser(app).get(f"/calls/{call.id}")).iter("h2")]
    assert titles == ["困りごと", "応募と質問の送り先"]


def test_a_draft_is_nothing_to_strangers(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        call = calls.create(
            session, organisation_of(session, officer), CALL, actor=officer, now=NOW
        )
        solution = solutions.create(
            session, organisation_of(session, owner), SOLUTION, actor=owner, now=NOW
        )
        session.flush()
    for url, member, stranger in (
        (f"/calls/{call.id}", officer, owner),
        (f"/solutions/{solution.id}", owner, officer),
    ):
        assert Browser(app).get(url).status_code == 404
        assert Browser(app, stranger).get(url).status_code == 404
        seen = Browser(app, member).get(url)
        assert seen.status_code == 200
        assert "公開されていません" in text_of(seen)


def test_an_empty_draft_has_a_page_for_its_members(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        call = calls.create(
            session, organisation_of(session, officer), calls.CallValues(), actor=officer, now=NOW
        )
        solution = solutions.create(
            session,
            organisation_of(session, owner),
            solutions.SolutionValues(),
            actor=owner,
            now=NOW,
        )
        session.flush()
    for browser, path in (
        (Browser(app, officer), f"/calls/{call.id}"),
        (Browser(app, owner), f"/solutions/{solution.id}"),
    ):
        for page in (path, f"{path}/preview"):
            response = browser.get(page)
            assert response.status_code == 200
            assert heading(response) == "（題名なし）"


def test_members_find_their_tools_and_others_do_not(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer, owner, viewer = town(session), firm(session), person(session)
        organisations.add_member(
            session, organisation_of(session, officer), viewer, "viewer", now=NOW
        )
        call, solution = publish_call(session, officer), publish_solution(session, owner)
    ours = links(parsed(Browser(app, officer).get(f"/calls/{call.id}")))
    assert ours["編集"] == f"/calls/{call.id}/edit"
    assert ours["マッチ"] == f"/calls/{call.id}/matches"
    assert ours["確認画面"] == f"/calls/{call.id}/preview"
    theirs = links(parsed(Browser(app, owner).get(f"/solutions/{solution.id}")))
    assert theirs["編集"] == f"/solutions/{solution.id}/edit"
    assert theirs["マッチ"] == f"/solutions/{solution.id}/matches"
    looking = links(parsed(Browser(app, viewer).get(f"/calls/{call.id}")))
    assert "編集" not in looking
    assert "マッチ" in looking
    for who in (None, owner):
        seen = links(parsed(Browser(app, who).get(f"/calls/{call.id}")))
        assert not {"編集", "マッチ", "確認画面"} & set(seen)


def test_a_moved_deadline_is_shown_with_both_dates(
    app: Flask, services: Services, clock: Clock
) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        draft = calls.create(
            session, organisation_of(session, officer), CALL, actor=officer, now=NOW
        )
        values = replace(CALL, closes_at=NOW + timedelta(days=10))
        calls.change(session, draft, values, actor=officer, now=NOW, expected_version=1)
        calls.publish(session, draft, actor=officer, now=NOW, expected_version=2)
        still = publish_call(session, officer)
        later = replace(CALL, closes_at=NOW + timedelta(days=17))
        calls.change(
            session, draft, later, actor=officer, now=NOW + timedelta(hours=1), expected_version=3
        )
        calls.change(
            session,
            draft,
            replace(later, summary="直しました"),
            actor=officer,
            now=NOW + timedelta(hours=2),
            expected_version=4,
        )
    notices = by_class(parsed(Browser(app).get(f"/calls/{draft.id}")), "notice")
    assert [words(n) for n in notices] == [
        "締切が変わりました 前の締切: 2026年12月11日（金） 12:00 "
        "新しい締切: 2026年12月18日（金） 12:00 変更した日時: 2026年12月1日（火） 13:00"
    ]
    assert by_class(parsed(Browser(app).get(f"/calls/{still.id}")), "notice") == []


def test_changes_of_the_deadline_are_read_without_the_texts(services: Services) -> None:
    with services.database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        steps = [
            replace(CALL, problem="とても長い文章。" * 100),
            replace(CALL, closes_at=None),
            replace(CALL, closes_at=NOW + timedelta(days=40)),
        ]
        for values in steps:
            calls.change(
                session, call, values, actor=officer, now=NOW, expected_version=call.version
            )
            session.flush()
    with services.database.session() as session:
        changes = rows.deadline_changes(session, call)
        assert not [row for row in session if isinstance(row, AuditEvent)]
    assert [(change.before, change.after) for change in changes] == [
        (CALL.closes_at, None),
        (None, NOW + timedelta(days=40)),
    ]


def test_a_solution_shows_everything(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        owner = firm(session)
        solution = publish_solution(
            session,
            owner,
            areas=("04", "06"),
            asks_text="空き教室をお貸しください。",
            evidence="3市で実施。",
        )
        publish_call(session, town(session))
        company = organisation_of(session, owner).id
    response = Browser(app).get(f"/solutions/{solution.id}")
    text = text_of(response)
    for piece in (SOLUTION.title, SOLUTION.summary, "掲載中", "製品", "宮城県", "山形県", "施設・場所",
                  "実証実験", "子育て", SOLUTION.solves, SOLUTION.brings, "空き教室をお貸しください。",
                  "3市で実施。", "第2版"):  # fmt: skip
        assert piece in text, piece
    assert links(parsed(response))["株式会社ひだまり"] == f"/organisations/{company}"
    assert CALL.title in links(parsed(response))  # an open call of the same theme


@pytest.mark.parametrize("page", ["calls", "solutions"])
def test_more_similar_calls_need_no_more_queries(app: Flask, services: Services, page: str) -> None:
    asked = []
    with services.database.unit_of_work() as session:
        officer = town(session)
        publish_call(session, officer)
        publish_solution(session, firm(session))
    for batch in (1, 2):
        with services.database.unit_of_work() as session:
            officer = session.merge(officer)
            for _ in range(batch):
                publish_call(session, officer)
        with queries(services.database) as counted:
            response = Browser(app).get(f"/{page}/1")
        assert response.status_code == 200
        asked.append(len(counted.statements))
    assert asked[0] == asked[1]


def test_a_company_page_has_its_solutions_and_no_size(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        owner, stranger = firm(session), firm(session, "別の会社")
        publish_solution(session, owner)
        gone = publish_solution(session, owner, title="終えたもの")
        solutions.close(session, gone, actor=owner, now=NOW, expected_version=gone.version)
        company = organisation_of(session, owner).id
    url = f"/organisations/{company}"
    response = Browser(app).get(url)
    assert card_titles(response) == [SOLUTION.title]
    assert "会社（株式会社・合同会社など）" in text_of(response)
    assert "参加を申請" not in text_of(response)
    assert "団体のメニュー" in text_of(Browser(app, owner).get(url))
    asking = parsed(Browser(app, stranger).get(url))
    (form,) = by_class(asking, "lone-button")
    assert form.get("action") == f"/organisations/{company}/join"
    assert words(form) == "参加を申請"


def test_a_municipality_is_shown_on_its_towns_page(app: Flask, services: Services) -> None:
    with services.database.unit_of_work() as session:
        hall = organisation_of(session, town(session)).id
    response = Browser(app).get(f"/organisations/{hall}")
    assert (response.status_code, response.headers["Location"]) == (303, "/towns/042021")


def test_an_intermediary_lists_its_towns_and_their_open_calls(
    app: Flask, services: Services
) -> None:
    with services.database.unit_of_work() as session:
        publish_call(session, town(session))
        publish_call(session, town(session, "011002"), title="提携していないまちの募集")
        bridge = organisations.create(
            session, "intermediary", Profile(name="橋わたしの会"), actor=person(session), now=NOW
        )
        for code in ("042021", "040002", "132063"):
            session.add(Partner(intermediary_id=bridge.id, body_code=code))
        session.flush()
    response = Browser(app).get(f"/organisations/{bridge.id}")
    (places,) = by_class(parsed(response), "places")
    assert links(places) == {
        "宮城県": "/towns/040002",
        "宮城県石巻市": "/towns/042021",
        "東京都府中市": "/towns/132063",
    }
    assert "宮城県石巻市 1件" in words(places)
    assert card_titles(response) == [CALL.title]

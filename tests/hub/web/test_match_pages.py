"""Recommended lists on the web: for both sides, on paper, why not, and whom a draft would reach."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.domain import questions
from hub.domain.weights import WEIGHTS
from hub.models import (
    Call,
    Feedback,
    Match,
    MatchState,
    Organisation,
    OutboxTask,
    Question,
    Solution,
    User,
)
from hub.services import Services
from hub.web.why import APART, GATES
from tests.conftest import NOW, Clock, Once
from tests.hub.web.browser import Browser, text_of
from tests.hub.web.html import by_class, card_titles, heading, links, parsed, parts, queries, words
from tests.market import (
    dealt,
    firm,
    organisation_of,
    pair,
    person,
    place,
    publish_call,
    publish_desk,
    publish_solution,
    town,
)

REASONS = ["「学童」について、どちらも書いています。", "分野「子育て」が共通しています。"]
GAPS = [
    "ソリューションに、提供できる地域の記載がありません。",
    "企業が希望する種類は実証実験です。",
]
SAID = {
    "reasons": {"ja": REASONS, "en": ["Both write about after-school care.", "Shared themes."]},
    "gaps": {"ja": GAPS, "en": ["It does not say where.", "It wishes for pilots."]},
    "parts": {"text": 0.8, "meaning": None, "themes": 1.0, "asks": 0.5},
}
HOWS = ("merit", "turn", "reserve")
NOTES = ("近さがほぼ同じ中での順番です", "まだどの募集にも表示されていない提案です")


@dataclass
class Listed:
    """A call whose list holds a solution of each of three firms, won in three ways."""

    officer: User
    owners: list[User]
    call: int
    hall: int
    firms: list[int]
    solutions: list[int]


def make_listed(services: Services) -> Listed:
    with services.database.unit_of_work() as session:
        officer = town(session)
        call = publish_call(session, officer)
        owners = [firm(session, f"会社{name}") for name in "あいう"]
        offered = [publish_solution(session, o, title=f"提案{n}") for n, o in enumerate(owners)]
        scores = (0.9, 0.6, 0.54)
        session.add_all(pair(call, s, v, **SAID) for s, v in zip(offered, scores, strict=True))
        session.flush()
        places = dealt(session, call, *(session.get_one(Match, (call.id, s.id)) for s in offered))
        for place, how in zip(places, HOWS, strict=True):
            place.how = how
        ours = organisation_of(session, owners[0])
        dealt(session, ours, session.get_one(Match, (call.id, offered[0].id)))
        session.query(OutboxTask).delete()
        firms = [s.organisation_id for s in offered]
        return Listed(
            officer, owners, call.id, call.organisation_id, firms, [s.id for s in offered]
        )


@pytest.fixture
def listed(once: Once, services: Services) -> Listed:
    made: Listed = once(make_listed, services)
    return made


def folded(tree: Any) -> str:
    return " ".join(words(part) for part in by_class(tree, "match-parts"))


def test_an_officer_sees_who_is_recommended_why_and_how_the_place_was_won(
    app: Flask, listed: Listed
) -> None:
    page = Browser(app, listed.officer).get(f"/calls/{listed.call}/matches")
    assert card_titles(page) == ["提案0", "提案1", "提案2"]
    cards = by_class(parsed(page), "card-match")
    for card, note in zip(cards, ("", *NOTES), strict=True):
        assert words(by_class(card, "match-why")[0]).endswith(REASONS[0])
        assert words(by_class(card, "match-gap")[0]).endswith(GAPS[0])
        assert REASONS[1] in folded(card)
        assert GAPS[1] in folded(card)
        assert note in words(card)
    assert not any(note in words(cards[0]) for note in NOTES)
    assert "会社の大きさ、資本金、投稿の数、閲覧の数は、順位に使っていません" in text_of(page)
    assert "調べています" not in text_of(page)
    english = Browser(app, listed.officer).get(f"/calls/{listed.call}/matches?lang=en")
    assert "Both write about after-school care." in text_of(english)
    assert "Not yet shown for any call" in text_of(english)


def test_a_company_sees_one_list_at_home_and_each_solutions_own(app: Flask, listed: Listed) -> None:
    browser = Browser(app, listed.owners[0])
    for path in ("", "/matches"):
        page = browser.get(f"/my/organisations/{listed.firms[0]}{path}")
        assert card_titles(page) == ["放課後の居場所を一緒につくる事業者を募集"]
        assert REASONS[0] in text_of(page)
    assert links(parts(parsed(page))["own"]) == {
        "提案0": f"/solutions/{listed.solutions[0]}/matches"
    }
    own = browser.get(f"/solutions/{listed.solutions[0]}/matches")
    assert card_titles(own) == ["放課後の居場所を一緒につくる事業者を募集"]


def test_what_is_not_ready_says_so_and_what_is_empty_says_what_to_do(
    app: Flask, services: Services, listed: Listed
) -> None:
    with services.database.unit_of_work() as session:
        bare = publish_call(session, session.merge(listed.officer), title="別の困りごと").id
        lonely = publish_solution(session, firm(session, "会社え"))
        newcomer, theirs = lonely.organisation.memberships[0].user, lonely.organisation_id
    waiting = Browser(app, listed.officer).get(f"/calls/{bare}/matches")
    assert "合う相手を調べています" in text_of(waiting)
    assert links(parsed(waiting))["この画面を開き直す"] == f"/calls/{bare}/matches"
    home = Browser(app, newcomer).get(f"/my/organisations/{theirs}")
    assert "合う相手を調べています" in text_of(home)
    with services.database.unit_of_work() as session:
        dealt(session, session.get_one(Call, bare))
        dealt(session, session.get_one(Organisation, theirs))
        session.query(OutboxTask).delete()
    empty = text_of(Browser(app, listed.officer).get(f"/calls/{bare}/matches"))
    assert "いまのところ、合う相手は見つかっていません" in empty
    assert "困りごとを具体的に書くと" in empty
    browser = Browser(app, newcomer)
    for path in ("", "/matches"):
        text = text_of(browser.get(f"/my/organisations/{theirs}{path}"))
        assert "いまのところ、おすすめできる募集はありません" in text


# --- Few proposals so far -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "closes", "said", "shown"),
    [
        (0, 30, 0, False),  # new, and its deadline is far
        (7, 30, 0, True),
        (7, 30, 2, True),
        (7, 30, 3, False),
        (0, 13, 0, True),  # the deadline is near
        (31, 30, 0, False),  # over
    ],
)
def test_calls_that_few_have_answered_say_so(
    app: Flask, services: Services, clock: Clock, days: int, closes: int, said: int, shown: bool
) -> None:
    with services.database.unit_of_work() as session:
        officer, owner = town(session), firm(session)
        call = publish_call(session, officer, closes_at=NOW + timedelta(days=closes))
        solution = publish_solution(session, owner)
        session.add(pair(call, solution, 0.9))
        session.flush()
        ours = organisation_of(session, owner)
        dealt(session, ours, session.get_one(Match, (call.id, solution.id)))
        for number in range(said):
            other = publish_solution(session, firm(session, f"会社{number}"))
            put(session, other.organisation_id, call, other)
        put(session, call.organisation_id, call, solution)  # the town itself is no firm
        call_id, firm_id = call.id, ours.id
    clock.moment = NOW + timedelta(days=days)
    public = text_of(Browser(app).get(f"/calls/{call_id}"))
    assert ("応募がまだ少ない募集です" in public) == shown
    if shown:
        assert (f"答えた企業は{said}社です" if said else "答えた企業は、まだありません") in public
    card = text_of(Browser(app, owner).get(f"/my/organisations/{firm_id}/matches"))
    assert ("応募がまだ少ない募集です" in card) == shown


def put(session: Session, organisation: int, call: Call, solution: Solution) -> None:
    session.add(
        Feedback(
            organisation_id=organisation,
            call_id=call.id,
            solution_id=solution.id,
            verdict="proposed",
            at=NOW,
        )
    )
    session.flush()


# --- On paper -------------------------------------------------------------------------------------


def test_the_paper_holds_everything_in_words_and_as_text_to_paste(
    app: Flask, listed: Listed
) -> None:
    browser = Browser(app, listed.officer)
    listing = browser.get(f"/calls/{listed.call}/matches")
    assert links(parsed(listing))["起案用に印刷する"] == f"/calls/{listed.call}/matches/print"
    page = browser.get(f"/calls/{listed.call}/matches/print")
    tree = parsed(page)
    assert len(by_class(tree, "paper-item")) == 3
    (box,) = tree.iter("textarea")
    assert box.get("readonly") is not None
    for text in (words(by_class(tree, "paper")[0]), "".join(box.itertext())):
        for wanted in (
            "放課後の居場所を一緒につくる事業者を募集", "宮城県石巻市 子育て支援課",
            "提案2", "会社う", *REASONS, *GAPS, *NOTES, "文章の近さ 3/4", "分野の重なり 4/4",
            "とても近い", "統計の第1期", "募集の第2版", "2026年12月1日（火）12:00",
            "会社の大きさ、資本金、従業員の数", "/ranking", f"/calls/{listed.call}",
        ):  # fmt: skip
            assert wanted in text, wanted
        assert all(weight.name in text for weight in WEIGHTS)
        assert not re.search(r"[0-9]%", text)
    assert "調べています" not in text_of(page)


def test_the_paper_of_an_empty_list_says_so(app: Flask, services: Services, listed: Listed) -> None:
    with services.database.unit_of_work() as session:
        bare = publish_call(session, session.merge(listed.officer), title="別の困りごと").id
    page = Browser(app, listed.officer).get(f"/calls/{bare}/matches/print")
    assert "合う相手を調べています" in text_of(page)
    assert "いまのところ、合う相手は見つかっていません" in text_of(page)


# --- Why not ------------------------------------------------------------------------------------

ANSWER: dict[str, Any] = {
    "score": 0.38,
    "closed": [],
    "parts": {"text": 0.2, "meaning": 0.3, "themes": 0.0, "kind": 1.0, "asks": None},
    "weakest": [
        {
            "code": code,
            "value": value,
            "fact": {"ja": f"{code}はこうです。", "en": f"{code} is so."},
            "help": {"ja": f"{code}はこう書けます。", "en": f"{code} may say so."},
        }
        for code, value in (("text", 0.2), ("asks", None), ("prose", 0.6))
    ],
}


def answered(services: Services, **changes: Any) -> None:
    """Answer every question that waits, as a worker would."""
    with services.database.unit_of_work() as session:
        for asked in questions.waiting(session, limit=99):
            assert questions.answer(session, asked, {**ANSWER, **changes}, now=NOW)


@pytest.fixture
def unlisted(services: Services, listed: Listed) -> tuple[User, int, str]:
    """A firm whose solution is not in the list: its owner, the solution, the page about it."""
    with services.database.unit_of_work() as session:
        owner = firm(session, "会社そと")
        solution = publish_solution(session, owner, title="一覧の外の提案")
        return owner, solution.id, f"/calls/{listed.call}/why?solution={solution.id}"


def ask(browser: Browser, page: str) -> None:
    path, _, solution = page.partition("?solution=")
    response = browser.post(path, {"solution": solution})
    assert (response.status_code, response.headers["Location"]) == (303, page)


def test_a_company_asks_waits_and_reads_why_it_is_not_shown(
    app: Flask, services: Services, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    owner, _id, page = unlisted
    browser = Browser(app, owner)
    call = browser.get(f"/calls/{listed.call}")
    (form,) = (f for f in parsed(call).iter("form") if (f.get("action") or "").endswith("/why"))
    assert "この募集に出ていない理由を見る" in words(form)
    assert "この募集に出ていない理由を見る" not in text_of(
        Browser(app).get(f"/calls/{listed.call}")
    )
    assert "調べる" in text_of(browser.get(page))
    ask(browser, page)
    assert "合う相手を調べています" in text_of(browser.get(page))
    answered(services)
    shown = browser.get(page)
    text = text_of(shown)
    for wanted in (
        "この組の点数は0.38です", "近いものの中に入らなかったため", "一覧は3件です",
        "うち1件は、まだどこにも表示されていない提案のための場所です",
        "点数が0.38で、一覧に出す下限の0.40に届いていません",
    ):  # fmt: skip
        assert wanted in text, wanted
    weak = words(parts(parsed(shown))["weak"])
    for label, code in (("文章の近さ", "text"), ("求めるもの", "asks"), ("文の書き方", "prose")):
        assert label in weak
        assert f"{code}はこうです。{code}はこう書けます。" in weak
    english = text_of(browser.get(f"{page}&lang=en"))
    assert "text is so." in english
    assert "The score of this pair is 0.38" in english
    assert not any(f"会社{name}" in text for name in "あいう")


@pytest.mark.parametrize(
    ("said", "gate"),
    [
        ({"closed": ["area"]}, "area"),
        ({"closed": ["juridical_person"]}, "juridical_person"),
    ],
)
def test_gates_of_the_matcher_are_told_in_words(
    app: Flask, services: Services, unlisted: tuple[User, int, str], said: Any, gate: str
) -> None:
    owner, _id, page = unlisted
    browser = Browser(app, owner)
    ask(browser, page)
    answered(services, **said)
    assert GATES[gate] in words(parts(parsed(browser.get(page)))["gates"])


ADVICE = ("weak", "score", "parts")  # sections that make a text better


def put_aside(session: Session, organisation: int, call: int, solution: int, **said: str) -> None:
    values = {"verdict": "hidden", **said}
    session.add(
        Feedback(organisation_id=organisation, call_id=call, solution_id=solution, at=NOW, **values)
    )


@pytest.mark.parametrize(
    "said", [{"verdict": "hidden"}, {"verdict": "declined", "reason": "theme"}]
)
def test_a_firm_learns_that_the_town_took_it_off_and_not_why(
    app: Flask,
    services: Services,
    listed: Listed,
    unlisted: tuple[User, int, str],
    said: dict[str, str],
) -> None:
    owner, solution, page = unlisted
    browser = Browser(app, owner)
    ask(browser, page)
    answered(services)
    assert set(ADVICE) <= parts(parsed(browser.get(page))).keys()
    with services.database.unit_of_work() as session:
        put_aside(session, listed.hall, listed.call, solution, **said)
    for language, word in (("", "分野が違う"), ("&lang=en", "theme")):
        tree = parsed(browser.get(page + language))
        assert not parts(tree).keys() & set(ADVICE)
        told = words(parts(tree)["gates"])
        assert word not in told
        if not language:
            assert GATES["put_aside_by_town"] in told
    with services.database.unit_of_work() as session:
        session.query(Feedback).delete()
    assert "gates" not in parts(parsed(browser.get(page)))


def test_what_people_and_the_clock_decide_is_told_without_asking(
    app: Flask, services: Services, clock: Clock, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    owner, solution, page = unlisted
    with services.database.unit_of_work() as session:
        put_aside(session, listed.hall, listed.call, solution)
    clock.moment = NOW + timedelta(days=30)
    shown = Browser(app, owner).get(page)
    told = words(parts(parsed(shown))["gates"])
    assert GATES["put_aside_by_town"] in told
    assert GATES["over"] in told
    assert "調べる" not in text_of(shown)
    assert (
        links(parsed(shown))["このソリューションに合う募集を見る"]
        == f"/solutions/{solution}/matches"
    )


def test_the_officer_is_told_what_a_firm_can_learn(app: Flask, listed: Listed) -> None:
    paths = (
        f"/calls/{listed.call}/matches",
        f"/matches/{listed.call}/{listed.solutions[0]}/feedback?kind=call",
        f"/my/organisations/{listed.hall}/answers",
    )
    for path in paths:
        assert "理由は伝わりません" in text_of(Browser(app, listed.officer).get(path))
    ours = Browser(app, listed.owners[0]).get(f"/my/organisations/{listed.firms[0]}/matches")
    assert "返事は相手には知らせません" in text_of(ours)


def test_what_keeps_a_call_from_the_firm_alone_is_no_reason_of_the_calls_list(
    app: Flask, services: Services, listed: Listed
) -> None:
    browser = Browser(app, listed.owners[0])
    page = f"/calls/{listed.call}/why?solution={listed.solutions[0]}"
    ask(browser, page)
    answered(services, score=0.9)
    assert "apart" not in parts(parsed(browser.get(page)))
    with services.database.unit_of_work() as session:
        publish_desk(
            session, session.merge(listed.officer), paused=True, pause_reason="予算編成",
            paused_until=(NOW + timedelta(days=9)).date(),
        )  # fmt: skip
        put_aside(session, listed.firms[0], listed.call, listed.solutions[0])
    tree = parsed(browser.get(page))
    told = words(parts(tree)["apart"])
    for sentence in (APART["resting"], APART["put_aside"], "休みは2026年12月10日"):
        assert sentence in told
    assert links(tree)["返事の一覧"] == f"/my/organisations/{listed.firms[0]}/answers"
    assert "gates" not in parts(tree)
    assert "この募集の一覧の1番目に出ています" in words(tree)
    officers = Browser(app, listed.officer).get(f"/calls/{listed.call}/matches")
    assert "提案0" in card_titles(officers)


def test_a_call_that_has_not_opened_has_a_list_and_is_recommended_to_nobody(
    app: Flask, services: Services, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    owner, _id, page = unlisted
    with services.database.unit_of_work() as session:
        session.get_one(Call, listed.call).opens_at = NOW + timedelta(days=1)
    browser = Browser(app, owner)
    ask(browser, page)
    answered(services)
    tree = parsed(browser.get(page))
    assert APART["upcoming"] in words(parts(tree)["apart"])
    assert set(ADVICE) <= parts(tree).keys()


def test_a_place_that_the_town_took_away_counts_in_no_list(
    app: Flask, services: Services, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    owner, _id, page = unlisted
    browser = Browser(app, owner)
    ask(browser, page)
    answered(services)
    assert "一覧は3件です" in text_of(browser.get(page))
    with services.database.unit_of_work() as session:
        put_aside(session, listed.hall, listed.call, listed.solutions[0])
    assert "一覧は2件です" in text_of(browser.get(page))


def test_a_full_list_is_the_answer_to_a_score_that_would_do(
    app: Flask, services: Services, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    owner, _id, page = unlisted
    with services.database.unit_of_work() as session:
        call = session.get_one(Call, listed.call)
        for number in range(4, 11):
            solution = publish_solution(session, firm(session, f"会社{number}"))
            session.add(pair(call, solution, 0.6, **SAID))
            session.flush()
            session.add(place(call, session.get_one(Match, (call.id, solution.id)), number))
    browser = Browser(app, owner)
    ask(browser, page)
    answered(services, score=0.5)
    text = text_of(browser.get(page))
    assert "一覧の10件は、ほかの企業のソリューションで埋まっています" in text
    assert "下限の0.40に届いていません" not in text


def test_who_is_shown_after_all_is_told_so(app: Flask, services: Services, listed: Listed) -> None:
    browser = Browser(app, listed.owners[1])
    page = f"/calls/{listed.call}/why?solution={listed.solutions[1]}"
    ask(browser, page)
    answered(services, score=0.6)
    text = text_of(browser.get(page))
    assert "このソリューションは、この募集の一覧の2番目に出ています" in text
    assert "点数だけで並べると、企業の中で2番目です" in text


def test_an_answer_to_older_words_is_asked_anew(
    app: Flask, services: Services, unlisted: tuple[User, int, str]
) -> None:
    owner, solution, page = unlisted
    browser = Browser(app, owner)
    ask(browser, page)
    answered(services)
    with services.database.unit_of_work() as session:
        session.get_one(Solution, solution).version += 1
    text = text_of(browser.get(page))
    assert "この組の点数は" not in text
    assert "調べる" in text
    ask(browser, page)
    assert "合う相手を調べています" in text_of(browser.get(page))


@pytest.mark.parametrize("said", [{"failed": True}, {"early": True}])
def test_what_could_not_be_answered_can_be_asked_again(
    app: Flask, services: Services, unlisted: tuple[User, int, str], said: dict[str, bool]
) -> None:
    owner, _id, page = unlisted
    browser = Browser(app, owner)
    ask(browser, page)
    answered(services, **said)
    assert "調べる" in text_of(browser.get(page))
    ask(browser, page)
    assert "合う相手を調べています" in text_of(browser.get(page))


def test_nobody_asks_for_another_firms_solution(
    app: Flask, services: Services, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    _owner, solution, page = unlisted
    other = Browser(app, listed.owners[0])
    for typed in (solution, 0, 10**12, "1' OR 1", "-1", "９"):
        assert other.get(f"/calls/{listed.call}/why?solution={typed}").status_code == 404
        response = other.post(f"/calls/{listed.call}/why", {"solution": typed})
        assert response.status_code == 404
    assert Browser(app, listed.officer).get(page).status_code == 403
    with services.database.session() as session:
        assert session.scalars(select(Question)).all() == []


def test_a_firm_with_several_solutions_chooses(
    app: Flask, services: Services, listed: Listed
) -> None:
    with services.database.unit_of_work() as session:
        more = publish_solution(session, session.merge(listed.owners[0]), title="二つめの提案").id
    browser = Browser(app, listed.owners[0])
    page = browser.get(f"/calls/{listed.call}")
    options = [words(o) for o in parsed(page).iter("option")]
    assert sorted(options) == ["二つめの提案", "提案0"]
    choice = browser.get(f"/calls/{listed.call}/why")
    assert links(parsed(choice))["二つめの提案"] == f"/calls/{listed.call}/why?solution={more}"


def test_nobody_asks_without_end(
    app: Flask, unlisted: tuple[User, int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.web.limits.QUESTIONS", "2 per hour")
    owner, solution, page = unlisted
    browser = Browser(app, owner)
    asked = [browser.post(page.partition("?")[0], {"solution": solution}) for _ in range(3)]
    assert [response.status_code for response in asked] == [303, 303, 429]


# --- Copies --------------------------------------------------------------------------------------


def copied(services: Services, listing: Solution | Call, original: int) -> None:
    """Note what a worker notes of a copy."""
    with services.database.unit_of_work() as session:
        session.add(
            MatchState(
                subject=listing.subject, subject_id=listing.id, epoch_id=1, fingerprint="",
                matched_at=NOW, original_id=original,
            )
        )  # fmt: skip


COPIED = "さきに公開された投稿と、同じものとして扱っています"


def test_a_copy_of_our_own_post_leads_to_the_list_of_the_first(
    app: Flask, services: Services, listed: Listed
) -> None:
    with services.database.unit_of_work() as session:
        copy = publish_solution(session, session.merge(listed.owners[0]), title="同じ提案")
    copied(services, copy, listed.solutions[0])
    browser = Browser(app, listed.owners[0])
    for page in (
        f"/solutions/{copy.id}/matches",
        f"/solutions/{copy.id}/preview",
        f"/calls/{listed.call}/why?solution={copy.id}",
    ):
        tree = parsed(browser.get(page))
        text = words(tree)
        assert COPIED in text
        assert "あなたの団体の投稿" in text
        assert (
            links(tree)["さきの投稿に合う募集を見る"] == f"/solutions/{listed.solutions[0]}/matches"
        )
        assert "具体的に書くと" not in text
    assert "あなたの団体の別のソリューションが、この募集の一覧に出ています" in text
    assert "調べる" not in text
    assert not {"score", "weak"} & parts(tree).keys()
    own = words(parts(parsed(browser.get(f"/my/organisations/{listed.firms[0]}/matches")))["own"])
    assert own.count("さきの投稿とほとんど同じ") == 1
    assert COPIED not in text_of(browser.get(f"/solutions/{listed.solutions[0]}/matches"))


def test_a_copy_of_another_firms_post_names_that_public_post(
    app: Flask, services: Services, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    owner, solution, page = unlisted
    with services.database.unit_of_work() as session:
        copy = session.get_one(Solution, solution)
        theirs = copy.organisation_id
        dealt(session, session.get_one(Organisation, theirs))
        session.query(OutboxTask).delete()
    copied(services, copy, listed.solutions[1])
    browser = Browser(app, owner)
    for shown in (page, f"/solutions/{solution}/matches", f"/solutions/{solution}/preview"):
        tree = parsed(browser.get(shown))
        assert COPIED in words(tree)
        assert "（会社い）" in words(tree)
        assert links(tree)["提案1"] == f"/solutions/{listed.solutions[1]}"
        assert "さきの投稿に合う募集を見る" not in links(tree)
        assert "運営にお知らせください" in words(tree)
    empty = text_of(browser.get(f"/my/organisations/{theirs}/matches"))
    assert "さきに公開された投稿と文章がほとんど同じです" in empty
    assert "具体的に書くと" not in empty
    english = text_of(browser.get(f"{page}&lang=en"))
    assert "This counts as the same as a post published earlier" in english


def test_a_copy_stands_for_itself_once_the_first_post_is_withdrawn(
    app: Flask, services: Services, listed: Listed, unlisted: tuple[User, int, str]
) -> None:
    owner, solution, page = unlisted
    with services.database.unit_of_work() as session:
        copy = session.get_one(Solution, solution)
    copied(services, copy, listed.solutions[1])
    with services.database.unit_of_work() as session:
        session.get_one(Solution, listed.solutions[1]).state = "closed"
    assert COPIED not in text_of(Browser(app, owner).get(page))


def test_a_copied_call_keeps_its_list_and_says_what_firms_see(
    app: Flask, services: Services, listed: Listed
) -> None:
    with services.database.unit_of_work() as session:
        first = publish_call(session, session.merge(listed.officer), title="前からの募集").id
        call = session.get_one(Call, listed.call)
    copied(services, call, first)
    page = Browser(app, listed.officer).get(f"/calls/{listed.call}/matches")
    assert COPIED in text_of(page)
    assert "ほとんど同じ募集のうち1つだけが出ます" in text_of(page)
    assert card_titles(page) == ["提案0", "提案1", "提案2"]
    assert COPIED in text_of(Browser(app, listed.officer).get(f"/calls/{listed.call}/preview"))


# --- Whom a draft would reach -------------------------------------------------------------------


@pytest.fixture
def draft(app: Flask, services: Services, listed: Listed) -> str:
    """The preview of a draft that was just written."""
    browser = Browser(app, listed.officer)
    made = browser.post(
        f"/my/organisations/{listed.hall}/calls/new",
        {"title": "夕方の見守り", "problem": "学童に入れません。", "budget_kind": "unstated"},
    )
    return str(made.headers["Location"])


def reached(services: Services, **said: Any) -> None:
    with services.database.unit_of_work() as session:
        for asked in questions.waiting(session, limit=99):
            answer = {"firms": 30, "suitable": 3, "first": [], "warnings": [], **said}
            assert questions.answer(session, asked, answer, now=NOW)


def test_saving_a_draft_asks_whom_it_would_reach(
    app: Flask, services: Services, listed: Listed, draft: str
) -> None:
    browser = Browser(app, listed.officer)
    assert "合う相手を調べています" in text_of(browser.get(draft))
    first = [
        {"solution_id": id_, "score": score, "reasons": {"ja": [REASONS[0]], "en": ["Both."]}}
        for id_, score in zip(listed.solutions, (0.9, 0.6, 0.54), strict=True)
    ]
    reached(services, first=first)
    page = browser.get(draft)
    text = text_of(page)
    assert "いまの文章によく合う企業は3社です" in text
    assert [words(a) for a in by_class(parsed(page), "reach-list")[0].iter("a")] == ["提案0", "提案1", "提案2"]  # fmt: skip
    assert REASONS[0] in text
    assert "届きやすくなります" not in text
    assert "Both." in text_of(browser.get(f"{draft}?lang=en"))
    with services.database.unit_of_work() as session:
        session.get_one(Solution, listed.solutions[1]).state = "closed"
    titles = by_class(parsed(browser.get(draft)), "reach-list")[0].iter("a")
    assert [words(a) for a in titles] == ["提案0", "提案2"]


NOBODY = {"code": "nobody", "ja": ["だれにも合いません。"], "en": ["It fits nobody."]}


@pytest.mark.parametrize(
    ("said", "warning"),
    [
        ({"suitable": 0, "warnings": [NOBODY]}, "だれにも合いません。"),
        ({"suitable": 20}, "多くの企業に当てはまる、広すぎる文章です"),
        ({"suitable": 11}, ""),
        ({"suitable": 3}, ""),
    ],
)
def test_a_draft_that_fits_nobody_or_everybody_is_warned(
    app: Flask, services: Services, listed: Listed, draft: str, said: Any, warning: str
) -> None:
    reached(services, **said)
    text = text_of(Browser(app, listed.officer).get(draft))
    advice = "困りごとを具体的に書くと届きやすくなります"
    assert (advice in text) == bool(warning)
    assert warning in text
    for missing in ("「求める提案」がまだ空です", "「分野」がまだ空です", "だれが、どこで、どう"):
        assert (missing in text) == bool(warning)


def test_a_changed_draft_is_looked_at_anew(
    app: Flask, services: Services, listed: Listed, draft: str
) -> None:
    browser = Browser(app, listed.officer)
    reached(services)
    form = {i.get("name"): i.get("value") for i in parsed(browser.get(draft.replace("preview", "edit"))).iter("input")}  # fmt: skip
    browser.post(
        draft.replace("preview", "edit"),
        {"title": "夕方の見守りを", "problem": "学童に入れません。", "budget_kind": "unstated",
         "version": form["version"]},
    )  # fmt: skip
    assert "合う相手を調べています" in text_of(browser.get(draft))


def test_it_can_be_asked_by_hand_when_the_market_has_changed(
    app: Flask, services: Services, listed: Listed, draft: str
) -> None:
    browser = Browser(app, listed.officer)
    with services.database.unit_of_work() as session:
        session.query(Question).delete()
    assert "合いそうな企業の数と、その理由を調べます" in text_of(browser.get(draft))
    response = browser.post(draft.replace("preview", "reach"))
    assert response.headers["Location"] == f"{draft}#reach"
    assert "合う相手を調べています" in text_of(browser.get(draft))


def test_only_members_see_whom_a_draft_would_reach(
    app: Flask, services: Services, listed: Listed, draft: str
) -> None:
    reached(services)
    with services.database.unit_of_work() as session:
        stranger = person(session)
    for who in (None, stranger, listed.owners[0]):
        assert Browser(app, who).get(draft).status_code == 404
        assert Browser(app, who).post(draft.replace("preview", "reach")).status_code == 404
    published = Browser(app, listed.officer).get(f"/calls/{listed.call}/preview")
    assert "この下書きはだれに届くか" not in text_of(published)


# --- No page asks more for more -----------------------------------------------------------------


def test_longer_lists_need_no_more_queries(app: Flask, services: Services, listed: Listed) -> None:
    pages = {
        listed.officer: [f"/calls/{listed.call}/matches", f"/calls/{listed.call}/matches/print"],
        listed.owners[0]: [f"/calls/{listed.call}/why?solution={listed.solutions[0]}"],
    }
    asked = []
    for more in range(2):
        with services.database.unit_of_work() as session:
            call = session.get_one(Call, listed.call)
            for number in range(3 * more):
                solution = publish_solution(session, firm(session, f"増えた会社{number}"))
                solution.organisation.prefecture_code = f"{number + 10}"
                session.add(pair(call, solution, 0.5, **SAID))
                session.flush()
                match = session.get_one(Match, (call.id, solution.id))
                session.add(place(call, match, 4 + number))
        counts = []
        for who, urls in pages.items():
            browser = Browser(app, who)
            for url in urls:
                with queries(services.database) as counted:
                    assert browser.get(url).status_code == 200
                counts.append(len(counted.statements))
        asked.append(counts)
    assert heading(Browser(app, listed.officer).get(pages[listed.officer][0]))
    assert asked[0] == asked[1]

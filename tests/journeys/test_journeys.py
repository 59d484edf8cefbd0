"""People do what they came for, each in three ways: with a mouse, by keys, without scripts."""

import re
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from hub.clock import to_jst, utcnow
from seeds.demo import PASSWORD
from tests.installation import until
from tests.journeys import stories
from tests.journeys.browser import PATIENCE, PHONE, WIDE, Cast, fresh_email
from tests.journeys.hands import Hands, Mouse
from tests.mailbox import Received, received


def enter(hands: Hands, email: str) -> None:
    """Sign in by hand."""
    hands.go("/sign-in")
    hands.write("メールアドレス", email)
    hands.write("パスワード", PASSWORD)
    hands.press("ログイン")


def sign_up(hands: Hands, name: str) -> None:
    """Make an account by hand."""
    hands.go("/register")
    hands.write("お名前", name)
    hands.write("メールアドレス", fresh_email("journey"))
    hands.write("パスワード", PASSWORD)
    hands.press("登録する")


def wait_for(answer: Locator, hands: Hands, way: str) -> None:
    """Wait for what the workers find out; without scripts by opening the page again."""
    again = hands.page.get_by_role("link", name="この画面を開き直す")
    deadline = time.monotonic() + PATIENCE / 1000
    while way == "no-script" and again.count() and time.monotonic() < deadline:
        hands.follow(again)
        time.sleep(0.3)
    expect(answer).to_be_visible()


def wait_for_matches(hands: Hands, way: str) -> None:
    """Look at the page of matches until there is one."""
    cards = hands.page.locator("article.card-match")
    wait_for(cards.first, hands, way)
    expect(cards.first.get_by_role("heading", name="なぜ")).to_be_visible()
    expect(cards.first.locator(".match-why li").first).not_to_be_empty()


def test_a_visitor_finds_a_call_by_kana(hands: Hands) -> None:
    page = hands.page
    hands.go("/")
    hands.write("ことばでさがす", "こそだて")
    hands.press("さがす")
    expect(page.get_by_role("heading", level=1)).to_contain_text("こそだて の募集")
    card = page.locator("article", has=page.locator("li", has_text="子育て")).first
    link = card.get_by_role("link")
    title = link.inner_text()
    hands.follow(link)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("main").get_by_role("link", name="子育て", exact=True)).to_be_visible()
    assert page.context.cookies() == []


def test_a_visitor_reads_the_audit(hands: Hands) -> None:
    page = hands.page
    hands.go("/ranking")
    hands.follow("公平かどうかの監査")
    expect(page.get_by_text("まだ1週間たっていません")).to_be_visible()
    expect(page.get_by_role("heading", name="会社の大きさごとの出かた")).to_be_visible()
    picture = page.get_by_role("img", name=re.compile("^棒の図。.*5人まで [01][.][0-9]{2}")).first
    expect(picture).to_be_visible()
    table = page.get_by_role("table", name="会社の大きさごとの出かた")
    expect(table.get_by_role("row", name=re.compile("^5人まで [0-9]+ [01][.]"))).to_be_visible()
    link = page.get_by_role("link", name="数字をCSVで受け取る").get_attribute("href")
    assert link is not None
    answer = page.request.get(link)
    assert answer.ok
    assert "by_size.micro.ratio" in answer.text()
    assert page.context.cookies() == []


@pytest.mark.usefixtures("matched")
def test_an_officer_publishes_a_call_and_sees_solutions(hands: Hands, way: str) -> None:
    page = hands.page
    story = stories.CALLS[way]
    deadline = to_jst(utcnow()) + timedelta(days=40)
    enter(hands, "officer@example.jp")
    hands.follow("新しい募集を書く")
    hands.write("募集の題名", story.title)
    hands.choose("実証実験")
    hands.write("困りごと", story.problem)
    hands.write("応募と質問の送り先", "企画課 kikaku@shiojiri.example.jp")
    hands.tick(story.theme)
    hands.tick("実証フィールド")
    hands.write("求める提案", story.wanted)
    hands.write("日付", f"令和{deadline.year - 2018}年{deadline.month}月{deadline.day}日", nth=1)
    hands.press("保存して見え方を確かめる")

    expect(page.get_by_text("まだ公開していません")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(story.title)
    shown = f"{deadline.year}年{deadline.month}月{deadline.day}日"
    expect(page.locator("dl", has_text="締切").first).to_contain_text(shown)
    expect(page.locator("dl", has_text="締切").first).to_contain_text("17:15")

    hands.press("公開する")
    expect(page.get_by_role("heading", level=1)).to_have_text("この募集に合うソリューション")
    wait_for_matches(hands, way)
    expect(page.get_by_role("heading", name="足りないこと").first).to_be_visible()


@pytest.mark.usefixtures("matched")
def test_a_one_person_company_registers_posts_and_sees_calls(hands: Hands, way: str) -> None:
    page = hands.page
    story = stories.SOLUTIONS[way]
    sign_up(hands, "山口 ひとり")
    hands.follow("企業・個人事業主・大学・NPO")
    hands.write("団体名", story.name)
    hands.choose("個人事業主")
    hands.press("登録する")
    expect(page.get_by_role("heading", level=1)).to_have_text(story.name)

    hands.follow("新しいソリューションを書く")
    hands.write("ソリューションの題名", story.title)
    hands.write("何を解決するか", story.solves)
    hands.tick(story.theme)
    hands.write("何を提供するか", story.brings)
    hands.choose("試作")
    hands.press("保存して見え方を確かめる")
    hands.press("公開する")
    expect(page.get_by_role("heading", level=1)).to_have_text("このソリューションに合う募集")
    wait_for_matches(hands, way)


@pytest.mark.usefixtures("matched")
def test_an_officer_reads_why_and_takes_it_on_paper(hands: Hands, way: str) -> None:
    page = hands.page
    enter(hands, "officer@example.jp")
    hands.follow("マッチ")
    hands.follow(page.locator("section h3 a").first)
    expect(page.get_by_role("heading", level=1)).to_have_text("この募集に合うソリューション")
    card = page.locator("article.card-match").first
    reason = card.locator(".match-why li").inner_text()
    expect(card.locator(".match-levels")).to_be_hidden()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    seen = card.locator(".match-body").bounding_box()  # read at night, on the way home
    assert seen is not None
    assert seen["y"] + seen["height"] <= PHONE["height"]
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    hands.unfold(f"（{card.locator('.card-title').inner_text()}）")
    expect(card.locator(".match-levels")).to_be_visible()

    hands.follow("起案用に印刷する")
    item = page.locator(".paper-item").first
    expect(item).to_contain_text(reason)
    text = page.get_by_label("貼り付け用の文章").input_value()
    assert reason in text
    assert "会社の大きさ、資本金、従業員の数" in text
    page.emulate_media(media="print")
    expect(page.get_by_label("貼り付け用の文章")).to_be_hidden()
    expect(item).to_be_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.emulate_media(media="screen")


@pytest.mark.usefixtures("matched")
def test_an_officer_answers_a_recommendation_and_takes_it_back(hands: Hands, way: str) -> None:
    page = hands.page
    enter(hands, "officer@example.jp")
    hands.follow("マッチ")
    card = page.locator("article.card-match").last
    title = card.get_by_role("heading").first.inner_text()
    hands.follow(card.get_by_role("link", name="今回は対象外"))
    expect(page.get_by_role("heading", level=1)).to_have_text("おすすめへの返事")
    hands.press("今回は対象外にする")
    expect(page.locator("#error-summary")).to_be_focused()
    hands.choose("時期が合わない")
    hands.press("今回は対象外にする")
    expect(page.get_by_role("status").first).to_contain_text("おすすめから外します")
    expect(page.locator("article.card-match").filter(has_text=title)).to_have_count(0)
    hands.follow("返事の一覧")
    given = page.locator("article.card").filter(has_text=title)
    expect(given).to_contain_text("今回は対象外（時期が合わない）")
    hands.press(given.get_by_role("button", name="取り消す"))
    expect(page.get_by_role("status").first).to_contain_text("取り消しました")
    expect(page.locator("article.card").filter(has_text=title)).to_have_count(0)


@pytest.mark.usefixtures("matched")
def test_a_company_reads_why_it_is_not_shown(hands: Hands, way: str, cast: Cast) -> None:
    page = hands.page
    address = cast.page("visitor")
    address.goto("/search?target=call&status=open&theme=tourism")
    call = address.locator("main h2 a").first.get_attribute("href") or ""
    enter(hands, "startup@example.jp")
    page.wait_for_url("**/my/**")
    hands.go(call)
    title = page.get_by_role("heading", level=1).inner_text()
    hands.press("この募集に出ていない理由を見る")
    expect(page.get_by_role("heading", level=1)).to_have_text("この募集に出ていない理由")
    expect(page.locator("dl").first).to_contain_text(title)
    wait_for(page.get_by_role("heading", name="点数と順位"), hands, way)
    expect(page.get_by_text("この組の点数は")).to_be_visible()
    expect(page.get_by_role("heading", name="近さの内訳")).to_be_visible()


@pytest.mark.usefixtures("matched")
def test_an_officer_sees_whom_a_draft_would_reach(hands: Hands, way: str) -> None:
    page = hands.page
    enter(hands, "officer@example.jp")
    hands.follow("新しい募集を書く")
    hands.write("募集の題名", "いろいろな相談")
    hands.press("保存して見え方を確かめる")
    reach = page.locator("section", has=page.locator("#reach"))
    expect(reach.get_by_role("heading")).to_have_text("この下書きはだれに届くか")
    discard = page.locator("summary", has_text="下書きを捨てる")
    discard.focus()
    wait_for(reach.get_by_text("いまの文章によく合う企業は0社です"), hands, way)
    if way != "no-script":
        expect(discard).to_be_focused()  # nobody is thrown back to the top of the page
    expect(reach).to_contain_text("困りごとを具体的に書くと届きやすくなります")
    expect(reach).to_contain_text("「困りごと」がまだ空です")
    hands.unfold("下書きを捨てる")
    hands.press("下書きを捨てる")


def test_an_operator_confirms_a_municipality(hands: Hands, way: str, cast: Cast) -> None:
    page = hands.page
    town = stories.TOWNS[way]
    sign_up(hands, "高橋 まちこ")
    hands.follow("自治体")
    hands.write("自治体の名前", town)
    hands.press("この自治体で登録する")
    expect(page.get_by_role("heading", level=1)).to_have_text(town)
    expect(page.get_by_text("運営の確認を待っています")).to_be_visible()

    office = cast.page("operator")
    operator = type(hands)(office)
    operator.go("/operator")
    row = office.get_by_role("row", name=town)
    operator.press(row.get_by_role("button", name="確認ずみにする"))
    expect(office.get_by_role("status")).to_contain_text(f"{town}を確認ずみにしました")
    expect(row).to_have_count(0)

    page.reload()
    expect(page.get_by_text("運営の確認を待っています")).to_have_count(0)


def conditions(address: str) -> list[tuple[str, str]]:
    """The parameters of an address, in order."""
    return sorted(parse_qsl(urlsplit(address).query))


def test_conditions_wait_for_the_button_and_chips_drop_one_each(hands: Hands, way: str) -> None:
    page = hands.page
    hands.go("/search?target=call")
    before = page.url
    for box in ("受付中", "教育", "防災"):
        hands.tick(page.get_by_role("checkbox", name=re.compile(f"^{box} ")))
    assert page.url == before
    hands.press("この条件でしぼりこむ")
    page.wait_for_url("**status=**")
    expect(page.get_by_role("checkbox", name=re.compile("^受付中 "))).to_be_checked()
    chosen = conditions(page.url)
    assert [name for name, _ in chosen] == ["status", "target", "theme", "theme"]

    chips = page.locator(".applied .chip")
    expect(chips).to_have_count(3)
    dropped = []
    for chip in chips.all():
        rest = conditions(chip.get_attribute("href") or "")
        gone = [condition for condition in chosen if condition not in rest]
        assert len(gone) == 1
        assert sorted(rest + gone) == chosen
        dropped += gone
    assert sorted(dropped) == [c for c in chosen if c[0] != "target"]
    hands.follow(chips.first)
    expect(chips).to_have_count(2)


def number_in(words: str) -> int:
    """The number before 件."""
    found = re.search(r"(\d+)件", words)
    assert found is not None, words
    return int(found[1])


def test_where_nothing_is_found_the_help_leads_to_what_it_promises(hands: Hands) -> None:
    page = hands.page
    hands.go("/search?target=call&status=open&theme=childcare&prefecture=47")
    expect(page.locator(".empty")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("0件")
    way = page.locator(".ways-out li").filter(has_text="沖縄県")
    promised = number_in(way.locator(".count").inner_text())
    hands.follow(way.get_by_role("link"))
    expect(page.locator(".applied .chip")).to_have_count(2)
    assert number_in(page.get_by_role("heading", level=1).inner_text()) == promised >= 1
    expect(page.locator("article.card-call").first).to_be_visible()


def test_where_nothing_is_found_a_desk_of_the_area_takes_proposals(hands: Hands) -> None:
    page = hands.page
    hands.go("/search?q=ぬるぬるのぬ&target=call&prefecture=20")
    expect(page.locator(".empty")).to_be_visible()
    hands.follow("しおじり官民共創デスク")
    expect(page.get_by_role("heading", level=1)).to_have_text("しおじり官民共創デスク")
    expect(page.locator("dl", has_text="最初の返事").first).to_contain_text("5営業日以内")


def test_the_map_leads_to_the_calls_of_a_prefecture_and_keeps_the_search(hands: Hands) -> None:
    page = hands.page
    hands.go("/search?target=call&theme=gov_dx")
    hands.follow("地図で見る")
    page.wait_for_url("**/map?theme=gov_dx")
    tile = page.locator(".japan a").first
    code = (tile.locator("xpath=..").get_attribute("class") or "")[3:5]
    promised = number_in(tile.inner_text())
    name = page.locator("tbody tr", has=page.locator("td.number a")).first.locator("th")
    expect(name).not_to_be_empty()
    hands.follow(tile)
    page.wait_for_url("**/search**")
    assert conditions(page.url) == [
        ("prefecture", code), ("status", "open"), ("target", "call"), ("theme", "gov_dx"),
    ]  # fmt: skip
    expect(page.locator("article.card-call")).to_have_count(promised)


def test_the_table_of_the_map_is_sorted_by_its_heads(hands: Hands) -> None:
    page = hands.page
    hands.go("/map")
    numbers = page.locator(".map-tables table").first.locator("tbody td.number")
    hands.follow("募集の数")
    page.wait_for_url("**order=count**")
    shown = [int(re.match(r"\d+", text)[0]) for text in numbers.all_inner_texts()]  # type: ignore[index]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == 47
    expect(page.locator("th[aria-sort=descending]")).to_have_text("募集の数")


def test_results_are_taken_along_in_other_forms(hands: Hands) -> None:
    page = hands.page
    hands.go("/search?target=call&status=open")
    listed = number_in(page.get_by_role("heading", level=1).inner_text())
    for form in page.locator(".outputs a").all():
        # The server may close an idle connection just as it is used again.
        answer = page.request.get(form.get_attribute("href") or "", max_retries=2)
        assert answer.status == 200
        assert "set-cookie" not in answer.headers
        if answer.headers["content-type"].startswith("application/json"):
            assert answer.json()["total"] == len(answer.json()["items"]) == listed


def test_on_a_phone_the_conditions_unfold(hands: Hands) -> None:
    page = hands.page
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    hands.go("/search?target=solution&q=見守り")
    box = page.get_by_role("checkbox", name=re.compile("^防災 "))
    expect(box).to_be_hidden()
    hands.unfold("条件でしぼりこむ")
    expect(box).to_be_visible()
    hands.tick(box)
    hands.press("この条件でしぼりこむ")
    page.wait_for_url("**theme=**")
    assert ("q", "見守り") in conditions(page.url)


def test_every_page_is_there_in_english_and_back(hands: Hands) -> None:
    page = hands.page
    hands.go("/search?target=call&q=こそだて")
    hands.follow(page.get_by_role("banner").get_by_role("link", name="English"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert ("q", "こそだて") in conditions(page.url)
    hands.follow(page.locator("article h2 a").first)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    hands.follow(page.get_by_role("banner").get_by_role("link", name="日本語"))
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.get_by_role("heading", name="受付中の近い募集")).to_be_visible()


def test_a_search_is_kept_by_mail_and_ended(hands: Hands, way: str, data_dir: Path) -> None:
    page, email = hands.page, fresh_email("reader")
    hands.go("/search?target=call&q=こそだて")
    hands.write("メールアドレス", "reader at example")
    hands.press("確認のメールを受け取る")
    expect(page.locator("#error-summary")).to_be_visible()
    expect(page.get_by_label("メールアドレス")).to_have_value("reader at example")
    hands.write("メールアドレス", email)
    hands.press("確認のメールを受け取る")
    expect(page.get_by_role("heading", level=1)).to_have_text("確認のメールを送りました")
    assert page.context.cookies() == []
    until(lambda: mails_to(data_dir, email), "the mail has come")
    (mail,) = mails_to(data_dir, email)
    hands.go(mail.path("/alerts/confirm/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("お知らせを始めますか")
    hands.press("お知らせを始める")
    expect(page.get_by_role("heading", level=1)).to_have_text("お知らせを始めました")

    hands.go("/r")
    hands.write("参照番号", mail.path("/r/").removeprefix("/r/").lower())
    hands.press("開く")
    hands.write("メールアドレス", email)
    hands.press("お知らせを止める")
    expect(page.get_by_text("終わりました。もうメールは届きません。")).to_be_visible()
    assert page.context.cookies() == []


def mails_to(data_dir: Path, email: str) -> list[Received]:
    """What an address has received."""
    return [mail for mail in received(data_dir) if mail.message["To"] == email]


def test_a_browser_that_asks_for_english_gets_it(cast: Cast) -> None:
    context = cast.browser.new_context(base_url=cast.base, locale="en-GB")
    page = context.new_page()
    page.goto("/")
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()


def test_a_refused_form_keeps_what_was_typed_and_leads_to_each_field(hands: Hands) -> None:
    page = hands.page
    hands.go("/register")
    hands.write("お名前", "﨑山 髙子")
    hands.write("メールアドレス", "someone at example")
    hands.write("パスワード", "short")
    hands.press("登録する")
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    assert page.title().startswith("エラー: ")
    expect(page.get_by_label("お名前")).to_have_value("﨑山 髙子")
    for link in summary.get_by_role("link").all():
        field = page.locator(link.get_attribute("href") or "")
        expect(field).to_have_attribute("aria-invalid", "true")
        described = (field.get_attribute("aria-describedby") or "").split()
        expect(page.locator(f"#{described[-1]}")).to_contain_text(link.inner_text())
    hands.follow(summary.get_by_role("link").first)
    expect(page.locator("#email")).to_be_focused()


@pytest.mark.parametrize("address", ["/my", "/operator"])
def test_a_visitor_is_asked_to_sign_in_and_led_on(page: Page, address: str) -> None:
    page.goto(address)
    if "/sign-in" not in page.url:
        assert page.get_by_role("heading", level=1).inner_text() == "ページが見つかりません"
        return
    hands = Mouse(page)
    hands.write("メールアドレス", "officer@example.jp")
    hands.write("パスワード", PASSWORD)
    hands.press("ログイン")
    page.wait_for_url("**/my/**", timeout=PATIENCE)

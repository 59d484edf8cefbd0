"""Suggestions in the search box: with a mouse, with keys, with kana conversion, without scripts."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys import quality
from tests.journeys.browser import PHONE, WIDE, Cast
from tests.journeys.hands import Keyboard, Mouse

REST = 400  # milliseconds: longer than the script waits before it asks
LEAST = 44  # pixels of a target


def box(page: Page) -> Locator:
    return page.get_by_label("ことばでさがす", exact=True)


def options(page: Page) -> Locator:
    return page.get_by_role("option")


def type_slowly(page: Page, text: str) -> None:
    """Type as on a keyboard, and wait for the list."""
    box(page).click()
    box(page).press_sequentially(text)
    expect(options(page).first).to_be_visible()


def chosen(page: Page) -> str:
    """What has the virtual focus: the option that a screen reader would read."""
    id_ = box(page).get_attribute("aria-activedescendant")
    if id_ is None:
        expect(page.locator("[role=option][aria-selected=true]")).to_have_count(0)
        return ""
    option = page.locator(f"#{id_}")
    expect(option).to_have_attribute("aria-selected", "true")
    return option.locator("span").first.inner_text()


def is_closed(page: Page) -> None:
    expect(page.locator("#suggestions")).to_be_hidden()
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    assert chosen(page) == ""


def asked(page: Page) -> list[str]:
    """Grows with every question of the page for suggestions: the text asked about."""
    found: list[str] = []

    def note(url: str) -> None:
        if urlsplit(url).path == "/search/suggest":
            found.append(parse_qs(urlsplit(url).query)["q"][0])

    page.on("request", lambda request: note(request.url))
    return found


def test_a_place_is_chosen_with_the_mouse(page: Page) -> None:
    hands = Mouse(page)
    hands.go("/")
    type_slowly(page, "ふちゅ")
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("group", name="地域")).to_be_visible()
    options(page).filter(has_text="東京都府中市").click()
    page.wait_for_url("**/search?target=call&municipality=132063")
    page.go_back()
    is_closed(page)
    assert page.context.cookies() == []


def test_a_word_is_chosen_with_keys_alone(page: Page) -> None:
    hands = Keyboard(page)
    hands.go("/search?target=solution")
    hands.write("ことばでさがす", "")
    page.keyboard.insert_text("こそ")
    expect(options(page).first).to_be_visible()
    assert chosen(page) == ""
    page.keyboard.press("ArrowDown")
    assert chosen(page) == "子育て"
    expect(box(page)).to_have_value("こそ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=%E5%AD%90%E8%82%B2%E3%81%A6&target=solution")
    expect(box(page)).to_have_value("子育て")


def test_the_keys_do_what_a_combobox_promises(page: Page) -> None:
    page.goto("/search?target=call")
    type_slowly(page, "ふちゅ")
    names = [option.locator("span").first.inner_text() for option in options(page).all()]
    press = page.keyboard.press
    for name in (*names, names[0]):  # from the last to the first again
        press("ArrowDown")
        assert chosen(page) == name
    press("ArrowUp")
    assert chosen(page) == names[-1]
    for key, start in (("Home", 0), ("End", 3)):
        press("ArrowDown")
        press(key)
        assert chosen(page) == ""
        assert box(page).evaluate("e => e.selectionStart") == start
    press("Escape")
    is_closed(page)
    expect(box(page)).to_have_value("ふちゅ")
    expect(box(page)).to_be_focused()
    press("ArrowUp")  # opens again at the end
    expect(options(page).first).to_be_visible()
    assert chosen(page) == names[-1]
    press("Alt+ArrowUp")
    is_closed(page)
    press("Alt+ArrowDown")
    expect(options(page).first).to_be_visible()
    assert chosen(page) == ""
    press("Tab")  # goes on to the button
    is_closed(page)
    expect(page.get_by_role("button", name="さがす", exact=True)).to_be_focused()
    expect(box(page)).to_have_value("ふちゅ")


def test_enter_without_a_choice_searches_what_was_typed(page: Page) -> None:
    page.goto("/search?target=call")
    type_slowly(page, "ふちゅ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=%E3%81%B5%E3%81%A1%E3%82%85&target=call")


def test_the_button_is_never_covered(page: Page) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/")
    type_slowly(page, "かい")
    Mouse(page).press("さがす")
    page.wait_for_url("**/search?**")


def test_nothing_is_asked_or_sent_while_kana_are_converted(page: Page) -> None:
    page.goto("/search?target=call")
    questions = asked(page)
    box(page).click()
    keys = page.context.new_cdp_session(page)
    for typed in ("k", "こ", "こs", "こそ"):
        end = len(typed)
        composition = {"text": typed, "selectionStart": end, "selectionEnd": end}
        keys.send("Input.imeSetComposition", composition)
    page.wait_for_timeout(REST)
    assert questions == []
    enter = {"type": "keyDown", "key": "Enter", "code": "Enter", "text": "\r"}
    keys.send("Input.dispatchKeyEvent", {**enter, "windowsVirtualKeyCode": 229})
    keys.send("Input.insertText", {"text": "こそ"})
    expect(options(page).first).to_be_visible()
    assert page.url.endswith("/search?target=call")
    assert questions == ["こそ"]
    keys.detach()


def test_only_the_last_of_many_keys_is_asked_about(page: Page) -> None:
    page.goto("/search?target=call&theme=childcare")
    questions = asked(page)
    box(page).evaluate(
        """box => {
          for (const typed of ["こ", "こそ", "こ", "こそだ"]) {
            box.value = typed;
            box.dispatchEvent(new InputEvent("input", {bubbles: true}));
          }
        }"""
    )
    page.wait_for_timeout(REST)
    assert questions == ["こそだ"]
    box(page).fill("")
    page.wait_for_timeout(REST)
    is_closed(page)
    assert questions == ["こそだ"]


def test_the_number_of_suggestions_is_said(page: Page) -> None:
    page.goto("/")
    type_slowly(page, "ふちゅ")
    said = page.get_by_role("status")
    expect(said).to_have_text(f"候補は{options(page).count()}件です。上下の矢印キーで選べます")
    page.keyboard.press("Escape")
    expect(said).to_have_text("")


@pytest.mark.parametrize("path", ["/", "/search?target=call"])
def test_the_open_list_serves_everybody(path: str, cast: Cast) -> None:
    page = cast.page("visitor")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(path)
    type_slowly(page, "子")
    page.keyboard.press("ArrowDown")
    assert quality.accessibility(page) == []
    assert quality.reflow(page) == []
    assert quality.small_text(page) == []
    for option in options(page).all():
        size = option.bounding_box()
        assert size is not None
        assert size["height"] >= LEAST
    assert cast.watches["visitor"].taken() == []


def test_the_chosen_one_is_seen_in_forced_colours(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    page.goto("/search?target=call")
    type_slowly(page, "子")
    page.keyboard.press("ArrowDown")
    style = "e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth"
    assert options(page).first.evaluate(style) == "solid3px"
    page.emulate_media(forced_colors="none")


def test_names_are_marked_as_japanese_on_an_english_page(cast: Cast) -> None:
    page = cast.page("visitor")
    page.goto("/?lang=en")
    page.get_by_label("Search by words").press_sequentially("fuchu")
    expect(options(page).first).to_be_visible()
    assert quality.unmarked_language(page) == []
    options(page).first.click()
    page.wait_for_url("**lang=en**")


def test_without_scripts_the_form_is_a_plain_form(strangers: dict[bool, Page]) -> None:
    page = strangers[False]
    page.goto("/")
    field = box(page)
    for name in ("role", "aria-expanded", "aria-controls", "aria-autocomplete"):
        assert field.get_attribute(name) is None
    expect(page.locator("[role=listbox], [role=status]")).to_have_count(0)
    field.fill("こそだて")
    field.press("Enter")
    page.wait_for_url("**/search?q=**")

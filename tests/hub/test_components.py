"""The pieces that pages are built from, rendered on their own and read back as a tree."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask, render_template_string
from flask_babel import Babel, force_locale
from flask_wtf import FlaskForm
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from wtforms import BooleanField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from hub.clock import to_jst
from hub.web.language import written

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def app() -> Flask:
    """An application that knows the templates and nothing else."""
    app = Flask(__name__, template_folder=ROOT / "templates")
    app.config.update(SECRET_KEY="test", WTF_CSRF_ENABLED=False, BABEL_DEFAULT_LOCALE="ja")
    app.add_template_filter(to_jst, "jst")
    app.add_template_filter(written, "written")
    Babel(app)
    return app


def render(app: Flask, source: str, url: str = "/", **values: Any) -> Element:
    """The tree of a template's text."""
    with app.test_request_context(url):
        html = render_template_string(source, **values)
    return html5lib.HTMLParser(namespaceHTMLElements=False).parse(html)


def words(element: Element) -> str:
    """All words inside an element, spaces folded."""
    return " ".join("".join(element.itertext()).split())


def with_class(tree: Element, name: str) -> list[Element]:
    return [e for e in tree.iter() if name in (e.get("class") or "").split()]


class Form(FlaskForm):
    """One field of each kind, all wrong when sent empty."""

    title = StringField("題名", [InputRequired("「題名」を入力してください")], description="短く。")
    vision = TextAreaField(
        "めざす姿", [InputRequired("「めざす姿」を入力してください"), Length(max=40)]
    )
    budget = RadioField(
        "予算",
        [InputRequired("「予算」を選んでください")],
        choices=[SelectChoice("none", "なし"), SelectChoice("fixed", "定額")],
    )
    offers = SelectMultipleField(
        "提供できるもの",
        [InputRequired("1つ以上選んでください")],
        choices=[SelectChoice("data", "データ", optgroup="まち")],
    )
    agreed = BooleanField("確認しました", [InputRequired("確認してください")])
    note = StringField("備考")


FIELDS = """
{% import "components/forms.html" as f %}
{{ f.error_summary(form) }}
{% call f.form_frame(form) %}
{{ f.text_field(form.title) }}{{ f.textarea(form.vision, hint="どんなまちですか。") }}
{{ f.radios(form.budget) }}{{ f.checkboxes(form.offers) }}{{ f.checkbox(form.agreed) }}
{{ f.text_field(form.note) }}
{% endcall %}
"""


@pytest.fixture(scope="module")
def refused(app: Flask) -> Element:
    """The form sent empty."""
    with app.test_request_context("/", method="POST"):
        form = Form()
        assert not form.validate()
        html = render_template_string(FIELDS, form=form)
    return html5lib.HTMLParser(namespaceHTMLElements=False).parse(html)


def test_the_summary_leads_to_every_wrong_field_with_the_same_sentence(refused: Element) -> None:
    (summary,) = with_class(refused, "error-summary")
    assert (summary.get("role"), summary.get("tabindex")) == ("alert", "-1")
    ids = {e.get("id"): e for e in refused.iter() if e.get("id")}
    links = summary.findall(".//a")
    beside = {words(e) for e in with_class(refused, "field-error")}
    assert len(links) == 5
    assert {words(link) for link in links} == beside
    for link in links:
        target = ids[(link.get("href") or "").removeprefix("#")]
        assert target.tag in ("input", "textarea")


def test_wrong_controls_say_so_and_point_to_words_that_exist(refused: Element) -> None:
    ids = [e.get("id") for e in refused.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for element in refused.iter():
        for reference in (element.get("aria-describedby") or "").split():
            assert reference in ids
    wrong = [e.get("id") for e in refused.iter() if e.get("aria-invalid") == "true" and e.get("id")]
    assert {"title", "vision", "offers", "agreed"} <= set(wrong)
    groups = [e for e in refused.iter("fieldset") if e.get("role") == "radiogroup"]
    assert [group.get("aria-invalid") for group in groups] == ["true"]


def test_need_is_written_as_a_word_and_length_never_cuts(refused: Element) -> None:
    labels = [words(e) for e in with_class(refused, "field-label")]
    assert "題名 必須" in labels
    assert "備考 任意" in labels
    assert not [e for e in refused.iter() if e.get("maxlength")]
    assert any("40文字以内" in words(e) for e in with_class(refused, "length"))


def test_a_right_form_has_no_summary(app: Flask) -> None:
    with app.test_request_context("/"):
        html = render_template_string(FIELDS, form=Form())
    assert "error-summary" not in html
    assert "aria-invalid" not in html


CALL: dict[str, Any] = {
    "url": "/calls/1",
    "title": "夜の見回り",
    "status": {"code": "open", "label": "受付中", "remaining": "あと3日"},
    "kind": "実証実験",
    "town": "宮城県石巻市",
    "who": "法人",
    "budget": "なし",
    "offers": ["実証フィールド", "行政データ"],
    "deadline": datetime(2026, 12, 1, 8, 15, tzinfo=UTC),
}
CARD = '{% from "components/cards.html" import call_card %}{{ call_card(item) }}'


def test_a_card_is_one_stop_and_keeps_its_order(app: Flask) -> None:
    tree = render(app, CARD, item=CALL)
    assert [e.get("href") for e in tree.iter("a")] == ["/calls/1"]
    text = words(tree)
    order = [
        "受付中",
        "あと3日",
        "夜の見回り",
        "宮城県石巻市",
        "法人",
        "なし",
        "実証フィールド",
        "17:15",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_a_card_shows_japan_time_with_its_weekday(app: Flask) -> None:
    (time,) = render(app, CARD, item=CALL).iter("time")
    assert time.get("datetime") == "2026-12-01T17:15+09:00"
    assert "2026年12月" in words(time)
    assert "（火）" in words(time)


def test_a_card_needs_only_a_link_and_a_title(app: Flask) -> None:
    assert "締切なし" in words(render(app, CARD, item={"url": "/x", "title": "題"}))


@given(
    pieces=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
            st.booleans(),
        )
    )
)
def test_highlighted_words_stay_words(app: Flask, pieces: list[tuple[str, bool]]) -> None:
    source = '{% from "components/cards.html" import highlighted %}<p>{{ highlighted(pieces) }}</p>'
    (paragraph,) = render(app, source, pieces=pieces).iter("p")
    assert "".join(paragraph.itertext()) == "".join(text for text, _ in pieces)
    assert [e.text for e in paragraph] == [text for text, matched in pieces if matched]
    assert {e.tag for e in paragraph} <= {"mark"}


PAGES = '{% from "components/pagination.html" import pagination %}{{ pagination(pages) }}'


def pages(current: int, count: int) -> dict[str, Any]:
    shown = sorted({1, current - 1, current, current + 1, count} & set(range(1, count + 1)))
    return {
        "current": current,
        "count": count,
        "first": 20 * (current - 1) + 1,
        "last": min(20 * current, 57),
        "total": 57,
        "links": [{"number": n, "url": f"?page={n}"} for n in shown],
        "prev_url": f"?page={current - 1}" if current > 1 else None,
        "next_url": f"?page={current + 1}" if current < count else None,
    }


def test_pages_leave_out_what_does_not_exist(app: Flask) -> None:
    assert list(render(app, PAGES, pages=pages(1, 1)).iter("nav")) == []
    first, last = render(app, PAGES, pages=pages(1, 3)), render(app, PAGES, pages=pages(3, 3))
    assert [e.get("rel") for e in first.iter("a") if e.get("rel")] == ["next"]
    assert [e.get("rel") for e in last.iter("a") if e.get("rel")] == ["prev"]
    middle = render(app, PAGES, pages=pages(2, 3))
    assert "21–40件目 / 全57件" in words(middle)
    assert [words(e) for e in middle.iter("a") if e.get("aria-current")] == ["ページ 2"]


FACETS = """
{% from "components/facets.html" import facet_panel, applied_chips %}
{{ facet_panel("/search", groups, {"q": "見回り", "target": ["call"]}, 1, "/search") }}
"""


def test_conditions_keep_the_rest_of_the_search_and_the_language(app: Flask) -> None:
    options = [
        {"value": f"{n:02}", "label": f"県{n}", "count": n, "checked": n == 40}
        for n in range(1, 48)
    ]
    groups = [{"key": "prefecture", "legend": "都道府県", "options": options}]
    tree = render(app, FACETS, url="/search?lang=en", groups=groups)
    hidden = {
        e.get("name"): e.get("value") for e in tree.iter("input") if e.get("type") == "hidden"
    }
    assert hidden == {"q": "見回り", "target": "call", "lang": "en"}
    boxes = [e for e in tree.iter("input") if e.get("type") == "checkbox"]
    assert [e.get("value") for e in boxes] == [o["value"] for o in options]
    assert [e.get("value") for e in boxes if e.get("checked") is not None] == ["40"]
    # A chosen condition is never folded away.
    facet, more = [e for e in tree.iter("details") if "filters" not in (e.get("class") or "")]
    assert facet.get("open") is not None
    assert more.get("open") is not None


def test_a_match_says_how_near_in_words_and_why(app: Flask) -> None:
    item = {
        "url": "/s/1",
        "title": "見守りカメラ",
        "strength": 3,
        "reasons": ["どちらも漁港の見回りです。"],
        "gaps": ["費用は書かれていません。"],
        "parts": [{"label": "テーマ", "level": 4}],
    }
    source = '{% from "components/match.html" import match_card %}{{ match_card(item) }}'
    text = words(render(app, source, item=item))
    for word in (
        "近い",
        "なぜ",
        "どちらも漁港の見回りです。",
        "足りないこと",
        "費用は書かれていません。",
    ):
        assert word in text
    assert "%" not in text


def test_the_map_has_one_place_for_each_prefecture(app: Flask) -> None:
    items = [
        {"code": f"{n:02}", "name": f"県{n}", "count": n, "url": f"/{n}"} for n in range(1, 48)
    ]
    source = (
        '{% from "components/map.html" import prefecture_map %}{{ prefecture_map(items, "地図") }}'
    )
    tree = render(app, source, items=items)
    sheet = (ROOT / "hub" / "static" / "css" / "app.css").read_text(encoding="utf-8")
    for item, tile in zip(items, tree.iter("li"), strict=True):
        assert f".at-{item['code']} {{ grid-area:" in sheet
        assert words(tile) == f"{item['name']} {item['count']}"


def test_words_of_people_say_that_they_are_japanese_where_the_page_is_not(app: Flask) -> None:
    with app.test_request_context("/"):
        assert written("石巻市 <b>") == "石巻市 <b>"
        with force_locale("en"):
            assert written("石巻市 <b>") == Markup('<span lang="ja">石巻市 &lt;b&gt;</span>')
            assert (
                written(Markup("<mark>かき</mark>")) == '<span lang="ja"><mark>かき</mark></span>'
            )
            assert written("Ishinomaki, Miyagi") == "Ishinomaki, Miyagi"

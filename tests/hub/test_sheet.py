"""What the frame promises of every page: one host, no inline code, small, readable files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "hub" / "static"
SHEET = STATIC / "css" / "app.css"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Parts that exist for their meaning or for tests, without a look of their own.
PLAIN = {"choice-group", "date-time", "foot-who", "results", "select"}


def without_jinja(text: str) -> str:
    """The mark-up with comments dropped and expressions replaced by a space or a joker."""
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.S)
    text = re.sub(r"\{%.*?%\}", " ", text, flags=re.S)
    return re.sub(r"\{\{.*?\}\}", "§", text, flags=re.S)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_hold_no_inline_code_and_no_dead_controls(path: Path) -> None:
    markup = without_jinja(path.read_text(encoding="utf-8"))
    assert not re.search(r"\s(style|on[a-z]+|placeholder|disabled)\s*=", markup)
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)|javascript:|\brole=\"tab\"", markup)
    assert not re.search(r"(src|srcset|action)\s*=\s*\"(https?:)?//", markup)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_classes_of_templates_are_drawn_by_the_sheet(path: Path) -> None:
    drawn = set(re.findall(r"\.([a-zA-Z][\w-]*)", SHEET.read_text(encoding="utf-8"))) | PLAIN
    markup = without_jinja(path.read_text(encoding="utf-8"))
    words = {word for value in re.findall(r'class="([^"]*)"', markup) for word in value.split()}
    # A variant such as `card-match` may keep the look of its base, `card`.
    unknown = {
        word
        for word in words
        if "§" not in word and word not in drawn and word.rpartition("-")[0] not in drawn
    }
    assert unknown == set()


def test_the_sheet_is_small_and_asks_nobody() -> None:
    sheet = SHEET.read_bytes()
    assert len(sheet) < 48 * 1024
    assert b"url(" not in sheet
    assert b"@import" not in sheet
    assert b"@font-face" not in sheet


def test_every_size_of_words_is_at_least_14_pixels_and_grows_with_the_reader() -> None:
    screen = SHEET.read_text(encoding="utf-8").split("/* ---- Paper")[0]
    sizes = re.findall(r"font-size:\s*([^;]+);", screen)
    assert sizes
    for size in sizes:
        least = re.search(r"([\d.]+)rem", size)
        assert least, f"{size} does not follow the reader's text size"
        assert float(least[1]) * 16 >= 14, size


def test_the_script_is_a_comfort_only() -> None:
    script = (STATIC / "js" / "app.js").read_text(encoding="utf-8")
    assert len(script) < 4_000
    assert not re.search(r"XMLHttpRequest|innerHTML|eval|https?:|cookie", script)
    assert script.count("fetch(") == script.count("fetch(location.href)") == 1


def test_suggestions_ask_this_site_only_and_send_no_cookie() -> None:
    script = (STATIC / "js" / "suggest.js").read_text(encoding="utf-8")
    assert len(script) < 7_000  # a combobox for keys, mouse, voice and kana conversion
    assert not re.search(r"XMLHttpRequest|innerHTML|eval|https?:|cookie|\.style\b", script)
    assert script.count("fetch(") == script.count('credentials: "omit"') == 1
    assert ".value =" not in script  # what was typed is never changed


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.svg")), ids=lambda path: path.name)
def test_drawings_are_plain(path: Path) -> None:
    drawing = path.read_text(encoding="utf-8")
    assert len(drawing) < 12_000
    assert not re.search(r"<script|<style|style=|href=|<foreignObject|\son[a-z]+=", drawing)

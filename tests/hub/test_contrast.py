"""Every pair of colours that carries meaning is readable (WCAG 2.2: 1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

SHEET = Path(__file__).parents[2] / "hub" / "static" / "css" / "app.css"
TEXT, SHAPE = 4.5, 3.0

GROUNDS = ("ground", "surface", "sunken", "field", "dawn")
TINTS = ("brand-tint", "accent-tint", "warn-tint", "danger-tint", "mark")
# (colour, what lies under it) where words are written
WORDS = [
    *[(word, ground) for word in ("text", "muted") for ground in GROUNDS],
    *[(word, ground) for word in ("brand", "link", "visited") for ground in GROUNDS],
    *[(word, ground) for word in ("accent", "danger", "warn") for ground in GROUNDS],
    *[("text", tint) for tint in TINTS],
    *[("muted", tint) for tint in ("brand-tint", "warn-tint")],
    *[(tint.removesuffix("-tint"), tint) for tint in TINTS if tint != "mark"],
    *[("link", tint) for tint in TINTS],
    *[("visited", tint) for tint in ("brand-tint", "mark")],
    *[("on-brand", fill) for fill in ("brand", "brand-deep", "accent", "danger", "heat-3")],
    ("on-brand-soft", "brand-deep"),
    ("text", "heat-1"),
    ("text", "heat-2"),
]
# borders of controls, bars and signs; the focus outline and its ring on either ground
SHAPES = [
    *[("border", ground) for ground in GROUNDS],
    *[(line, "surface") for line in ("brand", "accent", "danger", "warn")],
    *[("brand", "line"), ("danger", "field"), ("warn", "warn-tint"), ("danger", "danger-tint")],
    *[("focus", under) for under in (*GROUNDS, *TINTS, "focus-ring")],
    ("focus-ring", "brand-deep"),
]


def luminance(colour: str) -> float:
    """Relative luminance of `#rgb` or `#rrggbb` as WCAG defines it."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module")
def colours() -> dict[str, str]:
    """The colours that the sheet declares for the screen."""
    root = SHEET.read_text(encoding="utf-8").split(":root", 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--c-([a-z0-9-]+):\s*(#[0-9a-f]{3,6});", root))


def test_the_measure_is_right() -> None:
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(("word", "ground"), WORDS)
def test_words_are_readable(colours: dict[str, str], word: str, ground: str) -> None:
    assert contrast(colours[word], colours[ground]) >= TEXT


@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_are_visible(colours: dict[str, str], shape: str, ground: str) -> None:
    assert contrast(colours[shape], colours[ground]) >= SHAPE


def test_the_sheet_uses_named_colours_only() -> None:
    pieces = SHEET.read_text(encoding="utf-8").split("/* ---- Ground ---- */")[1]
    screen = pieces.split("/* ---- Paper")[0]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", screen) == []

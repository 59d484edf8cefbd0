"""What must hold of every page, measured in the browser. Each check returns its complaints."""

from playwright.sync_api import Page

from tests.journeys.browser import AXE, WIDE

NARROW = {"width": 320, "height": 640}  # 1280 px at 400 %
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_STOPS = 400

_AXE = """async (tags) => {
  const alike = [".card ~ .card ~ .card ~ .card"];  // three of a list stand for the rest
  const found = await axe.run({include: [document], exclude: [alike]}, {
    runOnly: {type: "tag", values: tags},
    resultTypes: ["violations"],
    preload: location.pathname === "/",  // every page has the same style sheet: read it once
  });
  return found.violations.map((rule) =>
    `${rule.id}: ${rule.nodes.length} times, first ${rule.nodes[0].html.slice(0, 160)}`);
}"""

# Elements that stick out of the page or out of a box that cuts them off.
_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => e.closest(".table-region");
  const found = [];
  if (document.documentElement.scrollWidth > width) {
    for (const e of document.querySelectorAll("body *")) {
      const box = e.getBoundingClientRect();
      if (box.right > width + 1 && !scrolls(e)) found.push(e.outerHTML.slice(0, 120));
    }
    return [`page ${document.documentElement.scrollWidth} wide`, ...found.slice(-2)];
  }
  const words = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  for (const e of document.querySelectorAll("main *:not(.unseen, input)")) {
    if (!["hidden", "clip"].includes(getComputedStyle(e).overflowX)) continue;
    const end = e.getBoundingClientRect().right + 1;
    for (const inner of e.querySelectorAll("*")) {
      if (words(inner) && inner.getBoundingClientRect().right > end && !inner.closest(".unseen")) {
        found.push(`cut: ${inner.outerHTML.slice(0, 120)}`);
      }
    }
  }
  return found;
}"""

# WCAG 1.4.12. A constructed sheet, because the site's policy forbids inline styles.
_SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
_LARGE_TEXT = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("html { font-size: 32px !important; }");
  document.adoptedStyleSheets = [sheet];
}"""
_AS_IT_WAS = "() => { document.adoptedStyleSheets = []; }"

# Running text: paragraphs, list items and cells, except the small words around things.
_SMALL_TEXT = """() => {
  const small = ".hint, .tags, .badge, .kana, .count, .range, .eyebrow, .length, .card-status, "
    + ".crumbs, .kind, .chip, .sort, .leaf, .applied-title, .japan, .unseen, .choice-group-name, "
    + ".hero-words, .door-count, .match-parts, .timeline-when";
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const words = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!words || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const size = parseFloat(style.fontSize);
    const running = e.matches("main p, main li, main dd, main td") && !e.closest(small);
    const least = running ? 16 : 14;
    const height = parseFloat(style.lineHeight) / size;
    if (size < least) found.push(`${size}px: ${e.outerHTML.slice(0, 100)}`);
    const lines = e.clientHeight / size / height;
    if (e.matches("main p") && running && lines > 1.5 && height < 1.59)
      found.push(`line height ${height.toFixed(2)}: ${e.outerHTML.slice(0, 100)}`);
  }
  return found.slice(0, 5);
}"""

# WCAG 3.1.2: what people wrote in Japanese says so where the page is in another language.
_UNMARKED = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    const text = walk.currentNode.textContent;
    if (e.closest("script, style, textarea, option, title, .error-summary, .field-error")) continue;
    if (!/[\\u3041-\\u30fa\\u4e00-\\u9fff]/.test(text) || /[a-z]{3}/.test(text)) continue;
    if (e.closest("[lang]").lang !== "ja") found.push(e.outerHTML.slice(0, 140));
  }
  return found.slice(0, 5);
}"""

# The element with focus: can it be seen, and is the focus drawn?
_STOP = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const name = e.outerHTML.slice(0, 120);
  const wide = (style) => style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  const drawn = Math.max(wide(getComputedStyle(e)), wide(getComputedStyle(e, "::after")));
  const complaints = [];
  if (drawn < 2) complaints.push(`no outline: ${name}`);
  const boxes = [...e.getClientRects()].filter((box) => box.width > 1 && box.height > 1);
  const inside = (box) => box.bottom > 0 && box.right > 0
    && box.top < innerHeight && box.left < innerWidth;
  const seen = boxes.filter(inside);
  if (!seen.length) complaints.push(`outside the window: ${name}`);
  const free = seen.some((box) => {
    const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
    const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1);
    const top = document.elementFromPoint(x, y);
    return top && (e.contains(top) || top.contains(e));
  });
  if (seen.length && !free) complaints.push(`covered: ${name}`);
  if (!e.dataset.stop) e.dataset.stop = String(Math.random());
  return {key: e.dataset.stop, complaints};
}"""


def accessibility(page: Page) -> list[str]:
    """What axe finds by the rules of WCAG 2.0 to 2.2, A and AA, and best practice."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(_AXE, TAGS)
    return [f"axe {complaint}" for complaint in found]


def reflow(page: Page) -> list[str]:
    """Sideways scrolling or cut text at 320 px, also with wide text spacing, and at 200 % text."""
    found = []
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    found += [f"320 px: {wide}" for wide in page.evaluate(_TOO_WIDE)]
    page.evaluate(_SPACING)
    found += [f"320 px, wide spacing: {wide}" for wide in page.evaluate(_TOO_WIDE)]
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.evaluate(_LARGE_TEXT)
    found += [f"200 % text: {wide}" for wide in page.evaluate(_TOO_WIDE)]
    page.evaluate(_AS_IT_WAS)
    return found


def small_text(page: Page) -> list[str]:
    """Running text under 16 px or set too tight, any text under 14 px."""
    found: list[str] = page.evaluate(_SMALL_TEXT)
    return found


def unmarked_language(page: Page) -> list[str]:
    """Japanese words on a page in another language that do not say that they are Japanese."""
    found: list[str] = page.evaluate(_UNMARKED)
    return [f"not marked as Japanese: {words}" for words in found]


def focus_crawl(page: Page) -> tuple[int, list[str]]:
    """Press Tab through the page: how many stops, and what was wrong at them."""
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    found: list[str] = []
    seen: set[str] = set()
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None or stop["key"] in seen:
            return len(seen), found
        seen.add(stop["key"])
        found += stop["complaints"]
    return len(seen), [*found, f"still going after {MOST_STOPS} stops"]

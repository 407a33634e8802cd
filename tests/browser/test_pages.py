"""Every page of the built book, as a reader meets it: complete, silent, and within the window."""

import base64
import io
import re

import pytest
from fontTools.ttLib import TTFont

from tests.browser.conftest import HTML, PAGES, open_all
from tests.browsers import open_page, resize

WIDTHS = {"desk": 1280, "half": 500, "phone": 390}  # half: of a desk's window

# Runs in the page. Returns what is wrong with it, in words; an empty list where nothing is.
INSPECT = """async () => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) {
    const wide = [...document.querySelectorAll("body *")].find(
      (e) => e.getBoundingClientRect().right > root.clientWidth + 1 && e.offsetParent &&
        !e.closest("pre, table, .math, .bd-sidebar"));
    wrong.push(`wider than the window (${root.scrollWidth}): ${wide?.outerHTML.slice(0, 120)}`);
  }
  for (const image of document.querySelectorAll(".bd-article img")) {
    image.loading = "eager";
    await image.decode().catch(() => {});
    if (!image.naturalWidth) wrong.push(`a picture that does not load: ${image.src}`);
    if (image.clientWidth < 8) wrong.push(`a picture that is not seen: ${image.src}`);
    const alt = image.alt.trim();
    if (alt.split(" ").length < 4) wrong.push(`alt text that tells nothing: "${alt}"`);
  }
  for (const chart of document.querySelectorAll(".chart")) {
    if (!chart.querySelector("svg")) wrong.push("a chart that is not drawn");
    if (!chart.getAttribute("aria-label")) wrong.push("a chart without a text alternative");
  }
  // A formula in a sentence ends within the window, or within a box that scrolls and does.
  for (const formula of document.querySelectorAll(".bd-article span.math mjx-math")) {
    let { right, width } = formula.getBoundingClientRect();
    for (let box = formula.parentElement; width && box; box = box.parentElement) {
      const { overflowX } = getComputedStyle(box);
      const edge = box === root ? root.clientWidth : box.getBoundingClientRect().right;
      if (right <= edge + 1) continue;
      if (["auto", "scroll"].includes(overflowX)) right = edge;
      else if (overflowX !== "visible" || box === root)
        wrong.push(`a formula that is cut: ${formula.closest(".math").textContent.slice(0, 60)}`);
    }
  }
  // A caption's contrast, as WCAG defines it. What has no ground of its own stands on the page's.
  const luminance = (colour) => {
    const paint = new OffscreenCanvas(1, 1).getContext("2d");
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((byte) =>
      byte <= 10 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  const captions = ".bd-article :is(figcaption, caption) :not(.headerlink)";
  for (const caption of document.querySelectorAll(captions)) {
    const ink = luminance(getComputedStyle(caption).color);
    const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (contrast < 4.5) wrong.push(`pale, ${contrast.toFixed(1)}: ${caption.textContent}`);
  }
  return wrong;
}"""
# Every letter of a formula has a rule in the cut style sheet, and that rule a letter.
BLANK = """() => [...document.querySelectorAll("mjx-math mjx-c")]
  .filter((c) => c.checkVisibility() && getComputedStyle(c, "::before").content === "none"
    && !["mjx-c2061", "mjx-c2062", "mjx-c2063", "mjx-c2064", "mjx-cA0", "mjx-c20"].some(
      (blank) => c.classList.contains(blank)))
  .map((c) => c.className)"""
# Formulas of their own that are wider than their box, and cannot be scrolled there by keyboard.
CUT_OFF = """() => [...document.querySelectorAll(".bd-article div.math > mjx-container")]
  .filter((box) => box.checkVisibility())
  .filter((box) => {
    if (box.scrollWidth <= box.clientWidth + 1) {
      const glyphs = box.querySelector("mjx-math").getBoundingClientRect();
      return glyphs.right > box.getBoundingClientRect().right + 2;
    }
    box.scrollLeft = 1e6;
    const moved = box.scrollLeft;
    box.scrollLeft = 0;
    return moved === 0 || box.tabIndex !== 0;
  })
  .map((box) => box.textContent.slice(0, 60))"""
# Of the steps of a derivation the reasons that a phone's screen cuts off.
FAR_RIGHT = """() => [...document.querySelectorAll("mjx-mtd:nth-child(4)")]
  .filter((reason) => reason.checkVisibility() && reason.textContent.trim()
    && reason.getBoundingClientRect().right > innerWidth)
  .map((reason) => reason.textContent)"""
# What waits for an answer on the screen, and must not on paper.
COVERED = """() => [...document.querySelectorAll(
    ".covered, .covered > *, .sentences, .sentences > li, .answer")]
  .filter((e) => getComputedStyle(e).display === "none" && !e.matches("script, details, .symbols"))
  .map((e) => `not printed: ${e.textContent.trim().slice(0, 60)}`)"""
# What style sheets draw in the icon font: weight and letters.
ICONS = """() => [...document.querySelectorAll("body *")].flatMap((element) =>
  ["::before", "::after"].map((part) => getComputedStyle(element, part))
    .filter((style) => style.fontFamily.includes("Font Awesome") && style.content.startsWith('"'))
    .map((style) => [style.fontWeight, style.content.slice(1, -1)]))"""
FACE = re.compile(r"@font-face\s*{[^}]*Font Awesome[^}]*}")


@pytest.fixture(scope="module")
def icons():
    """The letters that are left of the icon fonts, by weight."""
    sheet = HTML / "_static" / "styles" / "pydata-sphinx-theme.css"
    found = {}
    for face in FACE.findall(sheet.read_text(encoding="utf-8")):
        weight = re.search(r"font-weight:\s*(\d+)", face)[1]
        font = base64.b64decode(re.search(r"base64,([\w+/=]+)", face)[1])
        found.setdefault(weight, set()).update(map(chr, TTFont(io.BytesIO(font)).getBestCmap()))
    return found


def faults(tab, icons):
    """Return what is wrong with an open page at each width, in words."""
    wrong = {}
    for width, pixels in WIDTHS.items():
        resize(tab, pixels, 900)
        wrong[width] = tab.evaluate(INSPECT)
        if width != "desk":
            wrong[width] += [f"cut off: {formula}" for formula in tab.evaluate(CUT_OFF)]
        if width == "phone":
            wrong[width] += [f"off the screen: {reason}" for reason in tab.evaluate(FAR_RIGHT)]
    drawn = tab.evaluate(ICONS)
    missing = {letter for weight, letters in drawn for letter in set(letters) - icons[weight]}
    wrong["icons"] = sorted(map(hex, map(ord, missing))) if drawn else "none"
    wrong["letters"] = sorted(set(tab.evaluate(BLANK)))
    return {where: found for where, found in wrong.items() if found}


# Each way to open the book has its own look, and begins at another width, so that each look is seen
# at each width. open_page fails on a console message and on a request to anywhere else.
def test_a_page_is_complete_and_fits(tab, icons):
    assert not faults(tab, icons)


@pytest.mark.parametrize("page", PAGES)
def test_so_is_it_from_disk_and_in_the_dark(browser, addresses, icons, page):
    url, window = f"{addresses['file']}/{page}.html", {"width": WIDTHS["desk"], "height": 900}
    with open_page(browser, url, viewport=window, color_scheme="dark") as tab:
        assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
        tab.emulate_media(media="print")
        assert not tab.evaluate(COVERED)
        tab.emulate_media(media="screen")
        open_all(tab)
        assert not faults(tab, icons)


# Of what waits for an answer where there are scripts, what cannot be seen without.
UNSEEN = """() => [...document.querySelectorAll(".covered, .sentences, book-card .answer")]
  .filter((e) => e.textContent.trim() && !(
    e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().height > 0))
  .map((e) => `hidden: ${e.textContent.trim().slice(0, 60)}`)"""
# What is wrong with the formulas of a page, in words.
FORMULAS = """() => {
  const wrong = [];
  for (const formula of document.querySelectorAll(".math")) {
    const name = formula.textContent.slice(0, 60);
    const glyphs = formula.querySelector("mjx-container > mjx-math");
    const words = formula.querySelector("mjx-assistive-mml > math");
    if (!glyphs) wrong.push(`not drawn: ${name}`);
    else if (formula.checkVisibility() && glyphs.getBoundingClientRect().width < 3)
      wrong.push(`drawn without width: ${name}`);
    if (!words?.textContent.trim()) wrong.push(`no MathML: ${name}`);
    if (formula.querySelector("mjx-merror, merror")) wrong.push(`an error: ${name}`);
  }
  return wrong;
}"""


@pytest.mark.parametrize("page", PAGES)
def test_without_scripts_all_is_open_and_formulas_are_drawn(browser, address, page):
    with open_page(browser, f"{address}/{page}.html", java_script_enabled=False) as tab:
        wrong = tab.evaluate(UNSEEN) + tab.evaluate(FORMULAS)
        ground = tab.locator(".bd-header-article").evaluate(
            "e => getComputedStyle(e).backgroundColor"
        )
        assert ground == "rgb(255, 255, 255)", "the header lies over the text"
        assert tab.locator("book-tally button, book-card button").count() == 0
        assert not tab.locator(".dropdown-reading").first.is_visible()
    assert not wrong, wrong

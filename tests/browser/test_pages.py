"""Every page of the built book, as a reader meets it: complete, silent, and within the window."""

import base64
import io
import re

import pytest
from fontTools.ttLib import TTFont

from tests.browser.conftest import HTML, PAGES, open_all
from tests.browsers import open_page

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


# Each way to open the book begins at another width, so that each width is loaded and turned to.
WAYS = {"http": ["phone", "half", "desk"], "file": ["desk", "half", "phone"]}


@pytest.mark.parametrize("scheme", WAYS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_complete_silent_and_fits(browser, addresses, page, scheme):
    url = f"{addresses[scheme]}/{page}.html"
    sizes = {width: {"width": WIDTHS[width], "height": 900} for width in WAYS[scheme]}
    wrong = {}
    # open_page fails on a console message and on a request to anywhere else.
    with open_page(browser, url, viewport=sizes[WAYS[scheme][0]]) as tab:
        open_all(tab)
        for width, size in sizes.items():
            tab.set_viewport_size(size)
            for theme in ("light", "dark"):
                tab.emulate_media(color_scheme=theme)
                tab.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
                wrong[width, theme] = tab.evaluate(INSPECT)
    assert not any(wrong.values()), wrong


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


@pytest.mark.parametrize("page", PAGES)
def test_no_icon_was_cut_away(browser, address, icons, page):
    with open_page(browser, f"{address}/{page}.html") as tab:
        drawn = tab.evaluate(ICONS)
    assert drawn
    missing = {letter for weight, letters in drawn for letter in set(letters) - icons[weight]}
    assert not missing, f"boxes in place of icons: {sorted(map(hex, map(ord, missing)))}"

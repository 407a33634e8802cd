"""Nothing runs off the side, and lines end where a reader expects it, on a phone as on a desk."""

from contextlib import contextmanager

import pytest

from tests.browser.conftest import PAGES, PHONE, unfold
from tests.browsers import open_page, resize

WIDTHS = (390, 768, 1280)
# On a phone these tables have more columns than the screen is wide, and scroll.
LISTS = ["genindex", "_modules/softmax_lab/numpy/stability"]

# What scrolls sideways, in words. What a cell prints stands in columns, and may.
SIDEWAYS = """(boxes) => [...document.querySelectorAll(boxes)]
  .filter((box) => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
  .filter((box) => !box.matches(".cell_output pre"))
  .map((box) => `${box.scrollWidth - box.clientWidth} pixels: ${box.textContent.slice(0, 60)}`)"""
CODE = ".bd-article pre"
REASONS = ".bd-article mjx-container:has(mjx-mtd:nth-child(4))"
# Formulas that their comma or bracket does not stay with.
PARTED = r"""() => [...document.querySelectorAll(".bd-article span.math")].filter((formula) => {
  const [before, after] = [formula.previousSibling, formula.nextSibling];
  return (after?.nodeType === 3 && /^[.,;:!?)\]]/.test(after.data))
    || (before?.nodeType === 3 && /[(\[]$/.test(before.data))
    || getComputedStyle(formula).whiteSpace !== "nowrap";
}).map((formula) => formula.parentElement.textContent.slice(0, 80))"""
# Where a line may end, though a number would lose its unit, a sum its sign, a number its exponent.
LOOSE = r"""() => {
  const found = [];
  const texts = document.createTreeWalker(document.querySelector(".bd-article"), 4);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (parentElement.closest(".whole, .math, script, svg, .cell_output, a")) continue;
    for (const [arrow] of data.matchAll(/->/g)) if (parentElement.closest("pre")) found.push(arrow);
    if (parentElement.closest("pre, code")) continue;
    for (const [loose] of data.matchAll(/\d-\d|\B-inf\b|\blog \d/g)) found.push(loose);
    if (parentElement.closest(".hints")) continue;
    const parted = /\d (?:%|m|[kMG]B)(?!\w)|\b\w [−=≈≤≥×] \w\b/g;
    for (const [loose] of data.matchAll(parted)) found.push(loose);
  }
  return found;
}"""


@contextmanager
def opened(browser, address, page):
    """A page on a phone, with all that can be opened open."""
    with open_page(browser, f"{address}/{page}.html", viewport=PHONE) as tab:
        if page in PAGES:
            unfold(tab)
        yield tab


def beyond_their_column(tab):
    """Code, reasons and tables that scroll sideways, in words, by the window's width."""
    wrong = {}
    for width in WIDTHS:
        resize(tab, width, 844)
        wrong[width] = tab.evaluate(SIDEWAYS, f"{CODE}, {REASONS}")
        if width > 390:
            wrong[width] += tab.evaluate(SIDEWAYS, ".bd-article table")
    return {width: found for width, found in wrong.items() if found}


def test_code_and_the_reasons_of_steps_fit_their_column(tab):
    assert not beyond_their_column(tab)


def test_a_line_ends_neither_before_a_comma_nor_within_a_number_nor_before_its_unit(tab):
    assert not tab.evaluate(PARTED)
    assert not tab.evaluate(LOOSE)


# What scrolls sideways and does not show it, or cannot be reached without a mouse, or has no name;
# and what can be reached though nothing of it is hidden.
SILENT = """() => [...document.querySelectorAll(
  ".bd-article :is(pre, table, mjx-container)")].filter((box) => {
    if (!box.checkVisibility()) return false;
    const fades = () => getComputedStyle(box).maskImage !== "none";
    if (box.scrollWidth <= box.clientWidth + 1 || box.closest("span.math"))
      return fades() || box.tabIndex === 0;
    const named = / scrolls sideways$/.test(box.ariaLabel);
    return !fades() || box.tabIndex !== 0 || !named || !(box.role || box.tagName === "TABLE");
  }).map((box) => box.textContent.slice(0, 60))"""


def test_what_scrolls_sideways_says_so_and_can_be_reached(tab):
    assert not tab.evaluate(SILENT)
    for wide in tab.locator(".bd-article .more-after").all()[:1]:
        wide = wide.element_handle()
        wide.evaluate("e => e.scrollLeft = 1e6")
        tab.wait_for_function("e => e.matches('.more-before:not(.more-after)')", arg=wide)
    resize(tab, 1280, 844)
    assert not tab.evaluate(SILENT), "on a desk, where the contents stand beside the text"


# The page itself must not scroll sideways.
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_small_phone_and_letters_of_twice_the_size_fit(tab):
    resize(tab, 320, 640)
    assert tab.evaluate(TOO_WIDE) <= 1, "a window of 320 pixels"
    assert not tab.evaluate(SIDEWAYS, ".prev-next-area a"), "an arrow is cut"
    resize(tab, 640, 844)
    tab.evaluate("document.documentElement.style.fontSize = '200%'")
    wide = tab.evaluate(TOO_WIDE)
    tab.evaluate("document.documentElement.style.fontSize = ''")
    assert wide <= 1, "letters twice as large"


# Of what can be tapped, what is smaller than WCAG 2.2 asks for; links within a sentence may be.
SMALL = """() => [...document.querySelectorAll("a, button, summary, input, select")]
  .filter((e) => e.checkVisibility() && getComputedStyle(e).display !== "inline")
  .filter((e) => { const { width, height } = e.getBoundingClientRect();
    return width > 0 && (width < 24 || height < 24); })
  .map((e) => e.outerHTML.slice(0, 80))"""


def test_what_is_tapped_is_large_enough(tab):
    assert not set(tab.evaluate(SMALL))


@pytest.mark.parametrize("page", [*LISTS, "search"])
def test_what_is_generated_fits_and_can_be_tapped(browser, address, page):
    with opened(browser, address, page) as tab:
        assert not set(tab.evaluate(SMALL))
        assert not beyond_their_column(tab)


# The smallest letters of each drawing, in pixels of the screen: Matplotlib draws them as shapes, in
# hundredths of their size in points.
SMALL_PRINT = r"""async () => {
  const small = {};
  for (const image of document.querySelectorAll(".cell_output img[src$='.svg']")) {
    const drawing = await (await fetch(image.src)).text();
    const points = [...drawing.matchAll(/scale\(([\d.]+) -/g)].map(([, scale]) => 100 * scale);
    const shown = image.clientWidth / drawing.match(/viewBox="0 0 ([\d.]+)/)[1];
    const smallest = shown * Math.min(...points);
    if (smallest < 8.5) small[image.alt] = smallest.toFixed(1);
  }
  return small;
}"""


def test_the_letters_of_a_figure_can_be_read_on_a_phone(tab):
    assert not tab.evaluate(SMALL_PRINT)


# What stands on one page of paper with what follows, and what on one page itself, as far as it may.
PARTED_ON_PAPER = """() => [...document.querySelectorAll(
  ".bd-article :is(p:has(+ div.math, + .cell), .cell_input, .rubric, thead)")]
  .filter((e) => getComputedStyle(e).breakAfter !== "avoid").map((e) => e.textContent)"""
SPLIT_ON_PAPER = """() => [...document.querySelectorAll(
  "book-prediction, book-card, .cell_input, .bd-article div.math")]
  .filter((e) => getComputedStyle(e).breakInside !== "avoid").map((e) => e.className)"""


def test_paper_has_the_title_with_its_number_and_cuts_nothing(tab):
    resize(tab, 672, 1000)  # A4 less its margins
    tab.emulate_media(media="print")
    assert tab.locator(".bd-article h1").first.is_visible()
    assert not tab.locator("#jb-print-docs-body").is_visible()
    assert not tab.evaluate(SIDEWAYS, ".bd-article :is(pre, table, div.math > mjx-container)")
    assert not tab.evaluate(SPLIT_ON_PAPER)
    assert not tab.evaluate(PARTED_ON_PAPER), "a page may end between what belongs together"


def test_the_magnifying_glass_stands_beside_the_words(browser, address):
    with open_page(
        browser, f"{address}/{PAGES[1]}.html", viewport={"width": 390, "height": 844}
    ) as tab:
        tab.locator(".search-button:visible").first.click()
        field = tab.locator("dialog .bd-search input")
        words = field.evaluate(
            "e => e.getBoundingClientRect().left + parseFloat(getComputedStyle(e).paddingLeft)"
        )
        glass = tab.locator("dialog .bd-search i").bounding_box()
        assert glass["x"] + glass["width"] < words


@pytest.mark.parametrize("width", [390, 1280])
def test_what_a_link_leads_to_is_not_under_the_header(browser, address, width):
    window = {"width": width, "height": 844}
    with open_page(browser, f"{address}/book/definition.html", viewport=window) as tab:
        for target in ("ex-odds", "on-paper-and-in-the-machine", "fig-definition-templates"):
            tab.evaluate(f"location.hash = '{target}'")
            tab.wait_for_timeout(100)
            top = tab.locator(f"#{target}").bounding_box()["y"]
            header = tab.locator(".bd-header-article").bounding_box()
            assert header["y"] + header["height"] <= top + 1, target

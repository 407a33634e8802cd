"""Formulas are drawn in the HTML: at once, without scripts, readable to a screen reader."""

import importlib
import sys

import pytest

from tests.book.notebooks import ROOT
from tests.browser.conftest import CHAPTERS, HTML, PAGES
from tests.browsers import open_page

sys.path.append(str(ROOT / "book" / "_ext"))
maths = importlib.import_module("maths")

PHONE = {"width": 390, "height": 844}
NARROW = {"width": 500, "height": 844}
# What is wrong with the formulas of a page, in words.
INSPECT = """() => {
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
FONTS = "[...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family)"


@pytest.mark.parametrize("page", PAGES)
def test_formulas_are_there_without_scripts(browser, address, page):
    with open_page(browser, f"{address}/{page}.html", java_script_enabled=False) as tab:
        assert not tab.evaluate(INSPECT)


def test_no_page_loads_a_script_or_a_font_for_its_formulas(browser, address):
    page = "book/cross_entropy"
    asked = []
    with open_page(browser, f"{address}/book/glossary.html") as tab:
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(f"{address}/{page}.html")
        tab.wait_for_load_state("networkidle")
        fonts = tab.evaluate(FONTS)
    assert not [url for url in asked if "mathjax" in url.lower()]
    assert not [url for url in asked if url.endswith((".woff", ".woff2", ".ttf", ".otf"))]
    assert {"MJXTEX", "MJXTEX-I"} <= set(fonts), "the letters come from another font"
    assert any("Source Serif Pro" in font for font in fonts)


@pytest.mark.parametrize("page", PAGES)
def test_the_markup_names_no_script_of_mathjax(page):
    text = (HTML / f"{page}.html").read_text(encoding="utf-8")
    assert "mathjax/" not in text.lower()
    assert "window.MathJax" not in text


# Every letter of a formula has a rule in the cut style sheet, and that rule a letter.
BLANK = """() => [...document.querySelectorAll("mjx-math mjx-c")]
  .filter((c) => c.checkVisibility() && getComputedStyle(c, "::before").content === "none"
    && !["mjx-c2061", "mjx-c2062", "mjx-c2063", "mjx-c2064", "mjx-cA0", "mjx-c20"].some(
      (blank) => c.classList.contains(blank)))
  .map((c) => c.className)"""


CUT_OFF = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll(".bd-article div.math > mjx-container")]
    .filter((box) => box.checkVisibility())
    .filter((box) => {
      if (box.scrollWidth <= box.clientWidth + 1) {
        const glyphs = box.querySelector("mjx-math").getBoundingClientRect();
        return glyphs.right > box.getBoundingClientRect().right + 2;
      }
      box.scrollLeft = 1e6;
      return box.scrollLeft === 0 || box.tabIndex !== 0;
    })
    .map((box) => box.textContent.slice(0, 60));
}"""


@pytest.mark.parametrize("page", PAGES)
def test_formulas_have_all_letters_and_wide_ones_scroll(browser, address, page):
    with open_page(browser, f"{address}/{page}.html", viewport=PHONE) as tab:
        tab.evaluate("document.fonts.ready")
        assert not set(tab.evaluate(BLANK)), "letters were cut away"
        assert not tab.evaluate(CUT_OFF), "cut off at a phone's width"
        tab.set_viewport_size(NARROW)
        assert not tab.evaluate(CUT_OFF), "cut off at 500 pixels"


# Of the steps of a derivation the reasons that a phone's screen cuts off.
FAR_RIGHT = """() => [...document.querySelectorAll("mjx-mtd:nth-child(4)")]
  .filter((reason) => reason.checkVisibility() && reason.textContent.trim()
    && reason.getBoundingClientRect().right > innerWidth)
  .map((reason) => reason.textContent)"""


@pytest.mark.parametrize("page", [f"book/{chapter}" for chapter in CHAPTERS])
def test_the_reasons_of_a_derivation_can_be_read_on_a_phone(browser, address, page):
    with open_page(browser, f"{address}/{page}.html", viewport=PHONE) as tab:
        assert not tab.evaluate(FAR_RIGHT)


@pytest.mark.parametrize(
    "tex",
    [
        r"\begin{align} a &= b + c \\ &= d \end{align}",
        r"\underbrace{\log \sum_t e^{x_t}}_{\text{lse}} - x_c",
        r"\operatorname*{arg\,max}_t x_t",
        r"\boldsymbol{\theta} = \mathbb{E}\left[\frac{\partial L}{\partial x}\right]",
        r"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}",
        r"a = b \tag{7}",
        r"f(x) = \begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
    ],
)
def test_what_a_chapter_may_write_can_be_drawn(tex):
    html = maths.draw(tex, display=True)
    assert "<mjx-math" in html
    assert "<math " in html
    assert "merror" not in html


@pytest.mark.parametrize(
    ("tex", "why"),
    [
        (r"\frac{1}{", "Missing close brace"),
        (r"\sofmax(x)", r"Undefined control sequence \sofmax"),
        (r"a & b", "Misplaced &"),
        (r"\begin{align} a", r"Missing \end{align}"),
        (r"x^2^3", "Double exponent"),
    ],
)
def test_a_formula_that_cannot_be_drawn_says_why(tex, why):
    with pytest.raises(maths.Undrawable, match=why.replace("\\", r"\\")):
        maths.draw(tex)


def test_a_formula_that_cannot_be_drawn_ends_the_build(tmp_path):
    from sphinx.application import Sphinx
    from sphinx.errors import ExtensionError

    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.append({str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['maths']\nhtml_math_renderer = 'drawn'\n"
    )
    (tmp_path / "index.rst").write_text("Title\n=====\n\nA word and :math:`\\sofmax(x)`.\n")
    out = tmp_path / "out"
    app = Sphinx(tmp_path, tmp_path, out, out / "trees", "html", status=None, warning=None)
    with pytest.raises(ExtensionError, match=r"index, line 4: .*\\sofmax\(x\)"):
        app.build()

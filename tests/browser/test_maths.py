"""Formulas are drawn in the HTML: at once, without scripts, readable to a screen reader."""

import maths
import pytest

from tests.browser.conftest import HTML, PAGES
from tests.browsers import open_page

FONTS = "[...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family)"


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

    (tmp_path / "conf.py").write_text("extensions = ['maths']\nhtml_math_renderer = 'drawn'\n")
    (tmp_path / "index.rst").write_text("Title\n=====\n\nA word and :math:`\\sofmax(x)`.\n")
    out = tmp_path / "out"
    app = Sphinx(tmp_path, tmp_path, out, out / "trees", "html", status=None, warning=None)
    with pytest.raises(ExtensionError, match=r"index, line 4: .*\\sofmax\(x\)"):
        app.build()

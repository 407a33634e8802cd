"""Formulas drawn when the book is built: MathJax runs here, no page loads a script for it.

The page gets what MathJax would have put there, with MathML beside it for screen readers. The style
sheet, cut down to what the book's formulas need, its fonts in it, is written at the end.
"""

import functools
import hashlib
import importlib.metadata
import json
from pathlib import Path

import dukpy
import joblib
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number

from lines import clinging


def packaged(name):
    """Return the path of a file of MathJax in the pip package that carries it."""
    package = importlib.metadata.distribution("sphinx-mathjax-offline")
    return Path(package.locate_file("sphinx-mathjax-offline/static/mathjax"), name).as_posix()


# MathJax by its parts, in the order in which they need each other. No menu, no loader.
PARTS = (
    "startup",
    "core",
    "adaptors/liteDOM",
    "input/tex-full",
    "output/chtml",
    "output/chtml/fonts/tex",
    "a11y/assistive-mml",
)
FONTS = "output/chtml/fonts/woff-v2"
SHEET = "maths.css"
# What JupyterLab draws as well, so that a formula looks the same in the notebook. Without
# "noundefined" an unknown command is an error instead of red letters.
PACKAGES = (
    "base ams newcommand configmacros boldsymbol bbox braket cancel cases color enclose html"
    " mathtools"
)
CONFIG = {
    "loader": {"load": []},
    "startup": {"typeset": False},
    "tex": {"packages": PACKAGES.split()},
    # Only MathJax in a browser can measure the text around; book.css sets the size.
    # Words are set in the page's type, and may break where a phone's screen ends.
    "chtml": {
        "adaptiveCSS": False,
        "matchFontHeight": False,
        "fontURL": packaged(FONTS),
        "mtextFont": "inherit",
    },
}
START = """
var window = globalThis, global = globalThis;
var MathJax = %s;
MathJax.tex.formatError = function (input, error) { throw Error(error.message); };
0
"""
READY = """
MathJax.loader.preLoad(...%s);
MathJax.startup.getComponents();
MathJax.startup.makeMethods();
function draw(tex, display) {
  try {
    return {html: MathJax.startup.adaptor.outerHTML(MathJax.tex2chtml(tex, {display}))};
  } catch (error) {
    return {error: error.message};
  }
}
0
"""


class Undrawable(ValueError):
    """A formula that MathJax does not understand; the message says what is wrong with it."""


@functools.cache
def mathjax():
    """Return a JavaScript engine with MathJax in it."""
    engine = dukpy.JSInterpreter()
    engine.evaljs(START % json.dumps(CONFIG))
    for part in PARTS:
        engine.evaljs(Path(packaged(f"{part}.js")).read_text(encoding="utf-8") + "\n;0")
    engine.evaljs(READY % json.dumps(PARTS))
    return engine


@functools.cache
def draw(tex, display=False):
    """Return the HTML of a formula.

    Parameters
    ----------
    tex : str
        The formula, without dollars.
    display : bool, optional
        Whether it stands on lines of its own.

    Raises
    ------
    Undrawable
        If there is an error in the formula.
    """
    drawn = mathjax().evaljs("draw(dukpy.tex, dukpy.display)", tex=tex, display=display)
    if "error" in drawn:
        raise Undrawable(drawn["error"])
    return drawn["html"]


def drawn_by(state, tex, display):
    """Return `draw(tex, display)`, for a memory in which `state` says what drew it."""
    return draw(tex, display)


@functools.cache
def kept(folder):
    """Return `draw` with a memory: what it drew stays in a folder from one build to the next."""
    version = importlib.metadata.version("sphinx-mathjax-offline")
    state = hashlib.sha256(f"{version}{START}{READY}{CONFIG}{PARTS}".encode()).hexdigest()
    return functools.partial(joblib.Memory(folder, verbose=0).cache(drawn_by), state)


def stylesheet():
    """Return MathJax's style sheet: the rules for every letter that it can draw."""
    return mathjax().evaljs("MathJax.startup.adaptor.textContent(MathJax.chtmlStylesheet())")


def drawn(writer, node, display=False):
    """Return the HTML of a node's formula; an error in it ends the build."""
    tex = node.astext() if node.get("nowrap", not display) else aligned(node.astext())
    tex = tex.replace(",)", "{,})")  # a shape: no gap after its comma
    try:
        return kept(Path(writer.builder.outdir).parent / ".formulas")(tex, display)
    except Undrawable as error:
        place = writer.builder.current_docname
        while (
            node is not None and node.line is None
        ):  # within a sentence only its paragraph has one
            node = node.parent
        if node is not None:
            place += f", line {node.line}"
        raise ExtensionError(f"{place}: cannot draw the formula {tex!r}: {error}") from error


def aligned(tex):
    r"""Return what Sphinx makes of a formula: ``\\`` breaks lines, an empty line separates two."""
    parts = [part for part in tex.split("\n\n") if part.strip()]
    parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
    if len(parts) == 1:
        return parts[0]
    return r"\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}"


def visit_math(writer, node):
    """Write a formula within a sentence, and in one piece with it the comma that follows."""
    before, after = clinging(node)
    writer.body.append(writer.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    writer.body.append(f"{before}{drawn(writer, node)}{after}</span>")
    raise nodes.SkipNode


def visit_math_block(writer, node):
    """Write a formula on lines of its own, and its number."""
    writer.body.append(writer.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        number = get_node_equation_number(writer, node)
        writer.body.append(f'<span class="eqno">({number})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    writer.body.append(f"{drawn(writer, node, display=True)}</div>\n")
    raise nodes.SkipNode


def write_styles(app, exception):
    """Write MathJax's style sheet; slim.py leaves of it and its fonts what the pages need."""
    if exception or app.builder.format != "html":
        return
    (Path(app.outdir) / "_static" / SHEET).write_text(stylesheet(), encoding="utf-8")


def setup(app):
    """Register the way in which formulas are written."""
    app.add_html_math_renderer("drawn", (visit_math, None), (visit_math_block, None))
    app.add_css_file(SHEET)
    app.connect("build-finished", write_styles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

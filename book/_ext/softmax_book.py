"""What the book needs of Sphinx beyond its configuration: an honest cache, offline pages."""

import gc
import hashlib
import html
import re
import textwrap
from pathlib import Path

from docutils import nodes
from myst_nb.core import render
from myst_nb.core.utils import coalesce_streams
from nbformat import NotebookNode
from sphinx.ext import viewcode

import cache
from elements import starts_with
from slim import slim

ROOT = Path(__file__).resolve().parents[2]
# What book/_page/preview.svg shows.
PREVIEW = "Softmax Lab: three bars, the probabilities 0.09, 0.24 and 0.67 of the logits 1, 2 and 3"
# For Sphinx's own search, for tabs, for boxes that fold: the book has none of them.
UNUSED = (
    "doctools.js",
    "sphinx_highlight.js",
    "design-tabs.js",
    "togglebutton.js",
    "togglebutton.css",
)
# Markup of docutils that screen readers do not know (any more).
MENDED = {
    '<th class="head"><p></p></th>': "<td></td>",
    'role="doc-biblioentry"': 'role="listitem"',
}
# How a chapter's sections proceed.
CUES = ("Predict.", "Run.", "See.", "Say.", "Break.", "Deeper.", "Remember.")


def write_generated(app, exception):
    """Write the Vega libraries, which charts.js loads where charts are, and the preview picture.

    They take seconds, imports included, and change with the code or the lock alone: a file beside
    them says which they were written by.
    """
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    drawing = ROOT / "book" / "_page" / "preview.svg"
    sources = [drawing, ROOT / "requirements.txt", ROOT / "softmax_lab" / "figures" / "page.py"]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    written = Path(app.doctreedir) / "generated"
    targets = (static / "vega.js", static / "preview.png")
    if all(map(Path.exists, (written, *targets))) and written.read_text() == state:
        return
    import vl_convert
    from softmax_lab.figures.page import write_vega

    write_vega(targets[0])
    targets[1].write_bytes(vl_convert.svg_to_png(drawing.read_text(encoding="utf-8")))
    written.write_text(state)


def leave_out_thebe(app, config):
    """Take Thebe, which fetches from a CDN, off the pages: the charts move without a kernel."""
    for listeners in app.events.listeners.values():
        listeners[:] = [each for each in listeners if not from_thebe(each.handler.__module__)]
    app.registry.css_files[:] = [each for each in app.registry.css_files if not from_thebe(each[0])]


def from_thebe(name):
    """Return whether a module or a file belongs to Sphinx's extension for Thebe."""
    return name.startswith(("sphinx_thebe", "sphinx-thebe"))


def join_streams(outputs):
    """Join the pieces in which a kernel sent its output, as they are.

    How many pieces there are depends on the clock. MyST-NB, which does the rest, would put a line
    break between them, even within a line.
    """
    joined = []
    for output in outputs:
        if (
            joined
            and output["output_type"] == joined[-1]["output_type"] == "stream"
            and output["name"] == joined[-1]["name"]
        ):
            joined[-1] = NotebookNode(output, text=joined[-1]["text"] + output["text"])
        else:
            joined.append(output)
    return coalesce_streams(joined)


def mark_cues(app, doctree):
    """Give the paragraphs that begin with a step's name, such as "**Predict.**", a class."""
    for paragraph in doctree.findall(nodes.paragraph):
        for cue in CUES:
            if starts_with(paragraph, cue):
                paragraph["classes"] += ["cue", f"cue-{cue[:-1].lower()}"]


def measure_drawings(app, doctree, docname):
    """Note how large each drawing is, for the page to keep its room until it comes."""
    for image in doctree.findall(nodes.image):
        path = Path(app.srcdir) / image["uri"]
        if path.suffix == ".svg":
            start = path.read_text(encoding="utf-8")[:2000]
            image["size"] = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', start).groups()


def visit_image(writer, node):
    """Write a picture, and that a drawing may come late: no text jumps, and nobody waits for it."""
    type(writer).visit_image(writer, node)
    if "size" in node:
        # Matplotlib draws in points, a page in pixels.
        width, height = (round(float(length) * 4 / 3) for length in node["size"])
        room = f'<img loading="lazy" width="{width}" height="{height}" '
        writer.body[-1] = writer.body[-1].replace("<img ", room, 1)


def leave_out_unused(app, pagename, templatename, context, doctree):
    """Take scripts and styles off the pages that come with extensions and do nothing here."""
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file
            for file in context[kind]
            if not str(file.filename).endswith(UNUSED)
            and not file.attributes.get("body", "").startswith(("let toggle", "var toggle"))
        ]


def mend(app, pagename, templatename, context, doctree):
    """Write what screen readers know in place of what they do not."""
    for wrong, right in MENDED.items():
        context["body"] = context.get("body", "").replace(wrong, right)


def describe(app, pagename, templatename, context, doctree):
    """Say in the page's head what a link to it shows in a chat or a feed (Open Graph)."""
    if doctree is None:
        return
    paragraphs = (node.astext() for node in doctree.findall(nodes.paragraph))
    words = " ".join(next(paragraphs, "").split())
    base = app.config.html_baseurl.rstrip("/")
    tags = {
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:title": app.env.titles[pagename].astext(),
        "og:description": textwrap.shorten(words, 200, placeholder=" …"),
        "og:url": context["pageurl"],
        "og:image": f"{base}/_static/preview.png",
        "og:image:alt": PREVIEW,
    }
    context["metatags"] += "".join(
        f'<meta property="{name}" content="{html.escape(text)}" />\n' for name, text in tags.items()
    )
    context["metatags"] += (
        f'<meta name="description" content="{html.escape(tags["og:description"])}" />\n'
    )


def setup(app):
    """Connect the functions above to the build."""
    # A build keeps nearly all that it makes. The collector, which finds nothing, takes a quarter of
    # its time when it looks as often as it does by default.
    gc.set_threshold(100_000, 50, 50)
    # Sphinx reads every page again when this value changes, that is when this code does.
    sources = sorted(Path(__file__).parent.glob("*.py"))
    sources.append(ROOT / "softmax_lab" / "figures" / "page.py")  # writes charts into pages
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    app.add_config_value("softmax_book_code", code, "env", str)
    render.coalesce_streams = join_streams
    # Sphinx would import every module, torch with them, to ask it for its file.
    viewcode.get_module_filename = lambda app, name: str(cache.files_of_modules(ROOT)[name])
    app.add_node(nodes.image, override=True, html=(visit_image, None))
    cache.setup(app)
    app.connect("doctree-read", mark_cues)
    app.connect("doctree-resolved", measure_drawings)
    app.connect("config-inited", leave_out_thebe, priority=900)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", leave_out_unused)
    app.connect("html-page-context", mend)
    app.connect("build-finished", write_generated)
    app.connect("build-finished", slim, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

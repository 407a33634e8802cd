"""What the book needs of Sphinx beyond its configuration: an honest cache, offline pages."""

import hashlib
import html
import shutil
import textwrap
from pathlib import Path

import vl_convert
from docutils import nodes
from myst_nb.core import render
from myst_nb.core.utils import coalesce_streams
from nbformat import NotebookNode
from softmax_lab.figures.page import write_vega

from slim import slim

ROOT = Path(__file__).resolve().parents[2]
# What book/_page/preview.svg shows.
PREVIEW = "Softmax Lab: three bars, the probabilities 0.09, 0.24 and 0.67 of the logits 1, 2 and 3"
# How a chapter's sections proceed.
CUES = ("Predict.", "Run.", "See.", "Say.", "Break.")


def fingerprint(root=ROOT):
    """Return a hash of all that a notebook's output depends on, save the notebook itself.

    Jupyter Book's cache looks at the notebook alone: a function edited in the package would leave
    the old numbers on the page.
    """
    digest = hashlib.sha256()
    for path in [
        root / "requirements.txt",
        *sorted((root / "softmax_lab").rglob("*.py")),
    ]:
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def key_the_cache(app, config):
    """Give every state of the package and the lock its own execution cache; forget the others."""
    caches = Path(app.outdir).parent / ".execution"
    current = caches / fingerprint()
    # Sphinx rereads every page when this value changes, so no stale output survives there either.
    config.nb_execution_cache_path = str(current)
    for other in caches.glob("*") if caches.exists() else ():
        if other != current:
            shutil.rmtree(other)


def write_generated(app, exception):
    """Write the Vega libraries, which charts.js loads where charts are, and the preview picture."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    write_vega(static / "vega.js")
    drawing = (ROOT / "book" / "_page" / "preview.svg").read_text(encoding="utf-8")
    (static / "preview.png").write_bytes(vl_convert.svg_to_png(drawing))


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
        first = next((child for child in paragraph if child.astext()), None)
        if isinstance(first, nodes.strong) and first.astext() in CUES:
            paragraph["classes"] += ["cue", f"cue-{first.astext()[:-1].lower()}"]


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
    # Sphinx reads every page again when this value changes, that is when this folder does.
    sources = sorted(Path(__file__).parent.glob("*.py"))
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    app.add_config_value("softmax_book_code", code, "env", str)
    render.coalesce_streams = join_streams
    app.connect("config-inited", key_the_cache, priority=900)
    app.connect("doctree-read", mark_cues)
    app.connect("config-inited", leave_out_thebe, priority=900)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_generated)
    app.connect("build-finished", slim, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

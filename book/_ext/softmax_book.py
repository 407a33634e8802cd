"""What the book needs of Sphinx beyond its configuration: an honest cache, offline pages."""

import hashlib
import importlib.metadata
import shutil
from pathlib import Path

from softmax_lab.figures.page import write_vega

ROOT = Path(__file__).resolve().parents[2]


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


def copy_mathjax(app, exception):
    """Copy the one MathJax build and its fonts out of the pip package that carries them."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    for file in importlib.metadata.files("sphinx-mathjax-offline"):
        name = str(file).partition("static/mathjax/")[2]
        if name == "tex-chtml-full.js" or name.endswith(".woff"):
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), copy)


def write_charts(app, exception):
    """Put the Vega libraries beside charts.js, which loads them on the pages that have charts."""
    if not exception and app.builder.format == "html":
        write_vega(Path(app.outdir) / "_static" / "vega.js")


def drop_thebe(app, pagename, templatename, context, doctree):
    """Take Thebe, which fetches from a CDN, off the page: the charts move without a kernel."""
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file
            for file in context[kind]
            if "thebe"
            not in f"{getattr(file, 'filename', '')}{getattr(file, 'attributes', '')}".lower()
        ]


def setup(app):
    """Connect the functions above to the build."""
    app.connect("config-inited", key_the_cache, priority=900)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", write_charts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""An honest execution cache: a notebook runs again when what it can depend on has changed.

Jupyter Book's own cache looks at the notebook alone: a function edited in the package would leave
the old numbers on the page. Here each notebook has a cache of its own, named after the lock, this
Python, and every module of the package that the notebook's imports lead to.
"""

import ast
import hashlib
import json
import os
import platform
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core import execute
from myst_nb.core.execute.cache import NotebookClientCache
from sphinx.util import logging

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
# Folders of what pages are made of, and what a change asks for: to write all anew, or to read them.
PARTS = {"_page": "html", "_templates": "html", "_ext": "env"}
PACKAGE = "softmax_lab"
# A kernel that has run all cells has nothing left to do; to end by itself takes it over a second.
AT_THE_END = {"shutdown_kernel": "immediate"}
CACHES = ROOT / "_build" / ".execution"  # outside the pages: not in what is published


@cache
def files_of_modules(root):
    """Return the file of every module of the package, by the module's name."""
    files = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        files[".".join(parts).removesuffix(".__init__")] = path
    return files


def imported(root, source):
    """Return the modules of the package that some code imports, wherever in it.

    Code that cannot be traced counts as importing all of them: what is no plain Python, relative
    imports, and imports by a name that is computed.
    """
    everything = set(files_of_modules(root))
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return everything
    if "import" not in source:  # most cells: there is nothing to look for
        return set()
    named = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                return everything
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif getattr(node, "attr", getattr(node, "id", "")) in ("import_module", "__import__"):
            return everything
    # Importing a.b.c runs a and a.b first.
    named |= {name.rsplit(".", n)[0] for name in named for n in range(name.count(".") + 1)}
    return named & everything


@cache
def imported_by(root, module):
    """Return the modules of the package that one of its modules imports."""
    return imported(root, files_of_modules(root)[module].read_text(encoding="utf-8"))


def sources(notebook):
    """Return the code of a notebook's cells as plain Python, without IPython's magics."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    codes = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return [re.sub(r"^(\s*)[%!].*$", r"\1pass", code, flags=re.MULTILINE) for code in codes]


def modules(root, notebook):
    """Return the modules of the package that a notebook's imports lead to, one after another."""
    waiting = {module for source in sources(notebook) for module in imported(root, source)}
    found = set()
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= imported_by(root, module) - found
    return sorted(found)


def state(root, files):
    """Return a hash of files and of the Python that reads them."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in files:
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def fingerprint(root, notebook):
    """Return a hash of all that a notebook's output depends on, save the notebook itself."""
    files = [files_of_modules(root)[module] for module in modules(root, notebook)]
    return state(root, [root / "requirements.txt", *files])


def folder(path):
    """Return where a notebook's output is kept in its present state; forget its other states."""
    states = CACHES / path.relative_to(ROOT).with_suffix("")
    current = states / fingerprint(ROOT, path)
    for other in states.glob("*"):
        if other != current:
            shutil.rmtree(other)
    return current


def keep(executed, path, folder):
    """Keep what came out of a notebook, so that a build need not execute it."""
    for cell in executed.cells:
        cell.metadata.pop("execution", None)  # when it was: the page must not depend on the clock
    bundle = CacheBundleIn(executed, path)
    get_cache(folder).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def execute_and_keep(app, page):
    """Execute a page's notebook unless its output is kept; one that fails keeps none."""
    path = Path(app.env.doc2path(page))
    if path.suffix != ".ipynb":
        return
    current, notebook = folder(path), nbformat.read(path, as_version=4)
    try:
        get_cache(current).match_cache_notebook(notebook)
    except KeyError:
        logger.info("Executing notebook", location=page)
        timeout = app.config.nb_execution_timeout
        run = single_nb_execution(notebook, path.parent, timeout, allow_errors=False, **AT_THE_END)
        if run.err is None:
            keep(notebook, path, current)


def execute_together(app, env, pages):
    """Execute the notebooks that are about to be read, as many at once as there are processors.

    Reading them executes those that failed once more, one by one, and says what is wrong.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(execute_and_keep, app), pages))


def traced_client(notebook, path, nb_config, *args, **kwargs):
    """Return MyST-NB's client, with a cache for this notebook in this state."""
    nb_config = nb_config.copy(execution_cache_path=str(folder(path)))
    return NotebookClientCache(notebook, path, nb_config, *args, **kwargs)


def find_outdated(app, env, added, changed, removed):
    """Return the pages whose notebook depends on something else than when they were read."""
    now = {
        page: fingerprint(ROOT, path)
        for page in env.found_docs
        if (path := Path(env.doc2path(page))).suffix == ".ipynb"
    }
    before = getattr(env, "softmax_book_fingerprints", {})
    env.softmax_book_fingerprints = now
    return [page for page in now if before.get(page) not in (None, now[page])]


def keep_caches_outside_the_pages(app, config):
    """Say where the caches are."""
    config.nb_execution_cache_path = str(CACHES)


def notice_what_pages_are_made_of(app, config):
    """Let a changed style or script write all pages anew, and a changed extension read them anew.

    To Sphinx only what it reads can be out of date.
    """
    for folder in PARTS:
        files = filter(Path.is_file, sorted((ROOT / "book" / folder).iterdir()))
        config[f"state_of{folder}"] = state(ROOT, files)


def setup(app):
    """Put the caches in the place of MyST-NB's one."""
    for folder, what_is_done_anew in PARTS.items():
        app.add_config_value(f"state_of{folder}", None, what_is_done_anew)
    app.connect("config-inited", notice_what_pages_are_made_of)
    execute.NotebookClientCache = traced_client
    app.connect("config-inited", keep_caches_outside_the_pages, priority=900)
    app.connect("env-get-outdated", find_outdated)
    app.connect("env-before-read-docs", execute_together)

"""A notebook's output is kept as long as nothing that it can depend on has changed."""

import ast
import subprocess
import sys

import cache
import nbformat
import pytest
from nbformat import v4

from tests.book.notebooks import BOOK, ROOT

PACKAGE = {
    "__init__": "",
    "near": "from softmax_lab import far\n",
    "far": "def f():\n    import softmax_lab.inner.deep\n",
    "inner/__init__": "",
    "inner/deep": "",
    "alone": "",
}


@pytest.fixture
def root(tmp_path):
    for name, source in PACKAGE.items():
        path = tmp_path / "softmax_lab" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    (tmp_path / "requirements.txt").write_text("numpy==2.4.6\n")
    return tmp_path


def notebook(root, *sources):
    path = root / "page.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(s) for s in sources]), path)
    return path


def traced(root, *sources):
    found = cache.modules(root, notebook(root, *sources))
    return {name.removeprefix("softmax_lab").lstrip(".") or "__init__" for name in found}


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import numpy", set()),
        ("import softmax_lab", {"__init__"}),
        ("import softmax_lab.alone as a", {"__init__", "alone"}),
        ("from softmax_lab import alone, f", {"__init__", "alone"}),
        ("from softmax_lab.inner.deep import f", {"__init__", "inner", "inner.deep"}),
        ("if x:\n    import softmax_lab.alone", {"__init__", "alone"}),
        ("%matplotlib inline\n!ls\nimport softmax_lab.alone", {"__init__", "alone"}),
        ("import softmax_lab.near", {"__init__", "near", "far", "inner", "inner.deep"}),
    ],
)
def test_the_modules_are_those_that_the_imports_lead_to(root, source, modules):
    assert traced(root, source) == modules


@pytest.mark.parametrize(
    "source",
    ["import importlib\nimportlib.import_module(name)", "from . import x", "__import__(x)", "1 +"],
)
def test_what_cannot_be_traced_counts_as_every_module(root, source):
    everything = {name.replace("/", ".").removesuffix(".__init__") for name in PACKAGE}
    assert traced(root, source) == everything


@pytest.mark.parametrize(
    ("file", "runs_again"),
    [
        ("softmax_lab/near.py", True),
        ("softmax_lab/inner/deep.py", True),
        ("softmax_lab/__init__.py", True),
        ("requirements.txt", True),
        ("softmax_lab/alone.py", False),
    ],
)
def test_a_change_counts_where_it_can_be_seen(root, file, runs_again):
    path = notebook(root, "import softmax_lab.near")
    before = cache.fingerprint(root, path)
    with (root / file).open("a") as changed:
        changed.write("# changed\n")
    assert (cache.fingerprint(root, path) != before) == runs_again


@pytest.mark.parametrize("page", ["definition", "stability"])
def test_every_module_that_a_chapter_s_imports_load_was_traced(page):
    path = BOOK / f"{page}.ipynb"
    statements = [
        ast.unparse(node)
        for source in cache.sources(path)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom) and "softmax_lab" in ast.unparse(node)
    ]
    show = "import sys; print(*[name for name in sys.modules if name.startswith('softmax_lab')])"
    script = "\n".join([*statements, show])
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert len(loaded) > 10
    assert set(loaded) <= set(cache.modules(ROOT, path))

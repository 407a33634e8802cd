"""The build notices what it must: a changed module, a cell that raises, a link to nowhere.

And it gives the same bytes twice (figures, a chart, outputs, the search index), whether it executes
the notebooks itself or finds what nbmake's execution left.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tests.book.notebooks import ROOT
from tools.pages import differences

EXECUTES = "book/{}.ipynb: Executing notebook"


class SmallBook:
    """A book of a few pages with this book's configuration and package."""

    def __init__(self, folder):
        self.folder = folder
        for name in (
            "_config.yml",
            "pyproject.toml",
            "requirements.txt",
            "book/conftest.py",
            "book/_ext",
            "book/_page",
            "book/_templates",
            "book/references.bib",
            "softmax_lab",
        ):
            source, target = ROOT / name, folder / name
            target.parent.mkdir(exist_ok=True, parents=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        (folder / "_toc.yml").write_text("format: jb-book\nroot: book/page\n")

    def define(self, module, source):
        (self.folder / f"softmax_lab/{module}.py").write_text(source)

    def write(self, *cells):
        self._write("page", cells)

    def add(self, name, *cells):
        """Add a second page."""
        with (self.folder / "_toc.yml").open("a") as toc:
            toc.write(f"chapters:\n- file: book/{name}\n")
        self._write(name, cells)

    def _write(self, name, cells):
        make = {"md": v4.new_markdown_cell, "py": v4.new_code_cell}
        notebook = v4.new_notebook(
            cells=[make[kind](text, id=str(i)) for i, (kind, text) in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.folder / f"book/{name}.ipynb")

    def build(self):
        """Build as `make book` does; return the exit status and all that was printed."""
        return self._run("jupyter-book", "build", ".", "-W", "-n", "--keep-going")

    def execute(self):
        """Let nbmake execute the notebooks, as `make test` does."""
        return self._run("pytest", "-p", "no:cacheprovider", "book")

    def _run(self, name, *arguments):
        command = [str(Path(sys.executable).with_name(name)), *arguments]
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        run = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        return run.returncode, run.stdout + run.stderr

    @property
    def html(self):
        return self.folder / "_build" / "html"

    def page(self, name="page"):
        return (self.html / f"book/{name}.html").read_text()


CELLS = [
    ("md", "# Page\n\nA formula, $e^x$.\n\n## A section\n\n**Predict.** What comes out?"),
    (
        "py",
        "import sys\n\nimport matplotlib.pyplot as plt\nimport numpy as np\n"
        "from softmax_lab import figures\n"
        "from softmax_lab.figures import definition as charts\n\nfigures.use_style()",
    ),
    # A kernel may send this in one piece or in several, as the clock has it.
    ("py", 'print("a", end="")\nsys.stdout.flush()\nprint("b", "c")'),
    (
        "py",
        "figure, axes = plt.subplots()\n"
        "axes.plot(np.random.default_rng(0).normal(size=50))\n"
        'axes.fill_between([0, 50], 0, 1, hatch="//");',
    ),
    ("py", "charts.probabilities()"),
]
ANSWER = [
    ("md", "# Answer"),
    ("py", "from softmax_lab.answers import answer\n\nprint(answer())"),
]


# The build takes seconds: it serves both tests that read it.
@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A book that was built twice from nothing: the files that differ, and the second book.

    The notebooks of the first were executed by nbmake before.
    """
    books = []
    for number in ("first", "second"):
        book = SmallBook(tmp_path_factory.mktemp(number))
        book.define("answers", "def answer():\n    return 'the answer is 41'\n")
        book.write(*CELLS)
        book.add("answer", *ANSWER)
        if number == "first":
            status, printed = book.execute()
            assert status == 0, printed
        status, printed = book.build()
        assert status == 0, printed
        assert ("Executing notebook" in printed) == (number == "second"), printed
        assert "ab c" in book.page()
        assert "the answer is 41" in book.page("answer")
        books.append(book)
    return differences(*(book.html for book in books)), books[1]


@pytest.mark.xdist_group("small book")
def test_two_clean_builds_are_the_same(twice):
    # Sphinx's note to itself about the settings, the folder's path among them; no page reads it.
    different = set(twice[0]) - {".buildinfo"}
    assert not different, f"two builds differ in {sorted(different)}"


@pytest.mark.xdist_group("small book")
def test_a_changed_function_changes_the_numbers_that_it_can_change(twice):
    book = twice[1]
    book.define("answers", "def answer():\n    return 'the answer is 42'\n")
    status, printed = book.build()
    assert status == 0, printed
    assert "the answer is 42" in book.page("answer")
    assert "the answer is 41" not in book.page("answer")
    assert EXECUTES.format("page") not in printed, "this page does not import the changed module"

    # A style alone has changed: nothing is executed again, and pages get it.
    with (book.folder / "book/_page/book.css").open("a") as sheet:
        sheet.write("body { --new: 1; }")
    status, printed = book.build()
    assert status == 0, printed
    assert "Executing notebook" not in printed
    assert "--new" in (book.html / "_static/book.css").read_text(encoding="utf-8")


def test_a_cell_that_raises_fails_the_build_and_is_named(tmp_path):
    book = SmallBook(tmp_path)
    book.write(("md", "# Page"), ("py", "x = 1"), ("py", "raise ValueError('the broken cell')"))
    status, printed = book.build()
    assert status != 0
    assert "book/page.ipynb" in printed
    assert "raise ValueError('the broken cell')" in printed


def test_links_to_nowhere_fail_the_build_and_are_named(tmp_path):
    book = SmallBook(tmp_path)
    links = {
        "no-such-label": "[a chapter](#no-such-label)",
        "no_such_function": "{py:func}`softmax_lab.no_such_function`",
        "nobody1999": "{cite:t}`nobody1999`",
    }
    book.write(("md", f"# Page\n\nSee {', '.join(links.values())}."))
    status, printed = book.build()
    assert status != 0
    assert [target for target in links if target not in printed] == []

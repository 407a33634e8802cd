"""The build notices what it must: a changed package, a cell that raises, a link to nowhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tests.book.notebooks import ROOT

EXECUTES = "Executing notebook"


class SmallBook:
    """A book of one page with this book's configuration and package."""

    def __init__(self, folder):
        self.folder = folder
        for name in (
            "_config.yml",
            "requirements.txt",
            "book/_ext",
            "book/_page",
            "book/_templates",
            "book/references.bib",
            "softmax_lab",
        ):
            source, target = ROOT / name, folder / name
            target.parent.mkdir(exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        (folder / "_toc.yml").write_text("format: jb-book\nroot: book/page\n")

    def define(self, source):
        (self.folder / "softmax_lab/answers.py").write_text(source)

    def write(self, *cells):
        make = {"md": v4.new_markdown_cell, "py": v4.new_code_cell}
        notebook = v4.new_notebook(
            cells=[make[kind](text, id=str(i)) for i, (kind, text) in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.folder / "book/page.ipynb")

    def build(self):
        """Build as `make book` does; return the exit status and all that was printed."""
        jupyter_book = str(Path(sys.executable).with_name("jupyter-book"))
        command = [jupyter_book, "build", ".", "-W", "-n", "--keep-going"]
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        run = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        return run.returncode, run.stdout + run.stderr

    @property
    def page(self):
        return (self.folder / "_build/html/book/page.html").read_text()


@pytest.fixture
def book(tmp_path):
    return SmallBook(tmp_path)


def test_a_changed_function_changes_the_number_on_the_page(book):
    book.define("def answer():\n    return 'the answer is 41'\n")
    book.write(
        ("md", "# Page"), ("py", "from softmax_lab.answers import answer\n\nprint(answer())")
    )
    status, printed = book.build()
    assert status == 0, printed
    assert "the answer is 41" in book.page
    assert EXECUTES in printed

    book.define("def answer():\n    return 'the answer is 42'\n")
    status, printed = book.build()
    assert status == 0, printed
    assert "the answer is 42" in book.page
    assert "the answer is 41" not in book.page

    # Nothing changed: nothing is executed again.
    status, printed = book.build()
    assert status == 0, printed
    assert EXECUTES not in printed


def test_a_cell_that_raises_fails_the_build_and_is_named(book):
    book.write(("md", "# Page"), ("py", "x = 1"), ("py", "raise ValueError('the broken cell')"))
    status, printed = book.build()
    assert status != 0
    assert "book/page.ipynb" in printed
    assert "raise ValueError('the broken cell')" in printed


def test_links_to_nowhere_fail_the_build_and_are_named(book):
    links = {
        "no-such-label": "[a chapter](#no-such-label)",
        "no_such_function": "{py:func}`softmax_lab.no_such_function`",
        "nobody1999": "{cite:t}`nobody1999`",
    }
    book.write(("md", f"# Page\n\nSee {', '.join(links.values())}."))
    status, printed = book.build()
    assert status != 0
    assert [target for target in links if target not in printed] == []

"""The notebooks are clean, every one is in the book, and every one is executed by the tests."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat import v4

from tests.book.notebooks import BOOK, ROOT, listed_notebooks, listed_pages
from tools.notebooks import strip


def test_no_notebook_stores_outputs_or_machine_metadata():
    notebooks = listed_notebooks()
    if strip(*notebooks, verify=True) != 0:
        dirty = [path.name for path in notebooks if strip(path, verify=True) != 0]
        pytest.fail(f"{dirty} store outputs or metadata of a machine: run `make notebooks`")


def test_a_stored_output_is_noticed(tmp_path):
    cell = v4.new_code_cell("1 + 1", execution_count=1)
    cell.outputs = [v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    path = tmp_path / "stored.ipynb"
    nbformat.write(v4.new_notebook(cells=[cell]), path)
    assert strip(path, verify=True) != 0


def test_every_notebook_is_in_the_table_of_contents():
    unlisted = sorted(path.name for path in set(BOOK.glob("*.ipynb")) - set(listed_notebooks()))
    assert not unlisted, f"add to _toc.yml, or remove from book/: {', '.join(unlisted)}"


def test_every_page_of_the_table_of_contents_exists():
    missing = [
        page
        for page in listed_pages()
        if not any((ROOT / f"{page}{suffix}").exists() for suffix in (".ipynb", ".md"))
    ]
    assert not missing, f"_toc.yml names pages that book/ does not have: {', '.join(missing)}"


def test_every_listed_notebook_is_executed(pytestconfig):
    assert "book" in pytestconfig.getini("testpaths"), "a bare `pytest` executes no notebook"
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", "book"]
    collected = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    left_out = [path.name for path in listed_notebooks() if f"book/{path.name}::" not in collected]
    assert not left_out, f"`pytest book` does not execute {', '.join(left_out)}"


def test_a_cell_that_raises_fails_the_tests_and_is_named(tmp_path):
    cells = [v4.new_code_cell("x = 1"), v4.new_code_cell("raise ValueError('the broken cell')")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "broken.ipynb")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "broken.ipynb"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1
    assert "broken.ipynb" in run.stdout
    assert "the broken cell" in run.stdout


# A phone shows a figure some 350 pixels wide, so at 5.2 inches 8.3 points ("small") are 8 pixels.
WIDEST = 5.2
SMALLER = re.compile(r"x-small|fontsize=[0-7](?![0-9])")


@pytest.mark.parametrize("path", listed_notebooks(), ids=lambda path: path.stem)
def test_the_letters_of_a_figure_can_be_read_on_a_phone(path):
    for cell in nbformat.read(path, as_version=4).cells:
        wide = [w for w in re.findall(r"figsize=\(([\d.]+),", cell.source) if float(w) > WIDEST]
        assert not wide, f"{path.name}, cell {cell.id}: {wide} inches are more than {WIDEST}"
        assert not SMALLER.search(cell.source), f"{path.name}, cell {cell.id}: letters too small"

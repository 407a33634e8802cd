"""In a notebook the checks show tables, and the kernel survives what answers do."""

import nbformat
import pytest
from nbclient import NotebookClient

# One worker runs the notebook for all of these.
pytestmark = pytest.mark.xdist_group("checks in a notebook")

CELLS = {
    "setup": "from softmax_lab import exercises",
    "endless": """
def endless(x, i, j):
    while True:
        print("again")

exercises.check("odds", endless, seconds=0.3)""",
    "leaving": """
def leaving(x, i, j):
    raise SystemExit

exercises.check("odds", leaving)""",
    "starter": """
def my_odds(x, i, j):
    ...

exercises.check("odds", my_odds)""",
    "hint": 'exercises.hint("odds")',
    "list": "exercises.list()",
    "progress": "exercises.progress()",
}


@pytest.fixture(scope="module")
def shown():
    """Run the cells in one kernel and return what each shows."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return {
        name: [output.get("data", {}) for output in cell.outputs]
        for name, cell in zip(CELLS, notebook.cells, strict=True)
    }


def test_kernel_survives_an_endless_loop(shown):
    assert len(shown["endless"]) == 1, "nothing of the endless printing may reach the page"
    assert "it takes too long" in shown["endless"][0]["text/html"]


def test_kernel_survives_an_exit(shown):
    assert "it raises SystemExit" in shown["leaving"][0]["text/html"]


def test_starter_is_not_attempted(shown):
    assert shown["starter"][0]["text/html"] == "<p>odds: not attempted yet.</p>"


@pytest.mark.parametrize("name", ["endless", "hint", "list", "progress"])
def test_everything_has_text_and_html(shown, name):
    assert {"text/plain", "text/html"} <= set(shown[name][0])

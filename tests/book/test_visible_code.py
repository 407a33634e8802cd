"""What a reader copies from the page runs: no visible cell needs a name that a hidden one made."""

import ast
import builtins

import pytest
from nbformat import v4

from tests.book.notebooks import listed_notebooks, read

HIDDEN = "remove-cell"


def names(source):
    """Return the names that a cell binds, those that it reads at once, and those it reads later.

    A function's body is read when it is called, and by then later cells have run.
    """
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith("%")))
    bound, now, later = set(), set(), set()

    def walk(node, needed):
        if isinstance(node, ast.Name):
            (needed if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        inside = later if isinstance(node, ast.FunctionDef | ast.Lambda) else needed
        for child in ast.iter_child_nodes(node):
            walk(child, inside)

    walk(tree, now)
    return bound, now, later


def borrowed(notebook):
    """Return {name: a visible cell that reads it} for names that only hidden cells make."""
    known, found, later = set(dir(builtins)), {}, {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or HIDDEN in cell.metadata.get("tags", []):
            continue
        bound, at_once, in_functions = names(cell.source)
        known |= bound
        found |= dict.fromkeys(at_once - known, number)
        later |= dict.fromkeys(in_functions, number)
    return found | {name: number for name, number in later.items() if name not in known}


@pytest.mark.parametrize("path", listed_notebooks(), ids=lambda path: path.stem)
def test_visible_code_needs_no_hidden_cell(path):
    missing = borrowed(read(path))
    assert not missing, (
        f"{path.name}: visible cells use names that no visible cell before them makes: {missing}. "
        "Make them where the reader sees it."
    )


def test_a_borrowed_name_is_noticed():
    cells = [
        v4.new_code_cell("def f(x):\n    return x + later"),
        v4.new_code_cell("hidden = 1", metadata={"tags": [HIDDEN]}),
        v4.new_code_cell("later = 2\nprint(f(hidden))"),
    ]
    assert borrowed(v4.new_notebook(cells=cells)) == {"hidden": 2}

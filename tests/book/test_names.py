"""One name for one thing: what the notation page calls a thing, the chapters call it too."""

import ast
import re

import pytest
from nbformat import v4

from tests.book.notebooks import BOOK, read
from tools.times import CHAPTERS

FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$", re.DOTALL)
NOT_SYMBOLS = re.compile(r"\\text\{[^{}]*\}|\\textit\{[^{}]*\}|\\operatorname\{\w+\}|\\[A-Za-z]+")
CAPITAL = re.compile(r"(?<![A-Za-z])[A-Z](?![A-Za-z])")


def capitals(markdown):
    """Return the capital letters that the formulas of a text use as symbols."""
    formulas = " ".join(FORMULA.findall(markdown))
    return set(CAPITAL.findall(NOT_SYMBOLS.sub(" ", formulas)))


def sizes_in(text):
    """Return the capital letters that stand for a size in the shapes of a text."""
    shapes = re.findall(r"shape (\(.*?\))|# (\([^()]*\))|\w (\(\w(?:, \w+)+\))", text)
    return set(CAPITAL.findall(" ".join(map("".join, shapes))))


def notation():
    """Return {symbol: its name in code} as the tables of the notation page have them."""
    rows = re.findall(r"^\| (\$.+?\$[^|]*) \|([^|]*)\|", (BOOK / "notation.md").read_text(), re.M)
    assert len(rows) > 20
    return {symbol: re.findall(r"`(\w+)`", code) for symbol, code in rows}


def results_of_softmax(notebook):
    """Return the names of one letter to which a cell binds what `softmax` returns."""
    found = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        source = re.sub(r"^( *)%.*$", r"\1pass", cell.source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                called = node.value.func
                if getattr(called, "id", getattr(called, "attr", "")) == "softmax":
                    found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return {name for name in found if len(name) == 1}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_capital_in_a_formula_is_on_the_notation_page(chapter):
    cells = read(BOOK / f"{chapter}.ipynb").cells
    used = capitals("\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))
    unknown = used - capitals(" ".join(notation()))
    assert not unknown, (
        f"{chapter}.ipynb uses {sorted(unknown)} in formulas: use the letter that "
        "book/notation.md has for it, or add it there"
    )


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_size_in_a_shape_is_on_the_notation_page(chapter):
    page = (BOOK / "notation.md").read_text()
    known = capitals(page[page.index("## Sizes") : page.index("## From pixels to loss")])
    found = sizes_in("\n".join(cell.source for cell in read(BOOK / f"{chapter}.ipynb").cells))
    assert found <= known, (
        f"{chapter}.ipynb has shapes with {sorted(found - known)}: say T for classes"
    )


def test_a_symbol_of_the_notation_page_has_no_second_name():
    twins = [symbol for symbol in notation() if "also" in symbol or " or " in symbol]
    assert not twins, f"book/notation.md gives two names to one thing: {twins}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_code_calls_the_shares_as_the_notation_page_does(chapter):
    (name,) = notation()["$p$"]
    others = results_of_softmax(read(BOOK / f"{chapter}.ipynb")) - {name, "y"}  # y: a soft draw
    assert not others, f"{chapter}.ipynb binds softmax's result to {sorted(others)}: call it {name}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_x_is_never_an_image(chapter):
    """The logits are x, the features a; in code x would otherwise be both."""
    assert "x" in notation()["$x$"]
    for cell in read(BOOK / f"{chapter}.ipynb").cells:
        if cell.cell_type == "code":
            bound = re.findall(r"^ *x(?:, \w+)* = .*digits\.x_.*$", cell.source, re.M)
            assert not bound, f"{chapter}.ipynb: {bound[0]!r} calls images x; x are the logits"


def test_a_capital_in_words_or_commands_is_no_symbol():
    text = r"The S of $\operatorname{KL}(p)$, $\text{by Bayes}$, $T$ and $$J_{ij} \Bigl( B$$ C"
    assert capitals(text) == {"T", "J", "B"}


def test_a_second_name_for_the_shares_is_noticed():
    cells = [v4.new_code_cell("s = softmax(x)\nshares = sl.softmax(x)\np = softmax(x) - y")]
    assert results_of_softmax(v4.new_notebook(cells=cells)) == {"s"}


def test_sizes_are_found_in_prompts_comments_and_docstrings():
    text = "- `w`: shape (C, N)\nw = f(A, U)  # (D, E)\nLogits (K, n) -> shares. By (Q)."
    assert sizes_in(text) == {"C", "N", "D", "E", "K"}

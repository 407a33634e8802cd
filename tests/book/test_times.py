"""The minutes that the book states are counted."""

from collections import Counter

import pytest
from nbformat import v4

from tests.book.notebooks import BOOK, read
from tools.times import CHAPTERS, core_way, count, sentence, told


def markdown(path):
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_states_the_minutes_that_are_counted(chapter):
    path = BOOK / f"{chapter}.ipynb"
    wanted = sentence(read(path))
    assert markdown(path).count(wanted) == 1, f"python tools/times.py --write puts in: {wanted}"


def test_the_introduction_states_the_minutes_of_the_core_way():
    wanted = told(core_way()[0])
    assert wanted in markdown(BOOK / "intro.ipynb"), f"tools/times.py --write puts in: {wanted}"


def book(*sources):
    cells = [
        v4.new_code_cell(source[1:]) if source.startswith(">") else v4.new_markdown_cell(source)
        for source in sources
    ]
    return v4.new_notebook(cells=cells)


def test_words_formulas_and_code_are_counted():
    core, everything, _ = count(
        book("# One\n\ntwo words, $x$\n\n$$\na \\\\\nb\n$$", ">x = 1\n\ny = 2")
    )
    assert core == everything
    assert everything["words"] == 3
    assert everything["formulas in a line"] == 1
    assert everything["lines of formulas"] == 2
    assert everything["lines of code"] == 2


def test_a_deeper_part_ends_where_the_next_part_of_its_level_begins():
    core, everything, _ = count(
        book("# Zero", "## One\n\n**Deeper.** this", ">x = 1", "### two", "## three", ">y = 1")
    )
    assert everything["lines of code"] == 2
    assert core["lines of code"] == 1
    assert core["words"] == 2


def test_what_is_folded_or_to_be_practised_is_not_reading():
    prompt = "```{exercise} Title\n:label: ex-x\n\nmany words here\n```"
    found = book(prompt, '>exercises.check("x", my_x)')
    found.cells.append(v4.new_code_cell("import numpy", metadata={"tags": ["hide-input"]}))
    found.cells.append(
        v4.new_code_cell("def f():\n    return 1", metadata={"tags": ["hide-cell", "solution"]})
    )
    core, everything, practice = count(found)
    assert +core == +everything == Counter()
    assert practice == 5


def test_figures_charts_outputs_and_cards_take_their_time():
    found = book(">charts.shift()", ">print(1)", "1. Why?\n   - So.\n2. (Deeper.) How?\n   - Thus.")
    figure = {"mystnb": {"figure": {"caption": "Three words long."}}, "tags": ["hide-input"]}
    found.cells.append(v4.new_code_cell("plot()", metadata=figure))
    core, everything, _ = count(found)
    for kind in ("charts", "outputs", "figures", "cards"):
        assert core[kind] == 1
    assert everything["cards"] == 2
    assert everything["words"] - core["words"] == 4
    assert core["words"] == 6

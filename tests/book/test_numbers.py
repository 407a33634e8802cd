"""Every decimal number that a chapter prints is asserted in a cell of the same notebook."""

import ast
import re

import nbformat
import pytest

from tests.book.notebooks import listed_notebooks, prose, read

DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+(?![\w]|\.\d)")


def decimals_in_prose(notebook):
    """Yield (number as printed, its sentence) for the decimal numbers in the Markdown cells."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for sentence in re.split(r"(?<=[.!?:]) +|\n+", prose(cell.source)):
                for match in DECIMAL.finditer(sentence.replace("\\,", "").replace("{,}", "")):
                    yield match.group(), sentence.strip()


def asserted_numbers(notebook):
    """Return the sizes of the numbers that stand in assertions about something computed."""
    numbers = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        source = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(source)):
            called = getattr(node, "func", None)
            name = getattr(called, "attr", getattr(called, "id", ""))
            if isinstance(node, ast.Assert) or name.startswith("assert_"):
                parts = list(ast.walk(node))
                # `assert 0.5 == 0.5` says nothing about the notebook.
                if any(isinstance(part, ast.Name) for part in parts):
                    numbers |= {
                        float(part.value)
                        for part in parts
                        if isinstance(part, ast.Constant) and type(part.value) in (int, float)
                    }
    return numbers


def unasserted(notebook):
    asserted = asserted_numbers(notebook)
    return [
        f"{number} in “{sentence}”"
        for number, sentence in decimals_in_prose(notebook)
        if float(number) not in asserted
    ]


@pytest.mark.parametrize("path", listed_notebooks(), ids=lambda path: path.stem)
def test_every_decimal_number_in_prose_is_asserted(path):
    missing = unasserted(read(path))
    assert not missing, (
        f"{path.name} prints numbers that no assertion holds. Add a cell with the tag remove-cell, "
        "for example `assert round(value, 2) == 0.67`, for each of:\n  " + "\n  ".join(missing)
    )


def chapter(*cells):
    make = {"md": nbformat.v4.new_markdown_cell, "py": nbformat.v4.new_code_cell}
    return nbformat.v4.new_notebook(cells=[make[kind](source) for kind, source in cells])


def test_an_unasserted_number_is_reported_with_its_sentence():
    assert unasserted(chapter(("md", "First. The share is 0.67 here."), ("py", "p = 0.67"))) == [
        "0.67 in “The share is 0.67 here.”"
    ]


@pytest.mark.parametrize(
    "assertion",
    ["assert round(p, 2) == 0.67", "np.testing.assert_allclose(p, -0.67)", "assert p in [0.670]"],
)
def test_a_number_in_an_assertion_about_a_value_counts(assertion):
    assert unasserted(chapter(("md", "It is 0.67."), ("py", assertion))) == []


def test_an_assertion_about_nothing_does_not_count():
    assert unasserted(chapter(("md", "It is 0.67."), ("py", "assert 0.67 == 0.67")))


@pytest.mark.parametrize(
    "text",
    [
        "`0.5` and ``x = 0.5``",
        "```python\nx = 0.5\n```",
        "[a link](https://example.org/1.5)",
        "{cite:t}`author1.5`",
        "section 6.2.2.3, arXiv 1805.02867, Python 3.11, 2020-03-22",
    ],
)
def test_code_links_versions_and_section_numbers_are_not_prose(text):
    assert unasserted(chapter(("md", text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "$0.09$",
        "[0.09, 0.24]",
        "−0.92",
        "89.8 %",
        ".5",
        "(0.5)",
        ":::{admonition} The share is 0.67\nx\n:::",
        "```{exercise} Title\n:label: ex-a\nShow that it is 0.67.\n```",
        "a table | 0.67 |",
    ],
)
def test_numbers_in_mathematics_lists_boxes_and_exercises_are_prose(text):
    assert unasserted(chapter(("md", text)))
